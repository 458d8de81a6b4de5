//! The receipts' chain as objects.
//!
//! Owns the head of the chain in this process. Must never create two receipts about one thing:
//! after a restart it looks before it writes. Talks to the API server; reads the mounted key.

use crate::changes::Context;
use crate::metrics::Call;
use bailiwick_api::kinds::receipt::{self, name_of};
use bailiwick_api::{Change, Receipt, ReceiptSpec};
use bailiwick_core::canonical::sha256_hex;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::life::ReceiptRef;
use bailiwick_core::receipt::{Chain, Envelope, Purpose, Signer};
use kube::api::{Api, ListParams, ObjectMeta, PostParams};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokio::sync::Mutex;

/// Annotation of every Receipt: the signed checkpoint of the chain that ends with it.
pub const CHECKPOINT_ANNOTATION: &str = "bailiwick.dev/checkpoint";
/// Label with the uid of the Change that a Receipt is about.
pub const CHANGE_UID_LABEL: &str = "bailiwick.dev/change-uid";
/// Label with a hash of what the Receipt is about.
pub const ABOUT_LABEL: &str = "bailiwick.dev/about";
/// File of the signing key in the mounted Secret.
const KEY_FILE: &str = "key.pem";
const MOST_TRIES: u32 = 8;
const PAGE: u32 = 500;

/// Why no receipt could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiptError {
    /// The API server refused or could not be reached.
    #[error("cannot {step}: {source}")]
    Api {
        /// What was being done.
        step: &'static str,
        /// Why it failed.
        source: Box<kube::Error>,
    },
    /// The stored chain cannot be gone on from.
    #[error("the receipts in {SYSTEM_NAMESPACE} cannot be continued: {0}")]
    Broken(String),
    /// There is no usable signing key.
    #[error("no signing key: {0}")]
    NoKey(String),
    /// Too many others wrote at the same time.
    #[error("another operator wrote a receipt {0} times in a row")]
    Contended(u32),
}

fn api_error(step: &'static str) -> impl Fn(kube::Error) -> ReceiptError {
    move |error| ReceiptError::Api { step, source: Box::new(error) }
}

/// The chain as this process knows it.
#[derive(Default)]
struct Known {
    chain: Option<Chain>,
    /// Changes whose whole life this process has seen: no need to look before writing about them.
    own: BTreeSet<String>,
}

/// Makes receipts.
#[derive(Default)]
pub(crate) struct Receipts {
    known: Mutex<Known>,
}

/// Reads the signing key from the mounted Secret.
pub(crate) fn load_signer(directory: &Path) -> Result<Signer, ReceiptError> {
    let path = directory.join(KEY_FILE);
    let text = std::fs::read_to_string(&path).map_err(|e| ReceiptError::NoKey(format!("{}: {e}", path.display())))?;
    Signer::from_pkcs8_pem(&text).map_err(|e| ReceiptError::NoKey(format!("{}: {e}", path.display())))
}

fn receipts(ctx: &Context) -> Api<Receipt> {
    Api::namespaced(ctx.client.clone(), SYSTEM_NAMESPACE)
}

fn about_hash(about: &str) -> String {
    sha256_hex(about.as_bytes()).chars().take(40).collect()
}

impl Receipts {
    /// Notes that this process has seen the Change from its beginning.
    pub(crate) async fn begun(&self, uid: &str) {
        self.known.lock().await.own.insert(uid.to_owned());
    }

