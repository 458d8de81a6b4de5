//! Arming: the grant, and the proof that the fence holds for it.
//!
//! Owns the proof. Must never report a proof that the fence itself did not give by refusing.
//! Talks to the API server; every request here is a dry run.

use super::{EffectError, FENCE_PATIENCE, Looks, Subject, admitted, explain_refusal, right_of};
use crate::changes::Context;
use crate::changes::accounts::AccountError;
use crate::changes::policies;
use crate::changes::request::{Request, refused_by_fence, refused_for_lack_of_grant};
use crate::changes::rest::{Rest, RestError};
use crate::metrics::Call;
use bailiwick_core::fence::Entry;
use bailiwick_core::life::Report;
use bailiwick_core::plan::object::shows;
use bailiwick_core::plan::{Operation, Plan};
use bailiwick_core::reason::{Code, Reason};

/// Makes the grant and proves that the fence holds: a forbidden request is refused by it, the
/// real one passes as a dry run and gives the planned content.
pub(crate) async fn arm(
    ctx: &Context,
    subject: &Subject<'_>,
    account: &str,
    plan: &Plan,
    execution: usize,
) -> Result<Report, EffectError> {
    let no = |code: Code, message: String| Ok(Report::NotProved { execution, reason: Reason::new(code, message) });
    // The proof below is of one policy; the others must be there as well, now and not some seconds ago.
    policies::check(ctx).await;
    if let Err(reason) = ctx.policies() {
        return Ok(Report::NotProved { execution, reason });
    }
    let Some(entry) = Entry::executing(plan) else {
        return no(Code::PlanAltered, Code::PlanAltered.meaning().to_owned());
    };
    let client =
        match ctx.accounts.ensure(ctx, account, subject.proposal, right_of(plan.operation, subject.proposal)).await {
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
        let why = Reason::new(
            Code::FenceUnproved,
            format!("a forbidden request was not seen refused within {FENCE_PATIENCE:?}"),
        );
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
            if matches {
                Ok(Report::Proved { execution, refusal })
            } else {
                no(Code::Drifted, "the dry run gives another result than planned".to_owned())
            }
        }
        Err(reason) => {
            let reason = explain_refusal(ctx, subject, plan, reason).await?;
            Ok(Report::NotProved { execution, reason })
        }
    }
}

/// Waits until the forbidden request is refused by the fence itself; returns its words.
async fn refusal_of_forbidden(ctx: &Context, request: &Request, client: &Rest) -> Result<Option<String>, EffectError> {
    let mut looks = Looks::within(FENCE_PATIENCE);
    loop {
        ctx.metrics.api(Call::Prove, "dryrun");
        match request.forbidden(client).await {
            Some(Err(error)) if refused_by_fence(&error) && !refused_for_lack_of_grant(&error) => {
                return Ok(Some(error.message().to_owned()));
            }
            Some(Err(RestError::Unclear(message))) => {
                return Err(EffectError::Request { step: "prove the fence", source: RestError::Unclear(message) });
            }
            // The patch no longer applies: nothing was proved, and the caller looks for the reason.
            Some(Err(error)) if error.status() == Some(422) && !refused_by_fence(&error) => return Ok(None),
            Some(Err(_)) if ctx.is_suspended() => return Ok(None),
            Some(Err(_) | Ok(_)) | None if looks.again().await => {}
            Some(Err(_) | Ok(_)) | None => return Ok(None),
        }
    }
}

/// Waits until the real request is refused by the fence for lack of a grant; returns its words.
async fn refusal_without_grant(ctx: &Context, request: &Request, client: &Rest) -> Result<Option<String>, EffectError> {
    let mut looks = Looks::within(FENCE_PATIENCE);
    loop {
        ctx.metrics.api(Call::Prove, "dryrun");
        match request.dry_run(client).await {
            Err(error) if refused_for_lack_of_grant(&error) => return Ok(Some(error.message().to_owned())),
            Err(RestError::Unclear(message)) => {
                return Err(EffectError::Request { step: "prove the fence", source: RestError::Unclear(message) });
            }
            Err(error) if error.is_not_found() => return Ok(None),
            Err(_) | Ok(_) if looks.again().await => {}
            Err(_) | Ok(_) => return Ok(None),
        }
    }
}
