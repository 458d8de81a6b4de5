//! Bounds of `SetResources`.
//!
//! Owns the arithmetic: a value from history, or at most twice the current one, or a small one where a quota
//! demands that there is one; never above the mandate's cap or what the largest node has free; requests
//! never above limits. No IO.

use super::Proposal;
use super::bounds::{Facts, current, parts, proved_revision, revision_container};
use super::object::text_at;
use super::unnamed;
use crate::action::{Origin, Param, ResourceName, Resources};
use crate::mandate::Bounds;
use crate::quantity::Quantity;
use crate::reason::{Code, Reason};
use serde_json::Value;

fn out(why: String) -> Reason {
    Reason::new(Code::OutOfBounds, why)
}

fn parse(text: &str, what: &str) -> Result<Quantity, Reason> {
    Quantity::parse(text).map_err(|e| out(format!("{what}: {e}")))
}

/// Checks the wanted resources of one container.
pub(super) fn check(
    container: &str,
    wanted: &Param<Resources>,
    facts: &Facts,
    proposal: &Proposal,
    bounds: &Bounds,
) -> Result<(), Reason> {
    let live = facts.sources.target.as_ref().ok_or_else(|| Reason::plain(Code::TargetMissing))?;
    let resources = &wanted.value;
    if resources.requests.is_empty() && resources.limits.is_empty() {
        return Err(out("no resource is named".to_owned()));
    }
    let revision = match &wanted.origin {
        Origin::RevisionHistory { .. } => Some(proved_revision(&wanted.origin, proposal, facts)?),
        Origin::CurrentValue {} | Origin::Human {} => None,
        Origin::KeptCopy { .. }
        | Origin::LastKnownGood { .. }
        | Origin::MandateAllowlist { .. }
        | Origin::Earlier {}
        | Origin::Telemetry {} => {
            return Err(Reason::new(Code::OriginUnproven, "resources cannot come from there"));
        }
    };
    for (part, values) in parts(resources) {
        for (name, text) in values {
            let what = format!("{part}.{}", name.as_str());
            let value = parse(text, &what)?;
            match revision {
                Some(revision) => historic(revision, container, part, *name, text)?,
                None if current(live, container, part, *name).is_some() => {
                    doubled(live, container, part, *name, &value)?
                }
                None if wanted.origin == (Origin::CurrentValue {}) => {
                    unnamed::check(live, container, (part, *name), &value, facts)?;
                }
                None => return Err(out(format!("{what} is not set now, so there is nothing to double"))),
            }
            capped(&value, *name, &what, bounds, facts)?;
        }
    }
    requests_within_limits(live, container, resources)
}

fn historic(revision: &Value, container: &str, part: &str, name: ResourceName, text: &str) -> Result<(), Reason> {
    let pointer = format!("/resources/{part}/{}", name.as_str());
    let had = revision_container(revision, container).and_then(|c| text_at(c, &pointer));
    if had == Some(text) {
        return Ok(());
    }
    Err(Reason::new(
        Code::OriginUnproven,
        format!("that revision had {part}.{} {:?}", name.as_str(), had.unwrap_or("none")),
    ))
}

fn doubled(live: &Value, container: &str, part: &str, name: ResourceName, value: &Quantity) -> Result<(), Reason> {
    let what = format!("{part}.{}", name.as_str());
    let now = current(live, container, part, name)
        .ok_or_else(|| out(format!("{what} is not set now, so there is nothing to double")))?;
    let now = parse(now, &what)?;
    if now.double().is_none_or(|double| *value > double) {
        return Err(out(format!("{what} {value} is more than twice the current {now}")));
    }
    if *value < now {
        return Err(out(format!("{what} {value} is below the current {now}; only history may shrink it")));
    }
    Ok(())
}

fn capped(value: &Quantity, name: ResourceName, what: &str, bounds: &Bounds, facts: &Facts) -> Result<(), Reason> {
    let cap = match name {
        ResourceName::Cpu => &bounds.max_cpu,
        ResourceName::Memory => &bounds.max_memory,
    };
    if let Some(cap) = cap {
        let cap = parse(cap, "the mandate's cap")?;
        if *value > cap {
            return Err(out(format!("{what} {value} is above the mandate's cap {cap}")));
        }
    }
    match facts.largest_free.get(&name) {
        Some(free) if value > free => Err(out(format!("{what} {value} is more than any node has free ({free})"))),
        Some(_) => Ok(()),
        None => Err(out(format!("{what}: no node's free {} is known", name.as_str()))),
    }
}

fn requests_within_limits(live: &Value, container: &str, wanted: &Resources) -> Result<(), Reason> {
    for name in [ResourceName::Cpu, ResourceName::Memory] {
        let effective = |part: &str, values: &std::collections::BTreeMap<ResourceName, String>| {
            values.get(&name).map(String::as_str).or_else(|| current(live, container, part, name)).map(str::to_owned)
        };
        let (request, limit) = (effective("requests", &wanted.requests), effective("limits", &wanted.limits));
        if let (Some(request), Some(limit)) = (request, limit)
            && parse(&request, "request")? > parse(&limit, "limit")?
        {
            return Err(out(format!("the {} request {request} would be above the limit {limit}", name.as_str())));
        }
    }
    Ok(())
}
