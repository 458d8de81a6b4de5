//! What comes of a fault, watched until it is as expected and has held, or can no longer come.
//!
//! Polls with a deadline. Reads, and lets the approver answer.

use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::Timestamp;

use super::format::{Expectation, Outcome, Scenario};
use super::judge::{self, Standing};
use super::product::{self, Approver, Shown};
use super::stage::Stage;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// How long what is lost may still come back.
const GIVE_UP: Duration = Duration::from_secs(30);

/// What was seen.
pub(super) struct Course {
    /// When everything expected had been told.
    pub(super) detected: Option<Duration>,
    /// When the oracle began to hold.
    pub(super) repaired: Option<Duration>,
    /// It held as long as it should, and so did the outcome.
    pub(super) held: bool,
    /// What the product showed in the end.
    pub(super) shown: Shown,
    /// What is wrong of the outcome, in words.
    pub(super) faults: Vec<String>,
}

/// The watching of one fault.
struct Watch<'a> {
    scenario: &'a Scenario,
    stage: &'a Stage,
    /// When it was made, by the API server's clock.
    since: Timestamp,
    begin: Instant,
    lost: Option<Instant>,
    hold: Option<Instant>,
    course: Course,
}

/// Watches until the end.
pub(super) async fn follow(
    scenario: &Scenario,
    stage: &Stage,
    mut approver: Approver,
    since: Timestamp,
) -> Result<Course> {
    let course = Course { detected: None, repaired: None, held: false, shown: Shown::default(), faults: Vec::new() };
    let begin = Instant::now();
    let mut watch = Watch { scenario, stage, since, begin, lost: None, hold: None, course };
    let mut ticks = tokio::time::interval(PAUSE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // The API server may be down for a moment: what cannot be read now is read the next time.
        let Ok(shown) = product::look(&stage.eye().client, stage.name(), &scenario.expect).await else {
            if watch.is_over() {
                return Ok(watch.end("the product's objects could not be read"));
            }
            continue;
        };
        watch.course.shown = shown;
        approver.answer(&watch.course.shown, &scenario.expect).await?;
        if let Some(why) = watch.look().await {
            return Ok(watch.end(&why));
        }
    }
}

impl Watch<'_> {
    fn is_over(&self) -> bool {
        let hold = if self.hold.is_some() { self.scenario.hold_seconds } else { 0 };
        self.begin.elapsed() > Duration::from_secs(self.scenario.seconds + hold)
    }

    fn end(mut self, why: &str) -> Course {
        self.course.held = why.is_empty() && self.course.faults.is_empty();
        if !why.is_empty() {
            self.course.faults.push(why.to_owned());
        }
        self.course
    }

    /// One look; the reason to end, empty if all came as expected.
    async fn look(&mut self) -> Option<String> {
        let expect = &self.scenario.expect;
        let shown = &self.course.shown;
        let told = |e: &&Expectation| !e.cause.is_empty();
        let mut wrong = expect.iter().filter(told).peekable();
        if self.course.detected.is_none()
            && wrong.peek().is_some()
            && wrong.all(|e| judge::is_diagnosed(e, shown, self.since))
        {
            self.course.detected = Some(self.begin.elapsed());
        }
        let standings: Vec<Standing> = expect.iter().map(|e| judge::standing(e, shown, self.since)).collect();
        self.never().await;
        let fault = self.stage.eye().fault(&self.scenario.oracle).await;
        self.hold(fault.is_none());
        self.verdict(&standings, fault)
    }

    async fn never(&mut self) {
        for check in &self.scenario.never {
            let why = format!("{} {} is as it must never be", check.kind, check.name);
            if self.stage.eye().look(check).await.is_ok() && !self.course.faults.contains(&why) {
                self.course.faults.push(why);
            }
        }
    }

    /// The end's time is counted from where the oracle holds and the product had its say.
    fn hold(&mut self, oracle: bool) {
        let shown = &self.course.shown;
        let acted = |e: &Expectation| match &e.outcome {
            Outcome::Change(_) => shown.changes.iter().any(|c| judge::is_wanted(e, c) && judge::is_applied(c)),
            Outcome::Escalate => judge::standing(e, shown, self.since) == Standing::Met,
            Outcome::Nothing => true,
        };
        if oracle && self.scenario.expect.iter().all(acted) {
            self.hold.get_or_insert_with(Instant::now);
            let changes = self.scenario.expect.iter().any(|e| matches!(e.outcome, Outcome::Change(_)));
            if changes && self.course.repaired.is_none() {
                self.course.repaired = Some(self.begin.elapsed());
            }
        } else {
            self.hold = None;
            self.course.repaired = None;
        }
    }

    fn verdict(&mut self, standings: &[Standing], fault: Option<String>) -> Option<String> {
        let held = self.hold.is_some_and(|at| at.elapsed() >= Duration::from_secs(self.scenario.hold_seconds));
        if held && standings.iter().all(|s| *s == Standing::Met) {
            return Some(String::new());
        }
        let lost = standings.iter().find_map(|s| match s {
            Standing::Lost(why) => Some(why.clone()),
            Standing::Met | Standing::Pending => None,
        });
        self.lost = lost.as_ref().map(|_| self.lost.unwrap_or_else(Instant::now));
        if self.lost.is_some_and(|at| at.elapsed() >= GIVE_UP) {
            return lost;
        }
        self.is_over().then(|| fault.or(lost).unwrap_or_else(|| "it was not as expected in time".to_owned()))
    }
}
