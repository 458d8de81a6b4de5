//! The table of sizes and what is too big. Pure.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};

use super::function::{Function, functions};
use super::{Source, token};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;
const ARGUMENTS: usize = 5;
const NESTING: usize = 4;

/// The sizes of the workspace.
pub(in crate::check) struct Sizes {
    files: Vec<FileSize>,
}

struct FileSize {
    path: String,
    package: String,
    lines: usize,
    /// It holds values and no code.
    table: bool,
    functions: Vec<Function>,
}

/// Measures every file.
pub(in crate::check) fn measure(sources: &[Source]) -> Result<Sizes> {
    let files = sources.iter().map(|source| {
        let file = syn::parse_file(&source.text).with_context(|| format!("parse {}", source.path))?;
        Ok(FileSize {
            path: source.path.clone(),
            package: source.package.clone(),
            lines: source.text.lines().count(),
            table: !has_function(token::parse(&source.path, &source.text)?),
            functions: functions(&file, &source.text),
        })
    });
    Ok(Sizes { files: files.collect::<Result<_>>()? })
}

fn has_function(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "fn",
        TokenTree::Group(group) => has_function(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

impl Sizes {
    pub(in crate::check) fn functions(&self) -> usize {
        self.files.iter().map(|file| file.functions.len()).sum()
    }

    /// Everything over a limit.
    pub(in crate::check) fn faults(&self) -> Vec<String> {
        self.files.iter().flat_map(FileSize::faults).collect()
    }

    /// Lines of files and functions per crate: the middle one, the ninth of ten, and the longest.
    pub(in crate::check) fn table(&self) -> String {
        let mut crates: BTreeMap<&str, Vec<&FileSize>> = BTreeMap::new();
        for file in &self.files {
            crates.entry(&file.package).or_default().push(file);
        }
        let head = format!(
            "{:<20} {:>5} {:>6} {:>5} {:>5}  {:>9} {:>6} {:>5} {:>5}",
            "CRATE", "FILES", "MEDIAN", "P90", "MAX", "FUNCTIONS", "MEDIAN", "P90", "MAX"
        );
        let all = std::iter::once(("all", self.files.iter().collect()));
        let rows = crates.into_iter().chain(all).map(|(name, files)| row(name, &files));
        std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n")
    }
}

impl FileSize {
    fn faults(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.lines > FILE_LINES && !self.table {
            wrong.push(format!("{}: {} lines, the most is {FILE_LINES}", self.path, self.lines));
        }
        for function in &self.functions {
            let measures = [
                (function.lines, FUNCTION_LINES, "lines"),
                (function.arguments, ARGUMENTS, "arguments"),
                (function.nesting, NESTING, "levels of nesting"),
            ];
            for (found, most, of) in measures.into_iter().filter(|(found, most, _)| found > most) {
                let Function { name, line, .. } = function;
                wrong.push(format!("{}:{line}: `{name}` has {found} {of}, the most is {most}", self.path));
            }
        }
        wrong
    }
}

fn row(name: &str, files: &[&FileSize]) -> String {
    let [median, p90, max] = spread(files.iter().map(|file| file.lines).collect());
    let functions: Vec<usize> = files.iter().flat_map(|file| &file.functions).map(|f| f.lines).collect();
    let (count, [f_median, f_p90, f_max]) = (functions.len(), spread(functions));
    format!(
        "{name:<20} {:>5} {median:>6} {p90:>5} {max:>5}  {count:>9} {f_median:>6} {f_p90:>5} {f_max:>5}",
        files.len()
    )
}

/// Median, ninth decile, maximum.
fn spread(mut values: Vec<usize>) -> [usize; 3] {
    values.sort_unstable();
    let at = |part: usize| values.get((values.len() * part / 10).min(values.len().saturating_sub(1))).copied();
    [5, 9, 10].map(|part| at(part).unwrap_or_default())
}
