//! The API server's time.
//!
//! Owns the offset between this process's monotonic clock and the API server's `Date`. Must never
//! fall back to the local wall clock: without a recent look there is no time, and nothing that
//! depends on time is done. Talks to the API server.

use bailiwick_core::life::Record;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long one look is trusted.
const TRUSTED: Duration = Duration::from_secs(300);

/// One look at the API server's clock.
#[derive(Debug, Clone, Copy)]
struct Look {
    server: Timestamp,
    at: Instant,
}

/// The clock.
#[derive(Default)]
pub(crate) struct Clock {
    last: Mutex<Option<Look>>,
}

impl Clock {
    /// The API server's time, or `None` if it was not asked in the last five minutes.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        let look = (*self.last.lock().ok()?)?;
        let passed = look.at.elapsed();
        if passed > TRUSTED {
            return None;
        }
        let now = look.server + SignedDuration::try_from(passed).ok()?;
        Timestamp::from_millisecond(now.as_millisecond()).ok()
    }

    /// Asks the API server.
    pub(crate) async fn look(&self, client: &Client) -> Result<(), String> {
        let request = Request::get("/version").body(Body::empty()).map_err(|e| e.to_string())?;
        let before = Instant::now();
        let response = client.send(request).await.map_err(|e| e.to_string())?;
        let date =
            response.headers().get("date").and_then(|d| d.to_str().ok()).ok_or("the reply has no Date header")?;
        let server = jiff::fmt::rfc2822::parse(date).map_err(|e| e.to_string())?.timestamp();
        // `Date` has whole seconds and was written between request and reply: half a second is
        // added, so that the error is at most half a second plus half the round trip.
        let at = before + before.elapsed() / 2;
        let look = Look { server: server + SignedDuration::from_millis(500), at };
        if let Ok(mut last) = self.last.lock() {
            *last = Some(monotonic(*last, look));
        }
        Ok(())
    }
}

/// A new look never turns the clock back.
fn monotonic(last: Option<Look>, look: Look) -> Look {
    let Some(last) = last else { return look };
    let expected = SignedDuration::try_from(look.at.saturating_duration_since(last.at)).map(|d| last.server + d);
    match expected {
        // Within the error of a look the old line is kept; a larger step is believed forwards only.
        Ok(expected) if look.server < expected + SignedDuration::from_millis(1500) => {
            Look { server: expected, at: look.at }
        }
        Ok(_) | Err(_) => look,
    }
}

/// The time, but never earlier than what is recorded: the clock of the process that recorded it
/// may have been ahead of this one's by the error of a look at the API server's.
pub(crate) fn not_before(record: &Record, now: Timestamp) -> Timestamp {
    let entered = record.timeline.iter().map(|t| t.at);
    let grants = record.planning.iter().chain(record.executions.iter().map(|e| &e.grant));
    let granted = grants.flat_map(|g| [Some(g.granted_at), g.proved_at, g.revoked_at]);
    let written = record.executions.iter().flat_map(|e| [e.started_at, e.applied_at]);
    entered.chain(granted.chain(written).flatten()).fold(now, Timestamp::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::life::{Phase, Transition};

    fn looked(ago: Duration) -> Clock {
        let at = Instant::now().checked_sub(ago).unwrap();
        let server = Timestamp::from_second(1_800_000_000).unwrap();
        Clock { last: Mutex::new(Some(Look { server, at })) }
    }

    #[test]
    fn without_a_recent_look_there_is_no_time() {
        assert_eq!(Clock::default().now(), None);
        let minute = Duration::from_secs(60);
        assert!(looked(TRUSTED - minute).now().is_some_and(|now| now.as_second() >= 1_800_000_240));
        assert_eq!(looked(TRUSTED + minute).now(), None);
    }

    #[test]
    fn time_does_not_fall_behind_the_record() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let mut record = Record::default();
        assert_eq!(not_before(&record, at(5)), at(5));
        record.timeline.push(Transition { phase: Phase::Granting, at: at(6), reason: None });
        assert_eq!(not_before(&record, at(5)), at(6));
        assert_eq!(not_before(&record, at(7)), at(7));
    }
}
