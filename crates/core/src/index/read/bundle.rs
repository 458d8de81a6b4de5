//! A CA bundle: whether it holds certificates, and until when they are valid.
//!
//! Owns that reading, down to the two dates in a certificate. Must never judge a certificate
//! otherwise, nor fail on one it cannot read. No IO.

use crate::index::rows::Bundle;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Reads the bundle as it stands in a webhook configuration: base64 over PEM.
pub(super) fn read(encoded: &str) -> Bundle {
    if encoded.is_empty() {
        return Bundle::Absent;
    }
    let text = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let mut certificates =
        text.split(BEGIN).skip(1).filter_map(|rest| rest.split_once(END)).map(|(body, _)| body).peekable();
    if certificates.peek().is_none() {
        return Bundle::Broken;
    }
    let mut latest: Option<Timestamp> = None;
    for body in certificates {
        let packed: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let Ok(der) = STANDARD.decode(packed) else { return Bundle::Broken };
        // One certificate whose end is not known may be valid for ever.
        let Some(end) = not_after(&der) else { return Bundle::Until(None) };
        latest = latest.max(Some(end));
    }
    Bundle::Until(latest)
}

/// The tags of DER that lead to a certificate's dates.
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `Certificate { tbs { [version], serial, algorithm, issuer, validity { notBefore, notAfter }, …`
fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(der).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, mut body, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    if element(body)?.0 == EXPLICIT_0 {
        body = element(body)?.2;
    }
    for _ in 0..3 {
        body = element(body)?.2;
    }
    let (_, validity, _) = element(body).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (tag, text, _) = element(element(validity)?.2)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// One element: its tag, its content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(d, _)| d.len() <= 4)?;
        (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ`, of which 50 and later are of the last century, or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let full = match (tag, digits.len()) {
        (UTC_TIME, 12) if digits < "50" => format!("20{digits}"),
        (UTC_TIME, 12) => format!("19{digits}"),
        (GENERALIZED_TIME, 14) => digits.to_owned(),
        _ => return None,
    };
    let at = DateTime::strptime("%Y%m%d%H%M%S", full).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests;
