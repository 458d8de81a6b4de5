//! Masking of what looks like a credential.
//!
//! Owns the patterns. Must never let a value through that follows a telling key; a harmless word
//! masked by mistake is the cheaper error. No IO.

const MASK: &str = "[redacted]";

/// Words that, before `=` or `:`, announce a credential, as does one of them in the plural.
const KEYS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "signingkey",
    "encryptionkey",
    "authorization",
    "credential",
    "cookie",
    "signature",
];

/// A word that announces one only by itself, or as the last part of a name: `DB_PASS`, not `bypass`.
const WORD: &str = "pass";

/// How well-known credentials begin, with the least length of the whole.
const HEADS: &[(&str, usize)] = &[
    ("eyJ", 24),
    ("AKIA", 20),
    ("ASIA", 20),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghs_", 20),
    ("github_pat_", 20),
    ("glpat-", 20),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("xapp-", 16),
    ("sk-", 20),
    ("AIza", 30),
    ("hvs.", 20),
    ("npm_", 20),
];

/// What the words before announce.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    /// Nothing.
    Nothing,
    /// A credential, if the next word begins with a separator.
    Named,
    /// The next word is a credential.
    Value,
    /// A credential goes on until this quote.
    Quoted(Quote),
}

/// A quote that was opened.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Quote {
    mark: char,
    /// Backslashes before it: text inside other quotes has them before its own.
    slashes: usize,
}

impl Quote {
    /// The quote that a value begins with, and what follows it.
    fn of(value: &str) -> Option<(Self, &str)> {
        let bare = value.trim_start_matches('\\');
        let mark = bare.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        Some((Self { mark, slashes: value.len() - bare.len() }, bare.get(1..)?))
    }

    /// What follows where it is closed; an escaped quote closes nothing.
    fn after(self, text: &str) -> Option<&str> {
        let closes = |at: usize| {
            let before = text.get(..at).unwrap_or_default();
            let slashes = before.len() - before.trim_end_matches('\\').len();
            // At each depth a backslash of the text itself takes as many more.
            (slashes.saturating_sub(self.slashes) / (self.slashes + 1)).is_multiple_of(2)
        };
        let (at, _) = text.match_indices(self.mark).find(|(at, _)| closes(*at))?;
        text.get(at + 1..)
    }
}

/// The text with everything masked that looks like a credential.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut ahead = Ahead::Nothing;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end_matches(char::is_whitespace);
        let space = piece.get(word.len()..).unwrap_or_default();
        if word.contains("-----BEGIN") {
            out.push_str(MASK);
            return out;
        }
        if !word.is_empty() {
            ahead = put_word(&mut out, word, ahead);
        }
        out.push_str(space);
    }
    out
}

/// Adds the word as it may be shown; says what it announces.
fn put_word(out: &mut String, word: &str, ahead: Ahead) -> Ahead {
    match ahead {
        Ahead::Nothing => put_pairs(out, word, false),
        Ahead::Named => put_pairs(out, word, true),
        Ahead::Value if is_scheme(word) => put(out, word, Ahead::Value),
        // What is taken for a value may itself announce one.
        Ahead::Value => {
            let own = || put_pairs(&mut String::new(), word, false);
            put(out, MASK, opened(word).map_or_else(own, Ahead::Quoted))
        }
        Ahead::Quoted(quote) => {
            out.push_str(MASK);
            match quote.after(word) {
                Some("") => Ahead::Nothing,
                Some(rest) => put_pairs(out, rest, false),
                None => ahead,
            }
        }
    }
}

fn put(out: &mut String, shown: &str, ahead: Ahead) -> Ahead {
    out.push_str(shown);
    ahead
}

/// `key=value` pairs of one word, the first of which may have been `named` by the word before; a
/// value ends with its quote, or where more pairs may follow.
fn put_pairs(out: &mut String, word: &str, named: bool) -> Ahead {
    let mut rest = word;
    let mut begins = Some(separators(rest)).filter(|length| named && *length > 0);
    loop {
        if is_scheme(rest) {
            return put(out, rest, Ahead::Value);
        }
        let Some(begin) = begins.take().or_else(|| telling_key(rest)) else {
            let ahead = if tells(rest) { Ahead::Named } else { Ahead::Nothing };
            return put(out, &mask_url(&mask_heads(rest)), ahead);
        };
        let (head, value) = rest.split_at(begin);
        out.push_str(&mask_url(&mask_heads(head)));
        if value.is_empty() {
            return Ahead::Value;
        }
        out.push_str(MASK);
        if let Some(quote) = opened(value) {
            return Ahead::Quoted(quote);
        }
        if is_scheme(value) {
            return Ahead::Value;
        }
        // Separators inside quotes end nothing; what stands right behind the quotes belongs to the value.
        let inside = closed(value).unwrap_or_default();
        let Some(end) = value.get(inside..).and_then(|after| after.find([',', ';', '&'])) else {
            return Ahead::Nothing;
        };
        rest = value.get(inside + end..).unwrap_or_default();
        let plain = rest.find(|c| !matches!(c, ',' | ';' | '&')).unwrap_or(rest.len());
        out.push_str(rest.get(..plain).unwrap_or_default());
        rest = rest.get(plain..).unwrap_or_default();
    }
}

fn is_scheme(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    bare.eq_ignore_ascii_case("bearer") || bare.eq_ignore_ascii_case("basic")
}

/// The quote that a value begins with and does not end with.
fn opened(value: &str) -> Option<Quote> {
    Quote::of(value).filter(|(quote, inner)| quote.after(inner).is_none()).map(|(quote, _)| quote)
}

/// Where a quoted value ends, its quote included.
fn closed(value: &str) -> Option<usize> {
    let (quote, inner) = Quote::of(value)?;
    quote.after(inner).map(|after| value.len() - after.len())
}

/// Where the value begins behind the first key that announces a credential.
fn telling_key(word: &str) -> Option<usize> {
    for (at, _) in word.match_indices(['=', ':']) {
        let (head, rest) = word.split_at(at);
        if !rest.starts_with("://") && tells(head) {
            return Some(at + separators(rest));
        }
    }
    None
}

/// How much of the text is what stands between a key and its value: `=`, `:`, `=>`, `:=`, `==`.
fn separators(text: &str) -> usize {
    if text.starts_with('>') { 0 } else { text.len() - text.trim_start_matches(['=', ':', '>']).len() }
}

/// True where the text ends with a key that announces a credential.
fn tells(text: &str) -> bool {
    let key = text.rsplit(['=', ':', ',', ';', '&', '?', '{', '(', '/']).next().unwrap_or_default();
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let one = plain.strip_suffix('s').unwrap_or(&plain);
    let last = key.rsplit(|c: char| !c.is_ascii_alphanumeric()).find(|part| !part.is_empty());
    KEYS.iter().any(|k| plain.ends_with(k) || one.ends_with(k)) || last.is_some_and(|l| l.eq_ignore_ascii_case(WORD))
}

fn mask_heads(word: &str) -> String {
    let inner = word.trim_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    let known = |(head, least): &(&str, usize)| inner.starts_with(head) && inner.len() >= *least;
    if HEADS.iter().any(known) { word.replace(inner, MASK) } else { word.to_owned() }
}

/// Each `scheme://user:password@host` without user and password.
fn mask_url(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let host_end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let user_end = after.get(..host_end).and_then(|authority| authority.rfind('@'));
        if user_end.is_some() {
            out.push_str(MASK);
        }
        rest = after.get(user_end.unwrap_or(0)..).unwrap_or_default();
    }
    out + rest
}

#[cfg(test)]
mod tests;
