//! Effects that need a one-shot account: planning, arming, writing, reading back, revoking.
//!
//! Owns the order of requests inside one effect. Every effect may be repeated after a crash.
//! Must never write before the fence was proved in this process. Talks to the API server.

use super::accounts::AccountError;
use super::fence::FenceError;
use super::request::{Request, refused_by_fence, refused_for_lack_of_grant};
use super::rest::{Rest, RestError};
use crate::changes::Context;
use crate::metrics::Call;
use bailiwick_core::catalogue::Right;
use bailiwick_core::fence::Entry;
use bailiwick_core::life::Report;
use bailiwick_core::plan::build::{self, Sources};
use bailiwick_core::plan::object::{fingerprint, int_at, shows, text_at};
use bailiwick_core::plan::{Draft, Operation, Plan, Proposal};
use bailiwick_core::oracle;
use bailiwick_core::reason::{Code, Reason};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a fence may take to bind before the attempt is given up.
const FENCE_PATIENCE: Duration = Duration::from_secs(10);
/// How long between two looks at it.
const FENCE_POLL: Duration = Duration::from_millis(20);

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

/// The Change an effect is about, with what was just read for it.
pub(crate) struct Subject<'a> {
    pub(crate) proposal: &'a Proposal,
    pub(crate) sources: &'a Sources,
    pub(crate) live: &'a BTreeMap<String, String>,
}

fn right_of(operation: Operation, proposal: &Proposal) -> Right {
    Right { operation, kind: proposal.target.kind }
}

/// Makes a plan by two dry runs as a planning account.
pub(crate) async fn plan(ctx: &Context, subject: &Subject<'_>, account: &str, draft: Result<Draft, Reason>) -> Result<Report, EffectError> {
    let draft = match draft {
        Ok(draft) => draft,
        Err(reason) => return Ok(Report::PlanRefused(reason)),
    };
    let right = right_of(draft.operation, subject.proposal);
    let client = match ctx.accounts.ensure(ctx, account, subject.proposal, right).await {
        Err(AccountError::Refused(reason)) => return Ok(Report::PlanRefused(reason)),
        other => other?,
    };
    let entry = Entry::planning(draft.operation, &draft.target, subject.live.clone());
    ctx.fence.put(ctx, account, entry).await?;
    crate::failpoint!("plan-granted");
    let request = Request::of_draft(&draft);
    let first = match admitted(ctx, &request, &client).await? {
        Ok(object) => object,
        Err(reason) => return Ok(Report::PlanRefused(reason)),
    };
    ctx.metrics.api(Call::Plan, draft.operation.verb());
    let second = match request.dry_run(&client).await {
        Ok(object) => object,
        Err(error) => return Ok(Report::PlanRefused(Reason::new(Code::DryRunRefused, error.to_string()))),
    };
    let baseline = subject.sources.target.as_ref().map(oracle::baseline).unwrap_or_default();
    let outcome = build::Outcome { draft: &draft, first: first.as_ref(), second: second.as_ref(), live: subject.live.clone(), baseline };
    Ok(match build::seal(&outcome) {
        Ok(plan) => Report::Planned(Box::new(plan)),
        Err(reason) => Report::PlanRefused(reason),
    })
}

/// Computes a plan that nobody may execute.
pub(crate) fn plan_unconfirmed(subject: &Subject<'_>) -> Report {
    let planned = build::draft(subject.proposal, subject.sources).and_then(|draft| {
        let baseline = subject.sources.target.as_ref().map(oracle::baseline).unwrap_or_default();
        build::seal_unconfirmed(&build::Outcome { draft: &draft, first: None, second: None, live: BTreeMap::new(), baseline })
    });
    match planned {
        Ok(plan) => Report::Planned(Box::new(plan)),
        Err(reason) => Report::PlanRefused(reason),
    }
}

