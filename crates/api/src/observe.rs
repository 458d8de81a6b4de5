//! Reading a cluster into the index: once for `bailiwick diagnose`, for ever in the operator.
//!
//! Owns lists and watches of the indexed kinds. Must never fail as a whole because one kind may
//! not be read, never stall on a malformed object, and never ask for a Secret. IO: reads only.

use crate::shape::{Seen, Shape, for_each_shape};
use bailiwick_core::index::{Index, Observed, Touched};
use bailiwick_core::object::Kind;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use kube::api::ListParams;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Event};
use kube::{Api, Client};
use std::fmt;
use std::time::Duration;

/// Objects asked for at once by a list.
const PAGE: u32 = 500;
/// Seconds after which the server ends a watch; a connection that is silent for 5 s more is
/// taken for dead and the watch begun anew where it was.
const WATCH_SECONDS: u32 = 240;
/// Kinds listed side by side: more would only queue in the API server's fair queueing.
const SIDE_BY_SIDE: usize = 6;
/// How long a kind that is not served, and need not be, is left alone.
const RARELY: Duration = Duration::from_mins(5);
/// How often one list starts over because its continuation expired.
const RESTARTS: usize = 3;

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every namespace.
    All,
    /// One namespace, and the nodes.
    Namespace(String),
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The API server says no (401, 403).
    Forbidden(String),
    /// The API server does not serve this kind (404).
    NotServed(String),
    /// Anything else; it is tried again where a watch is concerned.
    Failed(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Forbidden(why) => write!(f, "not permitted: {why}"),
            Trouble::NotServed(why) => write!(f, "not served by this API server: {why}"),
            Trouble::Failed(why) => write!(f, "{why}"),
        }
    }
}

/// An object that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name, as far as they could be read.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

/// One step of a watch.
#[derive(Debug, Clone)]
pub enum IndexUpdate {
    /// A full list of this kind begins.
    Begin(Kind),
    /// The full list is complete.
    End(Kind),
    /// One object as it is now, or one that is gone.
    Observed(Box<Observed>),
    /// An object was skipped.
    Malformed(Malformed),
    /// The cluster does not have this kind, and need not.
    Absent(Kind),
    /// A watch failed; it is taken up again with growing pauses.
    Trouble(Kind, Trouble),
}

impl IndexUpdate {
    /// Takes the update into an index; returns whose findings may have changed.
    pub fn apply(self, index: &mut Index) -> Touched {
        match self {
            IndexUpdate::Begin(kind) => {
                index.begin_resync(kind);
                Touched::default()
            }
            IndexUpdate::End(kind) => index.end_resync(kind),
            IndexUpdate::Observed(observed) => index.apply(*observed),
            IndexUpdate::Absent(kind) => {
                index.begin_resync(kind);
                index.end_resync(kind)
            }
            IndexUpdate::Trouble(kind, trouble @ (Trouble::Forbidden(_) | Trouble::NotServed(_))) => {
                index.set_unread(kind, trouble.to_string());
                Touched::default()
            }
            IndexUpdate::Malformed(_) | IndexUpdate::Trouble(_, Trouble::Failed(_)) => Touched::default(),
        }
    }
}

/// A cluster as it was read once. What could not be read is in the index (`Index::unread`).
#[derive(Debug)]
pub struct Listing {
    /// What was read.
    pub index: Index,
    /// Objects that were skipped.
    pub malformed: Vec<Malformed>,
}

/// One kind's share of a listing.
struct Part {
    kind: Kind,
    objects: Vec<Observed>,
    malformed: Vec<Malformed>,
    trouble: Option<Trouble>,
}

/// Reads every indexed kind once, page by page. A kind that cannot be read is noted in the index.
pub async fn list_all(client: &Client, scope: &Scope) -> Listing {
    let parts: Vec<BoxFuture<'_, Part>> = for_each_shape!(list_boxed(client, scope));
    let mut parts = stream::iter(parts).buffer_unordered(SIDE_BY_SIDE);
    let mut listing = Listing { index: Index::new(), malformed: Vec::new() };
    if let Scope::Namespace(namespace) = scope {
        listing.index.set_only(namespace);
    }
    while let Some(part) = parts.next().await {
        part.objects.into_iter().for_each(|object| drop(listing.index.apply(object)));
        listing.malformed.extend(part.malformed);
        if let Some(trouble) = part.trouble {
            listing.index.set_unread(part.kind, trouble.to_string());
        }
    }
    listing
}

fn list_boxed<'a, K: Shape>(client: &'a Client, scope: &'a Scope) -> BoxFuture<'a, Part> {
    Box::pin(list::<K>(client, scope))
}

fn api<K: Shape>(client: &Client, scope: &Scope) -> Api<Seen<K>> {
    match scope {
        Scope::Namespace(namespace) if K::KIND.served().namespaced => {
            Api::namespaced_with(client.clone(), namespace, &())
        }
        Scope::Namespace(_) | Scope::All => Api::all_with(client.clone(), &()),
    }
}

/// The namespace object itself is all that a namespaced reader may see of namespaces.
fn narrowed<K: Shape>(scope: &Scope) -> Option<String> {
    match scope {
        Scope::Namespace(namespace) if K::KIND == Kind::Namespace => Some(format!("metadata.name={namespace}")),
        Scope::Namespace(_) | Scope::All => None,
    }
}

