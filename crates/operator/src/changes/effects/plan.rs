//! Planning: two dry runs as an account that may do nothing else.
//!
//! Owns how a plan comes about. Must never record a result that only one dry run gave. Talks to
//! the API server.

use super::{EffectError, Subject, admitted, right_of};
use crate::changes::Context;
use crate::changes::accounts::AccountError;
use crate::changes::request::Request;
use crate::changes::rest::RestError;
use crate::metrics::Call;
use bailiwick_core::fence::Entry;
use bailiwick_core::life::Report;
use bailiwick_core::oracle;
use bailiwick_core::plan::Draft;
use bailiwick_core::plan::build;
use bailiwick_core::reason::{Code, Reason};
use std::collections::BTreeMap;

/// Makes a plan by two dry runs as a planning account.
pub(crate) async fn plan(
    ctx: &Context,
    subject: &Subject<'_>,
    account: &str,
    draft: Result<Draft, Reason>,
) -> Result<Report, EffectError> {
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
        // A lost reply says nothing about the plan: the effect is run again.
        Err(source @ RestError::Unclear(_)) => {
            return Err(EffectError::Request { step: "dry-run the change again", source });
        }
        Err(error) => return Ok(Report::PlanRefused(Reason::new(Code::DryRunRefused, error.to_string()))),
    };
    let baseline = subject.sources.target.as_ref().map(oracle::baseline).unwrap_or_default();
    let outcome = build::Outcome {
        draft: &draft,
        first: first.as_ref(),
        second: second.as_ref(),
        live: subject.live.clone(),
        baseline,
    };
    Ok(match build::seal(&outcome) {
        Ok(plan) => Report::Planned(Box::new(plan)),
        Err(reason) => Report::PlanRefused(reason),
    })
}

/// Computes a plan that nobody may execute.
pub(crate) fn plan_unconfirmed(subject: &Subject<'_>) -> Report {
    let planned = build::draft(subject.proposal, subject.sources).and_then(|draft| {
        let baseline = subject.sources.target.as_ref().map(oracle::baseline).unwrap_or_default();
        build::seal_unconfirmed(&build::Outcome {
            draft: &draft,
            first: None,
            second: None,
            live: BTreeMap::new(),
            baseline,
        })
    });
    match planned {
        Ok(plan) => Report::Planned(Box::new(plan)),
        Err(reason) => Report::PlanRefused(reason),
    }
}
