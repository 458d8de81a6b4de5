//! A request as faults see it: what it asks for, in the API server's own words. Pure.

use http::{HeaderMap, Method};

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// How many came before it.
    pub number: usize,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Who it says that it is, by `User-Agent`.
    pub agent: String,
    /// Plural resource name; empty where it is about none, as `/version`.
    pub resource: String,
    /// `status`, `token`, …; empty for the object itself.
    pub subresource: String,
    /// The namespace; empty without one.
    pub namespace: String,
    /// The object's name; empty for a collection.
    pub name: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    pub(super) fn new(number: usize, (method, path): (Method, String), headers: &HeaderMap, body: Vec<u8>) -> Self {
        let agent = headers.get(http::header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let [resource, subresource, namespace, name] = parts(&path);
        Self { number, method, agent, resource, subresource, namespace, name, body, path }
    }

    /// As RBAC calls it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub fn verb(&self) -> &'static str {
        let one = !self.name.is_empty();
        match self.method.as_str() {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" if one => "delete",
            "DELETE" => "deletecollection",
            _ if self.query().any(|pair| matches!(pair, "watch=true" | "watch=1")) => "watch",
            _ if one => "get",
            _ => "list",
        }
    }

    /// Whether it is that verb on that resource, its subresources left out.
    pub fn is(&self, verb: &str, resource: &str) -> bool {
        self.verb() == verb && self.resource == resource && self.subresource.is_empty()
    }

    /// Whether the answer is a stream of events.
    pub fn is_watch(&self) -> bool {
        self.verb() == "watch"
    }

    /// Whether nothing shall be stored, by address or body.
    pub fn is_dry_run(&self) -> bool {
        let said = String::from_utf8_lossy(&self.body);
        self.query().any(|pair| pair == "dryRun=All") || said.contains("\"dryRun\":[\"All\"]")
    }

    fn query(&self) -> impl Iterator<Item = &str> {
        self.path.split_once('?').map_or("", |(_, query)| query).split('&').filter(|pair| !pair.is_empty())
    }
}

/// Resource, subresource, namespace and name of a path such as `/apis/apps/v1/namespaces/shop/deployments/web/status`.
fn parts(path: &str) -> [String; 4] {
    let path = path.split('?').next().unwrap_or_default();
    let all: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let rest = match all.as_slice() {
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        _ => &[],
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !matches!(rest, [] | ["status" | "finalize"]) => (*namespace, rest),
        _ => ("", rest),
    };
    let at = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
    [at(0), at(2), namespace.to_owned(), at(1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, path: &str) -> Asked {
        Asked::new(0, (method, path.to_owned()), &HeaderMap::new(), Vec::new())
    }

    #[test]
    fn a_path_says_what_it_is_about() {
        for (path, expected) in [
            ("/api/v1/namespaces/shop/pods/web-1/log?x=y", ["pods", "log", "shop", "web-1"]),
            ("/apis/apps/v1/namespaces/shop/deployments", ["deployments", "", "shop", ""]),
            ("/apis/apps/v1/deployments?watch=1", ["deployments", "", "", ""]),
            ("/api/v1/namespaces/shop", ["namespaces", "", "", "shop"]),
            ("/api/v1/namespaces/shop/status", ["namespaces", "status", "", "shop"]),
            ("/version", ["", "", "", ""]),
        ] {
            assert_eq!(parts(path), expected.map(str::to_owned), "{path}");
        }
    }

    #[test]
    fn verbs_are_those_of_rbac() {
        let pods = "/api/v1/namespaces/shop/pods";
        for (method, path, verb) in [
            (Method::GET, pods.to_owned(), "list"),
            (Method::GET, format!("{pods}?limit=5&watch=true"), "watch"),
            (Method::GET, format!("{pods}/web"), "get"),
            (Method::DELETE, format!("{pods}/web"), "delete"),
            (Method::DELETE, pods.to_owned(), "deletecollection"),
            (Method::PATCH, format!("{pods}/web"), "patch"),
            (Method::POST, pods.to_owned(), "create"),
        ] {
            assert_eq!(asked(method, &path).verb(), verb, "{path}");
        }
    }

    #[test]
    fn a_dry_run_stands_in_the_address_or_the_body() {
        assert!(asked(Method::PATCH, "/api/v1/nodes/n?fieldManager=x&dryRun=All").is_dry_run());
        let mut delete = asked(Method::DELETE, "/api/v1/nodes/n");
        assert!(!delete.is_dry_run());
        delete.body = br#"{"kind":"DeleteOptions","dryRun":["All"]}"#.to_vec();
        assert!(delete.is_dry_run());
    }
}