/// Sends the dry run until the fence and RBAC have taken notice of the grant, or patience ends.
async fn admitted(ctx: &Context, request: &Request, client: &Rest) -> Result<Result<Option<Value>, Reason>, EffectError> {
    let deadline = tokio::time::Instant::now() + FENCE_PATIENCE;
    loop {
        ctx.metrics.api(Call::Plan, "dryrun");
        match request.dry_run(client).await {
            Ok(object) => return Ok(Ok(object)),
            Err(RestError::Unclear(message)) => {
                return Err(EffectError::Request { step: "dry-run the change", source: RestError::Unclear(message) });
            }
            Err(error) => {
                let waiting = refused_for_lack_of_grant(&error) || is_plain_rbac(&error);
                if !waiting || ctx.is_suspended() || tokio::time::Instant::now() >= deadline {
                    let code = if waiting { Code::FenceUnproved } else { Code::DryRunRefused };
                    return Ok(Err(Reason::new(code, error.to_string())));
                }
                tokio::time::sleep(FENCE_POLL).await;
            }
        }
    }
}

/// RBAC's own refusal, which ends once the authorizer has seen the new RoleBinding.
fn is_plain_rbac(error: &RestError) -> bool {
    error.status() == Some(403) && error.message().contains("cannot") && error.message().contains("User \"system:serviceaccount:")
}

