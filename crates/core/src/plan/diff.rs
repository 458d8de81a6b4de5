//! JSON Patch with `test` operations.
//!
//! Owns how a change of content is written down. Must never produce a patch that applies to an
//! object with other old values. No IO.

use serde_json::{Map, Value, json};

/// The operations that turn `before` into `after`, preceded by a `test` of every old value that
/// they touch, and the pointers that change.
///
/// JSON Patch cannot test that a key is absent and shifts the items behind one that is removed. So
/// where a key is added the whole old object is tested, a list of another length is tested and
/// replaced as a whole, and an item with a name is changed only under that name.
pub(super) fn guarded_patch(before: &Value, after: &Value) -> (Vec<Value>, Vec<String>) {
    let mut patch = Guarded::default();
    patch.compare(before, after, "", false);
    patch.tests.extend(patch.operations);
    (patch.tests, patch.changed)
}

#[derive(Default)]
struct Guarded {
    tests: Vec<Value>,
    operations: Vec<Value>,
    changed: Vec<String>,
}

impl Guarded {
    /// `tested` is true where the old value is part of one that is tested already.
    fn compare(&mut self, before: &Value, after: &Value, at: &str, tested: bool) {
        match (before, after) {
            _ if before == after => {}
            (Value::Object(old), Value::Object(new)) => self.compare_maps((old, new), before, at, tested),
            (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
                for (index, (old, new)) in old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new) {
                    let at = format!("{at}/{index}");
                    if let Some(name) = old.get("name").filter(|name| !tested && new.get("name") == Some(*name)) {
                        self.test(&format!("{at}/name"), name);
                    }
                    self.compare(old, new, &at, tested);
                }
            }
            _ => {
                if !tested {
                    self.test(at, before);
                }
                self.change("replace", at, Some(after));
            }
        }
    }

    fn compare_maps(
        &mut self,
        maps: (&Map<String, Value>, &Map<String, Value>),
        before: &Value,
        at: &str,
        tested: bool,
    ) {
        let (old, new) = maps;
        let adds = new.keys().any(|key| !old.contains_key(key));
        // The root moves with every status write; what is added there is guarded by the fence alone.
        if adds && !tested && !at.is_empty() {
            self.test(at, before);
        }
        let tested = tested || (adds && !at.is_empty());
        for (key, value) in new {
            let at = format!("{at}/{}", token(key));
            match old.get(key) {
                Some(old) => self.compare(old, value, &at, tested),
                None => self.change("add", &at, Some(value)),
            }
        }
        for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
            let at = format!("{at}/{}", token(key));
            if !tested {
                self.test(&at, value);
            }
            self.change("remove", &at, None);
        }
    }

    fn test(&mut self, at: &str, value: &Value) {
        self.tests.push(json!({"op": "test", "path": at, "value": value}));
    }

    fn change(&mut self, op: &str, at: &str, value: Option<&Value>) {
        let mut operation = json!({"op": op, "path": at});
        if let (Value::Object(map), Some(value)) = (&mut operation, value) {
            map.insert("value".to_owned(), value.clone());
        }
        self.operations.push(operation);
        self.changed.push(at.to_owned());
    }
}

/// A key as a segment of a JSON pointer.
fn token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
#[path = "diff/tests.rs"]
mod tests;
