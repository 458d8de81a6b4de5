//! Every no, and every wait, carries one of these reasons.
//!
//! Owns the closed list of reason codes shared by status, events, metrics, the command line and
//! receipts. Must never be built from untrusted text without quoting it. No IO.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($($code:ident $hint:literal,)+) => {
        /// Why something was refused, withheld or ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Code { $(#[doc = $hint] $code,)+ }

        impl Code {
            /// Every code, in the order of declaration.
            pub const ALL: &'static [Code] = &[$(Code::$code,)+];
            /// The code's name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$code => stringify!($code),)+ }
            }
            /// What it means, for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$code => $hint,)+ }
            }
        }
    };
}

codes! {
    InvalidSpec "The specification cannot be read.",
    OutsideTerritory "The namespace does not carry the territory label; of a node, the node.",
    TerritoryWithdrawn "The territory label was taken away before the change was executed.",
    NamespaceGone "The namespace is gone or terminating.",
    TargetMissing "The target does not exist.",
    TargetReplaced "An object with another uid has the target's name.",
    TargetExists "The object to be created exists already.",
    Protected "The target is protected and never changed.",
    ManagedElsewhere "GitOps or another operator owns the target and would revert the change.",
    OutOfService "The node is kept out of service on purpose.",
    WrongKind "The change type does not apply to this kind of object.",
    RefusedByMandate "A mandate refuses this type here.",
    TypeNotNamed "A tier 2 type is pre-approved only where a mandate names it.",
    TierNeedsHuman "This type always needs a human.",
    HumanValue "A value given by a person is never pre-approved, nor one that takes back what somebody did.",
    ProposerNotTrusted "Only changes proposed by the operator or by a proposer that the rule names are pre-approved.",
    Explained "An annotation says why the object stands still; a human decides whether that still holds.",
    OutsideWindow "The mandate pre-approves only inside its time windows.",
    NoRule "No mandate has a rule for this; a human decides.",
    MandateAllows "A mandate pre-approves this.",
    MandateAsks "A mandate asks for a human here.",
    MandateUnreadable "A mandate cannot be read, so nothing is pre-approved.",
    UntrustedOrigin "A value was seen only in logs, events or annotations.",
    OriginUnproven "A value is not where its origin says it came from.",
    OutOfBounds "A value is outside the bounds.",
    ImageNotAllowed "The image matches no pattern of the mandate.",
    ReplicasOwnedByAutoscaler "A HorizontalPodAutoscaler owns the number of replicas.",
    BarePod "No live controller would replace the pod.",
    LocalVolume "The pod keeps data on a local volume.",
    NothingToChange "The object already is as the change would make it.",
    DryRunRefused "The API server refused the dry run.",
    PlanNotReproducible "Two dry runs gave different results.",
    PlanTooLarge "The resulting object is larger than 128 KiB.",
    PlanAltered "The recorded plan does not match its digest.",
    Drifted "The target changed after it was planned; the plan was made again.",
    Suspended "Bailiwick is suspended.",
    CoolingDown "This workload was changed recently.",
    TooManyAtOnce "The limit of changes at the same time is reached.",
    TooManyPerHour "The limit of changes in an hour is reached.",
    BreakerOpen "Too many changes failed; the breaker is open.",
    Storm "More incidents of this cause begin than the mandate allows for; nothing is changed by itself until that calms.",
    Calmed "No more incidents of this cause begin than the mandate allows for.",
    Cascade "The incident began after another change wrote what it is about; a human decides.",
    IncidentsUnread "The incidents were not read yet, so whether a guard holds is not known.",
    PodInTheWay "What was written is in force, and its controller waits for a pod that has to be deleted first.",
    FenceAbsent "A fence policy or binding is absent or altered.",
    FenceUnproved "The fence was not seen to hold.",
    GrantForged "An object of the grant's name exists with other content.",
    NoSigningKey "There is no signing key, so nothing may be executed.",
    AwaitingQuorum "More approvals are needed.",
    Approved "The plan has the approvals it needs.",
    RejectedByHuman "A person rejected the change.",
    ApprovalExpired "The approval did not come, or was not used, in time.",
    NotAnApprover "The person is not among the mandate's approvers.",
    OwnProposal "A proposer's approval of the own change does not count.",
    OtherDigest "The approval is for another digest.",
    WriteRefused "The API server refused the write.",
    WriteUnclear "The reply was lost and the cluster does not show the planned content.",
    Written "The API server acknowledged the write.",
    FoundWritten "The reply was lost; the cluster shows the planned content.",
    FoundGone "The reply was lost; the object is gone, author unproven.",
    Held "The workload stayed healthy for the required time.",
    HeldLate "The workload recovered after the change was recorded as failed.",
    GotWorse "The workload got worse after the write.",
    WindowEnded "The workload did not recover in time.",
    TargetVanished "The target was deleted while it was observed.",
    NoUndo "There is nothing to roll back to.",
    RolledBack "The previous state was put back.",
    RollbackFailed "The previous state could not be put back.",
    FindingGone "It is no longer wrong.",
    SubjectGone "The object that was wrong is gone.",
    NoCandidate "No rule knows a change that would mend it.",
    CandidatesSpent "Every change that might mend it was tried or turned down.",
    ChangeGone "The change was deleted before it ended.",
    Flapping "It comes back too often to be changed again without a human.",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A code with the particulars of this case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The code.
    pub code: Code,
    /// One sentence with the particulars, at most 1,024 characters.
    #[schemars(length(max = 1024))]
    pub message: String,
}

impl Reason {
    /// A reason; a longer message is cut at 1,000 characters.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.chars().count() > 1000 {
            message = message.chars().take(1000).chain("…".chars()).collect();
        }
        Self { code, message }
    }

    /// A reason whose message is the code's own meaning.
    pub fn plain(code: Code) -> Self {
        Self::new(code, code.meaning())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Reason {}
