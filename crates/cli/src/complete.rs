//! Completion of names from the cluster, for shells and for kubectl.
//!
//! Owns what is offered. Must never take longer than a moment, and never fail: a shell that
//! completes shows no errors. Reads the kubeconfig; lists names from the API server.

use crate::args::{Cli, Global};
use crate::cluster::{self, Cluster};
use bailiwick_api::{Change, Incident};
use bailiwick_core::action::ChangeType;
use bailiwick_core::names::ObjectName;
use bailiwick_core::reason::Code;
use clap::Parser as _;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use kube::api::ListParams;
use kube::config::Kubeconfig;
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::future::Future;
use std::time::Duration;

/// The longest a shell is kept waiting.
const PATIENCE: Duration = Duration::from_secs(2);

fn candidates(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    // A name that the API server would not accept is not one of its own.
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Names of Changes.
pub fn changes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(block(names::<Change>)))
}

/// Names of Incidents.
pub fn incidents() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(block(names::<Incident>)))
}

/// Names of Changes and Incidents.
pub fn stories() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        candidates(block(|cluster| async move {
            let mut all = names::<Change>(cluster.clone()).await;
            all.extend(names::<Incident>(cluster).await);
            all
        }))
    })
}

/// Namespaces.
pub fn namespaces() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        candidates(block(|cluster| async move {
            let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(cluster.client);
            api.list_metadata(&ListParams::default())
                .await
                .map(|l| sound(l.items.iter().map(ResourceExt::name_any)))
                .unwrap_or_default()
        }))
    })
}

/// Contexts of the kubeconfig.
pub fn contexts() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let read = Kubeconfig::read().map(|file| file.contexts.into_iter().map(|c| c.name).collect::<Vec<_>>());
        candidates(read.unwrap_or_default())
    })
}

/// Change types.
pub fn change_types() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(ChangeType::ALL.iter().map(|t| t.as_str().to_owned())))
}

/// Reason codes.
pub fn codes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(Code::ALL.iter().map(|c| c.as_str().to_owned())))
}

fn sound(names: impl Iterator<Item = String>) -> Vec<String> {
    names.filter(|name| ObjectName::parse(name.as_str()).is_ok()).collect()
}

async fn names<K>(cluster: Cluster) -> Vec<String>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    K::DynamicType: Default,
{
    let listed = cluster.scoped::<K>().list_metadata(&ListParams::default()).await;
    listed.map(|l| sound(l.items.iter().map(ResourceExt::name_any))).unwrap_or_default()
}

/// The global flags that stand on the line being completed, as far as they are there.
fn flags() -> Global {
    let words: Vec<OsString> = std::env::args_os().collect();
    let from = words.iter().position(|w| w == "--").map_or(1, |at| at + 2);
    flags_of(words.get(from..).unwrap_or_default())
}

fn flags_of(words: &[OsString]) -> Global {
    let mut kept = vec![OsString::from("bailiwick"), OsString::from("status")];
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let takes = ["-n", "--namespace", "--context", "--kubeconfig", "--as", "--as-group"];
        if takes.contains(&text.as_ref()) {
            if let Some(value) = words.next() {
                kept.extend([word.clone(), value.clone()]);
            }
        } else if text == "-A"
            || text == "--all-namespaces"
            || takes.iter().any(|t| t.len() > 2 && text.starts_with(&format!("{t}=")))
        {
            kept.push(word.clone());
        }
    }
    Cli::try_parse_from(kept).map(|cli| cli.global).unwrap_or_default()
}

fn block<F>(ask: impl FnOnce(Cluster) -> F) -> Vec<String>
where
    F: Future<Output = Vec<String>>,
{
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    runtime.block_on(async {
        let asked = async {
            match cluster::connect(&flags()).await {
                Ok(cluster) => ask(cluster).await,
                Err(_) => Vec::new(),
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_default()
    })
}

/// What kubectl's completion hook prints for these words: one candidate per line with its help,
/// then the directive "no file names".
pub fn for_kubectl(mut command: clap::Command, words: &[OsString]) -> String {
    let mut line = vec![OsString::from("bailiwick")];
    line.extend(words.iter().cloned());
    let last = line.len() - 1;
    let found = clap_complete::engine::complete(&mut command, line, last.max(1), None).unwrap_or_default();
    let mut out = String::new();
    for candidate in found.iter().filter(|c| !c.is_hide_set()) {
        out.push_str(&crate::safe::line(&candidate.get_value().to_string_lossy()));
        if let Some(help) = candidate.get_help() {
            let help = help.to_string();
            out.push('\t');
            out.push_str(&crate::safe::line(help.lines().next().unwrap_or_default()));
        }
        out.push('\n');
    }
    out.push_str(":4\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;
    use crate::config::Called;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn flags_on_the_line_decide_where_names_come_from() {
        let global = flags_of(&words(&["approve", "--reason", "x", "-n", "shop", "--context=dev", "-A", "web"]));
        assert_eq!(global.namespace.as_deref(), Some("shop"));
        assert_eq!(global.context.as_deref(), Some("dev"));
        assert!(global.all_namespaces);
    }

    #[test]
    fn kubectl_gets_candidates_and_a_directive() {
        let text = for_kubectl(args::command(Called::Completion), &words(&["app"]));
        assert!(text.starts_with("approve\tApprove the exact plan"), "{text}");
        assert!(text.ends_with(":4\n"));
        let types = for_kubectl(args::command(Called::Completion), &words(&["propose", "Set"]));
        assert!(types.contains("SetImage\n") && types.contains("SetResources\n"), "{types}");
    }
}
