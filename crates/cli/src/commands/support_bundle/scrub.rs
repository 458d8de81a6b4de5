//! What a bundle may hold of an object or a log line.
//!
//! Owns what is left out or masked. Must never let through a variable's value, the data of a
//! ConfigMap or Secret, an annotation of somebody else's, or what a telling key announces. No IO.

use crate::{out, safe};
use bailiwick_core::incident::redact;
use serde_json::{Map, Value};

/// Stands for a value that looks like a credential.
const MASK: &str = "[redacted]";
/// Stands for what is never taken along, whatever it looks like.
const LEFT_OUT: &str = "[left out]";
/// Lines that a key in PEM has at most.
const KEY_LINES: usize = 256;

/// Keys whose values hold whole objects, or parts of them as text.
const WHOLE: &[&str] = &["data", "binaryData", "stringData", "patch", "before", "diff", "envelope"];
/// Domains whose annotations say how the cluster does, not what somebody keeps there.
const OURS: &[&str] = &["bailiwick.dev", "kubernetes.io"];
/// The exception: the whole object, as it was applied.
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object as it may leave the cluster.
pub(super) fn object(object: Value) -> Value {
    let mut object = out::shown(object);
    walk(&mut object);
    object
}

fn walk(value: &mut Value) {
    match value {
        Value::Object(map) => fields(map),
        Value::Array(list) => list.iter_mut().for_each(walk),
        Value::String(text) => *text = redact(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn fields(map: &mut Map<String, Value>) {
    for (key, value) in map.iter_mut() {
        match (key.as_str(), &mut *value) {
            (key, value) if is_whole(key, value) => *value = LEFT_OUT.into(),
            ("annotations", Value::Object(all)) => annotations(all),
            ("env", Value::Array(all)) => all.iter_mut().for_each(variable),
            ("command" | "args", Value::Array(all)) => words(all),
            ("command" | "args", Value::String(text)) => *text = command_line(text),
            (key, Value::Array(all)) if announces(key) => all.iter_mut().for_each(mask),
            (key, Value::String(_) | Value::Number(_)) if announces(key) => *value = MASK.into(),
            (_, value) => walk(value),
        }
    }
}

fn is_whole(key: &str, value: &Value) -> bool {
    let empty = matches!(value, Value::Null) || value.as_str().is_some_and(str::is_empty);
    let object = value.is_object() || value.as_str().is_some_and(|text| text.starts_with(['{', '[']));
    !empty && (WHOLE.contains(&key) || (key == "result" && object))
}

/// True for a key behind which a credential is to be expected.
fn announces(key: &str) -> bool {
    redact(&format!("{key}=x")) != format!("{key}=x")
}

fn mask(value: &mut Value) {
    match value {
        Value::String(_) | Value::Number(_) => *value = MASK.into(),
        other => walk(other),
    }
}

fn annotations(all: &mut Map<String, Value>) {
    for (key, value) in all.iter_mut() {
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        let known = OURS.iter().any(|ours| domain == *ours || domain.ends_with(&format!(".{ours}")));
        if !known || key == APPLIED {
            *value = LEFT_OUT.into();
        } else if announces(key) {
            mask(value);
        } else {
            walk(value);
        }
    }
}

/// Names of variables stay, and where a value is from; values go.
fn variable(entry: &mut Value) {
    let Value::Object(map) = entry else { return mask(entry) };
    for (key, value) in map.iter_mut().filter(|(key, _)| key.as_str() != "name") {
        if key == "value" {
            *value = MASK.into();
        } else {
            walk(value);
        }
    }
}

/// Words of a command line: `--password=x` and `--password x` alike.
fn words(all: &mut [Value]) {
    let mut flag = false;
    for word in all {
        let text = word.as_str().unwrap_or_default().to_owned();
        match word {
            word if flag => *word = MASK.into(),
            Value::String(shown) => *shown = command_line(&text),
            other => walk(other),
        }
        flag = is_flag(&text);
    }
}

/// A word that may be a command line itself, as a shell takes it: its flags are written as keys.
fn command_line(text: &str) -> String {
    let Some((_, last)) = text.trim_end().rsplit_once(char::is_whitespace) else { return redact(text) };
    let mut keys = String::with_capacity(text.len());
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        keys.push_str(word);
        keys.push_str(if is_flag(word) && word != last { "=" } else { piece.get(word.len()..).unwrap_or_default() });
    }
    redact(&keys)
}

/// True for a flag behind which a credential is to be expected as the next word.
fn is_flag(word: &str) -> bool {
    let bare = word.trim_start_matches(['"', '\'', '(']);
    bare.starts_with('-') && !word.contains('=') && !word.contains(char::is_whitespace) && announces(word)
}

/// A log as it may leave the cluster: each line by itself, so that one cannot hide what is in another. Only a key may
/// go on over lines, and over no more than any key has.
pub(super) fn log(text: &str) -> String {
    let mut key = 0;
    text.lines().map(|line| line_of_log(line, &mut key) + "\n").collect()
}

/// One line, where at most `key` more are of a key that began before it.
fn line_of_log(line: &str, key: &mut usize) -> String {
    match serde_json::from_str::<Value>(line) {
        Ok(mut value @ Value::Object(_)) => {
            walk(&mut value);
            safe::json(&value.to_string())
        }
        Ok(_) | Err(_) => {
            let within = *key > 0;
            *key = lines_of_key(line, *key);
            if within { MASK.to_owned() } else { safe::line(&redact(line)) }
        }
    }
}

/// How many lines after this one may be of a key.
fn lines_of_key(line: &str, before: usize) -> usize {
    let (begins, ends) = (line.rfind("-----BEGIN"), line.rfind("-----END"));
    match (begins, ends) {
        (None, None) => before.saturating_sub(1),
        (begins, ends) if begins > ends => KEY_LINES,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SECRET: &str = "hunter2-and-more";

    #[test]
    fn no_place_for_a_secret_lets_it_through() {
        let word = |flag: &str| vec![json!("/bin/app"), json!(flag), json!(SECRET), json!("--port"), json!("80")];
        for (place, whole) in [
            ("env", json!([{"name": "PLAIN", "value": SECRET}])),
            ("annotations", json!({"example.com/notes": SECRET, APPLIED: format!("{{\"a\":\"{SECRET}\"}}")})),
            ("annotations", json!({"bailiwick.dev/reason": format!("password={SECRET}")})),
            ("args", json!(word("--db-password"))),
            ("command", json!([format!("--token={SECRET}")])),
            ("args", json!(["sh", "-c", format!("exec app --password {SECRET} --port 80")])),
            ("args", json!(["sh", "-c", format!("app --db-pass  'two {SECRET}' -v")])),
            ("command", json!(format!("app --token {SECRET}"))),
            ("message", json!(format!("cannot log in: token: {SECRET}"))),
            ("message", json!(format!("dial postgres://u:{SECRET}@db/x"))),
            ("password", json!(SECRET)),
            ("tokens", json!({"token": [SECRET]})),
            ("data", json!({"app.conf": SECRET})),
            ("stringData", json!(SECRET)),
            ("patch", json!(format!("[{{\"op\":\"add\",\"path\":\"/spec/x\",\"value\":\"{SECRET}\"}}]"))),
            ("before", json!(format!("{{\"env\":\"{SECRET}\"}}"))),
            ("result", json!({"spec": {"x": SECRET}})),
        ] {
            let shown = object(json!({"spec": {"deep": [{place: whole}]}})).to_string();
            assert!(!shown.contains("hunter2"), "{place}: {shown}");
        }
    }

    #[test]
    fn what_is_needed_to_understand_stays() {
        let kept = json!({
            "metadata": {"name": "web", "annotations": {"deployment.kubernetes.io/revision": "3"}},
            "spec": {"containers": [{"command": ["sh", "-c", "app --port 80 --token"], "args": ["--port", "80"], "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}]},
            "status": {"phase": "Recovered", "steps": [{"result": "Pass"}], "message": "secret \"db\" not found"},
        });
        assert_eq!(object(kept.clone()), kept);
    }

    #[test]
    fn lines_of_a_log_are_masked_whatever_their_form() {
        let text = format!("{{\"level\":\"INFO\",\"token\":\"{SECRET}\"}}\nplain password={SECRET}\n\u{1b}[2Jok\n");
        let shown = log(&text);
        assert!(!shown.contains("hunter2") && !shown.contains('\u{1b}'), "{shown}");
        assert_eq!(shown.lines().count(), 3);
        assert!(shown.contains("\"level\":\"INFO\""));
    }

    #[test]
    fn a_key_over_many_lines_is_masked_to_its_end() {
        let key = format!("{SECRET}\n{{\"a\":1}}\n{SECRET}==\n-----END PRIVATE KEY-----");
        let shown = log(&format!("before\n-----BEGIN PRIVATE KEY-----\n{key}\nafter\n"));
        assert_eq!(shown, format!("before\n{MASK}\n{MASK}\n{{\"a\":1}}\n{MASK}\n{MASK}\nafter\n"));
    }

    #[test]
    fn a_key_without_an_end_hides_no_more_than_a_key_has() {
        let text = format!("-----BEGIN X-----\n{}after\n", "x\n".repeat(KEY_LINES));
        let shown = log(&text);
        assert_eq!(shown.matches(MASK).count(), KEY_LINES + 1);
        assert!(shown.ends_with("after\n"), "{shown}");
        assert_eq!(log("-----BEGIN X----- a -----END X-----\nafter\n"), format!("{MASK}\nafter\n"));
    }
}
