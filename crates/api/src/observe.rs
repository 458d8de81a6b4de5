//! Reading a cluster into the index: once for `bailiwick diagnose`, for ever in the operator.
//!
//! Owns lists and watches of the indexed kinds. Must never fail as a whole because one kind may
//! not be read, never stall on a malformed object, and never ask for a Secret. IO: reads only.

use crate::shape::{Patient, Reading, Seen, Shape, Swift, for_each_shape};
use bailiwick_core::index::{Index, Observed, Touched};
use bailiwick_core::object::Kind;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use jiff::Timestamp;
use kube::api::ListParams;
use kube::core::ObjectList;
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

impl Part {
    fn take<K: Shape, R: Reading>(&mut self, page: ObjectList<Seen<K, R>>) -> Option<String> {
        for seen in page.items {
            match read(seen) {
                Ok(observed) => self.objects.push(observed),
                Err(malformed) => self.malformed.push(malformed),
            }
        }
        page.metadata.continue_
    }
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

fn api<K: Shape, R: Reading>(client: &Client, scope: &Scope) -> Api<Seen<K, R>> {
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
    let mut part = Part { kind: K::KIND, objects: Vec::new(), malformed: Vec::new(), trouble: None };
    let first = ListParams { field_selector: narrowed::<K>(scope), ..ListParams::default().limit(PAGE) };
    let mut params = first.clone();
    let mut restarts = 0;
    loop {
        match page::<K>(client, scope, &params, &mut part).await {
            Ok(more) => match more.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => return part,
            },
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

/// Reads one page of a list; gives the token of the next. What cannot be read is never logged: it may hold values of variables.
async fn page<K: Shape>(
    client: &Client,
    scope: &Scope,
    params: &ListParams,
    part: &mut Part,
) -> kube::Result<Option<String>> {
    let request = kube::core::Request::new(api::<K, Swift>(client, scope).resource_url());
    let request = if K::METADATA_ONLY { request.list_metadata(params) } else { request.list(params) };
    let text = client.request_text(request.map_err(kube::Error::BuildRequest)?).await?;
    match serde_json::from_str::<ObjectList<Seen<K, Swift>>>(&text) {
        Ok(page) => Ok(part.take(page)),
        Err(_) => serde_json::from_str::<ObjectList<Seen<K, Patient>>>(&text)
            .map(|page| part.take(page))
            .map_err(kube::Error::SerdeError),
    }
}

fn read<K: Shape, R: Reading>(seen: Seen<K, R>) -> Result<Observed, Malformed> {
    let name = if seen.object.is_err() { seen.name() } else { String::new() };
    seen.object.map(K::observed).map_err(|why| Malformed { kind: K::KIND, name, why })
}

/// Something in the answer is not what its kind says. The client takes a watch's line that it cannot read for a status that says nothing.
fn is_unreadable(error: &kube::Error) -> bool {
    match error {
        kube::Error::SerdeError(_) => true,
        kube::Error::Api(status) => status.code == 0 && status.status.is_none(),
        _ => false,
    }
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

/// How a watch is read. What goes wrong with one way is the reason for another.
#[derive(Clone, Copy)]
struct Way {
    /// The initial list comes over the watch itself: nothing is held in memory at either end. Else
    /// page by page, for servers that refuse to stream.
    streamed: bool,
    /// As [`Patient`] does: something malformed has come. So is whatever comes page by page, since
    /// the client would log a page that it cannot read.
    patient: bool,
}

impl Way {
    /// The way to go on after this error, if not the same.
    fn after(self, error: &watcher::Error) -> Option<Self> {
        if self.streamed && refuses_to_stream(error) {
            return Some(Self { streamed: false, patient: true });
        }
        let unreadable = request_error(error).is_some_and(is_unreadable);
        (unreadable && !self.patient).then_some(Self { patient: true, ..self })
    }
}

fn watch<K: Shape>(client: &Client, scope: &Scope) -> BoxStream<'static, IndexUpdate> {
    let open = open::<K>(client.clone(), scope.clone());
    let way = Way { streamed: true, patient: false };
    let first = Follow { stream: open(way), way, rest: false };
    let steps = stream::unfold((first, open), |(mut now, open)| async move {
        if now.rest {
            tokio::time::sleep(RARELY).await;
        }
        let event = now.stream.next().await?;
        if let Some(way) = event.as_ref().err().and_then(|error| now.way.after(error)) {
            let other = Follow { stream: open(way), way, rest: false };
            return Some((None, (other, open)));
        }
        now.rest = event.as_ref().is_err_and(|error| is_absence::<K>(&watch_trouble(error)));
        Some((Some(event), (now, open)))
    });
    let updates = steps.filter_map(|step| async move { step });
    updates.map(|event| event.unwrap_or_else(|error| failure::<K>(&error))).boxed()
}

/// A watch under way.
struct Follow {
    stream: Updates,
    way: Way,
    /// The kind was not served when last asked for, and is not asked for at once again.
    rest: bool,
}

type Updates = BoxStream<'static, watcher::Result<IndexUpdate>>;

fn open<K: Shape>(client: Client, scope: Scope) -> impl Fn(Way) -> Updates + Send {
    move |way| {
        let config = Config { field_selector: narrowed::<K>(&scope), page_size: Some(PAGE), ..Config::default() };
        let config = config.timeout(WATCH_SECONDS);
        let config = if way.streamed { config.streaming_lists() } else { config };
        if way.patient {
            follow(api::<K, Patient>(&client, &scope), config)
        } else {
            follow(api::<K, Swift>(&client, &scope), config)
        }
    }
}

fn follow<K: Shape, R: Reading>(api: Api<Seen<K, R>>, config: Config) -> Updates {
    watcher::watcher(api, config).default_backoff().map(|event| event.map(update)).boxed()
}

/// `sendInitialEvents` is refused as invalid (422) or unknown (400) where it is not enabled.
fn refuses_to_stream(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if matches!(status.code, 400 | 422))
}

fn update<K: Shape, R: Reading>(event: Event<Seen<K, R>>) -> IndexUpdate {
    match event {
        Event::Init => IndexUpdate::Begin(K::KIND),
        Event::InitDone => IndexUpdate::End(K::KIND),
        Event::InitApply(seen) | Event::Apply(seen) => {
            read(seen).map_or_else(IndexUpdate::Malformed, |observed| IndexUpdate::Observed(Box::new(observed)))
        }
        Event::Delete(seen) => {
            let (uid, at) = (seen.uid().to_owned(), Some(Timestamp::now()));
            IndexUpdate::Observed(Box::new(Observed::Deleted { kind: K::KIND, uid, at }))
        }
    }
}

fn failure<K: Shape>(error: &watcher::Error) -> IndexUpdate {
    match watch_trouble(error) {
        absent if is_absence::<K>(&absent) => IndexUpdate::Absent(K::KIND),
        trouble => IndexUpdate::Trouble(K::KIND, trouble),
    }
}

/// What the request itself failed with.
fn request_error(error: &watcher::Error) -> Option<&kube::Error> {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Some(error),
        watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => None,
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
