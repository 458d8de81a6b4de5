//! Certificates of cert-manager: out of date, about to be, or never issued.
//!
//! Owns what their status tells. Must never need a right on Secrets: a certificate that cert-manager
//! does not look after is not seen. No IO.

use super::case::Case;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use jiff::SignedDuration;

/// cert-manager renews weeks before; what is left in the last days was not renewed.
const LAST_DAYS: SignedDuration = SignedDuration::from_hours(3 * 24);
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
    if let Some(until) = certificate.until.filter(|until| until.duration_since(case.now) < LAST_DAYS) {
        let over = until <= case.now;
        let (word, severity) = if over { ("expired", Severity::Critical) } else { ("expires", Severity::Warning) };
        let text = format!("the certificate {kept} {word} at {until} and was not renewed");
        let mut finding = case.draft(Cause::CertificateExpired, severity, &text);
        finding.since = if over { until } else { until.checked_sub(LAST_DAYS).unwrap_or(until) };
        finding.evidence = case.own("status.notAfter", &until.to_string());
        return vec![finding];
    }
    let not_ready = certificate.conditions.get("Ready").filter(|c| !c.holds && case.past(c.since, GRACE));
    let finding = not_ready.map(|c| {
        let text = format!("the certificate {kept} is not ready: {}", quote(&c.message, 140));
        let mut finding = case.draft(Cause::CertificateNotReady, Severity::Warning, &text);
        finding.since = c.since.unwrap_or(finding.since);
        finding.evidence = case.own("status.conditions[Ready]", &format!("{}: {}", c.reason, c.message));
        finding
    });
    if let Some(until) = certificate.until {
        case.look_again(until.checked_sub(LAST_DAYS).unwrap_or(until));
    }
    finding.into_iter().collect()
}

#[cfg(test)]
mod tests;
