//! Certificates of cert-manager: out of date, about to be, or never issued.
//!
//! Owns what their status tells. Must never need a right on Secrets: a certificate that cert-manager
//! does not look after is not seen. No IO.

use super::case::Case;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::Certificate;
use jiff::{SignedDuration, Timestamp};

/// Where nobody says when it is to be renewed: what is left in the last days was not.
const LAST_DAYS: SignedDuration = SignedDuration::from_hours(3 * 24);
/// What renewing may take.
const RENEWING: SignedDuration = SignedDuration::from_hours(1);
/// Issuing takes some time, with an authority on the Internet first of all.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// What is wrong with a Certificate.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some((thing, certificate)) = case.thing.and_then(|t| Some((t, t.certificate()?))) else {
        return Vec::new();
    };
    if thing.head.marks.deleting() {
        return Vec::new();
    }
    let kept = format!("for Secret {} by {}", quote(&certificate.secret, 60), quote(&certificate.issuer, 60));
    if let Some(late) = certificate.until.and_then(|until| late(case, certificate, until, &kept)) {
        return vec![late];
    }
    let not_ready = certificate.conditions.get("Ready").filter(|c| !c.holds && case.past(c.since, GRACE));
    let finding = not_ready.map(|c| {
        let text = format!("the certificate {kept} is not ready: {}", quote(&c.message, 140));
        let mut finding = case.draft(Cause::CertificateNotReady, Severity::Warning, &text);
        finding.since = c.since.unwrap_or(finding.since);
        finding.evidence = case.own("status.conditions[Ready]", &format!("{}: {}", c.reason, c.message));
        finding
    });
    if finding.is_none() {
        due(certificate).into_iter().for_each(|due| case.look_again(due));
    }
    finding.into_iter().collect()
}

/// From when on a certificate that was not renewed is late.
fn due(certificate: &Certificate) -> Option<Timestamp> {
    let until = certificate.until?;
    let planned = certificate.renewal.and_then(|at| at.checked_add(RENEWING).ok());
    planned.or(until.checked_sub(LAST_DAYS).ok())
}

/// Out of date, or not renewed when it was due.
fn late(case: &Case<'_>, certificate: &Certificate, until: Timestamp, kept: &str) -> Option<Finding> {
    let (word, severity, since) = match due(certificate).filter(|due| *due <= case.now) {
        _ if until <= case.now => ("expired", Severity::Critical, until),
        Some(due) => ("expires", Severity::Warning, certificate.renewal.unwrap_or(due)),
        None => return None,
    };
    let planned = certificate.renewal.map_or_else(String::new, |at| format!(" at {at}"));
    let text = format!("the certificate {kept} {word} at {until} and was not renewed{planned}");
    let mut finding = case.draft(Cause::CertificateExpired, severity, &text);
    finding.since = since;
    finding.evidence = case.own("status.notAfter", &until.to_string());
    Some(finding)
}

#[cfg(test)]
mod tests;
