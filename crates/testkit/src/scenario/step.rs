//! What people do to a cluster, one step after the other.
//!
//! Writes as whoever the step names. Must never go on after a step that failed, unless the step says that it may.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::check::reference;
use super::format::{Step, Target};
use super::load::Folder;
use super::stage::Stage;
use crate::apply::{api_for, apply};

/// How long a step that waits may do so.
const PATIENCE: Duration = Duration::from_secs(120);
/// Whoever patches does it by hand.
const MANAGER: &str = "kubectl-edit";

impl Stage {
    /// Takes the steps, as `usual` where a step names nobody.
    pub(super) async fn take(&self, folder: &Folder, steps: &[Step], usual: &str) -> Result<()> {
        for (at, step) in steps.iter().enumerate() {
            let who = step.who.as_deref().unwrap_or(usual);
            match self.step(folder, step, who).await {
                Err(_) if step.may_fail => {}
                outcome => outcome.with_context(|| format!("take step {} as {who}", at + 1))?,
            }
        }
        Ok(())
    }

    async fn step(&self, folder: &Folder, step: &Step, who: &str) -> Result<()> {
        if let Some(file) = &step.apply {
            return self.apply(&folder.objects(file, self.variables())?, who).await;
        }
        if let Some(target) = &step.patch {
            return self.patch(target, step, who).await;
        }
        if let Some(target) = &step.delete {
            let api = api_for(&self.actor(who).await?, &reference(target)?, Some(self.name())).await?;
            api.delete(&target.name, &DeleteParams::default())
                .await
                .with_context(|| format!("delete {}", target.name))?;
            return Ok(());
        }
        if let Some(argv) = &step.exec {
            return self.exec(argv, who).await;
        }
        match &step.until {
            Some(check) => self.eye().until(check, PATIENCE).await,
            None => bail!("a step without anything to do"),
        }
    }

    async fn apply(&self, objects: &[Value], who: &str) -> Result<()> {
        let client = self.actor(who).await?;
        for object in objects {
            let made = apply(&client, object, Some(self.name())).await?;
            // What the namespace does not take with it.
            if made.metadata.namespace.as_deref() != Some(self.name()) {
                self.note_outside(object);
            }
        }
        Ok(())
    }

    async fn patch(&self, target: &Target, step: &Step, who: &str) -> Result<()> {
        let api = api_for(&self.actor(who).await?, &reference(target)?, Some(self.name())).await?;
        let patch = match (&step.merge, &step.json) {
            (Some(merge), _) if is_built_in(&target.api()?) => Patch::Strategic(merge.clone()),
            (Some(merge), _) => Patch::Merge(merge.clone()),
            (None, json) => Patch::Json(serde_json::from_value(json!(json)).context("read a JSON patch")?),
        };
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let patched = match &step.subresource {
            Some(part) => api.patch_subresource(part, &target.name, &params, &patch).await,
            None => api.patch(&target.name, &params, &patch).await,
        };
        patched.map(|_| ()).with_context(|| format!("patch {} {}", target.kind, target.name))
    }

    async fn exec(&self, argv: &[String], who: &str) -> Result<()> {
        let kubeconfig = self.kubeconfig(who).await?;
        let variable = format!("KUBECONFIG={}", kubeconfig.display());
        let argv: Vec<&str> = ["env", &variable].into_iter().chain(argv.iter().map(String::as_str)).collect();
        self.cluster().node_output(&argv).await.map(|_| ())
    }
}

/// Kinds that Kubernetes itself defines know strategic patches.
fn is_built_in(api_version: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    !group.contains('.') || (group.ends_with(".k8s.io") && group != "apiextensions.k8s.io")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_kinds_get_plain_patches() {
        assert!(is_built_in("v1") && is_built_in("apps/v1") && is_built_in("networking.k8s.io/v1"));
        assert!(!is_built_in("keda.sh/v1alpha1"));
    }
}
