//! The catalogue: for every Change type what it targets, which verb it takes, which fields it may
//! touch, how it is undone and how recovery is judged.
//!
//! Owns the compile-time checklist: a new type does not compile until every question here is
//! answered. Roles, fence policies and documentation are generated from it. No IO.

mod entries;

use crate::action::ChangeType;
use crate::object::Kind;
use crate::plan::Operation;
use entries::*;

/// How a change is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// By a patch of the same fields to their previous values.
    PreviousFields,
    /// By creating the kept copy.
    KeptCopy,
    /// By deleting what was created.
    DeleteCreated,
    /// There is nothing to put back.
    Nothing,
}

/// How recovery is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oracle {
    /// The rollout is complete and as available as before or as wanted, with pods newer than the write.
    RolloutComplete,
    /// The owner of the deleted pod is complete again, the old pod is gone.
    OwnerComplete,
    /// The wanted number of replicas is available.
    ReplicasAvailable,
    /// The object is gone and no workload of the namespace is refused pods by it.
    QuotaGone,
    /// The object exists with the restored content.
    ObjectRestored,
    /// The object still has what was written; nothing else follows from it at once.
    FieldsHold,
    /// Ready pods stand behind the Service, where it leads.
    ServiceServes,
    /// The class and the Services that were named are there, and those Services have ready pods.
    IngressLeads,
    /// The HorizontalPodAutoscaler says that it scales, within its bounds and where these were in the way beyond them.
    AutoscalerScales,
    /// The node takes pods and is ready for them, or takes none any more, as was set.
    NodeFollows,
}

/// What the catalogue says of one type.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The type.
    pub change_type: ChangeType,
    /// Kinds it may target.
    pub targets: &'static [Kind],
    /// What the API server is asked to do.
    pub operation: Operation,
    /// JSON pointer patterns it may change; `*` stands for one segment, a pattern covers what is below it.
    pub fields: &'static [&'static str],
    /// How it is put back.
    pub undo: Undo,
    /// How recovery is judged.
    pub oracle: Oracle,
    /// True where every pod must be newer than the write. A way back to an earlier template keeps
    /// the pods that still run it.
    pub replaces_pods: bool,
    /// The largest effect in one sentence, for people.
    pub effect: &'static str,
}

/// The catalogue's entry of a type.
pub const fn entry(change_type: ChangeType) -> Entry {
    match change_type {
        ChangeType::RolloutUndo => ROLLOUT_UNDO,
        ChangeType::SetImage => SET_IMAGE,
        ChangeType::RolloutRestart => ROLLOUT_RESTART,
        ChangeType::DeletePod => DELETE_POD,
        ChangeType::Scale => SCALE,
        ChangeType::SetResources => SET_RESOURCES,
        ChangeType::DeleteResourceQuota => DELETE_RESOURCE_QUOTA,
        ChangeType::RestoreObject => RESTORE_OBJECT,
        ChangeType::PatchService => PATCH_SERVICE,
        ChangeType::SetProbe => SET_PROBE,
        ChangeType::SetEnv => SET_ENV,
        ChangeType::SetScheduling => SET_SCHEDULING,
        ChangeType::SetVolumeRef => SET_VOLUME_REF,
        ChangeType::SetStrategy => SET_STRATEGY,
        ChangeType::SuspendCronJob => SUSPEND_CRON_JOB,
        ChangeType::ResumeCronJob => RESUME_CRON_JOB,
        ChangeType::PatchIngress => PATCH_INGRESS,
        ChangeType::PatchHPA => PATCH_HPA,
        ChangeType::Cordon => CORDON,
        ChangeType::Uncordon => UNCORDON,
    }
}

/// The answers of one entry fit each other. Evaluated when this crate is compiled.
const fn is_sound(change_type: ChangeType) -> bool {
    let entry = entry(change_type);
    let fits = match entry.operation {
        Operation::Update => matches!(entry.undo, Undo::PreviousFields | Undo::Nothing) && !entry.fields.is_empty(),
        Operation::Delete => matches!(entry.undo, Undo::KeptCopy | Undo::Nothing) && entry.fields.is_empty(),
        Operation::Create => matches!(entry.undo, Undo::DeleteCreated | Undo::Nothing) && entry.fields.is_empty(),
    };
    let own = entry.change_type as usize == change_type as usize;
    own && fits && !entry.targets.is_empty() && !entry.effect.is_empty() && matches!(change_type.tier(), 1..=3)
}

