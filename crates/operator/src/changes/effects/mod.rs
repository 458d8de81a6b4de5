//! Effects that need a one-shot account, and what they share.
//!
//! Owns the errors of effects and the waiting for a grant to bind. Every effect may be repeated
//! after a crash. Must never write: that is `write` alone. Talks to the API server.

mod arm;
mod plan;
mod revoke;
mod write;

pub(crate) use arm::arm;
pub(crate) use plan::{plan, plan_unconfirmed};
pub(crate) use revoke::revoke;
pub(crate) use write::{read_back, write};

use super::accounts::AccountError;
use super::fence::FenceError;
use super::request::{Request, refused_for_lack_of_grant};
use super::rest::{Rest, RestError};
use crate::changes::{Context, policies};
use crate::metrics::Call;
use bailiwick_core::catalogue::Right;
use bailiwick_core::plan::bounds::managed_elsewhere;
use bailiwick_core::plan::build::Sources;
use bailiwick_core::plan::object::fingerprint;
use bailiwick_core::plan::{Operation, Plan, Proposal};
use bailiwick_core::reason::{Code, Reason};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a fence may take to bind before the attempt is given up.
const FENCE_PATIENCE: Duration = Duration::from_secs(10);
/// The first pause between two looks at it: as a rule the fence binds within tens of milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why an effect could not be run to its end; it will be run again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EffectError {
    /// The account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The fence.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// A request whose answer is needed.
    #[error("cannot {step}: {source}")]
    Request {
        /// What was being done.
        step: &'static str,
        /// Why it failed.
        source: RestError,
    },
    /// The authority was still there when the patience ended.
    #[error("account {0} was not refused within {1:?} after its authority was taken away")]
    NotRevoked(String, Duration),
    /// Anything that has no type of its own.
    #[error("{0}")]
    Other(String),
}

/// Looks that end with the patience, each pause half as long again as the one before.
struct Looks {
    deadline: tokio::time::Instant,
    pause: Duration,
}

impl Looks {
    fn within(patience: Duration) -> Self {
        Self { deadline: tokio::time::Instant::now() + patience, pause: FIRST_PAUSE }
    }

    /// Pauses; false if the patience has ended.
    async fn again(&mut self) -> bool {
        if tokio::time::Instant::now() >= self.deadline {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
        true
    }
}

/// The Change an effect is about, with what was just read for it.
pub(crate) struct Subject<'a> {
    pub(crate) proposal: &'a Proposal,
    pub(crate) sources: &'a Sources,
    pub(crate) live: &'a BTreeMap<String, String>,
}

fn right_of(operation: Operation, proposal: &Proposal) -> Right {
    Right { operation, kind: proposal.target.kind }
}

/// Sends the dry run until the fence and RBAC have taken notice of the grant, or patience ends.
async fn admitted(
    ctx: &Context,
    request: &Request,
    client: &Rest,
) -> Result<Result<Option<Value>, Reason>, EffectError> {
    let mut looks = Looks::within(FENCE_PATIENCE);
    loop {
        ctx.metrics.api(Call::Plan, "dryrun");
        match request.dry_run(client).await {
            Ok(object) => return Ok(Ok(object)),
            Err(RestError::Unclear(message)) => {
                return Err(EffectError::Request { step: "dry-run the change", source: RestError::Unclear(message) });
            }
            Err(error) => {
                let waiting = refused_for_lack_of_grant(&error) || is_plain_rbac(&error);
                if !waiting || ctx.is_suspended() || !looks.again().await {
                    let code = match waiting {
                        _ if ctx.is_suspended() => Code::Suspended,
                        true => Code::FenceUnproved,
                        false => Code::DryRunRefused,
                    };
                    return Ok(Err(Reason::new(code, error.to_string())));
                }
            }
        }
    }
}

/// RBAC's own refusal, which ends once the authorizer has seen the new RoleBinding.
fn is_plain_rbac(error: &RestError) -> bool {
    error.status() == Some(403)
        && error.message().contains("cannot")
        && error.message().contains("User \"system:serviceaccount:")
}

/// Tells drift from suspension from any other refusal by looking at the target.
async fn explain_refusal(
    ctx: &Context,
    subject: &Subject<'_>,
    plan: &Plan,
    refusal: Reason,
) -> Result<Reason, EffectError> {
    ctx.metrics.api(Call::ReadBack, "get");
    let now = ctx
        .rest
        .get(&subject.proposal.target)
        .await
        .map_err(|source| EffectError::Request { step: "read the target", source })?;
    let drifted = match &now {
        Some(object) => fingerprint(object, &plan.free) != plan.fingerprint || managed_elsewhere(object).is_some(),
        None => plan.operation != Operation::Create,
    };
    if drifted {
        return Ok(Reason::plain(Code::Drifted));
    }
    if ctx.is_suspended() {
        return Ok(Reason::plain(Code::Suspended));
    }
    policies::check(ctx).await;
    if let Err(absent) = ctx.policies() {
        return Ok(absent);
    }
    Ok(Reason::new(
        if refusal.code == Code::FenceUnproved { Code::FenceUnproved } else { Code::WriteRefused },
        refusal.message,
    ))
}
