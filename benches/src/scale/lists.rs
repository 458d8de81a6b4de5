//! `bailiwick diagnose` beside the bare lists that it needs.
//!
//! Owns the peer: the same lists with the same pages, as many side by side, whose bytes are thrown away. Reads only.

use crate::Setup;
use crate::place::Place;
use crate::rounds::{self, Compared};
use anyhow::{Context as _, Result, ensure};
use bailiwick_core::object::Kind;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

pub(super) const PEER: &str = "the bare lists, thrown away";
const ROUNDS: usize = 3;
/// As `diagnose` does.
const PAGE: u32 = 500;
const SIDE_BY_SIDE: usize = 6;
/// Kinds of which it asks for metadata alone.
const METADATA: [Kind; 3] = [Kind::LimitRange, Kind::ConfigMap, Kind::ServiceAccount];

/// Both, in seconds of wall time. The findings are counted before there is a figure.
pub(super) fn compare(setup: &Setup, place: &Place, broken: usize) -> Result<Compared> {
    let program = setup.bailiwick.clone().context("--bailiwick: name the program to be measured")?;
    let runtime = Handle::current();
    let ours = || {
        let mut diagnose = Command::new(&program);
        diagnose.arg("--kubeconfig").arg(&place.kubeconfig).args(["diagnose", "-A", "-o", "json"]);
        let begin = Instant::now();
        let said = diagnose.stderr(Stdio::inherit()).output().context("start diagnose")?;
        let took = begin.elapsed();
        let found: Value = serde_json::from_slice(&said.stdout).context("read what diagnose found")?;
        let crashing = found["items"].as_array().into_iter().flatten();
        let crashing =
            crashing.filter(|f| f["cause"] == "CrashLoop" && f["subject"]["namespace"] == super::fill::NAMESPACE);
        let count = crashing.count();
        ensure!(count == broken, "{count} of {broken} were found");
        Ok(took)
    };
    let peer = || -> Result<Duration> {
        let begin = Instant::now();
        runtime.block_on(lists(&place.client))?;
        Ok(begin.elapsed())
    };
    rounds::compare(ROUNDS, 1, ours, peer)
}

async fn lists(client: &Client) -> Result<()> {
    let kinds = Kind::ALL.iter().copied().filter(|kind| *kind != Kind::Secret && !kind.is_optional());
    let all = kinds.map(|kind| list(client, kind));
    stream::iter(all).buffer_unordered(SIDE_BY_SIDE).try_collect().await
}

async fn list(client: &Client, kind: Kind) -> Result<()> {
    let served = kind.served();
    let root = if served.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", served.group) };
    let request = Request::new(format!("{root}/{}/{}", served.version, served.resource));
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let asked = if METADATA.contains(&kind) { request.list_metadata(&params) } else { request.list(&params) };
        let page = client.request_text(asked?).await.with_context(|| format!("list {}", served.resource))?;
        match more(&page) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(()),
        }
    }
}

/// The list's own metadata stands before its items.
fn more(page: &str) -> Option<String> {
    let head = &page[..page.find("\"items\"")?];
    let (_, rest) = head.split_once("\"continue\":\"")?;
    rest.split_once('"').map(|(token, _)| token.to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_the_lists_own_metadata() {
        let page = |meta: &str| {
            format!(r#"{{"kind":"PodList","metadata":{{{meta}}},"items":[{{"x":"\"continue\":\"no\""}}]}}"#)
        };
        assert_eq!(
            more(&page(r#""resourceVersion":"1","continue":"abc","remainingItemCount":3"#)).as_deref(),
            Some("abc")
        );
        assert_eq!(more(&page(r#""resourceVersion":"1""#)), None);
        assert_eq!(more(&page(r#""continue":"""#)), None);
    }
}
