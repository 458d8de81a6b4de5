//! Watches that end before their silence could be mistaken for a dead connection.
//!
//! Owns how long a watch is asked to last. The API server sends a bookmark about every minute and
//! may say nothing else, so a watch must end sooner than silence is given up. Pure.

use http::Request;
use http::uri::{PathAndQuery, Uri};
use std::time::Duration;

/// The request, asking for a watch that ends by itself within nine tenths of `silence`.
pub(super) fn spoken<B>(mut request: Request<B>, silence: Option<Duration>) -> Request<B> {
    if let Some(silence) = silence
        && let Some(shorter) = shortened(request.uri(), silence.as_secs() * 9 / 10)
    {
        *request.uri_mut() = shorter;
    }
    request
}

/// The address with no longer a `timeoutSeconds` than that; `None` where it is no watch.
fn shortened(uri: &Uri, most: u64) -> Option<Uri> {
    let query = uri.query()?;
    if !query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1")) {
        return None;
    }
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("timeoutSeconds=")?.parse().ok());
    let most = asked.map_or(most, |asked: u64| asked.min(most));
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("timeoutSeconds=")).collect();
    let text = format!("{}?{}&timeoutSeconds={most}", uri.path(), kept.join("&"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(uri: &str) -> Option<String> {
        shortened(&uri.parse().unwrap(), 49).map(|uri| uri.to_string())
    }

    #[test]
    fn a_watch_ends_in_time() {
        for (asked, sent) in [
            ("/api/v1/pods?watch=true&timeoutSeconds=290&x=y", "/api/v1/pods?watch=true&x=y&timeoutSeconds=49"),
            ("/api/v1/pods?watch=true&timeoutSeconds=10", "/api/v1/pods?watch=true&timeoutSeconds=10"),
            ("https://h:1/api/v1/pods?watch=1", "https://h:1/api/v1/pods?watch=1&timeoutSeconds=49"),
        ] {
            assert_eq!(short(asked).as_deref(), Some(sent));
        }
    }

    #[test]
    fn nothing_else_is_touched() {
        assert_eq!(short("/api/v1/pods?timeoutSeconds=290"), None);
        assert_eq!(short("/api/v1/pods"), None);
    }
}
