//! `bailiwick-fence-keeper`: keeps the API server's watch of fence revisions alive.
//!
//! Owns a policy that refuses nothing. An API server stops watching a built-in kind of parameters
//! for good, until it is restarted, once no bound policy names that kind
//! (kubernetes/kubernetes#130887): after a fence that was deleted and put back, it would go on
//! with the revisions of before. Must stay when everything else is uninstalled. No IO.

use super::form::{Policy, check, rule};
use super::guard::in_grants;
use serde_json::Value;

pub(super) const NAME: &str = "bailiwick-fence-keeper";

pub(super) fn policy() -> Policy {
    Policy {
        name: NAME,
        namespaces: in_grants(),
        rules: vec![rule(&["apps"], &["v1"], &["CREATE"], &["controllerrevisions"])],
        conditions: Vec::new(),
        variables: Vec::new(),
        checks: vec![check("never: this policy refuses nothing", "true")],
        params: Some(super::fence::revisions()),
    }
}

/// True for the objects that an uninstallation leaves behind, harmless as they are, so that a
/// later installation on the same API server has a fence that moves.
pub fn is_lasting(object: &Value) -> bool {
    object.pointer("/metadata/name").and_then(Value::as_str) == Some(NAME)
}
