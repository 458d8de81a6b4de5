//! `bailiwick suspend` and `resume`: the switch that stops every one-shot account.
//!
//! Owns the revision `suspend` of the fence. Must never touch another revision. Creates and
//! deletes a ControllerRevision at the API server.

use super::Session;
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::fault;
use crate::objects::who_am_i;
use crate::out::Format;
use crate::style::Role;
use bailiwick_core::fence::{FENCE_LABEL, FENCE_VALUE, GRANTS_NAMESPACE, SUSPEND_REVISION, revision_data};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;
use std::collections::BTreeMap;

/// Annotation that holds why, in a person's words.
pub const REASON: &str = "bailiwick.dev/reason";
/// Annotation that holds who.
pub const BY: &str = "bailiwick.dev/by";

/// Throw the switch, or take it back.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Why, for everyone who wonders
    #[arg(long, short = 'm', default_value = "", hide_default_value = true)]
    reason: String,
    /// Let the API server check it without doing it
    #[arg(long, value_name = "MODE", value_enum, default_value_t, num_args = 0..=1, default_missing_value = "server", require_equals = true, hide_default_value = true)]
    dry_run: super::propose::create::DryRun,
}

impl Args {
    fn is_dry(&self) -> bool {
        self.dry_run == super::propose::create::DryRun::Server
    }
}

/// The revision that grants nothing: while it exists, every one-shot account is refused.
///
/// # Errors
/// Where its parts do not make an object, which their types rule out.
pub fn revision(reason: &str, by: &str) -> Result<ControllerRevision, Failure> {
    let data = revision_data(&BTreeMap::new()).map_err(|e| Failure::error(e.to_string()))?;
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": SUSPEND_REVISION,
            "namespace": GRANTS_NAMESPACE,
            "labels": {FENCE_LABEL: FENCE_VALUE},
            "annotations": {REASON: reason, BY: by},
        },
        "revision": 1,
        "data": data,
    });
    serde_json::from_value(object).map_err(|e| Failure::error(e.to_string()))
}

/// The fence's revisions.
pub fn fence(cluster: &Cluster) -> Api<ControllerRevision> {
    cluster.within(GRANTS_NAMESPACE)
}

/// Throws the switch. True if it was thrown before.
///
/// # Errors
/// Where the API server refuses it.
pub async fn throw(cluster: &Cluster, reason: &str, dry_run: bool) -> Outcomes<bool> {
    let me = who_am_i(cluster).await?;
    let params = PostParams { dry_run, field_manager: Some("bailiwick".to_owned()) };
    match fence(cluster).create(&params, &revision(reason, &me.user)?).await {
        Ok(_) => Ok(false),
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(true),
        Err(error) if fault::is_absent(&error) => Err(fault::not_installed()),
        Err(error) => Err(cluster.fault("suspend (create the revision `suspend` of the fence)", &error)),
    }
}

/// Runs `bailiwick suspend`.
///
/// # Errors
/// Where the API server refuses it.
pub async fn suspend(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide])?;
    let cluster = session.connect().await?;
    let again = throw(&cluster, &args.reason, args.is_dry()).await?;
    let mark = if args.is_dry() { " (server dry run)" } else { "" };
    if again {
        session.out.text("suspended already\n")?;
    } else {
        session.out.text(&format!("suspended{mark}\n"))?;
        if !args.is_dry() {
            session.out.note(
                Role::Dim,
                "every one-shot account is refused from now on; nothing resumes by itself: bailiwick resume",
            );
        }
    }
    Ok(Exit::Ok)
}

/// Runs `bailiwick resume`.
///
/// # Errors
/// Where the API server refuses it.
pub async fn resume(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide])?;
    let cluster = session.connect().await?;
    let params = DeleteParams { dry_run: args.is_dry(), ..DeleteParams::default() };
    match fence(&cluster).delete(SUSPEND_REVISION, &params).await {
        Ok(_) => {
            let mark = if args.is_dry() { " (server dry run)" } else { "" };
            session.out.text(&format!("resumed{mark}\n"))?;
            Ok(Exit::Ok)
        }
        Err(error) if fault::is_absent(&error) => {
            session.out.text("not suspended\n")?;
            Ok(Exit::Ok)
        }
        Err(error) => Err(cluster.fault("resume (delete the revision `suspend` of the fence)", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_carries_the_fences_label_and_grants_nothing() {
        let revision = serde_json::to_value(revision("x", "ann").unwrap()).unwrap();
        assert_eq!(revision["metadata"]["name"], SUSPEND_REVISION);
        assert_eq!(revision["metadata"]["labels"][FENCE_LABEL], FENCE_VALUE);
        assert_eq!(revision["data"], json!({"grants": {}}));
        assert!(revision["metadata"].get("ownerReferences").is_none());
    }
}
