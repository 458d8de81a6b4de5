//! What the guards are asked, and what they look at.
//!
//! Owns the gathering of other Changes and of Incidents for them. Must never let a Change through
//! that no person approved before the Incidents were read. No IO.

use super::stores::Guarded;
use crate::changes::Context;
use bailiwick_api::Change;
use bailiwick_core::guards::{self, Asking, Hold, Past, Trouble};
use bailiwick_core::life::Record;
use bailiwick_core::mandate::{Outcome, Verdict};
use bailiwick_core::object::ObjectRef;
use bailiwick_core::reason::{Code, Reason};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// When to ask again where the Incidents are not in yet.
const SOON: SignedDuration = SignedDuration::from_millis(500);

/// Whether the guards let this Change start now.
pub(crate) fn admit(ctx: &Context, change: &Change, record: &Record, now: Timestamp) -> Result<(), Hold> {
    let Some(verdict) = &record.verdict else { return Ok(()) };
    let Some(troubles) = troubles(ctx, change, record) else {
        return match verdict.outcome {
            Outcome::NeedsApproval | Outcome::Refused => Ok(()),
            Outcome::PreApproved => Err((Reason::plain(Code::IncidentsUnread), SOON)),
        };
    };
    let others = others(ctx, change);
    let past: Vec<Past<'_>> = others.iter().filter_map(past).collect();
    let asking = Asking { target: &change.spec.target, record, outcome: verdict.outcome, troubles: &troubles };
    guards::admit(&asking, &verdict.limits, &past, now)
}

/// The verdict with what of the Incidents stands against a pre-approval.
pub(crate) fn doubt(ctx: &Context, change: &Change, record: &Record, verdict: Verdict, now: Timestamp) -> Verdict {
    if verdict.outcome != Outcome::PreApproved {
        return verdict;
    }
    let others = others(ctx, change);
    let past: Vec<Past<'_>> = others.iter().filter_map(past).collect();
    guards::doubt(verdict, &troubles(ctx, change, record).unwrap_or_default(), &past, now)
}

fn others(ctx: &Context, change: &Change) -> Vec<Arc<Guarded<Change>>> {
    let mut all = ctx.ledger.newest(ctx.stores.all_changes());
    all.retain(|c| c.0.as_ref().is_ok_and(|c| c.metadata.uid != change.metadata.uid));
    all
}

fn past(change: &Arc<Guarded<Change>>) -> Option<Past<'_>> {
    let change = change.0.as_ref().ok()?;
    Some(Past {
        name: change.metadata.name.as_deref()?,
        target: &change.spec.target,
        incident: change.spec.incident_ref.as_ref().map(|r| r.name.as_str()),
        record: change.status.as_ref()?,
    })
}

/// The Incidents that a Change answers or that are about its target; none before they were read.
fn troubles(ctx: &Context, change: &Change, record: &Record) -> Option<Vec<Trouble>> {
    let target = &change.spec.target;
    let place = target.home();
    let named = change.spec.incident_ref.as_ref().map(|r| r.name.as_str());
    let about = |subject: &ObjectRef| guards::is_about(target, record, subject);
    let found = ctx.board.pick(|(ns, name), row| (ns == place && named == Some(name)) || about(&row.subject))?;
    let trouble = |(incident, row, alike): (String, crate::incidents::Row, Vec<Timestamp>)| Trouble {
        incident,
        cause: row.cause,
        kin: ctx.index.read(|view| guards::kin(view, &row.subject)),
        began: row.began,
        count: row.count,
        returns: row.returns,
        alike,
    };
    Some(found.into_iter().map(trouble).collect())
}
