//! What a cron schedule means.
//!
//! Owns the five fields, their names and the usual abbreviations, in UTC. Must never guess: what it
//! cannot read is no calendar. No IO.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How far ahead the rarest schedule, the 29th of February on some weekday, can be.
const DAYS_AHEAD: usize = 366 * 41;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calendar {
    /// At the times that fit all fields, each a set of bits.
    Fields { minutes: u64, hours: u64, days: u64, months: u64, weekdays: u64, either_day: bool },
    /// Every so often.
    Every(SignedDuration),
}

impl Calendar {
    /// Reads a schedule; `None` for what this does not know.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(period) = text.trim().strip_prefix("@every ") {
            let period: SignedDuration = period.trim().parse().ok()?;
            return (period.as_secs() > 0).then_some(Calendar::Every(period));
        }
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
        let any = |field: &str| field.starts_with(['*', '?']);
        let week = parse_field(weekdays, 0, 7, &DAYS, 0)?;
        Some(Calendar::Fields {
            minutes: parse_field(minutes, 0, 59, &[], 0)?,
            hours: parse_field(hours, 0, 23, &[], 0)?,
            days: parse_field(days, 1, 31, &[], 0)?,
            months: parse_field(months, 1, 12, &MONTHS, 1)?,
            // Sunday is 0 and 7.
            weekdays: (week | week >> 7) & 0x7f,
            // Where both days are named, either will do.
            either_day: !any(days) && !any(weekdays),
        })
    }

    /// The first time after `after`.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let Calendar::Fields { .. } = self else { return self.between(after, Timestamp::MAX, 1).pop() };
        let start = after.to_zoned(TimeZone::UTC).date();
        start.series(jiff::Span::new().days(1)).take(DAYS_AHEAD).find_map(|date| self.on(date).find(|at| *at > after))
    }

    /// The times after `from`, up to `to`, at most so many.
    pub(super) fn between(&self, from: Timestamp, to: Timestamp, most: usize) -> Vec<Timestamp> {
        if let Calendar::Every(period) = self {
            let times = std::iter::successors(from.checked_add(*period).ok(), |at| at.checked_add(*period).ok());
            return times.take_while(|at| *at <= to).take(most).collect();
        }
        let start = from.to_zoned(TimeZone::UTC).date();
        let days = start.series(jiff::Span::new().days(1)).take(DAYS_AHEAD);
        let days = days.take_while(|date| midnight(*date).is_some_and(|at| at <= to));
        days.flat_map(|date| self.on(date)).filter(|at| *at > from).take_while(|at| *at <= to).take(most).collect()
    }

    /// The times of one day.
    fn on(&self, date: Date) -> impl Iterator<Item = Timestamp> + use<> {
        let (mut hours, mut minutes) = (0, 0);
        if let Calendar::Fields { minutes: m, hours: h, days, months, weekdays, either_day } = *self {
            let day = has(days, u32::from(date.day().unsigned_abs()));
            let weekday = has(weekdays, u32::from(date.weekday().to_sunday_zero_offset().unsigned_abs()));
            let fits = if either_day { day || weekday } else { day && weekday };
            if fits && has(months, u32::from(date.month().unsigned_abs())) {
                (hours, minutes) = (h, m);
            }
        }
        let start = midnight(date);
        let at = move |hour: u32, minute: u32| {
            start?.checked_add(SignedDuration::from_mins(i64::from(hour * 60 + minute))).ok()
        };
        (0..24).filter(move |hour| has(hours, *hour)).flat_map(move |hour| {
            (0..60).filter(move |minute| has(minutes, *minute)).filter_map(move |minute| at(hour, minute))
        })
    }
}

fn midnight(date: Date) -> Option<Timestamp> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn has(set: u64, number: u32) -> bool {
    set >> number & 1 == 1
}

/// `*`, `7`, `1-5`, `*/15`, `3-40/6`, names, and lists of these.
fn parse_field(text: &str, least: u32, most: u32, names: &[&str], first: u32) -> Option<u64> {
    let number = |word: &str| {
        let named = names.iter().position(|name| word.eq_ignore_ascii_case(name)).and_then(|at| u32::try_from(at).ok());
        named.map(|at| at + first).or_else(|| word.parse().ok()).filter(|n| (least..=most).contains(n))
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step: u32 = step.map_or(Some(1), |s| s.parse().ok()).filter(|s| *s > 0)?;
        let (from, to) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        let mut at = from;
        while at <= to {
            set |= 1 << at;
            at = at.saturating_add(step);
        }
    }
    Some(set).filter(|set| *set != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, after: &str) -> Option<String> {
        Calendar::parse(schedule)?.next(after.parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn schedules_mean_what_cron_means() {
        // 2026-01-01 is a Thursday.
        let new_year = "2026-01-01T00:00:00Z";
        for (schedule, wanted) in [
            ("*/15 * * * *", "2026-01-01T00:15:00Z"),
            ("0 0 * * *", "2026-01-02T00:00:00Z"),
            ("30 4 1,15 * *", "2026-01-01T04:30:00Z"),
            ("0 9-17/4 * * mon-fri", "2026-01-01T09:00:00Z"),
            ("0 12 * * SUN", "2026-01-04T12:00:00Z"),
            ("0 12 * * 7", "2026-01-04T12:00:00Z"),
            ("0 0 13 * 5", "2026-01-02T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("5/20 1 * feb ?", "2026-02-01T01:05:00Z"),
            ("@hourly", "2026-01-01T01:00:00Z"),
            ("@every 90m", "2026-01-01T01:30:00Z"),
            ("1/4294967295 * * * *", "2026-01-01T00:01:00Z"),
        ] {
            assert_eq!(next(schedule, new_year).as_deref(), Some(wanted), "{schedule}");
        }
    }

    #[test]
    fn what_cannot_be_is_never_due_and_what_cannot_be_read_is_no_calendar() {
        assert_eq!(Calendar::parse("0 0 30 2 *").unwrap().next("2026-01-01T00:00:00Z".parse().unwrap()), None);
        for bad in
            ["", "* * * *", "60 * * * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", "@every", "CRON_TZ=X 0 0 * * *"]
        {
            assert_eq!(Calendar::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn dues_are_counted_up_to_a_cap() {
        let count = |schedule: &str, to: &str, most| {
            let calendar = Calendar::parse(schedule).unwrap();
            calendar.between("2026-01-01T00:00:00Z".parse().unwrap(), to.parse().unwrap(), most).len()
        };
        assert_eq!(count("*/5 * * * *", "2026-01-01T00:20:00Z", 9), 4);
        assert_eq!(count("*/5 * * * *", "2026-01-01T23:20:00Z", 4), 4);
        assert_eq!(count("0 0 * * *", "2026-01-03T12:00:00Z", 9), 2);
        assert_eq!(count("@every 1h", "2026-01-01T03:30:00Z", 9), 3);
    }
}
