//! Folders that are not in order, and what is said of each.

use super::*;

const GOOD: &str = "
id: X1
name: a-b
class: K
setup: [{apply: setup.yaml}]
fault: [{delete: {kind: Service, name: web}}]
expect:
  - cause: [ServiceSelectsNothing]
    subject: [{kind: Service, name: web}]
    outcome: {change: [{type: RolloutUndo, parameters: {revision: 1}}]}
oracle: [{kind: Service, name: web, is: present}]
";
const SETUP: &str = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: '${NAMESPACE}'}}";

fn told(scenario: &str, more: &[(&str, &str)]) -> Result<Folder> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join(FILE), scenario)?;
    for (name, text) in more {
        std::fs::write(dir.path().join(name), text)?;
    }
    read(dir.path())
}

fn why(scenario: &str) -> String {
    let setup = [("setup.yaml", SETUP)];
    format!("{:#}", told(scenario, &setup).unwrap_err())
}

#[test]
fn a_good_folder_is_read() {
    let folder = told(GOOD, &[("setup.yaml", SETUP)]).unwrap();
    assert_eq!(folder.scenario().id, "X1");
    assert!(folder.unknown_words().is_empty());
    assert!(folder.mentions("NAMESPACE") && !folder.mentions("NODE"));
}

#[test]
fn what_is_unknown_is_refused_by_name() {
    assert!(why(&GOOD.replace("class:", "clas: K\nclass:")).contains("clas"));
    assert!(why(&GOOD.replace("is: present", "is: presnt")).contains("presnt"));
    assert!(why(&GOOD.replace("name: web, is", "name: '${NAMESPAC}', is")).contains("no variable `NAMESPAC`"));
    assert!(why(&GOOD.replace("kind: Service, name: web, is", "kind: Servce, name: web, is")).contains("apiVersion"));
    let limits = GOOD.replace("class:", "mandate: {limits: {holdSecond: 1}}\nclass:");
    assert!(why(&limits).contains("holdSecond"));
}

#[test]
fn what_cannot_be_judged_is_refused() {
    assert!(why(&GOOD.replace("oracle:", "healthy:")).contains("`oracle`"));
    assert!(why(&GOOD.replace("- cause", "- reason")).contains("reason"));
    assert!(why(&GOOD.replace("cause: [ServiceSelectsNothing]", "cause: []")).contains("`cause` and `subject`"));
    assert!(why(&GOOD.replace("{delete: ", "{apply: setup.yaml, delete: ")).contains("exactly one of"));
    assert!(why(&GOOD.replace(", is: present", "")).contains("asks nothing"));
    assert!(why(&GOOD.replace("{apply: setup.yaml}", "{apply: other.yaml}")).contains("there is no file `other.yaml`"));
}

#[test]
fn files_are_used_and_hold_objects() {
    let stray = told(GOOD, &[("setup.yaml", SETUP), ("more.yaml", SETUP)]).unwrap_err();
    assert!(format!("{stray:#}").contains("more.yaml is used by no step"));
    let nameless = told(GOOD, &[("setup.yaml", "{kind: Service}")]).unwrap_err();
    assert!(format!("{nameless:#}").contains("without `kind` or `metadata.name`"));
}

#[test]
fn a_word_that_the_product_does_not_know_is_told() {
    let folder = told(&GOOD.replace("RolloutUndo", "Pray"), &[("setup.yaml", SETUP)]).unwrap();
    assert_eq!(folder.unknown_words(), ["type Pray"]);
}

#[test]
fn two_of_one_name_are_told() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let one = dir.path().join(name);
        std::fs::create_dir(&one).unwrap();
        std::fs::write(one.join(FILE), GOOD).unwrap();
        std::fs::write(one.join("setup.yaml"), SETUP).unwrap();
    }
    assert!(format!("{:#}", folders(dir.path()).unwrap_err()).contains("are both called X1"));
    assert_eq!(folders(&dir.path().join("a")).unwrap().len(), 1);
    assert!(folders(&dir.path().join("c")).is_err());
}

/// The folders of this repository.
#[test]
fn every_folder_here_is_in_order() {
    let all = folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")).unwrap();
    for folder in &all {
        let (name, s) = (folder.path.file_name().unwrap_or_default().to_string_lossy(), folder.scenario());
        assert_eq!(name, format!("{}-{}", s.id, s.name));
        assert!(!s.about.is_empty(), "{name} does not say what it is about");
    }
}

/// The page on scenarios has a line for each folder, with its words, and names each field of the form.
#[test]
fn the_page_lists_every_folder_and_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/SCENARIOS.md")).unwrap();
    let all = folders(&root.join("scenarios")).unwrap();
    for folder in &all {
        let s = folder.scenario();
        let line = format!("| {} | {} | {:?} | {} |", s.id, s.name, s.class, s.about);
        assert!(page.contains(&line), "docs/SCENARIOS.md lacks the line\n{line}");
    }
    let rows = page.lines().filter(|l| l.starts_with("| S") && l.split('|').count() == 6).count();
    assert_eq!(rows, all.len(), "docs/SCENARIOS.md lists a folder that is not there");
    let source = include_str!("format.rs");
    let fields = source.lines().filter_map(|l| l.trim().strip_prefix("pub ")?.split_once(": ").map(|(name, _)| name));
    for field in fields {
        let words: Vec<&str> = field.split('_').collect();
        let rest: String = words[1..].iter().map(|w| w[..1].to_uppercase() + &w[1..]).collect();
        let name = match field {
            "who" => "as".to_owned(),
            "lasts" => "for".to_owned(),
            "change_type" => "type".to_owned(),
            _ => words[0].to_owned() + &rest,
        };
        assert!(page.contains(&format!("`{name}`")), "docs/SCENARIOS.md does not explain `{name}`");
    }
}
