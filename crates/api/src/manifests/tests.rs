//! What must hold of the install objects without a cluster.

use super::*;
use bailiwick_core::catalogue::rights;

fn all() -> Vec<Value> {
    let options = InstallOptions::new("registry.example/operator:1").unwrap();
    install(&options).into_iter().flat_map(|step| step.objects).collect()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn rules_of<'a>(objects: &'a [Value], name: &str) -> Vec<&'a Value> {
    objects
        .iter()
        .filter(|o| text(o, "/metadata/name") == name && o.get("rules").is_some())
        .flat_map(|o| o["rules"].as_array().unwrap())
        .collect()
}

fn has(rule: &Value, field: &str, wanted: &str) -> bool {
    rule[field].as_array().is_some_and(|list| list.iter().any(|item| item == wanted))
}

#[test]
fn no_role_has_a_wildcard_or_a_dangerous_verb() {
    let forbidden = ["*", "escalate", "impersonate", "deletecollection"];
    for object in all().iter().filter(|o| o.get("rules").is_some()) {
        for rule in object["rules"].as_array().unwrap() {
            for word in forbidden {
                let found = ["apiGroups", "resources", "verbs"].iter().any(|f| has(rule, f, word));
                assert!(!found, "{}: {rule}", text(object, "/metadata/name"));
            }
        }
    }
}

#[test]
fn the_operator_neither_reads_secrets_nor_writes_workloads() {
    let objects = all();
    let rules = rules_of(&objects, "bailiwick:operator");
    let on = |resource: &str| rules.iter().filter(|rule| has(rule, "resources", resource)).collect::<Vec<_>>();
    for rule in on("secrets") {
        assert_eq!(rule["verbs"], json!(["create", "delete"]));
    }
    let changed = rights().into_iter().map(|right| right.kind.served().resource);
    for resource in changed.chain(["replicasets", "jobs"]) {
        assert!(!on(resource).is_empty(), "{resource}");
        for rule in on(resource) {
            assert_eq!(rule["verbs"], json!(["get", "list", "watch"]), "{resource}");
        }
    }
    for rule in rules.iter().filter(|rule| has(rule, "verbs", "bind")) {
        assert_eq!(rule["resourceNames"].as_array().unwrap().len(), rights().len());
    }
}

#[test]
fn catalogue_roles_hold_one_verb_on_one_resource_and_no_reads() {
    for role in roles::catalogue() {
        let rules = role["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 1);
        for field in ["apiGroups", "resources", "verbs"] {
            assert_eq!(rules[0][field].as_array().unwrap().len(), 1);
        }
        let verb = rules[0]["verbs"][0].as_str().unwrap();
        assert!(["patch", "delete", "create"].contains(&verb), "{verb}");
    }
}

#[test]
fn nothing_aggregates_and_nothing_is_bound_to_people() {
    for object in all() {
        let labels = object.pointer("/metadata/labels").cloned().unwrap_or_default();
        assert!(!labels.to_string().contains("aggregate-to"));
        for subject in object["subjects"].as_array().into_iter().flatten() {
            assert_eq!(subject["kind"], "ServiceAccount");
            assert_eq!(subject["name"], OPERATOR);
        }
    }
}

#[test]
fn every_policy_fails_closed_and_is_bound_to_deny() {
    let objects = policies::objects(&Territory::default());
    assert_eq!(objects.len(), 2 * policies::NAMES.len());
    for pair in objects.chunks(2) {
        assert_eq!(pair[0]["spec"]["failurePolicy"], "Fail");
        assert_eq!(pair[1]["spec"]["validationActions"], json!(["Deny"]));
        assert_eq!(pair[1]["spec"]["policyName"], pair[0]["metadata"]["name"]);
    }
}

#[test]
fn nothing_of_ours_that_could_be_down_is_asked_before_a_request_is_carried_out() {
    let served = |kind: &str| kind.ends_with("WebhookConfiguration") || kind == "APIService";
    assert!(all().iter().all(|o| !served(text(o, "/kind"))));
}

#[test]
fn the_territory_is_compiled_into_every_policy_that_needs_it() {
    let territory = Territory::parse("example.com/heal", "yes").unwrap();
    let objects = policies::objects(&territory);
    for name in [policies::EXECUTOR[0], policies::EXECUTOR[1], "bailiwick-operator-cap"] {
        let policy = objects.iter().find(|o| text(o, "/metadata/name") == name).unwrap().to_string();
        assert!(policy.contains("example.com/heal"), "{name}");
        assert!(!policy.contains("autofix"), "{name}");
    }
}

#[test]
fn the_operators_pod_is_restricted() {
    let objects = all();
    let deployment = objects.iter().find(|o| o["kind"] == "Deployment").unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let security = &pod["containers"][0]["securityContext"];
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["capabilities"]["drop"], json!(["ALL"]));
    assert!(!deployment.to_string().contains("FAILPOINTS"));
}

#[test]
fn two_replicas_come_with_a_budget_and_one_without() {
    let budgets = |replicas: u8| {
        let options = InstallOptions::new("a").unwrap().with_replicas(replicas).unwrap();
        let objects = install(&options).into_iter().flat_map(|s| s.objects);
        objects.filter(|o| o["kind"] == "PodDisruptionBudget").count()
    };
    assert_eq!((budgets(1), budgets(2)), (0, 1));
}

#[test]
fn no_secret_is_ever_part_of_the_manifests() {
    assert!(all().iter().all(|o| o["kind"] != "Secret"));
}
