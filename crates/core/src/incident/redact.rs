//! Masking of what looks like a credential.
//!
//! Owns the patterns. Must never let a value through that follows a telling key; a harmless word
//! masked by mistake is the cheaper error. No IO.

const MASK: &str = "[redacted]";

/// Words that, before `=` or `:`, announce a credential.
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
    "authorization",
    "credential",
    "credentials",
    "cookie",
    "signature",
];

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
    /// The next word is a credential.
    Value,
    /// A credential goes on until this quote.
    Quoted(char),
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
        Ahead::Nothing => put_pairs(out, word),
        Ahead::Value if is_scheme(word) => put(out, word, Ahead::Value),
        // What is taken for a value may itself announce one.
        Ahead::Value => put(out, MASK, opened(word).map_or_else(|| put_pairs(&mut String::new(), word), Ahead::Quoted)),
        Ahead::Quoted(quote) => {
            out.push_str(MASK);
            match word.split_once(quote) {
                Some((_, "")) => Ahead::Nothing,
                Some((_, rest)) => put_pairs(out, rest),
                None => ahead,
            }
        }
    }
}

fn put(out: &mut String, shown: &str, ahead: Ahead) -> Ahead {
    out.push_str(shown);
    ahead
}

/// `key=value` pairs of one word; a value ends with its quote, or where more pairs may follow.
fn put_pairs(out: &mut String, word: &str) -> Ahead {
    let mut rest = word;
    loop {
        if is_scheme(rest) {
            return put(out, rest, Ahead::Value);
        }
        let Some(separator) = telling_key(rest) else {
            return put(out, &mask_url(&mask_heads(rest)), Ahead::Nothing);
        };
        let (head, value) = rest.split_at(separator + 1);
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

/// The quote that a value begins with, and what follows it.
fn quoted(value: &str) -> Option<(char, &str)> {
    let bare = value.trim_start_matches('\\');
    let quote = bare.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some((quote, bare.get(1..)?))
}

/// The quote that a value begins with and does not end with.
fn opened(value: &str) -> Option<char> {
    quoted(value).filter(|(quote, inner)| !inner.contains(*quote)).map(|(quote, _)| quote)
}

/// Where a quoted value ends, its quote included.
fn closed(value: &str) -> Option<usize> {
    let (quote, inner) = quoted(value)?;
    inner.find(quote).map(|at| value.len() - inner.len() + at + 1)
}

/// Where the separator behind the first key is that announces a credential.
fn telling_key(word: &str) -> Option<usize> {
    for (at, _) in word.match_indices(['=', ':']) {
        let head = word.get(..at)?;
        if word.get(at..).is_some_and(|rest| rest.starts_with("://")) {
            continue;
        }
        let from = head.rfind(['=', ':', ',', ';', '&', '?', '{', '(', '/']).map_or(0, |i| i + 1);
        let key = head.get(from..)?;
        let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        if KEYS.iter().any(|k| plain.ends_with(k)) {
            return Some(at);
        }
    }
    None
}

fn mask_heads(word: &str) -> String {
    let inner = word.trim_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    let known = |(head, least): &(&str, usize)| inner.starts_with(head) && inner.len() >= *least;
    if HEADS.iter().any(known) { word.replace(inner, MASK) } else { word.to_owned() }
}

/// `scheme://user:password@host` without user and password.
fn mask_url(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest.get(..host_end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://{MASK}{}", rest.get(at..).unwrap_or_default()),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_credential_is_masked() {
        for (text, shown) in [
            ("password=hunter2", "password=[redacted]"),
            ("DB_PASSWORD: hunter2 next", "DB_PASSWORD: [redacted] next"),
            ("{\"api_key\":\"abc\",\"a\":1}", "{\"api_key\":[redacted],\"a\":1}"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
            ("got Bearer abc", "got Bearer [redacted]"),
            ("dial postgres://u:p@db:5432/x failed", "dial postgres://[redacted]@db:5432/x failed"),
            ("key AKIAABCDEFGHIJKLMNOP.", "key [redacted]."),
            ("-----BEGIN RSA PRIVATE KEY----- MII", "[redacted]"),
            ("https://h/?token=abc&x=1", "https://h/?token=[redacted]&x=1"),
            ("https://u:p@h/?token=abc", "https://[redacted]@h/?token=[redacted]"),
            ("{\"password\":\"two words, all\",\"a\":1}", "{\"password\":[redacted] [redacted] [redacted],\"a\":1}"),
            ("password: 'two words' next", "password: [redacted] [redacted] next"),
            ("token=\"a\"b} next", "token=[redacted] next"),
            ("pwd:\"\" DB_TOKEN: abc next", "pwd:[redacted] DB_TOKEN: [redacted] next"),
            ("password: DB_TOKEN: abc next", "password: [redacted] [redacted] next"),
            ("a password=x,token: abc next", "a password=[redacted],token: [redacted] next"),
        ] {
            assert_eq!(redact(text), shown, "{text}");
        }
    }

    #[test]
    fn a_word_of_many_pairs_takes_no_stack() {
        let many = "token=a,".repeat(50_000);
        assert_eq!(redact(&many).matches(MASK).count(), 50_000);
    }

    #[test]
    fn what_people_need_to_read_stays() {
        for text in [
            "secret \"db\" not found",
            "Error: secret \"foo\" not found",
            "couldn't find key password in Secret shop/db",
            "Back-off pulling image \"10.213.0.2:5000/web:v3\": ErrImagePull",
            "exit code 1: required environment variable DB_PASSWORD is not set",
            "exceeded quota: tight, requested: pods=1, used: pods=2, limited: pods=2",
            "a\n  b",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