/// Makes the grant and proves that the fence holds: a forbidden request is refused by it, the
/// real one passes as a dry run and gives the planned content.
pub(crate) async fn arm(ctx: &Context, subject: &Subject<'_>, account: &str, plan: &Plan, execution: usize) -> Result<Report, EffectError> {
    let no = |code: Code, message: String| Ok(Report::NotProved { execution, reason: Reason::new(code, message) });
    let Some(entry) = Entry::executing(plan) else {
        return no(Code::PlanAltered, Code::PlanAltered.meaning().to_owned());
    };
    let client = match ctx.accounts.ensure(ctx, account, subject.proposal, right_of(plan.operation, subject.proposal)).await {
        Err(AccountError::Refused(reason)) => return Ok(Report::NotProved { execution, reason }),
        other => other?,
    };
    let request = Request::of_plan(plan);
    let refusal = if plan.operation == Operation::Delete {
        // A deletion has no content to forbid: the fence is proved by its refusal before the grant.
        ctx.fence.take(ctx, account).await?;
        let refusal = refusal_without_grant(ctx, &request, &client).await?;
        ctx.fence.put(ctx, account, entry).await?;
        refusal
    } else {
        ctx.fence.put(ctx, account, entry).await?;
        refusal_of_forbidden(ctx, &request, &client).await?
    };
    crate::failpoint!("arm-granted");
    let Some(refusal) = refusal else {
        // Perhaps another operator's revision stands beside ours: look at the fence anew next time.
        ctx.fence.establish(ctx).await?;
        let why = Reason::new(Code::FenceUnproved, format!("a forbidden request was not seen refused within {FENCE_PATIENCE:?}"));
        let reason = explain_refusal(ctx, subject, plan, why).await?;
        return Ok(Report::NotProved { execution, reason });
    };
    match admitted(ctx, &request, &client).await? {
        Ok(object) => {
            let matches = match (&object, plan.result_object()) {
                (Some(object), Some(result)) => shows(object, &result, &plan.free),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if matches { Ok(Report::Proved { execution, refusal }) } else { no(Code::Drifted, "the dry run gives another result than planned".to_owned()) }
        }
        Err(reason) => {
            let reason = explain_refusal(ctx, subject, plan, reason).await?;
            Ok(Report::NotProved { execution, reason })
        }
    }
}

/// Waits until the forbidden request is refused by the fence itself; returns its words.
async fn refusal_of_forbidden(ctx: &Context, request: &Request, client: &Rest) -> Result<Option<String>, EffectError> {
    let deadline = tokio::time::Instant::now() + FENCE_PATIENCE;
    while tokio::time::Instant::now() < deadline {
        ctx.metrics.api(Call::Prove, "dryrun");
        match request.forbidden(client).await {
            Some(Err(error)) if refused_by_fence(&error) && !refused_for_lack_of_grant(&error) => return Ok(Some(error.message().to_owned())),
            Some(Err(RestError::Unclear(message))) => {
                return Err(EffectError::Request { step: "prove the fence", source: RestError::Unclear(message) });
            }
            // The patch no longer applies: nothing was proved, and the caller looks for the reason.
            Some(Err(error)) if error.status() == Some(422) && !refused_by_fence(&error) => return Ok(None),
            Some(Err(_)) if ctx.is_suspended() => return Ok(None),
            Some(Err(_) | Ok(_)) | None => tokio::time::sleep(FENCE_POLL).await,
        }
    }
    Ok(None)
}

/// Waits until the real request is refused by the fence for lack of a grant; returns its words.
async fn refusal_without_grant(ctx: &Context, request: &Request, client: &Rest) -> Result<Option<String>, EffectError> {
    let deadline = tokio::time::Instant::now() + FENCE_PATIENCE;
    while tokio::time::Instant::now() < deadline {
        ctx.metrics.api(Call::Prove, "dryrun");
        match request.dry_run(client).await {
            Err(error) if refused_for_lack_of_grant(&error) => return Ok(Some(error.message().to_owned())),
            Err(RestError::Unclear(message)) => {
                return Err(EffectError::Request { step: "prove the fence", source: RestError::Unclear(message) });
            }
            Err(error) if error.is_not_found() => return Ok(None),
            Err(_) | Ok(_) => tokio::time::sleep(FENCE_POLL).await,
        }
    }
    Ok(None)
}

/// Tells drift from suspension from any other refusal by looking at the target.
async fn explain_refusal(ctx: &Context, subject: &Subject<'_>, plan: &Plan, refusal: Reason) -> Result<Reason, EffectError> {
    ctx.metrics.api(Call::ReadBack, "get");
    let now = ctx.rest.get(&subject.proposal.target).await.map_err(|source| EffectError::Request { step: "read the target", source })?;
    let drifted = match &now {
        Some(object) => fingerprint(object, &plan.free) != plan.fingerprint,
        None => plan.operation != Operation::Create,
    };
    if drifted {
        return Ok(Reason::plain(Code::Drifted));
    }
    if ctx.is_suspended() {
        return Ok(Reason::plain(Code::Suspended));
    }
    Ok(Reason::new(if refusal.code == Code::FenceUnproved { Code::FenceUnproved } else { Code::WriteRefused }, refusal.message))
}

/// Sends the one write.
pub(crate) async fn write(ctx: &Context, subject: &Subject<'_>, account: &str, plan: &Plan, execution: usize) -> Result<Report, EffectError> {
    let client = ctx.accounts.mint(ctx, account).await?;
    crate::failpoint!("write-before");
    let result = send_once(ctx, &Request::of_plan(plan), &client).await;
    crate::failpoint!("write-after");
    match result {
        Ok(object) => Ok(Report::Applied {
            execution,
            code: Code::Written,
            resource_version: object.as_ref().and_then(|o| text_at(o, "/metadata/resourceVersion")).map(str::to_owned),
            generation: object.as_ref().map(|o| int_at(o, "/metadata/generation", 0)).filter(|g| *g > 0),
        }),
        Err(RestError::Unclear(message)) => {
            tracing::warn!(change.uid = %subject.proposal.uid, error = message, "no clear reply to the write; reading back");
            read_back(ctx, subject, plan, execution).await
        }
        Err(error) => {
            let refusal = Reason::new(Code::WriteRefused, error.to_string());
            let reason = explain_refusal(ctx, subject, plan, refusal).await?;
            if reason.code == Code::Drifted {
                // The patch's tests fail also where an earlier, lost attempt of ours has written.
                return read_back(ctx, subject, plan, execution).await;
            }
            Ok(Report::NotApplied { execution, reason })
        }
    }
}

/// How long another API server may lag behind the one that proved the fence.
const LAG_PATIENCE: Duration = Duration::from_secs(5);

/// Sends the write. It is sent again only after a clear refusal for lack of a grant or of RBAC,
/// which had no effect: with several API servers, the next one may not have seen the grant yet.
async fn send_once(ctx: &Context, request: &Request, client: &Rest) -> Result<Option<Value>, RestError> {
    let deadline = tokio::time::Instant::now() + LAG_PATIENCE;
    loop {
        ctx.metrics.api(Call::Write, "write");
        match request.write(client).await {
            Err(error)
                if (refused_for_lack_of_grant(&error) || is_plain_rbac(&error))
                    && !ctx.is_suspended()
                    && tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(FENCE_POLL).await;
            }
            other => return other,
        }
    }
}

