//! `bailiwick changes` and `incidents`: tables like kubectl's, also followed.
//!
//! Owns filters and formats of lists. Must never stop at an object that does not parse. Reads from
//! and watches the API server.

use super::Session;
use crate::cluster::Cluster;
use crate::exit::{Exit, Outcomes};
use crate::objects::{self, Loaded, Seen};
use crate::out::{self, Format};
use crate::render::list::{self, Shape};
use crate::style::{Look, Role};
use crate::table::{Cell, Table};
use crate::{suggest, when};
use bailiwick_api::{Change, Incident, IncidentPhase};
use bailiwick_core::life::Phase;
use kube::Resource;
use kube::runtime::watcher;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What lists have in common.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Only objects with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// Go on and print every change of what is listed
    #[arg(short, long)]
    watch: bool,
}

/// List changes.
#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// Only these
    #[arg(value_name = "NAME", add = crate::complete::changes())]
    names: Vec<String>,
    /// Only changes in this phase; may be repeated
    #[arg(long, value_name = "PHASE", value_parser = phase)]
    phase: Vec<Phase>,
    #[command(flatten)]
    common: Common,
}

/// List incidents.
#[derive(Debug, clap::Args)]
pub struct IncidentArgs {
    /// Only these
    #[arg(value_name = "NAME", add = crate::complete::incidents())]
    names: Vec<String>,
    /// Only incidents that have not ended
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    common: Common,
}

fn phase(text: &str) -> Result<Phase, String> {
    let found = Phase::ALL.iter().copied().find(|p| p.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| match suggest::nearest(text, Phase::ALL.iter().map(|p| p.as_str())) {
        Some(near) => format!("there is no such phase: did you mean {near}?"),
        None => format!(
            "there is no such phase: one of {}",
            Phase::ALL.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(", ")
        ),
    })
}

/// Which objects are listed, beside those that are named.
type Keep<'a, K> = Box<dyn Fn(&Loaded<K>) -> bool + 'a>;

/// One kind's way of being listed.
struct Listing<'a, K> {
    names: &'a [String],
    common: &'a Common,
    keep: Keep<'a, K>,
    table: fn(&[Loaded<K>], Shape, &Look) -> Table,
    row: fn(&Loaded<K>, Shape, &Look) -> Vec<Cell>,
}

/// Runs `bailiwick changes`.
///
/// # Errors
/// Where they cannot be listed.
pub async fn changes(session: &Session, args: &ChangeArgs) -> Outcomes {
    let keep = |object: &Loaded<Change>| {
        let phase = object.typed.as_ref().ok().map(|c| c.status.as_ref().map_or(Phase::Proposed, |r| r.phase));
        args.phase.is_empty() || phase.is_some_and(|p| args.phase.contains(&p))
    };
    let listing = Listing {
        names: &args.names,
        common: &args.common,
        keep: Box::new(keep),
        table: list::changes,
        row: list::change_row,
    };
    run(session, &listing).await
}

/// Runs `bailiwick incidents`.
///
/// # Errors
/// Where they cannot be listed.
pub async fn incidents(session: &Session, args: &IncidentArgs) -> Outcomes {
    let keep = |object: &Loaded<Incident>| {
        let phase = object.typed.as_ref().ok().map(|i| i.status.as_ref().map_or(IncidentPhase::Open, |s| s.phase));
        !args.open || phase.is_none_or(|p| !p.is_terminal())
    };
    let listing = Listing {
        names: &args.names,
        common: &args.common,
        keep: Box::new(keep),
        table: list::incidents,
        row: list::incident_row,
    };
    run(session, &listing).await
}

async fn run<K>(session: &Session, listing: &Listing<'_, K>) -> Outcomes
where
    K: Resource + DeserializeOwned,
    K::DynamicType: Default,
{
    let cluster = session.connect().await?;
    if listing.common.watch {
        return watch(session, &cluster, listing).await;
    }
    let mut found = objects::list::<K>(&cluster, listing.common.selector.as_deref()).await?;
    found.retain(|object| listing.wants(object) && (listing.keep)(object));
    if let Some(missing) = listing.names.iter().find(|name| !found.iter().any(|o| &o.name == *name)) {
        return Err(objects::nothing::<K>(&cluster, missing).await);
    }
    print(session, &cluster, listing, found)?;
    Ok(Exit::Ok)
}

impl<K> Listing<'_, K> {
    fn wants(&self, object: &Loaded<K>) -> bool {
        self.names.is_empty() || self.names.contains(&object.name)
    }
}

fn shape(session: &Session, cluster: &Cluster) -> Shape {
    Shape { namespaces: cluster.all, wide: session.out.format == Format::Wide }
}

