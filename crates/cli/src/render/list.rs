//! Tables of changes and incidents, as `kubectl get` would show them.
//!
//! Owns their columns. No IO.

use super::{incident_role, phase_role, severity_name, severity_role, short};
use crate::objects::Loaded;
use crate::style::{Look, Role};
use crate::table::{Cell, Column, Table, cut, shortened, whole};
use crate::when;
use bailiwick_api::{Change, Incident};
use bailiwick_core::life::Phase;
use bailiwick_core::object::ObjectRef;

/// Which columns are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Show the namespace.
    pub namespaces: bool,
    /// Show all columns.
    pub wide: bool,
}

/// `kind/name` of an object, as kubectl writes it.
pub fn short_ref(target: &ObjectRef) -> String {
    format!("{}/{}", target.kind.as_str().to_lowercase(), target.name)
}

fn columns(shape: Shape, middle: &[Column], wide: &[Column]) -> Vec<Column> {
    let mut all = Vec::new();
    if shape.namespaces {
        all.push(whole("NAMESPACE"));
    }
    all.push(whole("NAME"));
    all.extend_from_slice(middle);
    if shape.wide {
        all.extend_from_slice(wide);
    }
    all
}

fn head<K>(object: &Loaded<K>, shape: Shape) -> Vec<Cell> {
    let mut row = Vec::new();
    if shape.namespaces {
        row.push(Cell::new(&object.namespace));
    }
    row.push(Cell::new(&object.name));
    row
}

fn unreadable(row: &mut Vec<Cell>, columns: usize, why: &str) {
    row.push(Cell::new("<unreadable>").role(Role::Bad));
    // The whole error is for `-o yaml` beside it; a table must not burst.
    row.push(Cell::new(shortened(why, 40)));
    row.resize(columns, Cell::new("-"));
}

/// The columns of a table of changes.
pub fn change_columns(shape: Shape) -> Vec<Column> {
    let middle = [whole("TYPE"), cut("TARGET"), whole("PHASE"), cut("REASON"), whole("AGE")];
    columns(shape, &middle, &[cut("PROPOSER"), whole("DIGEST"), cut("INCIDENT")])
}

/// One change as a row.
pub fn change_row(object: &Loaded<Change>, shape: Shape, look: &Look) -> Vec<Cell> {
    let mut row = head(object, shape);
    let change = match &object.typed {
        Ok(change) => change,
        Err(why) => {
            unreadable(&mut row, change_columns(shape).len(), why);
            return row;
        }
    };
    let record = change.status.as_ref();
    let phase = record.map_or(Phase::Proposed, |r| r.phase);
    let reason = record.and_then(|r| r.reason.as_ref());
    row.push(Cell::new(change.spec.change_type.as_str()));
    row.push(Cell::new(short_ref(&change.spec.target)));
    row.push(Cell::new(phase.as_str()).role(phase_role(phase)));
    row.push(Cell::new(reason.map_or("", |r| r.code.as_str())));
    row.push(Cell::new(when::age(change.metadata.creation_timestamp.as_ref().map(|t| t.0), look.now)));
    if shape.wide {
        row.push(Cell::new(&change.spec.proposer));
        row.push(Cell::new(record.and_then(|r| r.plan.as_ref()).map(|p| short(&p.digest)).unwrap_or_default()));
        row.push(Cell::new(change.spec.incident_ref.as_ref().map_or("", |r| r.name.as_str())));
    }
    row
}

/// The columns of a table of incidents.
pub fn incident_columns(shape: Shape) -> Vec<Column> {
    let middle = [
        whole("CAUSE"),
        cut("SUBJECT"),
        whole("PHASE"),
        whole("SEVERITY"),
        whole("COUNT"),
        whole("LAST SEEN"),
        whole("AGE"),
    ];
    columns(shape, &middle, &[cut("CONTAINER"), cut("CHANGE"), cut("DIAGNOSIS")])
}

/// One incident as a row.
pub fn incident_row(object: &Loaded<Incident>, shape: Shape, look: &Look) -> Vec<Cell> {
    let mut row = head(object, shape);
    let incident = match &object.typed {
        Ok(incident) => incident,
        Err(why) => {
            unreadable(&mut row, incident_columns(shape).len(), why);
            return row;
        }
    };
    let status = incident.status.clone().unwrap_or_default();
    row.push(Cell::new(incident.spec.cause.as_str()));
    row.push(Cell::new(short_ref(&incident.spec.subject)));
    row.push(Cell::new(status.phase.as_str()).role(incident_role(status.phase)));
    row.push(match status.severity {
        Some(severity) => Cell::new(severity_name(severity)).role(severity_role(severity)),
        None => Cell::new(""),
    });
    row.push(Cell::new(status.count.to_string()));
    row.push(Cell::new(when::age(status.last_seen, look.now)));
    row.push(Cell::new(when::age(incident.metadata.creation_timestamp.as_ref().map(|t| t.0), look.now)));
    if shape.wide {
        row.push(Cell::new(incident.spec.container.as_ref().map_or("", |c| c.as_str())));
        row.push(Cell::new(status.changes.last().map_or("", |c| c.as_str())));
        row.push(Cell::new(status.diagnosis.as_ref().map_or("", |d| d.text.as_str())));
    }
    row
}

/// A table of changes.
pub fn changes(objects: &[Loaded<Change>], shape: Shape, look: &Look) -> Table {
    let mut table = Table::new(change_columns(shape));
    for object in objects {
        table.push(change_row(object, shape, look));
    }
    table
}

/// A table of incidents.
pub fn incidents(objects: &[Loaded<Incident>], shape: Shape, look: &Look) -> Table {
    let mut table = Table::new(incident_columns(shape));
    for object in objects {
        table.push(incident_row(object, shape, look));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;

    const WIDE: Shape = Shape { namespaces: true, wide: true };
    const PLAIN: Shape = Shape { namespaces: false, wide: false };

    #[test]
    fn changes_read_like_kubectl_get() {
        let look = fixtures::look(None);
        let all = [fixtures::awaiting(), fixtures::recovered(), fixtures::refused(), fixtures::broken()];
        insta::assert_snapshot!("changes", changes(&all, PLAIN, &look).render(&look, true));
        insta::assert_snapshot!("changes_wide", changes(&all, WIDE, &look).render(&look, true));
        let narrow = fixtures::look(Some(80));
        insta::assert_snapshot!("changes_narrow", changes(&all, WIDE, &narrow).render(&narrow, true));
    }

    #[test]
    fn incidents_read_like_kubectl_get() {
        let look = fixtures::look(None);
        let all = [fixtures::incident()];
        insta::assert_snapshot!("incidents", incidents(&all, PLAIN, &look).render(&look, true));
        insta::assert_snapshot!("incidents_wide", incidents(&all, WIDE, &look).render(&look, true));
    }
}
