//! The tests there are, and whether a document names one. Reads no file but to see whether a named path exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::markdown::{Claim, Document};
use crate::check::source::{self, Source};

/// Names of tests, each with the files that hold one of that name; and of suites.
#[derive(Debug, Default)]
pub(in crate::check) struct Tests {
    functions: BTreeMap<String, BTreeSet<String>>,
    suites: BTreeSet<String>,
}

impl Tests {
    /// All tests in `sources`. A program without the standard harness has tests that carry no attribute: each of its functions counts.
    pub(in crate::check) fn of<'a>(sources: &[Source], packages: impl Iterator<Item = &'a Value>) -> Result<Self> {
        let mut all = Self::default();
        let mut bare = Vec::new();
        let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
        for target in targets.filter(|target| target["kind"][0] == "test") {
            all.suites.extend(target["name"].as_str().map(str::to_owned));
            bare.extend(target["src_path"].as_str().filter(|_| !target["required-features"].is_null()).map(Path::new));
        }
        for source in sources {
            let whole = bare.iter().any(|path| path.ends_with(&source.path));
            let names = if whole { source::functions } else { source::tests };
            for name in names(&source.path, &source.text)? {
                all.functions.entry(name).or_default().insert(source.path.clone());
            }
        }
        Ok(all)
    }

    /// Why a claim is not backed by a test.
    pub(in crate::check) fn fault(&self, root: &Path, document: &Document, claim: &Claim) -> Option<String> {
        let place = format!("{}:{}", document.path, claim.line);
        if claim.spans.is_empty() {
            let honest = claim.prose.trim().to_lowercase().starts_with("none");
            return (!honest).then(|| format!("{place}: a claim without a test beside it"));
        }
        let unknown: Vec<String> =
            claim.spans.iter().filter(|span| !self.knows(root, span)).map(|span| format!("`{span}`")).collect();
        (!unknown.is_empty()).then(|| format!("{place}: no such test: {}", unknown.join(", ")))
    }

    /// `name`, `module::name`, `prefix_*`, a suite, `suite::name`, or a path.
    fn knows(&self, root: &Path, span: &str) -> bool {
        if span.contains('/') {
            let (path, name) = span.split_once("::").unwrap_or((span, ""));
            return root.join(path).exists() && (name.is_empty() || self.knows(root, name));
        }
        if let Some(prefix) = span.strip_suffix('*') {
            return self.functions.keys().any(|name| name.starts_with(prefix));
        }
        let (modules, name) = span.rsplit_once("::").unwrap_or(("", span));
        let files = self.functions.get(name.trim_end_matches("()"));
        let fits = |file: &String| modules.split("::").all(|module| module.is_empty() || has_part(file, module));
        files.is_some_and(|files| files.iter().any(fits)) || self.suites.contains(span)
    }
}

/// Whether a directory or the file itself has the name; inner modules for tests are not in the path.
fn has_part(file: &str, module: &str) -> bool {
    let parts = Path::new(file).with_extension("");
    module == "tests" || parts.iter().any(|part| part.to_string_lossy() == *module)
}
