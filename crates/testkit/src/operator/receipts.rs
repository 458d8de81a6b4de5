//! The receipts of a cluster, verified as `bailiwick receipts verify` does.
//!
//! Reads as the administrator. Must never call a log sound that was not verified.

use anyhow::{Context as _, Result, anyhow, ensure};
use bailiwick_api::Receipt;
use bailiwick_api::manifests::SIGNING_KEY_SECRET;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::receipt::{Envelope, PublicKey, Signer, verify_export, write_export};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::KEY_FILE;
use crate::cluster::TestCluster;

/// Annotation of every Receipt: the signed checkpoint of the chain that ends with it.
const CHECKPOINT: &str = "bailiwick.dev/checkpoint";
/// Label with the uid of the Change that a Receipt is about.
const CHANGE_UID: &str = "bailiwick.dev/change-uid";

/// A log that was verified.
#[derive(Debug)]
pub struct Log {
    receipts: Vec<Receipt>,
}

impl TestCluster {
    /// Every receipt there is, after the whole log was verified with the installed key.
    ///
    /// # Errors
    /// Fails where the log is not sound, naming each fault.
    pub async fn receipts(&self) -> Result<Log> {
        let api: Api<Receipt> = Api::namespaced(self.admin(), SYSTEM_NAMESPACE);
        let mut receipts = api.list(&ListParams::default()).await.context("list the receipts")?.items;
        receipts.sort_by_key(kube::ResourceExt::name_any);
        if let Some(last) = receipts.last() {
            verify(&receipts, last, &self.signing_key().await?)?;
        }
        Ok(Log { receipts })
    }

    async fn signing_key(&self) -> Result<PublicKey> {
        let secrets: Api<Secret> = Api::namespaced(self.admin(), SYSTEM_NAMESPACE);
        let secret = secrets.get(SIGNING_KEY_SECRET).await.context("read the signing key")?;
        let pem = secret.data.and_then(|mut data| data.remove(KEY_FILE)).context("no signing key")?;
        let signer = Signer::from_pkcs8_pem(&String::from_utf8(pem.0)?);
        Ok(signer.map_err(|e| anyhow!("read the signing key: {e}"))?.public().clone())
    }
}

fn verify(receipts: &[Receipt], last: &Receipt, key: &PublicKey) -> Result<()> {
    let envelope =
        |r: &Receipt| -> Result<Envelope> { Ok(serde_json::from_value(serde_json::to_value(&r.spec.envelope)?)?) };
    let envelopes = receipts.iter().map(envelope).collect::<Result<Vec<_>>>()?;
    let text = last.annotations().get(CHECKPOINT).context("the newest receipt carries no checkpoint")?;
    let mut bytes = Vec::new();
    write_export(&mut bytes, None, &envelopes, &serde_json::from_str(text)?)?;
    match verify_export(&bytes[..], std::slice::from_ref(key), None) {
        Ok(report) => {
            ensure!(report.receipts == receipts.len() as u64, "{} of {} receipts", report.receipts, receipts.len());
            Ok(())
        }
        Err(faults) => Err(anyhow!("the receipts are not sound: {faults:?}")),
    }
}

impl Log {
    /// Names of the receipts about a Change, in their order.
    pub fn about(&self, change_uid: &str) -> Vec<String> {
        let of = |r: &&Receipt| r.labels().get(CHANGE_UID).is_some_and(|uid| uid == change_uid);
        self.receipts.iter().filter(of).map(kube::ResourceExt::name_any).collect()
    }
}
