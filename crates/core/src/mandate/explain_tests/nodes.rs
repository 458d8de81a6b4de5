//! Nodes: in the territory by a label of their own, and always a person's to decide.

use super::stage::{mandate, rule, spoiled, stage};
use crate::action::ChangeType;
use crate::mandate::{ApprovalMode, LabelSelector, Outcome};
use crate::reason::Code;
use std::collections::BTreeMap;

const UNCORDON: ChangeType = ChangeType::Uncordon;
const ASKED: (Outcome, Code) = (Outcome::NeedsApproval, Code::TierNeedsHuman);

#[test]
fn a_node_is_in_the_territory_by_its_own_label() {
    let bare = spoiled(UNCORDON, |s| s.namespace = Some(BTreeMap::new()));
    assert_eq!(bare, (Outcome::Refused, Code::OutsideTerritory));
    let mut outside = stage(UNCORDON);
    outside.namespace = Some(BTreeMap::new());
    let told = outside.explain().verdict.reasons[0].message.clone();
    assert_eq!(told, "Node web does not carry the label autofix=true; whoever may label nodes can add it");
    assert_eq!(stage(UNCORDON).explain().steps[0].reason.message, "Node web carries autofix=true");
}

#[test]
fn no_mandate_pre_approves_a_change_of_a_node() {
    assert_eq!(stage(UNCORDON).verdict(), ASKED, "a rule that names the type");
    assert_eq!(spoiled(UNCORDON, |s| s.rule().types.clear()), ASKED, "a rule for all types");
}

#[test]
fn a_rule_for_some_namespaces_says_nothing_of_nodes() {
    // The node carries `team=web`, but a rule's selector is about namespaces.
    let team = LabelSelector { match_labels: BTreeMap::from([("team".into(), "web".into())]), ..Default::default() };
    let selected = |s: &mut super::stage::Stage| s.rule().namespace_selector = Some(team.clone());
    assert_eq!(spoiled(UNCORDON, selected), (Outcome::NeedsApproval, Code::NoRule));
    let refused = mandate("no", vec![rule(ApprovalMode::Refused, UNCORDON)]);
    let both = |s: &mut super::stage::Stage| s.mandates.push(refused.clone());
    assert_eq!(
        spoiled(UNCORDON, both),
        (Outcome::Refused, Code::RefusedByMandate),
        "a rule without a selector refuses"
    );
}