fn print<K>(session: &Session, cluster: &Cluster, listing: &Listing<'_, K>, found: Vec<Loaded<K>>) -> Outcomes<()>
where
    K: Resource,
    K::DynamicType: Default,
{
    let resource = objects::served::<K>();
    match session.out.format {
        Format::Json | Format::Yaml => {
            let mut raw: Vec<_> = found.into_iter().map(|object| object.raw).collect();
            // As kubectl: an object asked for by name stands alone, everything else is a List.
            if listing.names.len() == 1 && raw.len() == 1 {
                session.out.value(&out::shown(raw.remove(0)))
            } else {
                session.out.value(&out::list(raw))
            }
        }
        Format::Name => {
            let names: String = found
                .iter()
                .map(|o| format!("{}.{}/{}\n", resource.kind.to_lowercase(), resource.group, o.name))
                .collect();
            session.out.text(&names)
        }
        Format::Table | Format::Wide if found.is_empty() => {
            let hint = if cluster.all { String::new() } else { "; -A looks in all".to_owned() };
            session.out.note(Role::Plain, &format!("No {} found in {}{hint}.", resource.plural, cluster.where_words()));
            Ok(())
        }
        Format::Table | Format::Wide => {
            let table = (listing.table)(&found, shape(session, cluster), &session.out.look);
            session.out.text(&table.render(&session.out.look, session.out.headers))
        }
    }
}

async fn watch<K>(session: &Session, cluster: &Cluster, listing: &Listing<'_, K>) -> Outcomes
where
    K: Resource + DeserializeOwned,
    K::DynamicType: Default,
{
    let mut config = watcher::Config::default();
    config.label_selector.clone_from(&listing.common.selector);
    let mut sight = Sight {
        session,
        listing,
        shape: shape(session, cluster),
        waiting: Some(Vec::new()),
        widths: Vec::new(),
        told: BTreeMap::new(),
    };
    objects::follow::<K, Exit>(cluster, config, |seen| {
        let text = sight.see(seen)?;
        // Where nobody reads any more, there is nobody to follow for.
        Ok(if session.out.flowing(&text)? { ControlFlow::Continue(()) } else { ControlFlow::Break(Exit::Ok) })
    })
    .await
}

/// What was told of a followed list so far.
struct Sight<'a, K> {
    session: &'a Session,
    listing: &'a Listing<'a, K>,
    shape: Shape,
    /// What the first list holds, until it is complete.
    waiting: Option<Vec<Loaded<K>>>,
    widths: Vec<usize>,
    told: BTreeMap<(String, String), Vec<Cell>>,
}

impl<K> Sight<'_, K> {
    /// The text that something seen amounts to; empty where it says nothing new.
    fn see(&mut self, seen: Seen<K>) -> Outcomes<String> {
        let changed = match seen {
            Seen::Listed => {
                let mut found = self.waiting.take().unwrap_or_default();
                found.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
                return self.begin(&found);
            }
            Seen::Now(object) if self.listing.wants(&object) && (self.listing.keep)(&object) => object,
            Seen::Now(_) | Seen::Gone(_) => return Ok(String::new()),
        };
        match &mut self.waiting {
            Some(waiting) => {
                waiting.push(*changed);
                Ok(String::new())
            }
            None if self.session.out.is_for_people() && !self.widths.is_empty() => Ok(self.row(&changed)),
            None => self.begin(std::slice::from_ref(&changed)),
        }
    }

    /// The head with what there is; as kubectl, nothing before the first row.
    fn begin(&mut self, found: &[Loaded<K>]) -> Outcomes<String> {
        if !self.session.out.is_for_people() {
            return found.iter().map(|object| one(self.session, object)).collect();
        }
        if found.is_empty() {
            return Ok(String::new());
        }
        for object in found {
            self.is_told(object);
        }
        let look = Look { now: when::now(), ..self.session.out.look };
        let table = (self.listing.table)(found, self.shape, &look);
        self.widths = table.widths(&look);
        Ok(table.render(&look, self.session.out.headers))
    }

    fn row(&mut self, changed: &Loaded<K>) -> String {
        if self.is_told(changed) {
            return String::new();
        }
        let look = Look { now: when::now(), ..self.session.out.look };
        let row = (self.listing.row)(changed, self.shape, &look);
        (self.listing.table)(&[], self.shape, &look).line(&row, &self.widths, &look)
    }

    /// A row that differs in its age alone says nothing new.
    fn is_told(&mut self, object: &Loaded<K>) -> bool {
        let row = (self.listing.row)(object, self.shape, &self.session.out.look);
        let key = (object.namespace.clone(), object.name.clone());
        self.told.insert(key, row.clone()).is_some_and(|before| before == row)
    }
}

/// One object of a followed list in a machine format.
fn one<K>(session: &Session, object: &Loaded<K>) -> Outcomes<String> {
    let format = session.out.format;
    match format {
        Format::Yaml => Ok(format!("---\n{}", out::encode(&out::shown(object.raw.clone()), format)?)),
        Format::Name => Ok(format!("{}\n", object.name)),
        Format::Json | Format::Table | Format::Wide => out::encode(&out::shown(object.raw.clone()), format),
    }
}
