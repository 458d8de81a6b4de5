//! The one write, and asking the world whether it happened.
//!
//! Owns the conclusion from every kind of reply. Must never conclude from a lost reply. Talks to
//! the API server.

use super::{EffectError, Looks, Subject, explain_refusal, is_plain_rbac};
use crate::changes::Context;
use crate::changes::request::{Request, refused_for_lack_of_grant};
use crate::changes::rest::{Rest, RestError};
use crate::metrics::Call;
use bailiwick_core::life::Report;
use bailiwick_core::plan::object::{fingerprint, int_at, shows, text_at};
use bailiwick_core::plan::{Operation, Plan};
use bailiwick_core::reason::{Code, Reason};
use serde_json::Value;
use std::time::Duration;

/// Sends the one write.
pub(crate) async fn write(
    ctx: &Context,
    subject: &Subject<'_>,
    account: &str,
    plan: &Plan,
    execution: usize,
) -> Result<Report, EffectError> {
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
    let mut looks = Looks::within(LAG_PATIENCE);
    loop {
        ctx.metrics.api(Call::Write, "write");
        match request.write(client).await {
            Err(error)
                if (refused_for_lack_of_grant(&error) || is_plain_rbac(&error))
                    && !ctx.is_suspended()
                    && looks.again().await => {}
            other => return other,
        }
    }
}

/// Asks the world whether the write happened.
pub(crate) async fn read_back(
    ctx: &Context,
    subject: &Subject<'_>,
    plan: &Plan,
    execution: usize,
) -> Result<Report, EffectError> {
    ctx.metrics.api(Call::ReadBack, "get");
    let target = &subject.proposal.target;
    let now =
        ctx.rest.get(target).await.map_err(|source| EffectError::Request { step: "read the target back", source })?;
    let applied = |code, object: Option<&Value>| Report::Applied {
        execution,
        code,
        resource_version: object.and_then(|o| text_at(o, "/metadata/resourceVersion")).map(str::to_owned),
        generation: object.map(|o| int_at(o, "/metadata/generation", 0)).filter(|g| *g > 0),
    };
    let not = |code| Report::NotApplied { execution, reason: Reason::plain(code) };
    let uid = plan.target.uid.as_ref().map(bailiwick_core::names::Uid::as_str);
    let unmoved = |object: &Value| fingerprint(object, &plan.free) == plan.fingerprint;
    Ok(match (plan.operation, now) {
        (Operation::Delete, None) => applied(Code::FoundGone, None),
        (Operation::Delete, Some(object)) => {
            let same = text_at(&object, "/metadata/uid") == uid;
            let going = object.pointer("/metadata/deletionTimestamp").is_some();
            match (same && !going, unmoved(&object)) {
                (true, true) => not(Code::WriteUnclear),
                (true, false) => not(Code::Drifted),
                (false, _) => applied(Code::FoundGone, None),
            }
        }
        (Operation::Create, None) => not(Code::WriteUnclear),
        (Operation::Update, None) => not(Code::TargetMissing),
        (Operation::Update | Operation::Create, Some(object)) => {
            let result = plan.result_object().unwrap_or(Value::Null);
            let unmoved = plan.operation == Operation::Update && unmoved(&object);
            let same = plan.operation == Operation::Create || text_at(&object, "/metadata/uid") == uid;
            match (unmoved, same && shows(&object, &result, &plan.free)) {
                (true, _) => not(Code::WriteUnclear),
                (false, true) => applied(Code::FoundWritten, Some(&object)),
                (false, false) => {
                    not(if plan.operation == Operation::Create { Code::TargetExists } else { Code::Drifted })
                }
            }
        }
    })
}
