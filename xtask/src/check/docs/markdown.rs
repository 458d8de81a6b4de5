//! One Markdown document: its links, headings, code and claims. Pure.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::command;

/// What the check looks at.
#[derive(Debug, Default)]
pub(in crate::check) struct Document {
    /// Relative to the root of the repository.
    pub(in crate::check) path: String,
    pub(in crate::check) links: Vec<At>,
    /// Anchors of headings, as GitHub makes them.
    pub(in crate::check) anchors: Vec<String>,
    /// Code spans, and lines of code blocks that hold commands.
    code: Vec<At>,
    pub(in crate::check) claims: Vec<Claim>,
}

/// A text and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct At {
    pub(in crate::check) line: usize,
    pub(in crate::check) text: String,
    /// In a code block, where the command starts the line.
    block: bool,
}

/// A place where a test is to be named.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::check) struct Claim {
    pub(in crate::check) line: usize,
    /// Code spans.
    pub(in crate::check) spans: Vec<String>,
    /// The rest.
    pub(in crate::check) prose: String,
}

/// A command that the document tells to run.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::check) struct Mention {
    pub(in crate::check) line: usize,
    pub(in crate::check) words: Vec<String>,
}

impl Document {
    pub(in crate::check) fn parse(path: &str, text: &str) -> Self {
        let mut reader =
            Reader { text, document: Self { path: path.to_owned(), ..Self::default() }, ..Reader::default() };
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            reader.read(event, &range);
        }
        reader.document
    }

    /// Code spans that name a path of this repository.
    pub(in crate::check) fn paths(&self) -> impl Iterator<Item = &At> {
        const TOP: [&str; 7] = ["crates/", "docs/", "deploy/", "xtask/", "testbed/", "benches/", ".ci/"];
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        self.code.iter().filter(move |code| {
            !code.block && TOP.iter().any(|top| code.text.starts_with(top)) && code.text.chars().all(plain)
        })
    }

    /// Commands of this repository.
    pub(in crate::check) fn commands(&self) -> impl Iterator<Item = Mention> {
        let all = self.code.iter().flat_map(|code| {
            let found = command::find(&code.text, code.block).into_iter();
            found.map(|words| Mention { line: code.line, words })
        });
        all.filter(|mention| mention.words.len() > 1)
    }
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    document: Document,
    heading: Option<String>,
    /// Code blocks that show commands, not output or files.
    shell: bool,
    table: Option<Table>,
    /// What was written last, to see whether a code span follows the word "test".
    before: String,
}

#[derive(Default)]
struct Table {
    head: bool,
    column: usize,
    cell: Claim,
    /// Columns that name tests.
    tests: Vec<usize>,
}

impl Reader<'_> {
    fn read(&mut self, event: Event<'_>, range: &Range<usize>) {
        let line = self.text[..range.start].matches('\n').count() + 1;
        match event {
            Event::Start(tag) => self.start(&tag, line),
            Event::End(tag) => self.end(tag),
            Event::Code(code) => self.code(&code, line),
            Event::Text(text) => self.prose(&text, line),
            Event::SoftBreak | Event::HardBreak => self.before.push(' '),
            Event::Html(_) | Event::InlineHtml(_) | Event::Rule | Event::TaskListMarker(_) => self.before.clear(),
            Event::FootnoteReference(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, line: usize) {
        match tag {
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.document.links.push(At { line, text: dest_url.to_string(), block: false });
            }
            Tag::Heading { .. } => self.heading = Some(String::new()),
            Tag::CodeBlock(kind) => self.shell = is_shell(kind),
            Tag::Table(_) => self.table = Some(Table::default()),
            Tag::TableHead => self.in_table(|table| (table.head, table.column) = (true, 0)),
            Tag::TableRow => self.in_table(|table| (table.head, table.column) = (false, 0)),
            Tag::TableCell => self.in_table(|table| table.cell = Claim { line, ..Claim::default() }),
            Tag::Paragraph | Tag::Item => self.before.clear(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => self.document.anchors.extend(self.heading.take().map(|text| anchor(&text))),
            TagEnd::CodeBlock => self.shell = false,
            TagEnd::Table => self.table = None,
            TagEnd::TableCell => self.end_cell(),
            _ => {}
        }
    }

    fn in_table(&mut self, change: impl FnOnce(&mut Table)) {
        if let Some(table) = &mut self.table {
            change(table);
        }
    }

    fn end_cell(&mut self) {
        self.before.clear();
        let Some(table) = &mut self.table else {
            return;
        };
        let cell = std::mem::take(&mut table.cell);
        if table.head {
            let head = cell.prose.trim().to_lowercase();
            if head.split_whitespace().any(|word| matches!(word, "test" | "tests")) {
                table.tests.push(table.column);
            }
        } else if table.tests.contains(&table.column) {
            self.document.claims.push(cell);
        }
        table.column += 1;
    }

    fn code(&mut self, code: &str, line: usize) {
        if let Some(heading) = &mut self.heading {
            heading.push_str(code);
        }
        self.document.code.push(At { line, text: code.to_owned(), block: false });
        if let Some(table) = &mut self.table {
            table.cell.spans.push(code.to_owned());
        }
        let in_claim = self.table.as_ref().is_some_and(|table| table.tests.contains(&table.column));
        if !in_claim && follows_test(&self.before) && is_name(code) {
            self.document.claims.push(Claim { line, spans: vec![code.to_owned()], prose: String::new() });
            // What is listed after it is a test as well.
            self.before = "tests ".to_owned();
        } else {
            self.before.clear();
        }
    }

    fn prose(&mut self, text: &str, line: usize) {
        if let Some(heading) = &mut self.heading {
            heading.push_str(text);
        }
        if self.shell {
            let lines = text.lines().enumerate();
            self.document.code.extend(lines.map(|(n, text)| At { line: line + n, text: text.to_owned(), block: true }));
        }
        self.in_table(|table| table.cell.prose.push_str(text));
        if !matches!(text.trim(), "," | "and" | ", and" | "or") {
            self.before.clear();
            self.before.push_str(text);
        }
    }
}

/// A block without a language is one, for who writes none.
fn is_shell(kind: &CodeBlockKind<'_>) -> bool {
    match kind {
        CodeBlockKind::Indented => false,
        CodeBlockKind::Fenced(language) => matches!(language.trim(), "" | "sh" | "bash" | "shell" | "console"),
    }
}

fn follows_test(before: &str) -> bool {
    let word = before.trim_end().rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    before.ends_with(' ') && matches!(word.to_lowercase().as_str(), "test" | "tests")
}

/// Names of tests, and of suites; not commands, options or types.
fn is_name(code: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:/.*".contains(c);
    code.contains(['_', ':', '/']) && code.chars().all(fits)
}

/// As GitHub makes anchors of headings.
pub(in crate::check) fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
