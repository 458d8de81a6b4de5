//! What is read from a file's tokens, macros included: attributes and the names of functions. Pure.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// An attribute, wherever it stands.
pub(super) struct Attribute {
    pub(super) line: usize,
    /// What is between the brackets.
    pub(super) content: TokenStream,
}

/// The tokens of a file.
pub(super) fn parse(path: &str, text: &str) -> Result<TokenStream> {
    text.parse::<TokenStream>()
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("read the tokens of {path}"))
}

/// All attributes, outer and inner, in macros as well.
pub(super) fn attributes(tokens: TokenStream) -> Vec<Attribute> {
    let mut found = Vec::new();
    collect_attributes(tokens, &mut found);
    found
}

fn collect_attributes(tokens: TokenStream, found: &mut Vec<Attribute>) {
    let mut after_hash = false;
    for token in tokens {
        match token {
            TokenTree::Punct(punct) => {
                // `#!` opens an inner one.
                after_hash = punct.as_char() == '#' || (after_hash && punct.as_char() == '!');
            }
            TokenTree::Group(group) => {
                if after_hash && group.delimiter() == Delimiter::Bracket {
                    found.push(Attribute { line: group.span_open().start().line, content: group.stream() });
                }
                after_hash = false;
                collect_attributes(group.stream(), found);
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => after_hash = false,
        }
    }
}

/// The names of all functions that carry an attribute `test`, whatever its path.
pub(in crate::check) fn tests(path: &str, text: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    collect_functions(parse(path, text)?, true, &mut names);
    Ok(names)
}

/// The names of all functions.
pub(in crate::check) fn functions(path: &str, text: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    collect_functions(parse(path, text)?, false, &mut names);
    Ok(names)
}

fn collect_functions(tokens: TokenStream, only_tests: bool, names: &mut BTreeSet<String>) {
    let (mut after_hash, mut is_test, mut after_fn) = (false, false, false);
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if after_fn && (is_test || !only_tests) {
                    names.insert(ident.to_string());
                }
                is_test = is_test && !after_fn;
                after_fn = ident == "fn";
                after_hash = false;
            }
            TokenTree::Punct(punct) => {
                is_test = is_test && punct.as_char() != ';';
                after_hash = punct.as_char() == '#';
                after_fn = false;
            }
            TokenTree::Group(group) => {
                is_test = is_test || (after_hash && names_test(group.stream()));
                (after_hash, after_fn) = (false, false);
                collect_functions(group.stream(), only_tests, names);
            }
            TokenTree::Literal(_) => (after_hash, after_fn) = (false, false),
        }
    }
}

/// `test`, `tokio::test`, `tokio::test(flavor = "…")`, but neither `cfg(test)` nor `test::other`.
fn names_test(attribute: TokenStream) -> bool {
    let path = attribute.into_iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
    let last = path.filter_map(|token| if let TokenTree::Ident(ident) = token { Some(ident) } else { None }).last();
    last.is_some_and(|ident| ident == "test")
}

/// Whether `word` stands anywhere in the tokens, directly before parentheses.
pub(super) fn calls(tokens: TokenStream, word: &str) -> Option<TokenStream> {
    let mut called = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if called && group.delimiter() == Delimiter::Parenthesis => {
                return Some(group.stream());
            }
            TokenTree::Group(group) => {
                if let Some(found) = calls(group.stream(), word) {
                    return Some(found);
                }
                called = false;
            }
            TokenTree::Ident(ident) => called = ident == word,
            TokenTree::Punct(_) | TokenTree::Literal(_) => called = false,
        }
    }
    None
}
