//! One run: the unit tests, then the suites on their clusters, all within its time. What cannot be built or run is a failure in the report, never the end of the run.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bailiwick_testbed::Config;

use super::discover::Suite;
use super::outcome::{Outcome, Report};
use super::place::{self, Place};
use super::rescue::{self, Room};
use super::run::{self, Job};
use super::{Args, build};
use crate::cargo::Program;
use crate::workspace::Workspace;
use crate::{out, say};

const UNIT_LIMIT: Duration = Duration::from_secs(5 * 60);

/// What all of a run share.
pub(super) struct Session<'a> {
    pub(super) config: &'a Config,
    pub(super) workspace: &'a Workspace,
    pub(super) room: &'a Room,
    pub(super) args: &'a Args,
    /// When the whole run must be over.
    pub(super) deadline: Instant,
}

/// A cluster, and what tests on it are told.
struct Lane {
    place: Place,
    shared: Vec<(String, String)>,
}

/// Outcomes, as they come in from several threads.
type Told<'a> = Mutex<&'a mut Report>;

impl Session<'_> {
    /// All tests that need no cluster.
    pub(super) fn units(&self, report: &mut Report) -> Result<()> {
        say("building the unit tests");
        let (programs, complete) = build::unit_tests(self.workspace)?;
        if !complete {
            tell(report, Outcome::broken("unit build", "Cargo could not build every unit test: see above"))?;
        }
        let told = Mutex::new(report);
        let waiting = Mutex::new(programs.iter());
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(|| self.work(&waiting, &told))).collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| anyhow::bail!("a worker broke")))
        })?;
        if self.args.runner.is_empty() && complete {
            let outcome = self.within("unit docs", UNIT_LIMIT * 2, |limit| {
                run::doc_tests(self.workspace, limit, &self.room.dir("unit docs")?)
            })?;
            told_by(&told, outcome)?;
        }
        Ok(())
    }

    /// Takes one program after the other until none is left.
    fn work<'p>(&self, waiting: &Mutex<impl Iterator<Item = &'p Program>>, told: &Told<'_>) -> Result<()> {
        loop {
            let Some(program) = waiting.lock().ok().and_then(|mut waiting| waiting.next()) else {
                return Ok(());
            };
            let name = format!("unit {}", program.label);
            let outcome = self.within(&name, UNIT_LIMIT, |limit| self.unit(&name, program, limit))?;
            // A filter leaves most runners with nothing to do.
            if outcome.count() > 0 {
                told_by(told, outcome)?;
            }
        }
    }

    fn unit(&self, name: &str, program: &Program, limit: Duration) -> Result<Outcome> {
        let args = self.args.runner.clone();
        let job = Job { name: name.to_owned(), program, args, env: Vec::new(), limit, live: None };
        run::run(&job, self.workspace, &self.room.dir(name)?)
    }

    /// All suites, each on the next cluster that is free.
    pub(super) fn suites(&self, suites: &[Suite], report: &mut Report) -> Result<()> {
        say("building the suites that need a cluster");
        let programs = build::suites(self.workspace, suites)?;
        let mut lanes = Vec::new();
        for number in 0..self.lanes(suites.len()) {
            match self.lane(number, suites) {
                Ok(lane) => lanes.push(lane),
                Err(error) => return tell(report, Outcome::broken("cluster", &format!("{error:#}"))),
            }
        }
        let (told, waiting) = (&Mutex::new(report), &Mutex::new(suites.iter()));
        let (programs, alone) = (programs.as_slice(), lanes.len() == 1);
        std::thread::scope(|scope| {
            let start = |lane| scope.spawn(move || self.take_turns(lane, (programs, alone), waiting, told));
            let workers: Vec<_> = lanes.iter().map(start).collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| anyhow::bail!("a lane broke")))
        })
    }

    /// How many clusters are worth while.
    fn lanes(&self, suites: usize) -> usize {
        let named = self.args.cluster.is_some() || self.args.context.is_some() || self.args.kubeconfig.is_some();
        let usual = if named { 1 } else { std::thread::available_parallelism().map_or(1, usize::from).min(2) };
        self.args.lanes.map_or(usual, usize::from).min(suites)
    }

    fn lane(&self, number: usize, suites: &[Suite]) -> Result<Lane> {
        let place = Place::open(self.config, self.args, number)?;
        let shared = place.prepare((self.config, self.workspace), suites, self.args)?;
        Ok(Lane { place, shared })
    }

    /// Takes one suite after the other until none is left.
    fn take_turns<'s>(
        &self,
        lane: &Lane,
        (programs, alone): (&[Program], bool),
        waiting: &Mutex<impl Iterator<Item = &'s Suite>>,
        told: &Told<'_>,
    ) -> Result<()> {
        loop {
            let Some(suite) = waiting.lock().ok().and_then(|mut waiting| waiting.next()) else {
                return Ok(());
            };
            let outcome = match programs.iter().find(|program| program.label == suite.name) {
                Some(program) => self.within(&suite.name, suite.limit, |limit| {
                    let mut job = self.job(suite, program, limit);
                    job.env.clone_from(&lane.shared);
                    // Of two that speak at once, each line says whose it is.
                    job.live = Some(if alone { String::new() } else { format!("{} | ", suite.name) });
                    self.suite(job, suite, &lane.place)
                })?,
                None => Outcome::broken(&suite.name, "Cargo could not build it: see above"),
            };
            told_by(told, outcome)?;
        }
    }

    fn job<'p>(&self, suite: &Suite, program: &'p Program, limit: Duration) -> Job<'p> {
        let mut args = vec![format!("--test-threads={}", suite.threads)];
        args.extend(self.args.runner.iter().cloned());
        Job { name: suite.name.clone(), program, args, env: Vec::new(), limit, live: None }
    }

    fn suite(&self, mut job: Job<'_>, suite: &Suite, place: &Place) -> Result<Outcome> {
        if suite.owns_clusters && place.is_own() {
            return Ok(Outcome::skipped(&suite.name, "brings up clusters of the testbed itself"));
        }
        let dir = self.room.dir(&suite.name)?;
        job.env.extend(place::own_env(&dir));
        say(&format!("\n{}", suite.name));
        let mut outcome = run::run(&job, self.workspace, &dir)?;
        outcome.note_skipped(&dir)?;
        if outcome.failed > 0 {
            self.rescue(place, &dir);
            outcome.kept = Some(dir);
        }
        Ok(outcome)
    }

    fn rescue(&self, place: &Place, dir: &Path) {
        rescue::collect(place, dir);
    }

    /// Runs it in the time that it may take and the run has left; without any, it has failed.
    fn within(&self, name: &str, most: Duration, run: impl FnOnce(Duration) -> Result<Outcome>) -> Result<Outcome> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Outcome::broken(name, "not run: the time of the whole run is over"));
        }
        run(most.min(left)).with_context(|| format!("run {name}"))
    }
}

fn told_by(told: &Told<'_>, outcome: Outcome) -> Result<()> {
    let mut report = told.lock().ok().context("a worker broke")?;
    tell(&mut report, outcome)
}

/// Takes an outcome into the report and prints its runner's closing lines.
fn tell(report: &mut Report, outcome: Outcome) -> Result<()> {
    report.add(outcome).iter().try_for_each(|line| out(line))
}
