//! Findings as a table, or one by one.
//!
//! Owns what `bailiwick diagnose` says. Must never conclude from what could not be read. No IO.

use super::list::short_ref;
use super::{action, severity_name, severity_role};
use crate::sheet::Sheet;
use crate::style::{Look, Role};
use crate::table::{Cell, Table, cut, whole};
use crate::when;
use bailiwick_core::finding::Finding;

/// The table of findings, the worst first.
pub fn table(findings: &[Finding], namespaces: bool, look: &Look) -> Table {
    let mut columns = vec![whole("SEVERITY"), whole("CAUSE")];
    if namespaces {
        columns.push(whole("NAMESPACE"));
    }
    columns.extend([cut("SUBJECT"), cut("CONTAINER"), whole("SINCE"), cut("SUMMARY")]);
    let mut table = Table::new(columns);
    for finding in findings {
        let mut row = vec![
            Cell::new(severity_name(finding.severity)).role(severity_role(finding.severity)),
            Cell::new(finding.cause.as_str()),
        ];
        if namespaces {
            row.push(Cell::new(finding.subject.namespace_str()));
        }
        row.push(Cell::new(short_ref(&finding.subject)));
        row.push(Cell::new(finding.container.as_ref().map_or("", |c| c.as_str())));
        row.push(Cell::new(when::age(Some(finding.since), look.now)));
        row.push(Cell::new(&finding.summary));
        table.push(row);
    }
    table
}

/// Each finding with its evidence and what would mend it.
pub fn pages(findings: &[Finding], look: &Look) -> String {
    let mut sheet = Sheet::new(*look);
    for finding in findings {
        sheet.heading(&format!("{}: {}", finding.cause, finding.subject));
        sheet.field_as(severity_role(finding.severity), "Severity", severity_name(finding.severity));
        if let Some(container) = &finding.container {
            sheet.field("Container", container.as_str());
        }
        sheet.field(
            "Since",
            &format!("{} ({} ago)", when::stamp(finding.since), when::age(Some(finding.since), look.now)),
        );
        sheet.field("Summary", &finding.summary);
        super::change::put_evidence(&mut sheet, &finding.evidence);
        for candidate in &finding.candidates {
            let line = format!("{}: {}", candidate.action.change_type(), action::sentence(&candidate.action));
            sheet.field_as(Role::Key, "Would mend", &line);
            for (name, value, origin) in action::parameters(&candidate.action) {
                sheet.field("Value", &format!("{name} = {value}, {origin}"));
            }
            sheet.field("Why", &candidate.why);
        }
    }
    sheet.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;

    #[test]
    fn findings_read_as_a_table_and_as_pages() {
        let look = fixtures::look(None);
        let findings = [fixtures::finding()];
        insta::assert_snapshot!("findings", table(&findings, true, &look).render(&look, true));
        insta::assert_snapshot!("findings_pages", pages(&findings, &look));
    }
}
