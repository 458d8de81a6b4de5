//! Times and durations as kubectl writes them.
//!
//! Owns their text forms and the parsing of `--request-timeout` and its kin. Must never read the
//! clock but in [`now`]. Reads the clock there.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The time on this machine.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// An age: `45s`, `7m30s`, `12m`, `3h5m`, `11h`, `2d4h`, `30d`, `400d`.
pub fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    match since {
        Some(since) => human(now.duration_since(since)),
        None => "<unknown>".to_owned(),
    }
}

/// A duration in at most two units; what lies ahead counts as zero.
pub fn human(span: SignedDuration) -> String {
    let s = span.as_secs().max(0);
    let two = |big: i64, unit: &str, small: i64, sub: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{sub}") }
    };
    match s {
        0..120 => format!("{s}s"),
        120..600 => two(s / 60, "m", s % 60, "s"),
        600..10_800 => format!("{}m", s / 60),
        10_800..28_800 => two(s / 3600, "h", s % 3600 / 60, "m"),
        28_800..172_800 => format!("{}h", s / 3600),
        172_800..691_200 => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
        _ => format!("{}d", s / 86_400),
    }
}

/// A short duration with its fraction, as a timeline shows it: `340ms`, `12.0s`, `4m02s`.
pub fn precise(span: SignedDuration) -> String {
    let ms = span.as_millis().max(0);
    if ms < 1000 {
        format!("{ms}ms")
    } else if ms < 60_000 {
        format!("{}.{}s", ms / 1000, ms % 1000 / 100)
    } else if ms < 3_600_000 {
        format!("{}m{:02}s", ms / 60_000, ms % 60_000 / 1000)
    } else {
        format!("{}h{:02}m", ms / 3_600_000, ms % 3_600_000 / 60_000)
    }
}

/// The time of day in UTC, to the millisecond.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S.%3f").to_string()
}

/// Date and time in UTC, to the second.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Parses `90`, `30s`, `5m`, `1h30m`, `500ms`; `0` means no limit where one is asked for.
///
/// # Errors
/// One sentence that says how a duration is written.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration: write it like 30s, 5m or 1h30m");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, after) = tail.split_at(end);
        let millis = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let part = number.checked_mul(millis).ok_or_else(wrong)?;
        total = total.checked_add(Duration::from_millis(part)).ok_or_else(wrong)?;
        rest = after;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_like_kubectls() {
        let text = |s| human(SignedDuration::from_secs(s));
        let got: Vec<String> =
            [-5, 0, 119, 120, 150, 599, 600, 10_800, 11_100, 40_000, 180_000, 2_000_000].map(text).into();
        let want = ["0s", "0s", "119s", "2m", "2m30s", "9m59s", "10m", "3h", "3h5m", "11h", "2d2h", "23d"];
        assert_eq!(got, want);
    }

    #[test]
    fn timelines_show_fractions() {
        let text = |ms| precise(SignedDuration::from_millis(ms));
        assert_eq!([text(340), text(12_000), text(242_000), text(3_700_000)], ["340ms", "12.0s", "4m02s", "1h01m"]);
    }

    #[test]
    fn durations_parse_or_say_how_they_are_written() {
        assert_eq!(parse("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        for bad in ["", "5x", "m", "-3s", "1.5s", "99999999999999999999s"] {
            assert!(parse(bad).is_err_and(|e| e.contains("30s")), "{bad:?}");
        }
    }
}
