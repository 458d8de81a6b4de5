//! What turns a pre-approval into a question to people.

use super::super::*;
use super::{at, execution, object, target, written};
use crate::finding::Cause;
use crate::life::Phase;
use crate::mandate::{Approvers, Verdict};
use crate::object::Kind;

pub(super) fn trouble(alike: &[Timestamp]) -> Trouble {
    Trouble {
        incident: "web-crashloop".into(),
        cause: Cause::CrashLoop,
        kin: vec![target("web"), object(Kind::Service, "front")],
        began: at(100),
        count: 1,
        returns: Vec::new(),
        alike: alike.to_vec(),
    }
}

fn verdict(outcome: Outcome) -> Verdict {
    Verdict {
        outcome,
        reasons: vec![Reason::plain(Code::MandateAllows)],
        mandate: None,
        approvers: Approvers::default(),
        quorum: 1,
        limits: Limits {
            cascade_window_seconds: 60,
            flap_recurrences: 2,
            flap_window_seconds: 60,
            ..Limits::default()
        },
    }
}

fn judged(trouble: Trouble, past: &[Past<'_>]) -> Option<Reason> {
    let found = doubt(verdict(Outcome::PreApproved), &[trouble], past, at(130));
    (found.outcome == Outcome::NeedsApproval).then(|| found.reasons[0].clone())
}

fn other<'a>(target: &'a ObjectRef, incident: Option<&'a str>, record: &'a Record) -> Past<'a> {
    Past { name: "web-imagenotfound-1", target, incident, record }
}

#[test]
fn what_began_soon_after_another_change_is_for_people() {
    let web = target("web");
    for (second, asks) in [(39, false), (40, true), (100, true), (101, false)] {
        let record = written(Phase::Recovered, second);
        let reason = judged(trouble(&[]), &[other(&web, Some("web-imagenotfound"), &record)]);
        assert_eq!(reason.map(|r| r.code), asks.then_some(Code::Cascade), "written at {second}");
    }
    let record = written(Phase::Recovered, 58);
    let reason = judged(trouble(&[]), &[other(&web, None, &record)]).unwrap();
    let said = "Cascade: incident web-crashloop began 42 s after change web-imagenotfound-1 wrote Deployment shop/web";
    assert_eq!(reason.to_string(), said);
}

#[test]
fn an_incident_is_not_the_cascade_of_its_own_changes() {
    let (web, record) = (target("web"), written(Phase::RolledBack, 90));
    assert_eq!(judged(trouble(&[]), &[other(&web, Some("web-crashloop"), &record)]), None);
}

#[test]
fn the_link_is_by_object() {
    let record = written(Phase::Recovered, 90);
    let asks = |object: ObjectRef| judged(trouble(&[]), &[other(&object, None, &record)]).is_some();
    assert!(asks(target("web")));
    assert!(asks(object(Kind::Service, "front")));
    assert!(asks(object(Kind::ResourceQuota, "any")), "a quota limits the whole namespace");
    assert!(!asks(target("api")));
    assert!(!asks(object(Kind::Service, "web")));
    let mut elsewhere = object(Kind::ResourceQuota, "any");
    elsewhere.namespace = Some(crate::names::Namespace::parse("other").unwrap());
    assert!(!asks(elsewhere));
}

#[test]
fn the_way_back_may_be_the_cause_as_well() {
    let web = target("web");
    let mut record = written(Phase::RolledBack, 0);
    assert_eq!(judged(trouble(&[]), &[other(&web, None, &record)]), None);
    record.executions.push(execution(95, true));
    let reason = judged(trouble(&[]), &[other(&web, None, &record)]).unwrap();
    assert!(reason.message.contains("began 5 s after"), "{reason}");
}

#[test]
fn what_comes_back_too_often_is_for_people() {
    let back = |returns: &[i64], count: i64| {
        let returns = returns.iter().copied().map(at).collect();
        judged(Trouble { returns, count, ..trouble(&[]) }, &[]).map(|r| r.to_string())
    };
    assert_eq!(back(&[100], 1), None);
    assert_eq!(back(&[70, 100], 2), None, "the first of them is old");
    assert_eq!(back(&[71, 100], 1).unwrap(), "Flapping: it came back 2 times; 2 within 60 s are too many");
    assert!(back(&[], 3).is_some(), "time after time within an hour");
    assert_eq!(back(&[], 2), None);
}

#[test]
fn nothing_but_a_pre_approval_is_changed() {
    let (web, record) = (target("web"), written(Phase::Recovered, 90));
    for outcome in [Outcome::NeedsApproval, Outcome::Refused] {
        let past = [other(&web, None, &record)];
        assert_eq!(doubt(verdict(outcome), &[trouble(&[])], &past, at(130)), verdict(outcome));
    }
    let mut off = verdict(Outcome::PreApproved);
    off.limits.cascade_window_seconds = 0;
    assert_eq!(doubt(off.clone(), &[trouble(&[])], &[other(&web, None, &record)], at(130)), off);
}