async fn list<K: Shape>(client: &Client, scope: &Scope) -> Part {
    let api = api::<K>(client, scope);
    let mut part = Part { kind: K::KIND, objects: Vec::new(), malformed: Vec::new(), trouble: None };
    let first = ListParams { field_selector: narrowed::<K>(scope), ..ListParams::default().limit(PAGE) };
    let mut params = first.clone();
    let mut restarts = 0;
    loop {
        match api.list(&params).await {
            Ok(page) => {
                for seen in page.items {
                    match seen.object {
                        Ok(core) => part.objects.push(K::observed(core)),
                        Err(_) => part.malformed.extend(malformed(seen)),
                    }
                }
                match page.metadata.continue_.filter(|token| !token.is_empty()) {
                    Some(token) => params.continue_token = Some(token),
                    None => return part,
                }
            }
            // The continuation expired: what was read so far is of another time.
            Err(kube::Error::Api(status)) if status.code == 410 && restarts < RESTARTS => {
                restarts += 1;
                params = first.clone();
                part.objects.clear();
                part.malformed.clear();
            }
            Err(error) => {
                part.trouble = Some(trouble(&error)).filter(|trouble| !is_absence::<K>(trouble));
                return part;
            }
        }
    }
}

fn malformed<K: Shape>(seen: Seen<K>) -> Option<Malformed> {
    let name = seen.name();
    seen.object.err().map(|why| Malformed { kind: K::KIND, name, why })
}

/// A cluster that does not serve an optional kind has no object of it: nothing is unread.
fn is_absence<K: Shape>(trouble: &Trouble) -> bool {
    K::KIND.is_optional() && matches!(trouble, Trouble::NotServed(_))
}

fn trouble(error: &kube::Error) -> Trouble {
    match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => Trouble::Forbidden(status.message.clone()),
        kube::Error::Api(status) if status.code == 404 => Trouble::NotServed(status.message.clone()),
        other => Trouble::Failed(other.to_string()),
    }
}

/// Watches every indexed kind for ever. Each kind begins with a full list between `Begin` and
/// `End`; after a gap that the API server cannot fill (410) it begins so again. Ends never.
pub fn watch_all(client: &Client, scope: &Scope) -> impl Stream<Item = IndexUpdate> + Send + use<> {
    let streams: Vec<BoxStream<'static, IndexUpdate>> = for_each_shape!(watch(client, scope));
    stream::select_all(streams)
}

/// How a watch gets its initial list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Over the watch itself: nothing is held in memory at either end.
    Streamed,
    /// Page by page, for servers that refuse to stream.
    Paged,
}

fn watch<K: Shape>(client: &Client, scope: &Scope) -> BoxStream<'static, IndexUpdate> {
    let open = open::<K>(api::<K>(client, scope), narrowed::<K>(scope));
    let first = Follow { stream: open(Start::Streamed), start: Start::Streamed, rest: false };
    let steps = stream::unfold((first, open), |(mut now, open)| async move {
        if now.rest {
            tokio::time::sleep(RARELY).await;
        }
        let event = now.stream.next().await?;
        if now.start == Start::Streamed && event.as_ref().is_err_and(refuses_to_stream) {
            let paged = Follow { stream: open(Start::Paged), start: Start::Paged, rest: false };
            return Some((None, (paged, open)));
        }
        now.rest = event.as_ref().is_err_and(|error| is_absence::<K>(&watch_trouble(error)));
        Some((Some(event), (now, open)))
    });
    let updates = steps.filter_map(|step| async move { step }).map(|event| update::<K>(event));
    updates.boxed()
}

/// A watch under way.
struct Follow<K: Shape> {
    stream: Events<K>,
    start: Start,
    /// The kind was not served when last asked for, and is not asked for at once again.
    rest: bool,
}

type Events<K> = BoxStream<'static, watcher::Result<Event<Seen<K>>>>;

fn open<K: Shape>(api: Api<Seen<K>>, fields: Option<String>) -> impl Fn(Start) -> Events<K> + Send {
    move |start| {
        let config = Config { field_selector: fields.clone(), page_size: Some(PAGE), ..Config::default() };
        let config = config.timeout(WATCH_SECONDS);
        let config = if start == Start::Streamed { config.streaming_lists() } else { config };
        watcher::watcher(api.clone(), config).default_backoff().boxed()
    }
}

/// `sendInitialEvents` is refused as invalid (422) or unknown (400) where it is not enabled.
fn refuses_to_stream(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if matches!(status.code, 400 | 422))
}

fn update<K: Shape>(event: watcher::Result<Event<Seen<K>>>) -> IndexUpdate {
    match event {
        Ok(Event::Init) => IndexUpdate::Begin(K::KIND),
        Ok(Event::InitDone) => IndexUpdate::End(K::KIND),
        Ok(Event::InitApply(seen) | Event::Apply(seen)) => match seen.object {
            Ok(core) => IndexUpdate::Observed(Box::new(K::observed(core))),
            Err(ref why) => {
                let (name, why) = (seen.name(), why.clone());
                IndexUpdate::Malformed(Malformed { kind: K::KIND, name, why })
            }
        },
        Ok(Event::Delete(seen)) => {
            IndexUpdate::Observed(Box::new(Observed::Deleted { kind: K::KIND, uid: seen.uid().to_owned() }))
        }
        Err(error) => match watch_trouble(&error) {
            absent if is_absence::<K>(&absent) => IndexUpdate::Absent(K::KIND),
            trouble => IndexUpdate::Trouble(K::KIND, trouble),
        },
    }
}

fn watch_trouble(error: &watcher::Error) -> Trouble {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => trouble(error),
        watcher::Error::WatchError(status) if status.code == 403 => Trouble::Forbidden(status.message.clone()),
        watcher::Error::WatchError(status) => Trouble::Failed(status.message.clone()),
        watcher::Error::NoResourceVersion => Trouble::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
