//! Text from a cluster: logs, messages, annotations.
//!
//! Owns what no text may bring about: a credential behind a telling key that gets through, or a
//! character that steers a terminal. No IO.

use crate::is_safe;
use bailiwick_cli::safe;
use bailiwick_core::incident::redact;
use serde_json::{Value, json};

/// No text of a fuzzer holds it by chance.
const SECRET: &str = "S3cr3tV4lu3OfNob0dy";

/// Any text.
pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    is_safe(&safe::line(&text));
    let value = json!({"text": text});
    let shown = safe::json(&value.to_string());
    is_safe(&shown);
    assert_eq!(serde_json::from_str::<Value>(&shown).ok(), Some(value));
    let masked = redact(&text);
    assert_eq!(redact(&masked), masked, "masked text is not masked again");
    if text.contains(SECRET) {
        return;
    }
    for planted in [
        format!("{text} password={SECRET} {text}"),
        format!("{text}\nDB_TOKEN: {SECRET}\n{text}"),
        format!("{text}\n{{\"api_key\":\"{SECRET}\"}} {text}"),
        format!("{text} Authorization: Bearer {SECRET}"),
        format!("{text} https://user:{SECRET}@host/{text}"),
        format!("{text} password = {SECRET} {text}"),
        format!("{text}\n\"passwords\" : \"{SECRET}\" {text}"),
        format!("{text} DB_PASS => {SECRET}\n{text}"),
        format!("{text} SECRET_KEY={SECRET} signing-key={SECRET} {text}"),
        format!("{text} nats://u:{SECRET}@a:4222,nats://u:{SECRET}@b:4222 {text}"),
        format!("{text} a=http://h,postgres://u:{SECRET}@db {text}"),
        format!("{text}\n{{\"password\":\"ab\\\"cd {SECRET}\"}} {text}"),
    ] {
        assert!(!redact(&planted).contains(SECRET), "{planted:?}");
    }
}
