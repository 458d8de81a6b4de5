//! Ordinary users at work while a test turns the installation upside down: each of their writes is counted, and none may be refused because of the product.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_core::object::Kind;
use bailiwick_testkit::{Answer, Result, SECONDS, Seen, TestCluster, apply, path_of, wait_for};
use kube::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::scene::{Shot, allow, everything, idle};

/// Somebody who works in the territory and somebody who works outside, all the while.
pub(crate) struct Bystanders {
    stop: Arc<AtomicBool>,
    counted: Arc<Mutex<Counted>>,
    work: JoinSet<()>,
}

/// What became of the bystanders' writes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counted {
    pub(crate) done: usize,
    /// No answer, or one of 5xx or 429: the API server was not there, or had too much to do.
    pub(crate) unanswered: usize,
    /// Refused with a policy of ours named, or for want of what a policy of ours needs.
    pub(crate) refused_by_us: Vec<String>,
    pub(crate) refused_otherwise: Vec<String>,
    /// By RBAC, which an API server that starts has not read for a moment.
    pub(crate) refused_by_rbac: usize,
}

impl Counted {
    pub(crate) fn add(&mut self, outcome: Result<Answer>) {
        match outcome {
            Ok(answer) if answer.is_success() => self.done += 1,
            Ok(answer) if answer.message().contains("bailiwick") => {
                self.refused_by_us.push(answer.message().to_owned())
            }
            Ok(answer) if answer.refused_by_rbac() => self.refused_by_rbac += 1,
            Ok(answer) if answer.code < 500 && answer.code != 429 => {
                self.refused_otherwise.push(format!("{} {}", answer.code, answer.message()))
            }
            Ok(_) | Err(_) => self.unanswered += 1,
        }
    }
}

/// A write to the Deployment, one to a ConfigMap and one to a quota, as an ordinary user would make them.
fn ordinary(place: &str, round: usize) -> [Shot; 3] {
    let mark = json!({"metadata": {"annotations": {"round": round.to_string()}}});
    let of = |kind: Kind, object: Value| Shot::post(path_of(kind, place, ""), object).dry();
    [
        Shot::merge(path_of(Kind::Deployment, place, "theirs"), mark),
        of(Kind::ConfigMap, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})),
        of(
            Kind::ResourceQuota,
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "a"}, "spec": {"hard": {"pods": "9"}}}),
        ),
    ]
}

impl Bystanders {
    pub(crate) async fn start(cluster: &TestCluster, inside: &str, outside: &str) -> Result<Self> {
        let mut made = Self { stop: Arc::default(), counted: Arc::default(), work: JoinSet::new() };
        for (user, place) in [("iris@inside", inside), ("otto@outside", outside)] {
            let client = cluster.person(user, &[]).await?;
            allow(cluster, place, user, everything()).await?;
            apply(&cluster.admin(), &idle("theirs").deployment(), Some(place)).await?;
            made.work.spawn(work(client, place.to_owned(), made.stop.clone(), made.counted.clone()));
        }
        Ok(made)
    }

    pub(crate) fn counted(&self) -> Counted {
        self.counted.lock().map(|c| c.clone()).unwrap_or_default()
    }

    /// Returns when this many more writes are done.
    pub(crate) async fn at_least(&self, more: usize) -> Result<()> {
        let begin = self.counted().done;
        wait_for("the bystanders' writes", 60 * SECONDS, async || {
            let now = self.counted();
            Ok(Seen::when(now.done >= begin + more, (), now))
        })
        .await
    }

    pub(crate) async fn none_refused(mut self, restarted: bool) -> Result<Counted> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.work.join_next().await {
            ended?;
        }
        let counted = self.counted();
        assert!(counted.refused_by_us.is_empty(), "{counted:#?}");
        assert!(counted.refused_otherwise.is_empty(), "{counted:#?}");
        assert!(counted.refused_by_rbac == 0 || restarted, "{counted:#?}");
        assert!(counted.done >= 50, "{counted:?}");
        Ok(counted)
    }
}

async fn work(client: Client, place: String, stop: Arc<AtomicBool>, counted: Arc<Mutex<Counted>>) {
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        for shot in ordinary(&place, round) {
            let outcome = tokio::time::timeout(Duration::from_secs(20), shot.sent(&client)).await;
            let outcome = outcome.map_err(anyhow::Error::from).and_then(|inner| inner);
            let pause = outcome.is_err();
            if let Ok(mut counted) = counted.lock() {
                counted.add(outcome);
            }
            if pause {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