/// Asks the world whether the write happened.
pub(crate) async fn read_back(ctx: &Context, subject: &Subject<'_>, plan: &Plan, execution: usize) -> Result<Report, EffectError> {
    ctx.metrics.api(Call::ReadBack, "get");
    let target = &subject.proposal.target;
    let now = ctx.rest.get(target).await.map_err(|source| EffectError::Request { step: "read the target back", source })?;
    let applied = |code, object: Option<&Value>| Report::Applied {
        execution,
        code,
        resource_version: object.and_then(|o| text_at(o, "/metadata/resourceVersion")).map(str::to_owned),
        generation: object.map(|o| int_at(o, "/metadata/generation", 0)).filter(|g| *g > 0),
    };
    let not = |code| Report::NotApplied { execution, reason: Reason::plain(code) };
    let uid = plan.target.uid.as_ref().map(bailiwick_core::names::Uid::as_str);
    Ok(match (plan.operation, now) {
        (Operation::Delete, None) => applied(Code::FoundGone, None),
        (Operation::Delete, Some(object)) => {
            let same = text_at(&object, "/metadata/uid") == uid;
            let going = object.pointer("/metadata/deletionTimestamp").is_some();
            if same && !going { not(Code::WriteUnclear) } else { applied(Code::FoundGone, None) }
        }
        (Operation::Create, None) => not(Code::WriteUnclear),
        (Operation::Update, None) => not(Code::TargetMissing),
        (Operation::Update | Operation::Create, Some(object)) => {
            let result = plan.result_object().unwrap_or(Value::Null);
            let unmoved = plan.operation == Operation::Update && fingerprint(&object, &plan.free) == plan.fingerprint;
            let same = plan.operation == Operation::Create || text_at(&object, "/metadata/uid") == uid;
            match (unmoved, same && shows(&object, &result, &plan.free)) {
                (true, _) => not(Code::WriteUnclear),
                (false, true) => applied(Code::FoundWritten, Some(&object)),
                (false, false) => not(if plan.operation == Operation::Create { Code::TargetExists } else { Code::Drifted }),
            }
        }
    })
}

/// Takes an account's authority away: the fence entry and the RoleBinding first, then, once a
/// request as that account was refused, the Secret and the ServiceAccount.
pub(crate) async fn revoke(ctx: &Context, proposal: &Proposal, account: &str, operation: Operation) -> Result<Report, EffectError> {
    ctx.fence.take(ctx, account).await?;
    crate::failpoint!("revoke-fence");
    ctx.accounts.unbind(ctx, account, proposal.namespace.as_str()).await?;
    crate::failpoint!("revoke-unbound");
    if ctx.accounts.exists(ctx, account).await? {
        see_refused(ctx, proposal, account, operation).await?;
        ctx.accounts.remove(ctx, account).await?;
    }
    Ok(Report::Revoked { account: account.to_owned() })
}

async fn see_refused(ctx: &Context, proposal: &Proposal, account: &str, operation: Operation) -> Result<(), EffectError> {
    let client = ctx.accounts.mint(ctx, account).await?;
    let draft = Draft {
        operation,
        target: proposal.target.clone(),
        patch: Vec::new(),
        body: None,
        before: None,
        free: Vec::new(),
        change_type: proposal.action.change_type(),
    };
    let request = Request::of_draft(&draft);
    let deadline = tokio::time::Instant::now() + FENCE_PATIENCE;
    loop {
        ctx.metrics.api(Call::Revoke, "dryrun");
        match request.powerless(&client).await {
            Err(error) if matches!(error.status(), Some(401 | 403)) => return Ok(()),
            Err(RestError::Unclear(message)) => {
                return Err(EffectError::Request { step: "see the account refused", source: RestError::Unclear(message) });
            }
            Ok(_) | Err(_) if tokio::time::Instant::now() >= deadline => {
                return Err(EffectError::NotRevoked(account.to_owned(), FENCE_PATIENCE));
            }
            Ok(_) | Err(_) => tokio::time::sleep(FENCE_POLL).await,
        }
    }
}
