//! Where values come from: each claim is true of the object that it names, or it is refused.

use super::*;
use crate::plan::fixture::{app, copy, deployment, history, name, uid};
use serde_json::json;

/// Every origin there is.
fn origins() -> Vec<Origin> {
    vec![
        history(),
        copy(),
        Origin::LastKnownGood { digest: "0".repeat(64) },
        Origin::MandateAllowlist { pattern: "r/web:*".into() },
        Origin::CurrentValue {},
        Origin::Earlier {},
        Origin::Human {},
        Origin::Telemetry {},
    ]
}

fn set_origin(action: &mut Action, origin: Origin) {
    match action {
        Action::RolloutUndo { revision } => revision.origin = origin,
        Action::SetImage { image, .. } => image.origin = origin,
        Action::Scale { replicas } => replicas.origin = origin,
        Action::SetResources { resources, .. } => resources.origin = origin,
        Action::RestoreObject { copy } => copy.origin = origin,
        Action::PatchService { settings } => settings.origin = origin,
        Action::PatchIngress { settings } => settings.origin = origin,
        Action::PatchHPA { settings } => settings.origin = origin,
        Action::SetProbe { settings, .. } => settings.origin = origin,
        Action::SetEnv { revision, .. }
        | Action::SetScheduling { revision, .. }
        | Action::SetVolumeRef { revision, .. } => revision.origin = origin,
        Action::SetStrategy { strategy } => strategy.origin = origin,
        Action::RolloutRestart {}
        | Action::DeletePod {}
        | Action::DeleteResourceQuota {}
        | Action::SuspendCronJob {}
        | Action::ResumeCronJob {}
        | Action::Cordon {}
        | Action::Uncordon {} => {}
    }
}

/// The origins a type accepts for its value; written from the design's table.
fn accepted(change_type: ChangeType, origin: &Origin) -> bool {
    match change_type {
        ChangeType::RolloutUndo | ChangeType::SetEnv | ChangeType::SetScheduling | ChangeType::SetVolumeRef => {
            matches!(origin, Origin::RevisionHistory { .. })
        }
        // The good case's path cannot be told from the live object.
        ChangeType::SetProbe => matches!(origin, Origin::RevisionHistory { .. } | Origin::Human {}),
        ChangeType::PatchService | ChangeType::PatchIngress | ChangeType::PatchHPA => {
            matches!(origin, Origin::CurrentValue {} | Origin::Human {})
        }
        ChangeType::SetStrategy => matches!(origin, Origin::Human {}),
        ChangeType::SetImage => {
            matches!(origin, Origin::RevisionHistory { .. } | Origin::MandateAllowlist { .. } | Origin::Human {})
        }
        ChangeType::Scale => matches!(origin, Origin::Human {}),
        // The value of the good case is twice the current one and not in the history.
        ChangeType::SetResources => matches!(origin, Origin::CurrentValue {} | Origin::Human {}),
        ChangeType::RestoreObject => matches!(origin, Origin::KeptCopy { .. } | Origin::LastKnownGood { .. }),
        ChangeType::RolloutRestart
        | ChangeType::DeletePod
        | ChangeType::DeleteResourceQuota
        | ChangeType::SuspendCronJob
        | ChangeType::ResumeCronJob
        | ChangeType::Cordon
        | ChangeType::Uncordon => true,
    }
}

#[test]
fn each_type_accepts_its_origins_and_no_others() {
    for change_type in ChangeType::ALL {
        for origin in origins() {
            let mut case = case(*change_type);
            case.bounds.images = vec!["r/web:*".into()];
            set_origin(&mut case.proposal.action, origin.clone());
            let has_value = !case.proposal.action.origins().is_empty();
            let expected = match origin {
                Origin::Telemetry {} if has_value => Err(Code::UntrustedOrigin),
                _ if accepted(*change_type, &origin) => Ok(()),
                _ => Err(Code::OriginUnproven),
            };
            assert_eq!(case.check(), expected, "{change_type} from {origin:?}");
        }
    }
}

const FROM_HISTORY: [ChangeType; 6] = [
    ChangeType::RolloutUndo,
    ChangeType::SetImage,
    ChangeType::SetProbe,
    ChangeType::SetEnv,
    ChangeType::SetScheduling,
    ChangeType::SetVolumeRef,
];

