//! Taking authority away, and seeing that it is gone.
//!
//! Owns the order: what takes effect at once goes first. Must never report a revocation that no
//! refusal showed. Talks to the API server.

use super::{EffectError, FENCE_PATIENCE, Looks};
use crate::changes::Context;
use crate::changes::accounts::AccountError;
use crate::changes::request::Request;
use crate::changes::rest::RestError;
use crate::metrics::Call;
use bailiwick_core::life::Report;
use bailiwick_core::names::Namespace;
use bailiwick_core::plan::{Draft, Operation, Proposal};

/// Takes an account's authority away: the fence entry and the binding first, then, once a
/// request as that account was refused, the Secret and the ServiceAccount.
pub(crate) async fn revoke(
    ctx: &Context,
    proposal: &Proposal,
    account: &str,
    operation: Operation,
) -> Result<Report, EffectError> {
    ctx.fence.take(ctx, account).await?;
    crate::failpoint!("revoke-fence");
    ctx.accounts.unbind(ctx, account, proposal.target.namespace.as_ref().map(Namespace::as_str)).await?;
    crate::failpoint!("revoke-unbound");
    if ctx.accounts.exists(ctx, account).await? {
        see_refused(ctx, proposal, account, operation).await?;
        ctx.accounts.remove(ctx, account).await?;
    }
    Ok(Report::Revoked { account: account.to_owned() })
}

async fn see_refused(
    ctx: &Context,
    proposal: &Proposal,
    account: &str,
    operation: Operation,
) -> Result<(), EffectError> {
    let client = match ctx.accounts.mint(ctx, account).await {
        // Without its Secret no token of it lives, and none can be made: either there never was
        // one, or it was seen refused before the Secret was deleted.
        Err(AccountError::Failed { source, .. }) if source.is_not_found() => return Ok(()),
        other => other?,
    };
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
    let mut looks = Looks::within(FENCE_PATIENCE);
    loop {
        ctx.metrics.api(Call::Revoke, "dryrun");
        match request.powerless(&client).await {
            Err(error) if matches!(error.status(), Some(401 | 403)) => return Ok(()),
            Err(RestError::Unclear(message)) => {
                return Err(EffectError::Request {
                    step: "see the account refused",
                    source: RestError::Unclear(message),
                });
            }
            Ok(_) | Err(_) if looks.again().await => {}
            Ok(_) | Err(_) => return Err(EffectError::NotRevoked(account.to_owned(), FENCE_PATIENCE)),
        }
    }
}
