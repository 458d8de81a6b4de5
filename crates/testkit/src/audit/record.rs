//! One line of the audit log, and the questions that tests ask of many. Pure.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

/// One answered request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// `create`, `update`, `patch`, `delete`, `deletecollection`, …
    pub verb: String,
    /// `ResponseComplete`, or `Panic`.
    pub stage: String,
    #[serde(rename = "requestURI")]
    /// Path and query.
    pub request_uri: String,
    user: User,
    impersonated_user: Option<User>,
    #[serde(default, rename = "objectRef")]
    /// What it was about.
    pub object: Object,
    #[serde(default)]
    response_status: Status,
    /// The request's body, where the audit policy keeps it.
    pub request_object: Option<Value>,
    /// When the API server got the request.
    pub request_received_timestamp: jiff::Timestamp,
    /// When it had answered.
    pub stage_timestamp: jiff::Timestamp,
}

#[derive(Debug, Clone, Deserialize)]
struct User {
    username: String,
}

/// What a request was about; empty texts where it was about none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Object {
    /// Plural resource name.
    pub resource: String,
    /// `status`, `scale`, `token`, …
    pub subresource: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// API group.
    pub api_group: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
    message: String,
}

/// Reads one line.
pub(super) fn parse(line: &str) -> Result<Record> {
    serde_json::from_str(line).with_context(|| format!("read a line of the audit log: {line}"))
}

impl Record {
    /// Who asked, as admission saw it.
    pub fn user(&self) -> &str {
        let user = self.impersonated_user.as_ref().unwrap_or(&self.user);
        &user.username
    }

    /// HTTP status of the answer.
    pub fn code(&self) -> u16 {
        self.response_status.code
    }

    /// What a refusal said.
    pub fn message(&self) -> &str {
        &self.response_status.message
    }

    /// Whether it was carried out, or would have been.
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.code())
    }

    /// Whether it may have been carried out: also where who asked was gone before the answer, which the log calls a timeout.
    pub fn may_have_succeeded(&self) -> bool {
        self.succeeded() || !(400..500).contains(&self.code())
    }

    /// Whether the request said that nothing shall be stored: in its address, or in the body of a DELETE where the log keeps bodies.
    pub fn is_dry_run(&self) -> bool {
        let in_body = self.request_object.as_ref().and_then(|body| body["dryRun"].as_array());
        self.query().any(|pair| pair == "dryRun=All") || in_body.is_some_and(|all| all.iter().any(|v| v == "All"))
    }

    /// Whether it asked for a change of stored state.
    pub fn is_write(&self) -> bool {
        let verbs = ["create", "update", "patch", "delete", "deletecollection"];
        verbs.contains(&self.verb.as_str()) && !self.is_dry_run()
    }

    fn query(&self) -> impl Iterator<Item = &str> {
        let query = self.request_uri.split_once('?').map_or("", |(_, query)| query);
        query.split('&')
    }
}

/// Successful writes by users whose name begins with `prefix`.
pub fn writes_by(records: &[Record], prefix: &str) -> Vec<Record> {
    let by = records.iter().filter(|r| r.user().starts_with(prefix));
    by.filter(|r| r.is_write() && r.succeeded()).cloned().collect()
}

/// The same with writes whose answer nobody waited for; each may have been stored or not.
pub(super) fn possible_writes_by(records: &[Record], prefix: &str) -> Vec<Record> {
    let by = records.iter().filter(|r| r.user().starts_with(prefix));
    by.filter(|r| r.is_write() && r.may_have_succeeded()).cloned().collect()
}

/// Successful writes to one object, its subresources included: `("deployments", "shop", "web")`.
pub fn writes_to(records: &[Record], (resource, namespace, name): (&str, &str, &str)) -> Vec<Record> {
    let is_it =
        |o: &Object| (o.resource.as_str(), o.namespace.as_str(), o.name.as_str()) == (resource, namespace, name);
    let to = records.iter().filter(|r| is_it(&r.object));
    to.filter(|r| r.is_write() && r.succeeded()).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(verb: &str, query: &str, user: &str, code: u16) -> String {
        json!({
            "kind": "Event", "stage": "ResponseComplete", "verb": verb,
            "requestURI": format!("/apis/apps/v1/namespaces/shop/deployments/web{query}"),
            "user": {"username": user, "groups": ["system:authenticated"]},
            "objectRef": {"resource": "deployments", "namespace": "shop", "name": "web", "apiGroup": "apps", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": code},
            "requestReceivedTimestamp": "2026-11-21T12:14:38.309076Z", "stageTimestamp": "2026-11-21T12:14:38.362035Z",
        })
        .to_string()
    }

    #[test]
    fn only_what_was_stored_counts() {
        let lines = [
            line("patch", "?fieldManager=x&dryRun=All", "robot", 200),
            line("patch", "?fieldManager=x", "robot", 200),
            line("patch", "", "robot", 403),
            line("patch", "", "robot", 504),
            line("get", "", "robot", 200),
            line("update", "", "other", 200),
        ];
        let records: Vec<Record> = lines.iter().map(|l| parse(l).unwrap()).collect();
        assert_eq!(writes_by(&records, "rob").len(), 1);
        assert_eq!(possible_writes_by(&records, "rob").len(), 2);
        assert_eq!(writes_to(&records, ("deployments", "shop", "web")).len(), 2);
        assert_eq!(writes_to(&records, ("deployments", "shop", "other")).len(), 0);
    }

    #[test]
    fn a_delete_may_say_dry_run_in_its_body() {
        let mut record = parse(&line("delete", "", "robot", 200)).unwrap();
        assert!(record.is_write());
        record.request_object = Some(json!({"kind": "DeleteOptions", "dryRun": ["All"]}));
        assert!(!record.is_write());
    }

    #[test]
    fn an_impersonated_user_is_who_counts() {
        let mut record = parse(&line("patch", "", "admin", 200)).unwrap();
        record.impersonated_user = Some(User { username: "anna".to_owned() });
        assert_eq!(record.user(), "anna");
    }
}
