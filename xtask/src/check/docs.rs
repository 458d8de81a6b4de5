//! What the documents claim to be there: links, paths, commands, tests. Reads README.md, CHANGELOG.md, every Markdown file of the repository; builds `bailiwick` and asks it about its own command line.
//!
//! A table with a column headed *test* makes claims: each row must name a test there, or say `none` and why. In prose, a code span that follows the word *test* or *tests* names a test. Neither can be wrong about the test's name; whether the test shows what is claimed is for a reader.

pub(super) mod command;
pub(super) mod link;
pub(super) mod markdown;
pub(super) mod named;

use std::path::Path;

use anyhow::{Context as _, Result};

use super::report::Finding;
use super::{Ground, source};
use crate::cargo::binary;
use command::Commands;
use markdown::{Document, Mention};
use named::Tests;

/// Runs the check.
pub(super) fn check(ground: &Ground) -> Result<Finding> {
    let root = &ground.workspace.root;
    let documents = read(root)?;
    let tests = Tests::of(&source::read(ground)?, ground.workspace.packages())?;
    let mut wrong = Vec::new();
    let mut counts = Counts::default();
    for document in &documents {
        let links = document.links.iter().map(|link| link::fault(root, &documents, document, link));
        wrong.extend(links.flatten());
        wrong.extend(document.paths().filter_map(|path| link::missing_path(root, document, path)));
        wrong.extend(document.claims.iter().filter_map(|claim| tests.fault(root, document, claim)));
        counts.links += document.links.len();
        counts.tests += document.claims.iter().map(|claim| claim.spans.len()).sum::<usize>();
    }
    wrong.extend(commands(ground, &documents, &mut counts)?);
    let Counts { links, tests, commands } = counts;
    let seen = format!("{} documents: {links} links, {tests} tests, {commands} commands", documents.len());
    Ok(Finding::of(seen, wrong))
}

#[derive(Default)]
struct Counts {
    links: usize,
    tests: usize,
    commands: usize,
}

/// All Markdown of the repository.
fn read(root: &Path) -> Result<Vec<Document>> {
    let documents = source::files(root, "md")?.into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(Document::parse(&path.strip_prefix(root)?.display().to_string(), &text))
    });
    documents.collect()
}

fn commands(ground: &Ground, documents: &[Document], counts: &mut Counts) -> Result<Vec<String>> {
    let mentions: Vec<(&Document, Mention)> =
        documents.iter().flat_map(|d| d.commands().map(move |mention| (d, mention))).collect();
    let product = mentions.iter().any(|(_, mention)| mention.words.first().is_some_and(|word| word == "bailiwick"));
    let program = if product { Some(binary(&ground.workspace, "bailiwick-cli", "bailiwick")?) } else { None };
    let mut known = Commands::new(program);
    counts.commands = mentions.len();
    let mut wrong = Vec::new();
    for (document, mention) in mentions {
        let fault = known.fault(&mention.words)?;
        wrong.extend(
            fault.map(|why| format!("{}:{}: `{}`: {why}", document.path, mention.line, mention.words.join(" "))),
        );
    }
    Ok(wrong)
}