    /// Creates the receipt about one thing of a Change, or finds the one that exists.
    pub(crate) async fn make(&self, ctx: &Context, change: &Change, about: &str) -> Result<ReceiptRef, ReceiptError> {
        let mut known = self.known.lock().await;
        let uid = change.metadata.uid.clone().unwrap_or_default();
        if !known.own.contains(&uid)
            && let Some(found) = find(ctx, &uid, about).await?
        {
            return Ok(found);
        }
        let signer = load_signer(&ctx.config.signing_key_dir)?;
        for _ in 0..MOST_TRIES {
            let chain = match known.chain.take() {
                Some(chain) => chain,
                None => resume(ctx, &signer).await?,
            };
            let body = super::statement::body(change, about, ctx.clock.now())
                .ok_or_else(|| ReceiptError::Broken("the Change lacks what a receipt states".to_owned()))?;
            let at = body.at;
            let (next, entry) = chain.next(&signer, body).map_err(|e| ReceiptError::Broken(e.to_string()))?;
            let checkpoint =
                next.checkpoint(Purpose::Head, at).sign(&signer).map_err(|e| ReceiptError::NoKey(e.to_string()))?;
            let object = object(&entry, &checkpoint, &uid, about)?;
            crate::failpoint!("receipt-before");
            ctx.metrics.api(Call::Receipt, "create");
            match receipts(ctx).create(&PostParams::default(), &object).await {
                Ok(_) => {
                    crate::failpoint!("receipt-after");
                    known.chain = Some(next);
                    ctx.metrics.receipt(super::statement::kind_of(about).as_str());
                    let name = object.metadata.name.clone().unwrap_or_default();
                    return Ok(ReceiptRef { name, about: about.to_owned(), hash: entry.hash.to_string() });
                }
                Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
                    // A lost reply of our own, or another leader: look, then go on behind it.
                    if let Some(found) = find(ctx, &uid, about).await? {
                        return Ok(found);
                    }
                }
                Err(error) => {
                    known.own.remove(&uid);
                    return Err(api_error("create the receipt")(error));
                }
            }
        }
        Err(ReceiptError::Contended(MOST_TRIES))
    }
}

async fn find(ctx: &Context, uid: &str, about: &str) -> Result<Option<ReceiptRef>, ReceiptError> {
    let selector = format!("{CHANGE_UID_LABEL}={uid},{ABOUT_LABEL}={}", about_hash(about));
    ctx.metrics.api(Call::Receipt, "list");
    let list = receipts(ctx)
        .list(&ListParams::default().labels(&selector).limit(1))
        .await
        .map_err(api_error("look for the receipt"))?;
    Ok(list.items.into_iter().next().map(|r| ReceiptRef {
        name: r.metadata.name.unwrap_or_default(),
        about: about.to_owned(),
        hash: r.spec.hash,
    }))
}

/// The chain after the newest receipt, from the checkpoint that stands on it.
async fn resume(ctx: &Context, signer: &Signer) -> Result<Chain, ReceiptError> {
    let mut page = ListParams::default().limit(PAGE);
    let mut last = None;
    loop {
        ctx.metrics.api(Call::Receipt, "list");
        let list = receipts(ctx).list_metadata(&page).await.map_err(api_error("list the receipts"))?;
        last = list.items.into_iter().filter_map(|r| r.metadata.name).max().max(last);
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => break,
        }
    }
    let Some(name) = last else { return Ok(Chain::genesis(signer.public().id())) };
    let newest = receipts(ctx).get(&name).await.map_err(api_error("read the newest receipt"))?;
    let text = newest.metadata.annotations.as_ref().and_then(|a| a.get(CHECKPOINT_ANNOTATION));
    let text = text.ok_or_else(|| ReceiptError::Broken(format!("receipt {name} carries no checkpoint")))?;
    let checkpoint: Envelope =
        serde_json::from_str(text).map_err(|e| ReceiptError::Broken(format!("receipt {name}: {e}")))?;
    let chain = Chain::resume(&checkpoint, signer.public())
        .map_err(|e| ReceiptError::Broken(format!("receipt {name}: {e}")))?;
    if chain.head().to_string() != newest.spec.hash {
        return Err(ReceiptError::Broken(format!("the checkpoint of receipt {name} is of another receipt")));
    }
    Ok(chain)
}

fn object(
    entry: &bailiwick_core::receipt::Entry,
    checkpoint: &Envelope,
    uid: &str,
    about: &str,
) -> Result<Receipt, ReceiptError> {
    let broken = |e: serde_json::Error| ReceiptError::Broken(e.to_string());
    let sequence = i64::try_from(entry.sequence).map_err(|e| ReceiptError::Broken(e.to_string()))?;
    let envelope: receipt::Envelope =
        serde_json::to_value(&entry.envelope).and_then(serde_json::from_value).map_err(broken)?;
    let spec = ReceiptSpec { sequence, envelope, hash: entry.hash.to_string(), previous: entry.previous.to_string() };
    let labels =
        BTreeMap::from([(CHANGE_UID_LABEL.to_owned(), uid.to_owned()), (ABOUT_LABEL.to_owned(), about_hash(about))]);
    let annotations =
        BTreeMap::from([(CHECKPOINT_ANNOTATION.to_owned(), serde_json::to_string(checkpoint).map_err(broken)?)]);
    Ok(Receipt {
        metadata: ObjectMeta {
            name: Some(name_of(sequence)),
            labels: Some(labels),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        spec,
    })
}
