//! Exemptions from lints: refused in files and manifests. Pure.
//!
//! `#[expect(…, reason = "…")]` is a statement about one place that the compiler checks, and stays allowed, but not for sizes.

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};

use super::{Source, token};

/// Lints of sizes, which have no exception.
const SIZES: [&str; 6] = [
    "too_many_lines",
    "too_many_arguments",
    "excessive_nesting",
    "cognitive_complexity",
    "fn_params_excessive_bools",
    "type_complexity",
];

/// What a file exempts itself from.
pub(in crate::check) fn in_file(source: &Source) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for attribute in token::attributes(token::parse(&source.path, &source.text)?) {
        let place = format!("{}:{}", source.path, attribute.line);
        if token::calls(attribute.content.clone(), "allow").is_some() {
            wrong.push(format!("{place}: `allow` is not used here; change the code, or expect the lint with a reason"));
        }
        let Some(expected) = token::calls(attribute.content, "expect") else {
            continue;
        };
        let words = words(expected);
        if !words.iter().any(|word| word == "reason") {
            wrong.push(format!("{place}: `expect` without a reason"));
        }
        let sizes = words.iter().filter(|word| SIZES.contains(&word.as_str()));
        wrong.extend(sizes.map(|lint| format!("{place}: `{lint}` has no exceptions: make it smaller")));
    }
    Ok(wrong)
}

fn words(tokens: TokenStream) -> Vec<String> {
    let word = |token| if let TokenTree::Ident(ident) = token { Some(ident.to_string()) } else { None };
    tokens.into_iter().filter_map(word).collect()
}

/// A member takes the lints of the workspace as they are.
pub(in crate::check) fn in_manifest(name: &str, text: &str) -> Result<Option<String>> {
    let manifest: toml::Table = text.parse().with_context(|| format!("read the manifest of {name}"))?;
    let inherited = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    Ok((inherited != Some(true)).then(|| format!("{name}: its Cargo.toml lacks `[lints] workspace = true`")))
}
