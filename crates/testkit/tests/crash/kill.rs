//! One killing: an operator that dies at one passage of one point, and another that takes over.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bailiwick_core::life::{Phase, Record};
use bailiwick_testkit::{
    Audit, History, OperatorProcess, ProcessOptions, Proposal, Recorder, Result, Row, TestCluster,
};

use crate::aftermath;
use crate::life::{Begun, Life};
use crate::points;
use crate::stage::Stage;

const WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(40);

/// Tells how far it is, also where the harness keeps what tests print.
pub(crate) fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").context("say how far it is")
}

/// Surveys a life that nobody cuts short, and then kills at every passage of every point that it showed; of two points with no request between them, at one.
pub(crate) async fn everywhere(cluster: TestCluster, life: Life) -> Result<()> {
    let stage = Box::pin(Stage::set(cluster, life)).await?;
    let passages = survey(&stage).await?;
    say(&format!("{life:?}: {passages:?}"))?;
    let worth = |(point, passages): (&&'static str, &u32)| {
        let point = *point;
        (0..points::worth(life, point, *passages)).map(move |passage| (point, passage))
    };
    let all: Vec<(&str, u32)> = passages.iter().flat_map(worth).collect();
    let row = Row::of("R01", all.len() as u64)?;
    let mut kills: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in row.seeds() {
        let ((point, passage), begin) = (all[seed as usize % all.len()], Instant::now());
        // The number of looks at a workload varies; what comes with the last of them may not come.
        let killed = at(&stage, point, passage).await?;
        *kills.entry(point).or_default() += u32::from(killed);
        row.held(seed, Some(begin.elapsed()))?;
    }
    say(&format!("{life:?}: killed {} times: {kills:?}", kills.values().sum::<u32>()))?;
    let spared: Vec<_> = points::of(life).into_iter().filter(|p| kills.get(p).copied().unwrap_or(0) == 0).collect();
    let complete = row.seeds().count() >= all.len();
    assert!(spared.is_empty() || !complete, "never killed at {spared:?}");
    Ok(())
}

/// Brings one Change to its end although the operator dies at the given passage of the point, and judges the aftermath. False where the life has no such passage.
async fn at(stage: &Stage, point: &str, passage: u32) -> Result<bool> {
    let what = format!("{:?}, {point}, passage {passage}", stage.life);
    let run = Run { stage, audit: stage.cluster.audit()?, options: ProcessOptions::dying_after(point, passage) };
    let begin = Instant::now();
    let died = Box::pin(run.live()).await.with_context(|| what.clone())?;
    say(&format!(
        "{what}: {} after {:.1} s",
        if died { "killed" } else { "not reached" },
        begin.elapsed().as_secs_f64()
    ))?;
    Ok(died)
}

/// How often each point is passed in a life that is not cut short.
async fn survey(stage: &Stage) -> Result<BTreeMap<&'static str, u32>> {
    let points = points::of(stage.life);
    let printing: Vec<String> = points.iter().map(|point| format!("{point}=print")).collect();
    let options = ProcessOptions { failpoints: printing.join(";"), ..ProcessOptions::default() };
    let run = Run { stage, audit: stage.cluster.audit()?, options: options.clone() };
    let mut operator = stage.start(options)?;
    Box::pin(run.with(&mut operator)).await.context("the survey")?;
    let log = operator.log()?;
    operator.kill()?;
    let passages = |point: &str| log.matches(&format!("failpoint {point} executed")).count();
    Ok(points.into_iter().map(|point| (point, u32::try_from(passages(point)).unwrap_or(u32::MAX))).collect())
}

/// One Change from its beginning to its aftermath.
pub(crate) struct Run<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) audit: Audit,
    /// The first operator's.
    pub(crate) options: ProcessOptions,
}

impl Run<'_> {
    async fn live(&self) -> Result<bool> {
        let spared = self.stage.life.spared_until().is_some();
        let first = if spared { ProcessOptions::default() } else { self.options.clone() };
        let mut operator = self.stage.start(first)?;
        let died = Box::pin(self.with(&mut operator)).await?;
        operator.kill()?;
        Ok(died)
    }

    /// The same with an operator that runs already, and that still runs afterwards, or another in its place.
    pub(crate) async fn with(&self, operator: &mut OperatorProcess) -> Result<bool> {
        let recorder = Recorder::start(&self.stage.cluster, &self.stage.namespace).await?;
        let begun = self.stage.life.begin(self.stage).await?;
        if let Some(phase) = self.stage.life.spared_until() {
            self.reach(&begun, phase).await?;
            operator.kill()?;
            *operator = self.stage.start(self.options.clone())?;
        }
        let (change, died) = self.finish(&begun, operator).await?;
        let judged = Box::pin(aftermath::judge(self.stage, self.stage.life, (&change, &self.audit))).await;
        judged.with_context(|| operator.last_words())?;
        if self.stage.life != Life::Incident {
            // There the fault itself is a change of the target that nobody recorded.
            let history = recorder.until_now(change.name()).await?;
            self.keep(&history)?;
            history.check(change.name()).with_context(|| operator.last_words())?;
        }
        Ok(died)
    }

    /// The newest history, for whoever reads a failure.
    fn keep(&self, history: &History) -> Result<()> {
        let path = self.stage.cluster.artifacts("history")?.join(format!("{:?}.json", self.stage.life));
        std::fs::write(&path, serde_json::to_string(history)?).with_context(|| format!("write {}", path.display()))
    }

    /// Waits for the end; the operator is started again when it dies, once.
    async fn finish(&self, begun: &Begun, operator: &mut OperatorProcess) -> Result<(Proposal, bool)> {
        let (begin, mut died, mut approved) = (Instant::now(), false, self.stage.life.spared_until().is_some());
        loop {
            if !operator.is_running()? {
                anyhow::ensure!(!died, "the operator died twice:\n{}", operator.last_words());
                let words = operator.last_words();
                anyhow::ensure!(words.contains("dying at a fail point"), "it died of something else:\n{words}");
                died = true;
                *operator = self.stage.start(ProcessOptions::default())?;
            }
            let change = begun.change(self.stage).await?;
            if let Some(change) = change {
                let record = change.record().await?;
                if has_ended(&record) {
                    return Ok((change, died));
                }
                if record.phase == Phase::AwaitingApproval && !approved {
                    self.stage.bob.approve(&change).await?;
                    approved = true;
                }
                if begin.elapsed() > WITHIN {
                    bail!("it has not ended: {record:#?}\n{}", operator.last_words());
                }
            }
            anyhow::ensure!(begin.elapsed() < WITHIN, "there is no Change:\n{}", operator.last_words());
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn reach(&self, begun: &Begun, phase: Phase) -> Result<()> {
        let change = begun.change(self.stage).await?.context("there is no Change yet")?;
        self.stage.bob.approve(&change).await?;
        change.until(&format!("come to {phase}"), WITHIN, |r| r.phase >= phase).await?;
        Ok(())
    }
}

fn has_ended(record: &Record) -> bool {
    record.phase.is_terminal() && record.ending.is_none()
}
