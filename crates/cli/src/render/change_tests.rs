//! Tests of the whole story of a change. No IO.

use super::*;
use crate::render::fixtures;
use crate::safe;

fn told(change: &Change) -> String {
    let incident = fixtures::incident().typed.ok();
    page(&Told { change, incident: incident.as_ref(), called: "bailiwick" }, &fixtures::look(None))
}

#[test]
fn a_change_that_waits_shows_what_to_decide_on() {
    insta::assert_snapshot!("show_awaiting", told(&fixtures::awaiting().typed.unwrap()));
}

#[test]
fn a_change_that_recovered_shows_everything_that_happened() {
    insta::assert_snapshot!("show_recovered", told(&fixtures::recovered().typed.unwrap()));
}

#[test]
fn a_refused_change_says_why_and_that_its_diff_is_no_dry_run() {
    insta::assert_snapshot!("show_refused", told(&fixtures::refused().typed.unwrap()));
}

#[test]
fn a_change_that_was_put_back_shows_both_writes() {
    insta::assert_snapshot!("show_rolled_back", told(&fixtures::rolled_back().typed.unwrap()));
}

#[test]
fn hostile_text_never_reaches_the_terminal() {
    let mut change = fixtures::recovered().typed.unwrap();
    let nasty = "x\u{1b}]0;title\u{7}\u{202e}y\u{9b}2J\nPhase: Recovered";
    change.spec.reason.text = nasty.to_owned();
    change.spec.proposer = nasty.to_owned();
    let mut record = change.status.clone().unwrap();
    record.executions[0].grant.proof = Some(nasty.to_owned());
    record.approvals.push(fixtures::approval("eve", nasty));
    record.receipts[0].hash = nasty.to_owned();
    change.status = Some(record);
    let text = told(&change);
    assert!(!text.chars().any(|c| c != '\n' && safe::is_risky(c)), "{text:?}");
    assert!(!text.contains("\nPhase: Recovered"), "{text}");
}

#[test]
fn what_hinders_the_operator_is_shown_with_its_words() {
    let mut change = fixtures::awaiting().typed.unwrap();
    assert!(!told(&change).contains("Hindered"));
    let record = change.status.as_mut().unwrap();
    bailiwick_api::conditions::hinder(record, "WebhookFailed", "a.example gives no\nanswer", fixtures::look(None).now);
    let text = told(&change);
    assert!(text.contains("Hindered:") && text.contains("WebhookFailed since"), "{text}");
    assert!(text.contains("a.example gives no") && !text.contains("\nanswer"), "{text}");
}

#[test]
fn colour_is_the_only_escape_where_it_is_wanted() {
    let change = fixtures::recovered().typed.unwrap();
    let colourful = Look { colour: true, ..fixtures::look(Some(90)) };
    let text = page(&Told { change: &change, incident: None, called: "bailiwick" }, &colourful);
    let plain = page(&Told { change: &change, incident: None, called: "bailiwick" }, &fixtures::look(Some(90)));
    let mut stripped = text;
    while let Some(at) = stripped.find('\u{1b}') {
        let end = stripped[at..].find('m').unwrap();
        stripped.replace_range(at..=at + end, "");
    }
    assert_eq!(stripped.lines().map(str::trim_end).collect::<Vec<_>>(), plain.lines().collect::<Vec<_>>());
}
