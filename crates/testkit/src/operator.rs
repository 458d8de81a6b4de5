//! The product in a test cluster: installed from the same values as `bailiwick install`, its operator inside the cluster as a Deployment or outside as a child process that can be killed at a fail point.
//!
//! Both are never run at once unless a test wants two leaders. Writes as the administrator.

mod mandate;
mod process;
mod proposal;
mod receipts;
mod switch;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bailiwick_api::manifests::{self, InstallOptions, OPERATOR, SIGNING_KEY_SECRET};
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use bailiwick_core::receipt;
use http::Method;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::{ListParams, LogParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::sync::Mutex;

pub use mandate::InForce;
pub use process::{OperatorProcess, Outside, ProcessOptions};
pub use proposal::{Proposal, Proposer};
pub use receipts::Log;

use crate::answer::{refusal, send};
use crate::apply::{MANAGER, apply, create, dry_run_create};
use crate::cluster::TestCluster;
use crate::namespace::is_available;
use crate::wait::{Seen, until, wait_for};

/// File of the signing key, in its Secret and in the directory that the operator reads.
const KEY_FILE: &str = "key.pem";
const OPERATOR_STEP: &str = "operator";
const KINDS_STEP: &str = "kinds";
/// A list of nothing. One without a selector may be answered from elsewhere while a kind is not served yet.
const NOTHING: &str = "labelSelector=bailiwick.dev%2Fnothing";
const GUARD: &str = "bailiwick-fence-guard";
const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// What was killed before may hold the lease for a while.
const LEADS_WITHIN: Duration = Duration::from_secs(120);

/// Tests of one process install one after the other.
static INSTALLING: Mutex<()> = Mutex::const_new(());

impl TestCluster {
    /// Puts everything but the operator in place, and returns when the kinds are served and the policies bite. Repairs what a test has removed.
    ///
    /// # Errors
    /// Fails where the API server refuses an object.
    pub async fn install(&self) -> Result<()> {
        self.install_with(&self.install_options()?).await
    }

    /// The same, with options such as another territory.
    ///
    /// # Errors
    /// Fails where the API server refuses an object.
    pub async fn install_with(&self, options: &InstallOptions) -> Result<()> {
        let _one_at_a_time = INSTALLING.lock().await;
        let steps = manifests::install(options);
        for step in steps.iter().filter(|step| step.name != OPERATOR_STEP) {
            for object in &step.objects {
                apply(&self.admin(), object, None).await.with_context(|| format!("install the {}", step.name))?;
            }
        }
        for kind in steps.iter().filter(|step| step.name == KINDS_STEP).flat_map(|step| &step.objects) {
            self.until_served(kind).await?;
        }
        self.ensure_signing_key().await?;
        self.until_guarded().await
    }

    /// Installs, starts the operator inside the cluster, and returns when it is ready.
    ///
    /// # Errors
    /// Fails where the API server refuses an object, or the operator does not become ready.
    pub async fn start_operator(&self) -> Result<()> {
        self.start_operator_with(&self.install_options()?).await
    }

    /// The same, with options such as fail points, two replicas or another log filter.
    ///
    /// # Errors
    /// Fails where the API server refuses an object, or the operator does not become ready.
    pub async fn start_operator_with(&self, options: &InstallOptions) -> Result<()> {
        self.install_with(options).await?;
        for step in manifests::install(options).iter().filter(|step| step.name == OPERATOR_STEP) {
            for object in &step.objects {
                apply(&self.admin(), &self.marked(object), None).await.context("install the operator")?;
            }
        }
        let ready = |d: Option<&Deployment>| d.is_some_and(is_available);
        until(&self.deployments(), OPERATOR, ("the operator", STARTS_WITHIN), ready).await?;
        self.until_led().await
    }

    /// Ready is who could lead; what happens before one does is to the operator what was there at its start.
    async fn until_led(&self) -> Result<()> {
        let leases: Api<Lease> = Api::namespaced(self.admin(), SYSTEM_NAMESPACE);
        wait_for("one of the operator's pods to lead", LEADS_WITHIN, async || {
            let lease = leases.get(OPERATOR).await?;
            let holder = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
            let pods = self.operator_pods().await?;
            Ok(Seen::when(pods.contains(&holder), (), (holder, pods)))
        })
        .await
    }

    /// Stops the operator inside the cluster, and returns when its last pod is gone. Nothing happens if there is none.
    ///
    /// # Errors
    /// Fails where a pod does not go.
    pub async fn stop_operator(&self) -> Result<()> {
        let patch = json!({"spec": {"replicas": 0}});
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        match self.deployments().patch(OPERATOR, &params, &Patch::Merge(&patch)).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(error).context("scale the operator to zero"),
        }
        wait_for("the operator's pods to go", STARTS_WITHIN, async || {
            let pods = self.operator_pods().await?;
            Ok(Seen::when(pods.is_empty(), (), pods))
        })
        .await
    }

    /// What the operator inside the cluster has logged.
    ///
    /// # Errors
    /// Fails where a log cannot be read.
    pub async fn operator_log(&self) -> Result<String> {
        let api: Api<Pod> = Api::namespaced(self.admin(), SYSTEM_NAMESPACE);
        let mut text = String::new();
        for pod in self.operator_pods().await? {
            text += &api.logs(&pod, &LogParams::default()).await.with_context(|| format!("read the log of {pod}"))?;
        }
        Ok(text)
    }

    /// Installs, stops the operator inside the cluster and starts one as a child of this process, with the rights of the operator's account and no others.
    ///
    /// # Errors
    /// Fails where the test did not say that it needs [`crate::Need::OperatorProgram`], or it does not start.
    pub async fn operator_outside(&self, options: ProcessOptions) -> Result<OperatorProcess> {
        self.outside().await?.start(options)
    }

    /// The same without starting one.
    ///
    /// # Errors
    /// As [`TestCluster::operator_outside`].
    pub async fn outside(&self) -> Result<Outside> {
        let built = self.env().operator_program.clone();
        let built = built.context("no operator program: ask for it with Need::OperatorProgram")?;
        let logs = self.artifacts("operator")?;
        // Cargo may put another in its place while this one is started again and again.
        let program = logs.join(format!("program-{}", std::process::id()));
        if !program.exists() {
            std::fs::copy(&built, &program).context("copy the operator's program")?;
        }
        self.install().await?;
        self.stop_operator().await?;
        let kubeconfig = self.service_account_kubeconfig(SYSTEM_NAMESPACE, OPERATOR).await?;
        let keys = self.copy_signing_key().await?;
        Ok(Outside { program, kubeconfig, keys, logs })
    }

    /// Options with the image of this run.
    ///
    /// # Errors
    /// Fails where there is no such image: see [`crate::Need::OperatorImage`].
    pub fn install_options(&self) -> Result<InstallOptions> {
        let image = self.env().operator_image.clone().unwrap_or_else(bailiwick_testbed::OperatorImage::reference);
        Ok(InstallOptions::new(image)?.with_log("debug"))
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.admin(), SYSTEM_NAMESPACE)
    }

    async fn operator_pods(&self) -> Result<Vec<String>> {
        let api: Api<Pod> = Api::namespaced(self.admin(), SYSTEM_NAMESPACE);
        let selector = format!("app.kubernetes.io/name={OPERATOR}");
        let pods = api.list(&ListParams::default().labels(&selector)).await.context("list the operator's pods")?;
        Ok(pods.items.into_iter().filter_map(|pod| pod.metadata.name).collect())
    }

    /// On a cluster that outlives runs, an image of the same name may be a newer one: the run's mark makes it start again.
    fn marked(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if let (Some(run), Some(template)) = (&self.env().run, object.pointer_mut("/spec/template/metadata")) {
            template["annotations"] = json!({"bailiwick.dev/test-run": run});
        }
        object
    }

    /// Makes the key with which receipts are signed, unless there is one.
    async fn ensure_signing_key(&self) -> Result<()> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let pem = receipt::generate(&random).context("make a signing key")?;
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": SIGNING_KEY_SECRET, "namespace": SYSTEM_NAMESPACE},
            "stringData": {KEY_FILE: pem},
        });
        match create(&self.admin(), &secret, None).await {
            Err(error) if refusal(&error).is_some_and(|answer| answer.code == 409) => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }

    /// What a kubelet would mount.
    async fn copy_signing_key(&self) -> Result<PathBuf> {
        let secrets: Api<Secret> = Api::namespaced(self.admin(), SYSTEM_NAMESPACE);
        let secret = secrets.get(SIGNING_KEY_SECRET).await.context("read the signing key")?;
        let dir = self.artifacts("keys")?;
        for (name, bytes) in secret.data.unwrap_or_default() {
            std::fs::write(dir.join(name), bytes.0).context("copy the signing key")?;
        }
        Ok(dir)
    }

    /// A kind is read when it is asked for the first time since the API server started; until then all who ask get 429.
    async fn until_served(&self, kind: &Value) -> Result<()> {
        let text = |pointer: &str| kind.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (group, version) = (text("/spec/group"), text("/spec/versions/0/name"));
        let path = format!("/apis/{group}/{version}/{}?{NOTHING}", text("/spec/names/plural"));
        wait_for("the kind to be served", Duration::from_secs(30), async || {
            let answer = send(&self.admin(), Method::GET, &path, None).await?;
            Ok(Seen::when(answer.is_success(), (), answer))
        })
        .await
    }

    /// A new policy takes about a second to bind.
    async fn until_guarded(&self) -> Result<()> {
        let probe = json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "bwk-probe", "namespace": GRANTS_NAMESPACE},
        });
        wait_for("the policies to bind", Duration::from_secs(30), async || {
            let outcome = dry_run_create(&self.admin(), &probe, None).await;
            let answer = outcome.as_ref().err().and_then(refusal);
            let refused = answer.is_some_and(|answer| answer.refused_by(GUARD));
            Ok(Seen::when(refused, (), outcome))
        })
        .await
    }
}
