//! Mandates as an administrator may write them.
//!
//! Owns what no Mandate may bring about: authority outside the territory, or a change of a type that
//! always needs a person without one. No IO.

use crate::{NOW, comes_back};
use bailiwick_api::Mandate;
use bailiwick_api::parse::parse_mandate;
use bailiwick_core::action::ChangeType;
use bailiwick_core::catalogue::entry;
use bailiwick_core::mandate::{self, Outcome, Question, explain};
use bailiwick_core::names::{Namespace, ObjectName, Uid};
use bailiwick_core::object::{Kind, ObjectRef};
use std::collections::BTreeMap;

const OPERATOR: &str = "system:serviceaccount:bailiwick-system:bailiwick-operator";

/// JSON of a Mandate.
pub(crate) fn run(data: &[u8]) {
    let Ok(mandate) = serde_json::from_slice::<Mandate>(data) else { return };
    comes_back(&mandate);
    let Ok(parsed) = parse_mandate(&mandate) else { return };
    assert!(parsed.limits.hold().as_secs() >= 0 && parsed.limits.healthy_delay().as_secs() >= 0);
    let mandates = [parsed];
    let inside = BTreeMap::from([("autofix".to_owned(), "true".to_owned()), ("team".to_owned(), "shop".to_owned())]);
    for change_type in ChangeType::ALL.iter().copied() {
        let within = outcome(&mandates, change_type, Some(&inside));
        assert!(within != Outcome::PreApproved || change_type.tier() < 3, "{change_type}");
        for outside in [None, Some(&BTreeMap::new())] {
            assert_eq!(outcome(&mandates, change_type, outside), Outcome::Refused, "{change_type}");
        }
    }
}

fn outcome(mandates: &[mandate::Mandate], of: ChangeType, labels: Option<&BTreeMap<String, String>>) -> Outcome {
    let name = |text| ObjectName::parse(text).expect("a name");
    let shop = Namespace::parse("shop").expect("a namespace");
    let kind = entry(of).targets.first().copied().unwrap_or(Kind::Deployment);
    let uid = (of != ChangeType::RestoreObject).then(|| Uid::parse("u-1").expect("a uid"));
    let target = ObjectRef::namespaced(kind, shop, name("web"), uid);
    let question = Question {
        proposer: OPERATOR,
        operator: OPERATOR,
        change_type: of,
        target: &target,
        object: None,
        namespace: labels,
        territory: ("autofix", "true"),
        mandates,
        unreadable: &[],
        proposal: None,
        now: NOW,
    };
    explain(&question).verdict.outcome
}
