//! Authority of the grant's own name is there already, made by somebody else: the Change ends, and says so.

use anyhow::Context as _;
use bailiwick_core::fence::{GRANTS_NAMESPACE, username};
use bailiwick_core::life::Phase;
use bailiwick_core::reason::Code;
use bailiwick_testkit::{ProcessOptions, Result, SECONDS, Seen, TestCluster, create, wait_for};
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::scene::Scene;

const GUARD: &str = "bailiwick-fence-guard";

/// What looks like a part of the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forgery {
    /// The account, made for another Change.
    Account,
    /// A binding of the right role to the right account, made for another Change.
    Binding,
    /// A binding that says that it was made for this Change, to another role.
    Role,
}

const ALL: [Forgery; 3] = [Forgery::Account, Forgery::Binding, Forgery::Role];

impl Forgery {
    /// Where the operator dies: the name is recorded, the object is not made.
    fn point(self) -> &'static str {
        match self {
            Self::Account => "account-create",
            Self::Binding | Self::Role => "account-binding",
        }
    }

    async fn plant(self, scene: &Scene, account: &str, uid: &str) -> Result<()> {
        let made_for = if self == Self::Role { uid } else { "00000000-0000-0000-0000-000000000000" };
        let place = scene.namespace.name();
        let metadata = json!({
            "name": account, "labels": {"bailiwick.dev/grant": "true"},
            "annotations": {"bailiwick.dev/change": format!("{place}/other"), "bailiwick.dev/change-uid": made_for},
        });
        if self == Self::Account {
            let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
            return unguarded(&scene.cluster, &object).await;
        }
        let role = if self == Self::Role { "view" } else { "bailiwick:change:delete-resourcequotas" };
        let object = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "namespace": GRANTS_NAMESPACE, "name": account}],
        });
        create(&scene.cluster.admin(), &object, Some(place)).await.map(|_| ())
    }
}

/// Makes an object in the namespace of grants while the guard is not bound, and has it bound again.
async fn unguarded(cluster: &TestCluster, object: &Value) -> Result<()> {
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(cluster.admin());
    bindings.delete(GUARD, &DeleteParams::default()).await.context("lift the guard")?;
    // A policy takes a moment to be forgotten.
    let planted = wait_for("the guard to be lifted", 20 * SECONDS, async || {
        let made = create(&cluster.admin(), object, Some(GRANTS_NAMESPACE)).await;
        Ok(made.map_or_else(|refused| Seen::NotYet(format!("{refused:#}")), |_| Seen::Yes(())))
    })
    .await;
    cluster.install().await?;
    planted
}

#[tokio::test]
async fn a_look_alike_ends_the_change() -> Result<()> {
    let Some(mut scene) = Box::pin(Scene::set("forged", 1, json!({}), ProcessOptions::default())).await? else {
        return Ok(());
    };
    for forgery in ALL {
        scene.operator.kill()?;
        scene.operator = scene.outside.start(ProcessOptions::dying_at(forgery.point()))?;
        let change = scene.quota(&format!("{forgery:?}").to_lowercase()).await?;
        scene.operator.ended(40 * SECONDS).await?;
        let record = change.record().await?;
        let account = record.planning.context("no account was recorded")?.account;
        assert!(username(&account).starts_with(&change.accounts()), "{account}");
        forgery.plant(&scene, &account, change.uid()).await.context(format!("{forgery:?}"))?;
        scene.operator = scene.outside.start(ProcessOptions::default())?;
        let ended = scene.ended_unwritten(&change, Phase::Refused, &[Code::GrantForged]).await;
        ended.map_err(|e| e.context(format!("{forgery:?}\n{}", scene.operator.last_words())))?;
        let measures = scene.operator.metrics().await?;
        let counted = |line: &str| line.starts_with("bailiwick_decisions_total{reason=\"GrantForged\"}");
        assert!(measures.lines().any(counted), "{forgery:?}: people are not alerted:\n{measures}");
        scene.namespace.api::<k8s_openapi::api::core::v1::ResourceQuota>().get(change.name()).await?;
    }
    Ok(())
}
