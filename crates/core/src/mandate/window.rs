//! Time windows in which pre-approval holds.
//!
//! Owns the form and meaning of a window. A window that cannot be read holds never. No IO.

use jiff::Timestamp;
use jiff::civil::Weekday;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    const fn is(self, weekday: Weekday) -> bool {
        matches!(
            (self, weekday),
            (Day::Mon, Weekday::Monday)
                | (Day::Tue, Weekday::Tuesday)
                | (Day::Wed, Weekday::Wednesday)
                | (Day::Thu, Weekday::Thursday)
                | (Day::Fri, Weekday::Friday)
                | (Day::Sat, Weekday::Saturday)
                | (Day::Sun, Weekday::Sunday)
        )
    }
}

/// A daily span of time on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Window {
    /// Days on which the window opens; empty means every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// Opening time, `HH:MM`, inclusive.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// Closing time, `HH:MM`, exclusive; earlier than `from` means on the next day.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub to: String,
    /// IANA time zone (default `UTC`).
    #[serde(default = "utc")]
    pub time_zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Minutes after midnight of `HH:MM`, exactly so written.
fn minutes(text: &str) -> Option<i16> {
    let digits = |part: &str| -> Option<i16> {
        let two = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        two.then(|| part.parse().ok())?
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

impl Window {
    /// True if `now` lies inside. A window with an unknown zone or malformed time never holds.
    pub fn contains(&self, now: Timestamp) -> bool {
        let Ok(zoned) = now.in_tz(&self.time_zone) else {
            return false;
        };
        let (Some(from), Some(to)) = (minutes(&self.from), minutes(&self.to)) else {
            return false;
        };
        let at = i16::from(zoned.hour()) * 60 + i16::from(zoned.minute());
        let opens_on = |day: Weekday| self.days.is_empty() || self.days.iter().any(|d| d.is(day));
        if from <= to {
            return opens_on(zoned.weekday()) && (from..to).contains(&at);
        }
        (opens_on(zoned.weekday()) && at >= from) || (opens_on(zoned.weekday().previous()) && at < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cross_midnight_and_fail_closed() {
        let at = |t: &str| t.parse::<Timestamp>().unwrap();
        let night = Window { days: vec![Day::Fri], from: "22:00".into(), to: "02:00".into(), time_zone: utc() };
        assert!(night.contains(at("2026-11-20T23:00:00Z")));
        assert!(night.contains(at("2026-11-21T01:59:00Z")));
        assert!(!night.contains(at("2026-11-21T02:00:00Z")));
        assert!(!night.contains(at("2026-11-21T23:00:00Z")));
        let broken = Window { time_zone: "Mars/Olympus".into(), ..night };
        assert!(!broken.contains(at("2026-11-20T23:00:00Z")));
    }
}
