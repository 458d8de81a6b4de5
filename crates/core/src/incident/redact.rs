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

/// The text with everything masked that looks like a credential.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut announced = false;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end_matches(char::is_whitespace);
        let space = piece.get(word.len()..).unwrap_or_default();
        if word.contains("-----BEGIN") {
            out.push_str(MASK);
            return out;
        }
        if word.is_empty() {
            out.push_str(space);
            continue;
        }
        let (shown, next) = redact_word(word, announced);
        out.push_str(&shown);
        out.push_str(space);
        announced = next;
    }
    out
}

/// The word as it may be shown, and whether it announces a credential.
fn redact_word(word: &str, announced: bool) -> (String, bool) {
    let lower = word.to_ascii_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if matches!(bare, "bearer" | "basic") {
        return (word.to_owned(), true);
    }
    if announced {
        return (MASK.to_owned(), false);
    }
    if let Some((key, separator)) = telling_key(word) {
        let shown = word.get(..separator + 1).unwrap_or(key);
        let value = word.get(separator + 1..).unwrap_or_default();
        if value.trim_matches(['"', '\'']).is_empty() {
            return (word.to_owned(), true);
        }
        let scheme = value.trim_matches(['"', '\'']).to_ascii_lowercase();
        let announces = matches!(scheme.as_str(), "bearer" | "basic");
        return (format!("{shown}{}", tail_of(value)), announces);
    }
    (mask_url(&mask_heads(word)), false)
}

/// Masks a value up to the next separator, behind which more pairs may follow.
fn tail_of(value: &str) -> String {
    match value.find([',', ';', '&']) {
        Some(at) => {
            let (rest, _) = redact_word(value.get(at + 1..).unwrap_or_default(), false);
            format!("{MASK}{}{rest}", value.get(at..=at).unwrap_or_default())
        }
        None => MASK.to_owned(),
    }
}

/// The first key in the word that announces a credential, and where its separator is.
fn telling_key(word: &str) -> Option<(&str, usize)> {
    for (at, _) in word.match_indices(['=', ':']) {
        let head = word.get(..at)?;
        if word.get(at..).is_some_and(|rest| rest.starts_with("://")) {
            continue;
        }
        let from = head.rfind(['=', ':', ',', ';', '&', '?', '{', '(', '/']).map_or(0, |i| i + 1);
        let key = head.get(from..)?;
        let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        if KEYS.iter().any(|k| plain.ends_with(k)) {
            return Some((head, at));
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
        ] {
            assert_eq!(redact(text), shown, "{text}");
        }
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
