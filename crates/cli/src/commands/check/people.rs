//! Who may approve, and who may act as somebody who may.
//!
//! Owns reading RBAC for two questions. Must never leave out a wildcard. Pure but for listing
//! roles and bindings from the API server.

use crate::cluster::Cluster;
use crate::exit::Outcomes;
use crate::render::check::{Item, State};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject};
use kube::Api;
use kube::api::ListParams;
use std::collections::{BTreeMap, BTreeSet};

/// Roles and bindings of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Rbac {
    /// ClusterRoles.
    pub cluster_roles: Vec<ClusterRole>,
    /// Roles.
    pub roles: Vec<Role>,
    /// ClusterRoleBindings.
    pub cluster_bindings: Vec<ClusterRoleBinding>,
    /// RoleBindings.
    pub bindings: Vec<RoleBinding>,
}

/// One subject that may.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The subject, as `Kind name`.
    pub who: String,
    /// The role that says so.
    pub via: String,
    /// The namespace it holds in; empty means everywhere.
    pub namespace: String,
}

fn has(list: Option<&Vec<String>>, wanted: impl Fn(&str) -> bool) -> bool {
    list.into_iter().flatten().any(|text| text == "*" || wanted(text))
}

/// True where a rule lets one approve changes.
fn approves(rule: &PolicyRule) -> bool {
    has(Some(&rule.verbs), |v| v == "approve")
        && has(rule.api_groups.as_ref(), |g| g == "bailiwick.dev")
        && has(rule.resources.as_ref(), |r| r == "changes")
}

/// True where a rule lets one act as another user or member of a group. Accounts and uids do not
/// count: an account never approves, and a uid alone is no user.
fn impersonates(rule: &PolicyRule) -> bool {
    // From 1.35 on there are also constrained verbs, such as `impersonate:user-info`.
    has(Some(&rule.verbs), |v| v == "impersonate" || v.starts_with("impersonate:"))
        && has(rule.api_groups.as_ref(), |g| g.is_empty() || g == "authentication.k8s.io")
        && has(rule.resources.as_ref(), |r| r == "users" || r == "groups")
}

fn subjects(found: Option<&Vec<Subject>>) -> impl Iterator<Item = String> + '_ {
    found.into_iter().flatten().map(|s| match &s.namespace {
        Some(namespace) if !namespace.is_empty() => format!("{} {namespace}/{}", s.kind, s.name),
        Some(_) | None => format!("{} {}", s.kind, s.name),
    })
}

impl Rbac {
    fn rules(&self, role: &RoleRef, namespace: Option<&str>) -> Vec<&PolicyRule> {
        let named = |name: &Option<String>| name.as_deref() == Some(role.name.as_str());
        if role.kind == "ClusterRole" {
            let found = self.cluster_roles.iter().filter(|r| named(&r.metadata.name));
            return found.flat_map(|r| r.rules.iter().flatten()).collect();
        }
        let found =
            self.roles.iter().filter(|r| named(&r.metadata.name) && r.metadata.namespace.as_deref() == namespace);
        found.flat_map(|r| r.rules.iter().flatten()).collect()
    }

    /// Who may approve changes, and where.
    pub fn approvers(&self) -> Vec<Holder> {
        let mut all = self.everywhere(approves);
        for binding in &self.bindings {
            let namespace = binding.metadata.namespace.as_deref();
            if self.rules(&binding.role_ref, namespace).into_iter().any(approves) {
                all.extend(subjects(binding.subjects.as_ref()).map(|who| Holder {
                    who,
                    via: binding.role_ref.name.clone(),
                    namespace: namespace.unwrap_or_default().to_owned(),
                }));
            }
        }
        all.into_iter().collect()
    }

    /// Who may act as another user or group: rights in a namespace do not count, for users and
    /// groups live in none.
    pub fn impersonators(&self) -> Vec<Holder> {
        self.everywhere(impersonates).into_iter().collect()
    }

    fn everywhere(&self, may: fn(&PolicyRule) -> bool) -> BTreeSet<Holder> {
        let mut all = BTreeSet::new();
        for binding in &self.cluster_bindings {
            if self.rules(&binding.role_ref, None).into_iter().any(may) {
                all.extend(subjects(binding.subjects.as_ref()).map(|who| Holder {
                    who,
                    via: binding.role_ref.name.clone(),
                    namespace: String::new(),
                }));
            }
        }
        all
    }
}

