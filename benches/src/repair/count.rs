//! Counting requests: from the operator's measures, and from the API server's audit log.
//!
//! Owns the reading of both. Must never take one for the other. No IO.

use anyhow::{Context as _, Result};
use bailiwick_api::manifests::OPERATOR;
use bailiwick_core::fence::{GRANTS_NAMESPACE, SYSTEM_NAMESPACE};
use serde_json::Value;
use std::collections::BTreeMap;

const SERIES: &str = "bailiwick_api_requests_total{";

/// Requests by purpose and verb.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calls(BTreeMap<(String, String), u64>);

impl Calls {
    /// Reads OpenMetrics text; several replicas' texts may be joined.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut calls = Self::default();
        for line in text.lines() {
            let Some((labels, value)) = line.strip_prefix(SERIES).and_then(|rest| rest.split_once("} ")) else {
                continue;
            };
            let label = |name: &str| {
                let found = labels.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\""));
                found.map(|value| value.trim_end_matches('"').to_owned()).with_context(|| format!("no {name}: {line}"))
            };
            let count: u64 = value.trim().parse().with_context(|| format!("no count: {line}"))?;
            *calls.0.entry((label("purpose")?, label("verb")?)).or_default() += count;
        }
        Ok(calls)
    }

    /// What was counted since `before`. Watches are begun once, whatever happens, and are left out.
    pub(super) fn since(&self, before: &Self) -> Self {
        let later = self.0.iter().filter(|((_, verb), _)| verb != "watch");
        let delta =
            later.map(|(key, count)| (key.clone(), count - before.0.get(key).copied().unwrap_or(0).min(*count)));
        Self(delta.filter(|(_, count)| *count > 0).collect())
    }

    pub(super) fn by_purpose(&self) -> impl Iterator<Item = (String, u64)> {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for ((purpose, _), count) in &self.0 {
            *sums.entry(purpose.clone()).or_default() += count;
        }
        sums.into_iter()
    }

    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub(super) fn lists(&self) -> u64 {
        self.0.iter().filter(|((_, verb), _)| verb == "list").map(|(_, count)| count).sum()
    }
}

/// Requests of the operator and of one-shot accounts in the audit log, which knows no reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Writes {
    pub(super) stored: u64,
    pub(super) dry: u64,
    pub(super) refused: u64,
    targets: BTreeMap<String, u64>,
}

impl Writes {
    /// Reads the lines of an audit log. The lease is renewed whatever happens, and is left out.
    pub(super) fn parse(text: &str, namespace: &str) -> Result<Self> {
        let one_shot = format!("system:serviceaccount:{GRANTS_NAMESPACE}:");
        let operator = format!("system:serviceaccount:{SYSTEM_NAMESPACE}:{OPERATOR}");
        let mut writes = Self::default();
        for line in text.lines() {
            let record: Value = serde_json::from_str(line).context("read a line of the audit log")?;
            let text = |at: &str| record.pointer(at).and_then(Value::as_str).unwrap_or_default();
            let (user, resource) = (text("/user/username"), text("/objectRef/resource"));
            let granted = user.starts_with(&one_shot);
            if !(granted || user == operator) || resource == "leases" {
                continue;
            }
            let code = record.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or(0);
            if !(200..300).contains(&code) {
                writes.refused += 1;
            } else if is_dry_run(&record) {
                writes.dry += 1;
            } else {
                writes.stored += 1;
                if granted && resource == "deployments" && text("/objectRef/namespace") == namespace {
                    *writes.targets.entry(text("/objectRef/name").to_owned()).or_default() += 1;
                }
            }
        }
        Ok(writes)
    }

    /// Writes of a Deployment by one-shot accounts.
    pub(super) fn of_target(&self, name: &str) -> u64 {
        self.targets.get(name).copied().unwrap_or(0)
    }
}

/// In the address, or in the body of a DELETE where the log keeps bodies.
fn is_dry_run(record: &Value) -> bool {
    let query = record["requestURI"].as_str().and_then(|uri| uri.split_once('?')).map_or("", |(_, query)| query);
    let all = |dry: &Value| dry.as_array().is_some_and(|values| values.iter().any(|v| v == "All"));
    query.split('&').any(|pair| pair == "dryRun=All") || all(&record["requestObject"]["dryRun"])
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "bailiwick_api_requests_total{purpose=\"plan\",verb=\"get\"} 3\nbailiwick_leader 1\n";
    const AFTER: &str = "bailiwick_api_requests_total{purpose=\"plan\",verb=\"get\"} 5\n\
        bailiwick_api_requests_total{verb=\"list\",purpose=\"revoke\"} 4\n\
        bailiwick_api_requests_total{purpose=\"detect\",verb=\"watch\"} 20\n# EOF\n";

    #[test]
    fn what_came_since_is_counted_by_purpose() {
        let since = Calls::parse(AFTER).unwrap().since(&Calls::parse(BEFORE).unwrap());
        let by: Vec<(String, u64)> = since.by_purpose().collect();
        assert_eq!(by, [("plan".to_owned(), 2), ("revoke".to_owned(), 4)]);
        assert_eq!((since.total(), since.lists()), (6, 4));
    }

    #[test]
    fn only_the_operator_and_its_accounts_count() {
        let line = |user: &str, query: &str, resource: &str, code: u16| {
            serde_json::json!({"verb": "patch", "stage": "ResponseComplete", "user": {"username": user},
                "requestURI": format!("/apis/apps/v1/namespaces/n/{resource}/web{query}"),
                "objectRef": {"resource": resource, "namespace": "n", "name": "web"}, "responseStatus": {"code": code},
                "requestReceivedTimestamp": "2026-01-01T00:00:00Z", "stageTimestamp": "2026-01-01T00:00:00Z"})
            .to_string()
        };
        let (operator, account) = (
            "system:serviceaccount:bailiwick-system:bailiwick-operator",
            "system:serviceaccount:bailiwick-grants:bwk-1",
        );
        let text = [
            line("admin", "", "deployments", 200),
            line(operator, "", "leases", 200),
            line(operator, "", "changes", 200),
            line(account, "?dryRun=All", "deployments", 200),
            line(account, "?dryRun=All", "deployments", 422),
            line(account, "", "deployments", 200),
        ];
        let writes = Writes::parse(&text.join("\n"), "n").unwrap();
        assert_eq!((writes.stored, writes.dry, writes.refused, writes.of_target("web")), (2, 1, 1, 1));
    }
}
