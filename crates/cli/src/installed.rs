//! What is installed in a cluster, beside what is compiled in.
//!
//! Owns reading back the choices of an installation. Must never assume one that could be read.
//! Reads from the API server.

use crate::cluster::Cluster;
use crate::exit::{Failure, Outcomes};
use crate::fault;
use bailiwick_api::Receipt;
use bailiwick_api::manifests::{OPERATOR, Territory};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::receipt::PublicKey;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::Value;

/// Name of the ConfigMap that states the public half of the signing key.
pub const PUBLIC_KEY: &str = "bailiwick-signing-key-public";
/// Its entry: a PEM block.
pub const PUBLIC_KEY_FILE: &str = "key.pub";

/// Annotation of every Receipt: the signed checkpoint of the chain that ends with it.
pub const CHECKPOINT: &str = "bailiwick.dev/checkpoint";

/// How many receipts one page of a list holds.
const PAGE: u32 = 500;
const KEY: &str = "BAILIWICK_TERRITORY_KEY";
const VALUE: &str = "BAILIWICK_TERRITORY_VALUE";

/// The operator's Deployment, if it exists.
///
/// # Errors
/// Where it cannot be read.
pub async fn operator(cluster: &Cluster) -> Outcomes<Option<Deployment>> {
    let found = cluster.within::<Deployment>(SYSTEM_NAMESPACE).get_opt(OPERATOR).await;
    found.map_err(|e| cluster.fault(&format!("read deployment {OPERATOR} in {SYSTEM_NAMESPACE}"), &e))
}

/// The territory's label as the operator was given it.
pub fn territory_of(operator: &Deployment) -> Option<Territory> {
    let pod = operator.spec.as_ref()?.template.spec.as_ref()?;
    let environment: Vec<_> = pod.containers.iter().flat_map(|c| c.env.iter().flatten()).collect();
    let value = |name: &str| environment.iter().find(|e| e.name == name).and_then(|e| e.value.as_deref());
    Territory::parse(value(KEY)?, value(VALUE)?).ok()
}

/// The image of the operator.
pub fn image_of(operator: &Deployment) -> Option<&str> {
    let pod = operator.spec.as_ref()?.template.spec.as_ref()?;
    pod.containers.iter().find_map(|c| c.image.as_deref())
}

/// The tag of an image reference.
pub fn tag_of(image: &str) -> Option<&str> {
    let (_, tag) = image.split('@').next().unwrap_or(image).rsplit_once(':')?;
    // A port of the registry is no tag.
    (!tag.contains('/')).then_some(tag)
}

/// The territory's label; the default where the caller may not read what was installed.
///
/// # Errors
/// Where nothing is installed, or the cluster cannot be asked.
pub async fn territory(cluster: &Cluster) -> Outcomes<Territory> {
    let found = cluster.within::<Deployment>(SYSTEM_NAMESPACE).get_opt(OPERATOR).await;
    match found {
        Ok(Some(operator)) => territory_of(&operator)
            .ok_or_else(|| Failure::error("the operator's Deployment names no territory").next("run bailiwick check")),
        Ok(None) => Err(fault::not_installed()),
        Err(error) if fault::is_forbidden(&error) => Ok(Territory::default()),
        Err(error) => Err(cluster.fault("read what is installed", &error)),
    }
}

/// The end of the stored log of receipts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    /// Name of the newest Receipt.
    pub name: String,
    /// Id of the key that has to sign the next one; empty where the newest does not say.
    pub key: String,
}

/// Where the stored log ends; `None` without any receipt. Names and annotations are read, no receipt is verified.
///
/// # Errors
/// Where they cannot be listed.
pub async fn log_end(cluster: &Cluster) -> Outcomes<Option<LogEnd>> {
    let api = cluster.within::<Receipt>(SYSTEM_NAMESPACE);
    let mut params = ListParams::default().limit(PAGE);
    let mut newest = None;
    loop {
        let page = match api.list_metadata(&params).await {
            Err(error) if fault::is_absent(&error) => return Ok(None),
            answer => answer.map_err(|e| cluster.fault("list the receipts", &e))?,
        };
        newest = page.items.into_iter().max_by_key(ResourceExt::name_any).or(newest);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(newest.as_ref().map(log_end_of)),
        }
    }
}

fn log_end_of<K: ResourceExt>(receipt: &K) -> LogEnd {
    let checkpoint = receipt.annotations().get(CHECKPOINT);
    let checkpoint: Option<Value> = checkpoint.and_then(|text| serde_json::from_str(text).ok());
    let key = checkpoint.as_ref().and_then(|c| c.pointer("/signatures/0/keyid")).and_then(Value::as_str);
    LogEnd { name: receipt.name_any(), key: key.unwrap_or_default().to_owned() }
}

/// The public half of the signing key, as the installation stated it beside the Secret.
///
/// # Errors
/// Where it cannot be read.
pub async fn public_key(cluster: &Cluster) -> Outcomes<Option<PublicKey>> {
    let found = cluster.within::<ConfigMap>(SYSTEM_NAMESPACE).get_opt(PUBLIC_KEY).await;
    let found = found.map_err(|e| cluster.fault(&format!("read configmap {PUBLIC_KEY} in {SYSTEM_NAMESPACE}"), &e))?;
    let text = found.and_then(|map| map.data).and_then(|mut data| data.remove(PUBLIC_KEY_FILE));
    Ok(text.and_then(|text| PublicKey::from_pem(&text).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_api::manifests::{InstallOptions, install};

    #[test]
    fn the_territory_is_read_back_as_it_was_installed() {
        let territory = Territory::parse("example.com/heal", "yes").unwrap();
        let options = InstallOptions::new("x").unwrap().with_territory(territory.clone());
        let objects = install(&options).into_iter().flat_map(|s| s.objects);
        let deployment = objects.into_iter().find(|o| o["kind"] == "Deployment").unwrap();
        let deployment: Deployment = serde_json::from_value(deployment).unwrap();
        assert_eq!(territory_of(&deployment), Some(territory));
    }
}
