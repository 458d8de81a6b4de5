//! Commands that documents tell to run: found in code, and tried on the very parsers that they are for. Runs `bailiwick … --help`, which does nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::error::ErrorKind;

use crate::cargo::mortal;

/// What commands of ours begin with, and what they are called here.
const STARTS: [(&str, &str); 3] =
    [("cargo xtask", "xtask"), ("kubectl bailiwick", "bailiwick"), ("bailiwick", "bailiwick")];

/// The commands in a piece of code; in a block, each must start its line or a `$(`.
pub(in crate::check) fn find(code: &str, block: bool) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let code = code.split(" #").next().unwrap_or_default();
    // What a shell takes apart.
    for part in
        code.split(['|', ';', '>', '`', '\n']).flat_map(|part| part.split("&&")).flat_map(|part| part.split("$("))
    {
        let part = part.trim().trim_start_matches("$ ").trim_end_matches([')', '"', '&']);
        let part = if block { part } else { part.trim_start_matches("sudo -E ") };
        found.extend(command(part));
    }
    found
}

fn command(text: &str) -> Option<Vec<String>> {
    let (start, name) = STARTS.iter().find(|(start, _)| text.starts_with(start))?;
    let rest = &text[start.len()..];
    if !(rest.is_empty() || rest.starts_with(' ')) {
        return None;
    }
    let words = rest.split_whitespace().take_while(|word| *word != "\\" && *word != "<");
    // `[--check]` may be left out, and `…` stands for more.
    let words = words.map(|word| word.trim_matches(['[', ']', '…']).trim_end_matches("...")).filter(|w| !w.is_empty());
    Some(std::iter::once((*name).to_owned()).chain(words.map(str::to_owned)).collect())
}

/// Asks parsers, each thing once.
pub(in crate::check) struct Commands {
    program: Option<PathBuf>,
    asked: BTreeMap<Vec<String>, Option<String>>,
}

impl Commands {
    pub(in crate::check) fn new(program: Option<PathBuf>) -> Self {
        Self { program, asked: BTreeMap::new() }
    }

    /// Why this command line would not be understood.
    pub(in crate::check) fn fault(&mut self, words: &[String]) -> Result<Option<String>> {
        if let Some(known) = self.asked.get(words) {
            return Ok(known.clone());
        }
        let asked = asking(words);
        let fault = match &self.program {
            Some(program) if words.first().is_some_and(|word| word == "bailiwick") => {
                let output = mortal(program).args(&asked[1..]).output().context("start bailiwick")?;
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                (!output.status.success()).then(|| first_line(&said))
            }
            _ => own_fault(&asked),
        };
        self.asked.insert(words.to_vec(), fault.clone());
        Ok(fault)
    }
}

/// With a request for help, which is answered if all before it is understood, and before anything required is missed.
fn asking(words: &[String]) -> Vec<String> {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words[..end].iter().cloned().chain(["--help".to_owned()]).collect()
}

fn own_fault(words: &[String]) -> Option<String> {
    let error = crate::command().try_get_matches_from(words).err()?;
    (error.kind() != ErrorKind::DisplayHelp).then(|| first_line(&error.to_string()))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("it is not understood").to_owned()
}
