//! A small manifest, and what becomes of it.

use super::*;

fn manifest(operator: &str) -> String {
    let object = |kind: &str, name: &str, rest: &str| {
        format!(
            "---\napiVersion: v1\nkind: {kind}\nmetadata:\n  labels:\n    app.kubernetes.io/managed-by: bailiwick-install\n  name: {name}\n{rest}"
        )
    };
    let steps = [
        ("namespaces", object("Namespace", "bailiwick-system", "") + &object("Namespace", "bailiwick-grants", "")),
        ("kinds", object("CustomResourceDefinition", "changes.bailiwick.dev", "")),
        (
            "policies",
            object("ValidatingAdmissionPolicy", "bailiwick-fence-keeper", "")
                + &object("ValidatingAdmissionPolicy", "bailiwick-receipt-log", "")
                + &object(
                    "ValidatingAdmissionPolicy",
                    "bailiwick-executor-floor",
                    "spec:\n  matchLabels:\n    autofix: \"true\"\n  expression: labels[?'autofix'].orValue('') == 'true'\n",
                ),
        ),
        ("roles", object("ClusterRole", "bailiwick:viewer", "")),
        ("operator", object("Deployment", "bailiwick-operator", operator)),
    ];
    steps.iter().map(|(step, objects)| format!("# {step}\n{objects}")).collect::<String>()
}

const OPERATOR: &str = "spec:
  replicas: 1
        - name: BAILIWICK_TERRITORY_KEY
          value: autofix
        - name: BAILIWICK_TERRITORY_VALUE
          value: \"true\"
        - name: BAILIWICK_LOG
          value: info
        image: bailiwick.dev/operator:1.2.3
        imagePullPolicy: IfNotPresent
        resources:
          limits:
            memory: 1Gi
          requests:
            cpu: 50m
            memory: 64Mi
      enableServiceLinks: false
        kubernetes.io/os: linux
";

fn made(operator: &str) -> Result<impl Fn(&str) -> String> {
    let files = files(&manifest(operator), "1.2.3")?;
    Ok(move |path: &str| files.iter().find(|(p, _)| p == path).map(|(_, text)| text.clone()).unwrap())
}

#[test]
fn choices_become_places_and_everything_carries_the_version() {
    let file = made(OPERATOR).unwrap();
    let operator = file("templates/operator.yaml");
    for place in [
        "replicas: {{ .Values.replicas }}",
        "image: {{ .Values.image | quote }}",
        "value: {{ .Values.log | quote }}",
        "value: {{ include \"bailiwick.key\" . | quote }}",
        "BAILIWICK_TERRITORY_VALUE\n          value: {{ include \"bailiwick.value\" . | quote }}",
    ] {
        assert!(operator.contains(place), "{place}: {operator}");
    }
    let policies = file("templates/policies.yaml");
    assert!(
        policies.contains("{{ include \"bailiwick.key\" . | quote }}: {{ include \"bailiwick.value\" . | quote }}")
    );
    assert!(policies.contains("[?'{{ include \"bailiwick.key\" . }}'].orValue('') == '{{ include"), "{policies}");
    assert!(file("Chart.yaml").contains("appVersion: \"1.2.3\"") && file("values.yaml").contains("operator:1.2.3"));
}

#[test]
fn what_stays_is_what_the_command_would_leave() {
    let file = made(OPERATOR).unwrap();
    let kept = |path: &str| {
        let text = file(path);
        text.split("---\n")
            .skip(1)
            .map(|o| (value(o, "  name: ").unwrap().to_owned(), o.contains("policy: keep"), o.contains("keepData")))
            .collect::<Vec<_>>()
    };
    let of = |name: &str, keep: bool, by_choice: bool| (name.to_owned(), keep, by_choice);
    assert_eq!(
        kept("templates/namespaces.yaml"),
        [of("bailiwick-system", true, true), of("bailiwick-grants", false, false)]
    );
    assert_eq!(kept("templates/kinds.yaml"), [of("changes.bailiwick.dev", true, true)]);
    assert_eq!(
        kept("templates/policies.yaml"),
        [
            of("bailiwick-fence-keeper", true, false),
            of("bailiwick-receipt-log", true, true),
            of("bailiwick-executor-floor", false, false)
        ]
    );
    assert_eq!(kept("templates/roles.yaml"), [of("bailiwick:viewer", false, false)]);
}

#[test]
fn a_manifest_that_has_changed_its_shape_makes_no_chart() {
    let error = |operator: &str| made(operator).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(error(&OPERATOR.replace("replicas: 1", "replicas: 3")).contains("do not have this once"));
    assert!(error(&OPERATOR.replace("value: info", "value: warn")).contains("do not have this once"));
    assert!(error(&format!("{OPERATOR}        command: autofix\n")).contains("did not become a place"));
    assert!(error(&format!("{OPERATOR}  annotations: {{}}\n")).contains("has annotations already"));
    assert!(error(&format!("{OPERATOR}  a: '{{{{'\n")).contains("what a template would take for its own"));
}