const _: () = {
    let mut n = 0;
    while n < ChangeType::ALL.len() {
        assert!(is_sound(ChangeType::ALL[n]), "an entry of the catalogue contradicts itself");
        n += 1;
    }
};

/// One request that one-shot accounts may ever make: the unit of roles and of the floor policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// What the API server is asked to do.
    pub operation: Operation,
    /// On which kind.
    pub kind: Kind,
}

impl Right {
    /// True where it is held in one namespace: a RoleBinding gives it, else a ClusterRoleBinding.
    pub const fn is_namespaced(self) -> bool {
        self.kind.served().namespaced
    }

    /// The name of the one ClusterRole that holds this right alone: `bailiwick:change:<verb>-<resource>`.
    pub fn role(self) -> String {
        format!("bailiwick:change:{}-{}", self.operation.verb(), self.kind.served().resource)
    }
}

/// Every right of the catalogue, each once, with the inverse rights that undoing takes.
pub fn rights() -> Vec<Right> {
    let mut rights: Vec<Right> = Vec::new();
    let mut add = |right: Right| {
        if !rights.contains(&right) {
            rights.push(right);
        }
    };
    for change_type in ChangeType::ALL {
        let entry = entry(*change_type);
        for kind in entry.targets {
            add(Right { operation: entry.operation, kind: *kind });
            if entry.operation == Operation::Create && !rewritten(*kind).is_empty() {
                add(Right { operation: Operation::Update, kind: *kind });
            }
            match entry.undo {
                Undo::KeptCopy => add(Right { operation: Operation::Create, kind: *kind }),
                Undo::DeleteCreated => add(Right { operation: Operation::Delete, kind: *kind }),
                Undo::PreviousFields | Undo::Nothing => {}
            }
        }
    }
    rights
}

/// The fields of which the content is put back where an object to be restored is still there; none for kinds
/// that are only created again.
pub const fn rewritten(kind: Kind) -> &'static [&'static str] {
    if matches!(kind, Kind::ConfigMap) { &["/data", "/binaryData"] } else { &[] }
}

impl Entry {
    /// The fields that a write of that operation may touch.
    pub const fn fields_of(&self, operation: Operation, kind: Kind) -> &'static [&'static str] {
        match (self.operation, operation) {
            (Operation::Create, Operation::Update) => rewritten(kind),
            (_, _) => self.fields,
        }
    }

    /// How a write of that operation is put back.
    pub const fn way_back(&self, operation: Operation) -> Undo {
        match (self.operation, operation) {
            (Operation::Create, Operation::Update) => Undo::PreviousFields,
            (_, _) => self.undo,
        }
    }
}

/// The keys of `.spec` that some change of the kind may touch, each once.
pub fn touched_keys(kind: Kind) -> Vec<&'static str> {
    let entries = ChangeType::ALL.iter().map(|change_type| entry(*change_type));
    let patches = entries.filter(|e| e.operation == Operation::Update && e.targets.contains(&kind));
    let mut keys: Vec<&str> = patches.flat_map(|e| e.fields).filter_map(|field| field.split('/').nth(2)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// True if the kind counts changes of its specification in `metadata.generation`.
pub const fn has_generation(kind: Kind) -> bool {
    matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::CronJob | Kind::Job | Kind::Ingress)
}

/// True if a JSON pointer lies at or below one of the patterns.
pub fn field_allowed(pointer: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| {
        let mut segments = pointer.split('/');
        pattern.split('/').all(|wanted| segments.next().is_some_and(|s| wanted == "*" || wanted == s))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_patterns_cover_what_is_below_and_nothing_beside() {
        let image = entry(ChangeType::SetImage).fields;
        assert!(field_allowed("/spec/template/spec/containers/0/image", image));
        assert!(!field_allowed("/spec/template/spec/containers/0/imagePullPolicy", image));
        assert!(!field_allowed("/spec/template/spec/containers", image));
        assert!(field_allowed("/spec/template/spec/x", entry(ChangeType::RolloutUndo).fields));
        assert!(!field_allowed("/spec/templates", entry(ChangeType::RolloutUndo).fields));
    }

    #[test]
    fn every_right_has_one_verb_on_one_resource() {
        let names: Vec<String> = rights().into_iter().map(Right::role).collect();
        assert!(names.contains(&"bailiwick:change:create-resourcequotas".to_owned()));
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
    }
}