/// The holders in words: everywhere first, then by namespace.
pub fn words(holders: &[Holder], wide: bool) -> String {
    let mut by_place: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for holder in holders {
        let text = if wide { format!("{} ({})", holder.who, holder.via) } else { holder.who.clone() };
        by_place.entry(&holder.namespace).or_default().insert(text);
    }
    let part = |(place, people): (&&str, &BTreeSet<String>)| {
        let people = people.iter().cloned().collect::<Vec<_>>().join(", ");
        if place.is_empty() { people } else { format!("in {place}: {people}") }
    };
    by_place.iter().map(|(place, people)| part((place, people))).collect::<Vec<_>>().join("; ")
}

/// Reads RBAC and answers both questions.
pub async fn look(cluster: &Cluster, wide: bool) -> Vec<Item> {
    let rbac = match read(cluster).await {
        Ok(rbac) => rbac,
        Err(failure) => {
            return vec![Item::new(
                "people",
                State::Unproved,
                format!("who may approve or impersonate: {}", failure.what),
            )];
        }
    };
    let approvers = rbac.approvers();
    let impersonators = rbac.impersonators();
    let mut items = vec![match approvers.is_empty() {
        true => Item::new("approvers", State::Note, "nobody holds the verb approve")
            .next("bind people to the ClusterRole bailiwick:approver"),
        false => {
            Item::new("approvers", State::Note, format!("the verb approve is held by {}", words(&approvers, wide)))
        }
    }];
    items.push(match impersonators.is_empty() {
        true => Item::new("impersonation", State::Good, "nobody may act as another user"),
        false => Item::new(
            "impersonation",
            State::Note,
            format!("whoever may act as an approver is one: {}", words(&impersonators, wide)),
        ),
    });
    items
}

async fn read(cluster: &Cluster) -> Outcomes<Rbac> {
    let all = ListParams::default();
    let client = &cluster.client;
    Ok(Rbac {
        cluster_roles: Api::all(client.clone())
            .list(&all)
            .await
            .map_err(|e| cluster.fault("list clusterroles", &e))?
            .items,
        roles: Api::all(client.clone()).list(&all).await.map_err(|e| cluster.fault("list roles", &e))?.items,
        cluster_bindings: Api::all(client.clone())
            .list(&all)
            .await
            .map_err(|e| cluster.fault("list clusterrolebindings", &e))?
            .items,
        bindings: Api::all(client.clone()).list(&all).await.map_err(|e| cluster.fault("list rolebindings", &e))?.items,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parsed<T: serde::de::DeserializeOwned>(values: Vec<Value>) -> Vec<T> {
        values.into_iter().map(|v| serde_json::from_value(v).unwrap()).collect()
    }

    fn rbac() -> Rbac {
        Rbac {
            cluster_roles: parsed(vec![
                json!({"metadata": {"name": "cluster-admin"}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}),
                json!({"metadata": {"name": "bailiwick:approver"}, "rules": [{"apiGroups": ["bailiwick.dev"], "resources": ["changes"], "verbs": ["approve"]}]}),
                json!({"metadata": {"name": "edit"}, "rules": [{"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}]}),
                json!({"metadata": {"name": "support"}, "rules": [{"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}]}),
            ]),
            roles: parsed(vec![
                json!({"metadata": {"name": "local", "namespace": "shop"}, "rules": [{"apiGroups": ["bailiwick.dev"], "resources": ["*"], "verbs": ["approve"]}]}),
            ]),
            cluster_bindings: parsed(vec![
                binding("cluster-admin", "Group", "system:masters", None),
                binding("support", "User", "sue", None),
                binding("edit", "User", "ed", None),
            ]),
            bindings: parsed(vec![
                binding("bailiwick:approver", "Group", "sre", Some("shop")),
                json!({"metadata": {"name": "l", "namespace": "shop"}, "roleRef": {"apiGroup": "x", "kind": "Role", "name": "local"}, "subjects": [{"kind": "User", "name": "lou"}]}),
                binding("support", "User", "tom", Some("shop")),
            ]),
        }
    }

    fn binding(role: &str, kind: &str, who: &str, namespace: Option<&str>) -> Value {
        json!({"metadata": {"name": role, "namespace": namespace}, "roleRef": {"apiGroup": "x", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": kind, "name": who}]})
    }

    #[test]
    fn approvers_are_found_through_wildcards_and_in_their_namespaces() {
        let text = words(&rbac().approvers(), false);
        assert_eq!(text, "Group system:masters; in shop: Group sre, User lou");
    }

    #[test]
    fn only_who_may_act_as_a_user_or_group_is_listed() {
        let text = words(&rbac().impersonators(), true);
        assert_eq!(text, "Group system:masters (cluster-admin), User sue (support)");
    }
}
