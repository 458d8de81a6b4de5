//! Headers, waivers and sizes on small files.

use crate::check::source::{Source, functions, has_header, size, tests, waiver};

fn source(text: &str) -> Source {
    Source { path: "a.rs".to_owned(), package: "a".to_owned(), text: text.to_owned() }
}

fn waivers(text: &str) -> String {
    waiver::in_file(&source(text)).unwrap().join("\n")
}

fn faults(text: &str) -> String {
    size::measure(&[source(text)]).unwrap().faults().join("\n")
}

#[test]
fn a_header_is_the_first_line_and_says_something() {
    assert!(has_header("//! What it owns.\n"));
    for bad in ["", "//!\n", "use a;\n", "\n//! Late.\n", "// Not of the file.\n", "/// Of an item.\nfn a() {}\n"] {
        assert!(!has_header(bad), "{bad:?}");
    }
}

#[test]
fn allow_is_found_wherever_it_stands() {
    for bad in [
        "#![allow(dead_code)]",
        "#[allow(clippy::todo)] fn a() {}",
        "fn a() { #[allow(unused)] let x = 1; }",
        "#[cfg_attr(test, allow(unused))] fn a() {}",
        "macro_rules! m { () => { #[allow(unused)] fn a() {} } }",
    ] {
        assert!(waivers(bad).contains("a.rs:1: `allow`"), "{bad}");
    }
}

#[test]
fn words_that_only_look_like_a_waiver_are_free() {
    for good in ["fn allow() { allow(1); }", "const A: &str = \"#[allow(x)]\";", "// #[allow(x)]\nfn a() {}"] {
        assert_eq!(waivers(good), "", "{good}");
    }
}

#[test]
fn expect_needs_a_reason_and_never_excuses_a_size() {
    assert!(waivers("#[expect(dead_code)] fn a() {}").contains("without a reason"));
    assert!(waivers("#[expect(clippy::too_many_lines, reason = \"x\")] fn a() {}").contains("no exceptions"));
    assert_eq!(waivers("#[expect(dead_code, reason = \"x\")] fn a() {}"), "");
}

#[test]
fn a_manifest_must_take_the_lints() {
    let fault = |text: &str| waiver::in_manifest("a", text).unwrap();
    assert_eq!(fault("[lints]\nworkspace = true\n"), None);
    for bad in ["", "[lints.clippy]\nall = \"allow\"\n", "[lints]\nworkspace = false\n"] {
        assert!(fault(bad).is_some(), "{bad}");
    }
}

#[test]
fn a_long_file_is_refused_unless_it_is_a_table() {
    let table = format!("const A: [u8; 500] = [\n{}];\n", "1,\n".repeat(500));
    assert_eq!(faults(&table), "");
    assert!(faults(&format!("{table}fn a() {{}}\n")).contains("a.rs: 503 lines"));
}

#[test]
fn a_long_function_is_refused_and_comments_are_free() {
    let body = |lines: usize, line: &str| format!("fn a() {{\n{}}}\n", line.repeat(lines));
    assert_eq!(faults(&body(60, "b();\n")), "");
    assert!(faults(&body(61, "b();\n")).contains("a.rs:1: `a` has 61 lines"));
    assert_eq!(faults(&body(61, "// why\n\n")), "");
}

#[test]
fn methods_and_nested_functions_are_measured() {
    let long = "b();\n".repeat(61);
    assert!(faults(&format!("impl A {{ fn m() {{\n{long}}} }}")).contains("`m` has 61"));
    assert!(faults(&format!("trait A {{ fn m() {{\n{long}}} }}")).contains("`m` has 61"));
    assert!(faults(&format!("fn a() {{ fn inner() {{\n{long}}} }}")).contains("`inner` has 61"));
}

#[test]
fn many_arguments_are_refused_unless_a_trait_dictates_them() {
    let six = "(&self, a: u8, b: u8, c: u8, d: u8, e: u8) {}";
    assert!(faults(&format!("impl A {{ fn m{six} }}")).contains("`m` has 6 arguments"));
    assert_eq!(faults(&format!("impl B for A {{ fn m{six} }}")), "");
    assert_eq!(faults("fn a(a: u8, b: u8, c: u8, d: u8, e: u8) {}"), "");
}

#[test]
fn deep_nesting_is_refused() {
    let four = "if a { for b in c { match d { E => loop { f(); } } } }";
    // The arm without braces is as deep as one with them, and the loop's block one more.
    assert_eq!(faults("fn a() { if a { for b in c { match d { E => f(), } } } }"), "");
    assert!(faults(&format!("fn a() {{ {{ {four} }} }}")).contains("levels of nesting"));
    assert!(faults("fn a() { if a { if a { if a { if a { if a { f(); } } } } } }").contains("5 levels"));
}

#[test]
fn a_chain_of_else_if_is_as_deep_as_its_first() {
    let chain = "if a {} else if b {} else if c {} else if d {} else if e {} else { if f { g(); } }";
    assert_eq!(faults(&format!("fn a() {{ {chain} }}")), "");
}

#[test]
fn what_is_no_rust_is_an_error() {
    assert!(size::measure(&[source("fn a( {")]).is_err());
}

#[test]
fn tests_are_found_by_their_attribute() {
    let text = "
        #[test] fn plain() {}
        #[tokio::test(flavor = \"multi_thread\")] #[ignore] async fn awaited() -> Result<()> { Ok(()) }
        proptest! { #[test] fn generated(x in 0..3) { let y = 1; } }
        #[cfg(test)] fn helper() {}
        fn after() {}
        mod tests { #[test] fn inner() { fn nested() {} } }
    ";
    let found: Vec<String> = tests("a.rs", text).unwrap().into_iter().collect();
    assert_eq!(found, ["awaited", "generated", "inner", "plain"]);
    assert!(functions("a.rs", text).unwrap().contains("nested"));
}
