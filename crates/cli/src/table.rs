//! Tables that read like kubectl's and fit the terminal.
//!
//! Owns columns, widths and cutting. Must never cut where output does not go to a terminal, and
//! never let a cell's text through unescaped. No IO.

use crate::safe;
use crate::style::{Look, Role};
use unicode_width::UnicodeWidthStr as _;

const GAP: usize = 3;
const LEAST: usize = 8;

/// One cell: text that was made safe, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    role: Role,
}

impl Cell {
    /// A cell of untrusted text; an empty one shows `<none>` as kubectl does.
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = safe::line(text.as_ref());
        Self { text: if text.is_empty() { "<none>".to_owned() } else { text }, role: Role::Plain }
    }

    /// The cell in another role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::new(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::new(text)
    }
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub head: &'static str,
    /// True where its text may be cut to fit the terminal.
    pub cut: bool,
}

/// A column whose text is never cut.
pub const fn whole(head: &'static str) -> Column {
    Column { head, cut: false }
}

/// A column whose text may be cut.
pub const fn cut(head: &'static str) -> Column {
    Column { head, cut: true }
}

/// Rows under headings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns, ..Self::default() }
    }

    /// The table indented by so many blanks.
    #[must_use]
    pub fn indented(mut self, indent: usize) -> Self {
        self.indent = indent;
        self
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// True where there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The widths that the text needs, cut to the terminal.
    pub fn widths(&self, look: &Look) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|c| c.head.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        if let Some(room) = look.width {
            self.fit(&mut widths, room);
        }
        widths
    }

    /// Takes the excess from the widest column that may be cut, until it fits or nothing can give.
    fn fit(&self, widths: &mut [usize], room: usize) {
        let gaps = GAP * widths.len().saturating_sub(1) + self.indent;
        loop {
            let total = widths.iter().sum::<usize>() + gaps;
            let Some(excess) = total.checked_sub(room).filter(|e| *e > 0) else { return };
            let candidates = widths.iter_mut().zip(&self.columns).filter(|(w, c)| c.cut && **w > LEAST);
            let Some((widest, _)) = candidates.max_by_key(|(w, _)| **w) else { return };
            *widest = (*widest - excess.min(*widest - LEAST).min((*widest / 4).max(1))).max(LEAST);
        }
    }

    /// The whole table.
    pub fn render(&self, look: &Look, headers: bool) -> String {
        let widths = self.widths(look);
        let mut out = String::new();
        if headers {
            out.push_str(&self.heading(&widths, look));
        }
        for row in &self.rows {
            out.push_str(&self.line(row, &widths, look));
        }
        out
    }

    /// The line of headings.
    pub fn heading(&self, widths: &[usize], look: &Look) -> String {
        let heads: Vec<Cell> =
            self.columns.iter().map(|c| Cell { text: c.head.to_owned(), role: Role::Head }).collect();
        self.line(&heads, widths, look)
    }

    /// One line; the last cell is not padded.
    pub fn line(&self, row: &[Cell], widths: &[usize], look: &Look) -> String {
        let mut out = " ".repeat(self.indent);
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            let may_cut = look.width.is_some() && self.columns.get(at).is_some_and(|c| c.cut);
            let text = if may_cut { shortened(&cell.text, *width) } else { cell.text.clone() };
            out.push_str(&look.paint(cell.role, &text));
            if at + 1 < row.len() {
                out.push_str(&" ".repeat((width + GAP).saturating_sub(text.width()).max(GAP)));
            }
        }
        out.push('\n');
        out
    }
}

/// Text cut to a width, its end marked.
pub fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        let mut longer = out.clone();
        longer.push(c);
        if longer.width() + 1 > width {
            break;
        }
        out = longer;
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn look(width: Option<usize>) -> Look {
        Look { colour: false, width, now: Timestamp::UNIX_EPOCH }
    }

    fn table() -> Table {
        let mut table = Table::new(vec![whole("NAME"), cut("WHY"), whole("AGE")]);
        table.push(vec!["web-1".into(), "the image tag does not exist in the registry".into(), "5s".into()]);
        table.push(vec!["b".into(), "".into(), "12m".into()]);
        table
    }

    #[test]
    fn columns_align_as_kubectl_aligns_them() {
        let text = table().render(&look(None), true);
        let want = "NAME    WHY                                            AGE\n\
                    web-1   the image tag does not exist in the registry   5s\n\
                    b       <none>                                         12m\n";
        assert_eq!(text, want);
    }

    #[test]
    fn only_what_may_be_cut_is_cut_and_every_line_fits() {
        let text = table().render(&look(Some(30)), true);
        assert!(text.lines().all(|l| l.width() <= 30), "{text}");
        assert!(text.contains("web-1") && text.contains('…'), "{text}");
    }

    #[test]
    fn wide_characters_and_escapes_are_counted_as_shown() {
        let mut table = Table::new(vec![whole("A"), whole("B")]);
        table.push(vec!["日本".into(), "x".into()]);
        table.push(vec!["a\u{1b}[31m".into(), "y".into()]);
        let text = table.render(&look(None), false);
        let want = format!("日本{}x\na\\u{{1b}}[31m   y\n", " ".repeat(10));
        assert_eq!(text, want);
    }
}
