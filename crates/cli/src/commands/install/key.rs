//! The signing key: made once, kept in a Secret, its public half stated beside it.
//!
//! Owns making it. Must never replace one that exists, print the private half, or hold it longer
//! than it takes to store it, or to tell its public half. Writes to the API server.

use crate::cluster::Cluster;
use crate::commands::Session;
use crate::exit::{Failure, Outcomes};
use crate::fault;
use crate::installed::{self, PUBLIC_KEY, PUBLIC_KEY_FILE};
use bailiwick_api::manifests::{PART_OF, PRODUCT, SIGNING_KEY_SECRET};
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::receipt::{PublicKey, Signer, generate};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{ObjectMeta, PostParams};
use std::collections::BTreeMap;

/// The entry of the Secret that the operator reads.
const FILE: &str = "key.pem";

/// Looks whether the key that goes on with the stored receipts is there.
///
/// # Errors
/// Where another one is, or none: no other key can go on with them.
pub(super) async fn look(cluster: &Cluster) -> Outcomes<()> {
    let Some(end) = installed::log_end(cluster).await? else { return Ok(()) };
    let found = cluster.within::<Secret>(SYSTEM_NAMESPACE).get_metadata_opt(SIGNING_KEY_SECRET).await;
    let found = found.map_err(|e| cluster.fault(&format!("look for Secret {SIGNING_KEY_SECRET}"), &e))?;
    let stated = installed::public_key(cluster).await?.map(|key| key.id().to_string());
    let why = match (found, stated) {
        (None, _) => "that Secret is gone".to_owned(),
        (Some(_), Some(stated)) if stated != end.key => format!("the key in it is {stated}"),
        (Some(_), _) => return Ok(()),
    };
    let (name, key) = (&end.name, &end.key);
    Err(Failure::error(format!(
        "nothing was installed: the receipts in {SYSTEM_NAMESPACE}, up to {name}, are signed with key {key} of Secret {SIGNING_KEY_SECRET}, and {why}; no other key goes on with them"
    ))
    .next("put that Secret back; or export the receipts and begin a new log: bailiwick receipts export -f receipts.jsonl, bailiwick uninstall, bailiwick install"))
}

/// Makes the key unless there is one, and says which it is.
///
/// # Errors
/// Where it cannot be made or stored.
pub(super) async fn ensure(session: &Session, cluster: &Cluster) -> Outcomes<()> {
    let private = generate(&aws_lc_rs::rand::SystemRandom::new())
        .map_err(|e| Failure::error(format!("cannot make a signing key: {e}")))?;
    let public = Signer::from_pkcs8_pem(&private).map_err(|e| Failure::error(e.to_string()))?.public().clone();
    let params = PostParams { field_manager: Some(crate::objects::apply::MANAGER.to_owned()), ..PostParams::default() };
    match cluster.within::<Secret>(SYSTEM_NAMESPACE).create(&params, &secret(&private)).await {
        Ok(_) => {
            state(cluster, &public).await?;
            session.out.progress('✔', &format!("signing key made: {}", public.id()));
            session.out.text(&format!(
                "{}\nkeep this public key: receipts are verified with it\n{}",
                public.id(),
                public.to_pem()
            ))
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() => kept(session, cluster).await,
        Err(error) if fault::is_absent(&error) => {
            Err(Failure::error(format!("there is no namespace {SYSTEM_NAMESPACE} to keep a signing key in"))
                .next("put the rest in place first; `bailiwick install` makes the key by itself"))
        }
        Err(error) => Err(cluster.fault(&format!("create Secret {SIGNING_KEY_SECRET} in {SYSTEM_NAMESPACE}"), &error)),
    }
}

/// The key stays; its public half is stated where nobody did, as after an installation without this command.
async fn kept(session: &Session, cluster: &Cluster) -> Outcomes<()> {
    let stated = installed::public_key(cluster).await?;
    let key = match stated {
        Some(key) => key,
        None => {
            let key = public_half(cluster).await?;
            state(cluster, &key).await?;
            key
        }
    };
    session.out.progress('✔', &format!("signing key kept: {}", key.id()));
    Ok(())
}

async fn public_half(cluster: &Cluster) -> Outcomes<PublicKey> {
    let found = cluster.within::<Secret>(SYSTEM_NAMESPACE).get(SIGNING_KEY_SECRET).await;
    let found = found.map_err(|e| cluster.fault(&format!("read Secret {SIGNING_KEY_SECRET}"), &e))?;
    let pem = found.data.as_ref().and_then(|data| data.get(FILE)).and_then(|bytes| std::str::from_utf8(&bytes.0).ok());
    let signer = pem.and_then(|pem| Signer::from_pkcs8_pem(pem).ok());
    let signer = signer.ok_or_else(|| {
        Failure::error(format!("Secret {SIGNING_KEY_SECRET} in {SYSTEM_NAMESPACE} holds no usable key in {FILE}"))
            .next("it must be an Ed25519 key as PKCS #8 PEM: openssl genpkey -algorithm ed25519 -out key.pem")
    })?;
    Ok(signer.public().clone())
}

fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(SYSTEM_NAMESPACE.to_owned()),
        labels: Some(BTreeMap::from([(PART_OF.to_owned(), PRODUCT.to_owned())])),
        ..ObjectMeta::default()
    }
}

fn secret(private: &str) -> Secret {
    Secret {
        metadata: metadata(SIGNING_KEY_SECRET),
        data: Some(BTreeMap::from([(FILE.to_owned(), ByteString(private.as_bytes().to_vec()))])),
        // Another key under the same name would be another log: rotation is a receipt of its own.
        immutable: Some(true),
        ..Secret::default()
    }
}

/// States the public half. One that another installation left behind is replaced, for its key is gone.
async fn state(cluster: &Cluster, public: &PublicKey) -> Outcomes<()> {
    let map = ConfigMap {
        metadata: metadata(PUBLIC_KEY),
        data: Some(BTreeMap::from([
            (PUBLIC_KEY_FILE.to_owned(), public.to_pem()),
            ("keyid".to_owned(), public.id().to_string()),
        ])),
        ..ConfigMap::default()
    };
    let api = cluster.within::<ConfigMap>(SYSTEM_NAMESPACE);
    match api.delete(PUBLIC_KEY, &Default::default()).await {
        Ok(_) => {}
        Err(error) if fault::is_absent(&error) => {}
        Err(error) => return Err(cluster.fault(&format!("delete the old ConfigMap {PUBLIC_KEY}"), &error)),
    }
    let created = api.create(&PostParams::default(), &map).await;
    created.map(drop).map_err(|e| cluster.fault(&format!("create ConfigMap {PUBLIC_KEY} in {SYSTEM_NAMESPACE}"), &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_holds_the_file_that_the_operator_reads() {
        let private = bailiwick_core::receipt::pem_of_seed(&[7; 32]);
        let secret = secret(&private);
        let stored = &secret.data.as_ref().unwrap()[FILE];
        assert!(Signer::from_pkcs8_pem(std::str::from_utf8(&stored.0).unwrap()).is_ok());
        assert_eq!(secret.immutable, Some(true));
    }
}