#[test]
fn a_revision_that_is_absent_of_another_owner_or_of_another_number_proves_nothing() {
    type Lie = fn(&mut Case);
    let lies: [(&str, Lie); 6] = [
        ("absent", |case| case.facts.sources.revision = None),
        ("of another workload", |case| case.revision()["metadata"]["ownerReferences"][0]["uid"] = json!("u-2")),
        ("of nobody", |case| case.revision()["metadata"]["ownerReferences"] = json!([])),
        ("not controlled", |case| case.revision()["metadata"]["ownerReferences"][0]["controller"] = json!(false)),
        ("of another number", |case| {
            case.revision()["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("2");
        }),
        ("of another name", |case| case.revision()["metadata"]["name"] = json!("web-2")),
    ];
    for change_type in FROM_HISTORY {
        for (what, lie) in lies {
            assert_eq!(changed(change_type, lie), Err(Code::OriginUnproven), "{change_type}: {what}");
        }
    }
}

#[test]
fn a_controller_revision_is_known_by_its_own_number_and_not_by_an_annotation() {
    let as_controller_revision = |number: i64| {
        changed(ChangeType::SetImage, |case| {
            let template = case.revision()["spec"]["template"].clone();
            let revision = case.revision();
            revision["kind"] = json!("ControllerRevision");
            revision["revision"] = json!(number);
            revision["data"] = json!({"spec": {"template": template}});
        })
    };
    assert_eq!(as_controller_revision(1), Ok(()));
    assert_eq!(as_controller_revision(2), Err(Code::OriginUnproven));
}

#[test]
fn the_value_itself_must_be_the_one_that_the_revision_holds() {
    let undo = changed(ChangeType::RolloutUndo, |case| {
        case.proposal.action = Action::RolloutUndo { revision: Param::new(3, history()) };
    });
    assert_eq!(undo, Err(Code::OriginUnproven));
    let image = |container: &str, image: &str| {
        let container = crate::names::ContainerName::parse(container).unwrap();
        changed(ChangeType::SetImage, |case| {
            case.proposal.action = Action::SetImage { container, image: Param::new(image.into(), history()) };
        })
    };
    assert_eq!(image("app", "r/web:good"), Ok(()));
    assert_eq!(image("migrate", "r/migrate:1"), Ok(()), "init containers have a history too");
    assert_eq!(image("app", "r/web:evil"), Err(Code::OriginUnproven));
    assert_eq!(image("migrate", "r/web:good"), Err(Code::OriginUnproven), "another container's image");
}

#[test]
fn an_image_by_mandate_matches_the_very_pattern_that_it_names() {
    let by = |pattern: &str, patterns: &[&str]| {
        changed(ChangeType::SetImage, |case| {
            let origin = Origin::MandateAllowlist { pattern: pattern.into() };
            case.proposal.action = Action::SetImage { container: app(), image: Param::new("r/web:new".into(), origin) };
            case.bounds.images = patterns.iter().map(|p| (*p).to_owned()).collect();
        })
    };
    assert_eq!(by("r/web:*", &["r/other", "r/web:*"]), Ok(()));
    assert_eq!(by("r/web:*", &[]), Err(Code::ImageNotAllowed));
    assert_eq!(by("r/web:*", &["r/web:1"]), Err(Code::ImageNotAllowed));
    assert_eq!(by("r/other", &["r/other", "r/web:*"]), Err(Code::OriginUnproven), "named, but does not match");
    assert_eq!(by("*/*", &["r/web:*"]), Err(Code::OriginUnproven), "matches, but is not the mandate's");
}

#[test]
fn a_person_may_give_any_image_only_while_the_mandate_names_none() {
    let human = |patterns: &[&str]| {
        changed(ChangeType::SetImage, |case| {
            let image = Param::new("r/web:new".into(), Origin::Human {});
            case.proposal.action = Action::SetImage { container: app(), image };
            case.bounds.images = patterns.iter().map(|p| (*p).to_owned()).collect();
        })
    };
    assert_eq!(human(&[]), Ok(()));
    assert_eq!(human(&["r/*"]), Ok(()));
    assert_eq!(human(&["s/*"]), Err(Code::ImageNotAllowed));
}

#[test]
fn a_kept_copy_is_of_the_same_object_and_of_the_change_that_is_named() {
    type Lie = fn(&mut Case);
    let lies: [(&str, Lie); 5] = [
        ("none is kept", |case| case.facts.sources.kept = None),
        ("another kind", |case| case.facts.sources.kept = Some(deployment())),
        ("another name", |case| case.facts.sources.kept.as_mut().unwrap()["metadata"]["name"] = json!("other")),
        ("another namespace", |case| {
            case.facts.sources.kept.as_mut().unwrap()["metadata"]["namespace"] = json!("other");
        }),
        ("another change", |case| {
            let origin = Origin::KeptCopy { change: name("someone-else"), uid: uid("c-0") };
            case.proposal.action = Action::RestoreObject { copy: Param::new(name("drop-quota"), origin) };
        }),
    ];
    for (what, lie) in lies {
        assert_eq!(changed(ChangeType::RestoreObject, lie), Err(Code::OriginUnproven), "{what}");
    }
}
