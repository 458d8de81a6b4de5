//! Reading nodes, namespaces, quotas, autoscalers, ConfigMaps and webhooks. No IO.

use super::{Reader, bundle};
use crate::index::names::INJECT_CA;
use crate::index::rows::{Body, Config, Hook, Hooks, Hpa, NamespaceRow, Node, Quota};
use crate::index::shape::{
    ConditionShape, ConfigMapShape, HpaShape, NamespaceShape, NodeShape, QuotaShape, WebhookShape, WebhooksShape,
};
use crate::quantity::Quantity;

/// What a webhook is given that does not say.
const HOOK_TIMEOUT: i32 = 10;
/// The port of a webhook's Service that names none.
const HOOK_PORT: u16 = 443;

impl Reader<'_> {
    pub(crate) fn node(&mut self, shape: &NodeShape) -> Body {
        let amount = |name: &str| {
            let found = shape.status.allocatable.iter().find(|(k, _)| k == name);
            found.and_then(|(_, v)| Quantity::parse(v).ok())
        };
        let troubled = |c: &&ConditionShape| match c.kind.as_str() {
            "Ready" => c.status != "True",
            "MemoryPressure" | "DiskPressure" | "PIDPressure" | "NetworkUnavailable" => c.status == "True",
            _ => false,
        };
        let troubles = shape.status.conditions.iter().filter(troubled).map(|c| self.condition(c)).collect();
        let cordoned_by = self.writer(&shape.metadata, |w| w.spec.unschedulable.is_some());
        let tainted_by = self.writer(&shape.metadata, |w| w.spec.taints.is_some());
        let taints = shape.spec.taints.iter().filter(|t| t.effect != "PreferNoSchedule");
        Body::Node(Box::new(Node {
            cordoned: shape.spec.unschedulable,
            cordoned_by: cordoned_by.filter(|_| shape.spec.unschedulable),
            tainted_by: tainted_by.filter(|_| !shape.spec.taints.is_empty()),
            troubles,
            ready: shape.status.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True"),
            cpu: amount("cpu"),
            memory: amount("memory"),
            taints: taints.map(|t| self.intern.text(&format!("{}={}:{}", t.key, t.value, t.effect))).collect(),
        }))
    }

    pub(crate) fn quota(&mut self, shape: &QuotaShape) -> Body {
        let used = |name: &str| {
            let found = shape.status.used.iter().find(|(k, _)| k == name);
            found.map_or("", |(_, v)| v.as_str())
        };
        let mut lines = Vec::with_capacity(shape.status.hard.len());
        for (name, hard) in &shape.status.hard {
            lines.push((self.intern.text(name), self.intern.text(hard), self.intern.text(used(name))));
        }
        Body::Quota(Box::new(Quota { lines: lines.into() }))
    }

    pub(crate) fn hpa(&mut self, shape: &HpaShape) -> Body {
        let resources = shape.spec.metrics.iter().map(|m| &m.resource);
        let shares = resources.filter(|r| r.target.average_value.is_none());
        Body::Hpa(Box::new(Hpa {
            target_api: self.intern.text(&shape.spec.scale_target_ref.api_version),
            target_kind: self.intern.text(&shape.spec.scale_target_ref.kind),
            target_name: self.intern.text(&shape.spec.scale_target_ref.name),
            min: shape.spec.min_replicas.unwrap_or(1),
            max: shape.spec.max_replicas,
            earlier_max: 0,
            current: shape.status.current_replicas,
            resources: shares.filter_map(|r| self.intern.some_text(&r.name)).collect(),
            pressed: is_pressed(shape),
            conditions: self.conditions(&shape.status.conditions),
        }))
    }

    pub(crate) fn namespace(&mut self, shape: &NamespaceShape) -> Body {
        Body::Namespace(Box::new(NamespaceRow {
            terminating: shape.status.phase == "Terminating",
            conditions: self.conditions(&shape.status.conditions),
        }))
    }

    /// The keys are told by who wrote them; a ConfigMap without managed fields tells none.
    pub(crate) fn config(&mut self, shape: &ConfigMapShape) -> Body {
        let managers = &shape.metadata.managed_fields;
        let content =
            |m: &crate::index::shape::ManagerShape| m.fields_v1.data.is_some() || m.fields_v1.binary_data.is_some();
        let written = managers.iter().filter(|m| content(m)).filter_map(|m| m.time).max();
        let told = managers.iter().flat_map(|m| [&m.fields_v1.data, &m.fields_v1.binary_data]).flatten().flatten();
        let mut keys: Vec<_> = told.map(|key| self.intern.text(key)).collect();
        keys.sort_unstable();
        keys.dedup();
        let known = managers.iter().any(content);
        Body::Config(Box::new(Config { keys: known.then(|| keys.into()), written }))
    }

    pub(crate) fn hooks(&mut self, shape: &WebhooksShape) -> Body {
        Body::Hooks(Box::new(Hooks {
            hooks: shape.webhooks.iter().map(|hook| self.hook(hook)).collect(),
            injected: shape.metadata.annotation(INJECT_CA).is_some(),
        }))
    }

    fn hook(&mut self, shape: &WebhookShape) -> Hook {
        let client = &shape.client_config;
        let service = client
            .service
            .as_ref()
            .map(|s| (self.intern.text(&s.namespace), self.intern.text(&s.name), s.port.unwrap_or(HOOK_PORT)));
        Hook {
            name: self.intern.text(&shape.name),
            service,
            bundle: bundle::read(&client.ca_bundle),
            fails: shape.failure_policy != "Ignore",
            timeout: shape.timeout_seconds.unwrap_or(HOOK_TIMEOUT),
            covers_pods: covers_pods(shape),
        }
    }
}

/// What is not measured as a share of what the pods request is not known here.
fn is_pressed(shape: &HpaShape) -> bool {
    let aims = shape.spec.metrics.iter().map(|m| &m.resource).filter(|r| !r.name.is_empty());
    let used = |name: &str| {
        let metrics = shape.status.current_metrics.iter().map(|m| &m.resource);
        metrics.filter(|r| r.name == name).find_map(|r| r.current.average_utilization)
    };
    let mut pairs = aims.filter_map(|r| Some((r.target.average_utilization?, used(&r.name)?)));
    pairs.any(|(aim, used)| aim > 0 && used / 2 >= aim)
}

fn covers_pods(shape: &WebhookShape) -> bool {
    let has = |list: &[String], what: &str| list.iter().any(|word| word == what || word == "*");
    let resources = |list: &[String]| has(list, "pods") || list.iter().any(|word| word == "*/*");
    shape.rules.iter().any(|r| has(&r.operations, "CREATE") && has(&r.api_groups, "") && resources(&r.resources))
}
