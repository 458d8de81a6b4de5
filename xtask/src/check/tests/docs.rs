//! Documents with small lies in them.

use std::path::Path;

use serde_json::json;

use crate::check::docs::command::{Commands, find};
use crate::check::docs::link::{fault, missing_path};
use crate::check::docs::markdown::Document;
use crate::check::docs::named::Tests;
use crate::check::source::Source;

fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("docs")).unwrap();
    std::fs::create_dir_all(dir.path().join("crates/core")).unwrap();
    std::fs::write(dir.path().join("README.md"), "").unwrap();
    std::fs::write(dir.path().join("docs/A.md"), "").unwrap();
    dir
}

fn link_faults(root: &Path, path: &str, text: &str) -> Vec<String> {
    let documents = [Document::parse(path, text), Document::parse("docs/A.md", "# The `end` of *it*\n")];
    let [document, _] = &documents;
    let links = document.links.iter().filter_map(|link| fault(root, &documents, document, link));
    links.chain(document.paths().filter_map(|code| missing_path(root, document, code))).collect()
}

#[test]
fn links_lead_somewhere() {
    let dir = repository();
    let good = "[a](docs/A.md) [b](docs/A.md#the-end-of-it) [c](https://x.y/z) [d](#top) ![e](crates/core)\n\n# Top\n";
    assert_eq!(link_faults(dir.path(), "README.md", good), Vec::<String>::new());
    assert!(link_faults(dir.path(), "docs/B.md", "[a](A.md) [b](../README.md)").is_empty());
    assert_eq!(link_faults(dir.path(), "docs/B.md", "[a](README.md)").len(), 1);
    for bad in ["[a](docs/Z.md)", "[a](docs/A.md#beginning)", "[a](../README.md/x)", "[a][r]\n\n[r]: Z.md"] {
        assert_eq!(link_faults(dir.path(), "README.md", bad).len(), 1, "{bad}");
    }
}

#[test]
fn paths_in_code_exist() {
    let dir = repository();
    assert!(link_faults(dir.path(), "README.md", "`crates/core`, `crates/*/x`, `docs/A.md`").is_empty());
    let found = link_faults(dir.path(), "README.md", "first\n\n`crates/gone/lib.rs`");
    assert_eq!(found, ["README.md:3: nothing is at `crates/gone/lib.rs`"]);
}

fn test_faults(text: &str) -> Vec<String> {
    let dir = repository();
    let source =
        |path: &str, text: &str| Source { path: path.to_owned(), package: String::new(), text: text.to_owned() };
    let sources = [
        source("crates/core/src/life/tests.rs", "#[test] fn at_most_one_effect() {} fn helper() {}"),
        source("testbed/tests/lifecycle/main.rs", "fn side_by_side() {}"),
    ];
    let package = json!({ "targets": [
        { "kind": ["test"], "name": "lifecycle", "src_path": "/x/testbed/tests/lifecycle/main.rs", "required-features": ["cluster"] },
    ] });
    let tests = Tests::of(&sources, [package].iter()).unwrap();
    let document = Document::parse("README.md", text);
    document.claims.iter().filter_map(|claim| tests.fault(dir.path(), &document, claim)).collect()
}

#[test]
fn a_table_of_claims_names_tests_that_exist() {
    let table = |cell: &str| test_faults(&format!("| claim | Test |\n|---|---|\n| `x` holds | {cell} |\n"));
    for good in [
        "`at_most_one_effect`",
        "`life::at_most_one_effect`",
        "`life::tests::at_most_one_effect`",
        "`side_by_side`, `lifecycle`",
        "`at_most_*`",
        "`docs/A.md`",
        "none: nobody can",
    ] {
        assert!(table(good).is_empty(), "{good}");
    }
    for bad in [
        "`at_most_two_effects`",
        "`helper`",
        "`index::at_most_one_effect`",
        "`gone_*`",
        "",
        "soon",
        "`side_by_side`, `gone`",
    ] {
        assert_eq!(table(bad).len(), 1, "{bad}");
    }
}

#[test]
fn prose_that_names_a_test_is_held_to_it() {
    assert!(test_faults("It holds (test `at_most_one_effect`). The function `not_a_test` helps.").is_empty());
    assert_eq!(test_faults("It holds (test `not_a_test`).").len(), 1);
    assert_eq!(test_faults("Tests `at_most_one_effect`, `gone_one` and\n`gone_two` show it.").len(), 2);
    assert!(test_faults("Run the test `cargo xtask test`.").is_empty());
}

fn command_faults(code: &str) -> usize {
    let mut commands = Commands::new(None);
    find(code, true).iter().filter_map(|words| commands.fault(words).unwrap()).count()
}

#[test]
fn commands_are_tried_on_the_parser_they_are_for() {
    for good in [
        "cargo xtask cluster up          # ≈ 4 s",
        "export KUBECONFIG=$(cargo xtask cluster kubeconfig)",
        "cargo xtask cluster exec -- kubectl get pods --made-up",
        "$ cargo xtask generate [--check]",
        "cargo xtask cluster up|down",
        "cargo build --made-up",
    ] {
        assert_eq!(command_faults(good), 0, "{good}");
    }
    for bad in ["cargo xtask clutser up", "cargo xtask generate --chekc", "export K=$(cargo xtask cluster kubeconfg)"] {
        assert_eq!(command_faults(bad), 1, "{bad}");
    }
}

#[test]
fn commands_are_found_in_spans_and_in_shell_blocks_only() {
    let text = "Run `cargo xtask test`.\n\n```sh\nbailiwick changes -w\n```\n\n```text\nbailiwick says hello\n```\n";
    let document = Document::parse("README.md", text);
    let found: Vec<_> = document.commands().map(|mention| (mention.line, mention.words.join(" "))).collect();
    assert_eq!(found, [(1, "xtask test".to_owned()), (4, "bailiwick changes -w".to_owned())]);
}
