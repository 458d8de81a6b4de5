//! Image patterns of a mandate.
//!
//! Owns matching of an image reference against `registry/repository[:tag]` patterns. Must never
//! let a `*` cross a `/`, or a pattern without a registry match one with. No IO.

/// True if the image matches one of the patterns. A pattern without a tag allows every tag and digest.
pub fn image_allowed(image: &str, patterns: &[String]) -> bool {
    let (name, tag) = split(image);
    patterns.iter().any(|pattern| {
        let (wanted_name, wanted_tag) = split(pattern);
        glob(wanted_name, name) && wanted_tag.is_none_or(|wanted| tag.is_some_and(|tag| glob(wanted, tag)))
    })
}

/// Splits off `:tag` or `@digest`; a colon before the last `/` belongs to the registry's port.
fn split(image: &str) -> (&str, Option<&str>) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name, Some(digest));
    }
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        Some(_) | None => (image, None),
    }
}

/// `*` matches any run of characters but `/`; everything else matches itself. Takes time in
/// proportion to pattern times text, whatever the pattern.
fn glob(pattern: &str, text: &str) -> bool {
    let (wanted, parts): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), text.split('/').collect());
    wanted.len() == parts.len() && wanted.iter().zip(parts).all(|(wanted, part)| glob_segment(wanted, part))
}

fn glob_segment(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some((middle, tail)) = rest.rsplit_once('*').or(Some(("", rest))) else {
        return false;
    };
    let Some(text) = text.strip_prefix(head).and_then(|t| t.strip_suffix(tail)) else {
        return false;
    };
    // What stands between two stars may stand anywhere; the leftmost place leaves the most room.
    middle.split('*').try_fold(text, |left, piece| Some(&left[left.find(piece)? + piece.len()..])).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_bind_registry_repository_and_tag() {
        let allow = |image: &str, pattern: &str| image_allowed(image, &[pattern.to_owned()]);
        assert!(allow("r.example:5000/team/web:1.2", "r.example:5000/team/*"));
        assert!(allow("r.example:5000/team/web:1.2", "r.example:5000/team/web:1.*"));
        assert!(!allow("r.example:5000/team/web:2.0", "r.example:5000/team/web:1.*"));
        assert!(!allow("r.example:5000/team/deep/web:1", "r.example:5000/team/*"));
        assert!(!allow("evil.example/team/web:1", "r.example:5000/team/*"));
        assert!(!allow("web:1", "*/web"));
    }
}
