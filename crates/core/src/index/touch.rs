//! Whose findings an observation may change.
//!
//! Owns the way from an object to the subjects that are judged by it. Must never judge: a subject
//! too many costs one look. No IO.

use super::relate::selects;
use super::rows::{Body, ClaimPhase, Ingress, Thing};
use super::{Index, Touched, UidKey};
use crate::object::Kind;

/// The kinds whose objects are subjects of findings themselves, workloads and pods apart.
pub(crate) const OWN_SUBJECTS: [Kind; 16] = [
    Kind::Service,
    Kind::Ingress,
    Kind::NetworkPolicy,
    Kind::PersistentVolumeClaim,
    Kind::PersistentVolume,
    Kind::StorageClass,
    Kind::Node,
    Kind::Namespace,
    Kind::HorizontalPodAutoscaler,
    Kind::PodDisruptionBudget,
    Kind::MutatingWebhookConfiguration,
    Kind::ValidatingWebhookConfiguration,
    Kind::GatewayClass,
    Kind::Gateway,
    Kind::HTTPRoute,
    Kind::Certificate,
];

/// Both sorts of webhook configurations.
pub(crate) const HOOKS: [Kind; 2] = [Kind::MutatingWebhookConfiguration, Kind::ValidatingWebhookConfiguration];

impl Index {
    /// Whom a pod's row concerns; `moved` where it is new, goes, or has other labels than before.
    pub(crate) fn touched_by_pod(&self, at: u32, uid: UidKey, moved: bool) -> Touched {
        let mut touched = Touched::default();
        let Some(pod) = self.view().pod_by_key(uid) else {
            return touched;
        };
        let Some(cohort) = self.pods.cohort(at) else {
            return touched;
        };
        let name = pod.name();
        touched.add(self.subject_of_pod(cohort, &name, uid));
        for (service, body) in self.view().services_in(&cohort.namespace) {
            if !selects(&body.selector, &cohort.labels, &name) {
                continue;
            }
            if moved {
                self.touch_service(&cohort.namespace, &service.head.name, &mut touched);
            } else {
                touched.add(self.reference_to(service));
            }
        }
        // Labels come and go with the first and last pod of their kind.
        if moved && self.pods.members(at).nth(1).is_none() {
            self.touch_all(Kind::NetworkPolicy, &cohort.namespace, &mut touched, |_| true);
        }
        touched
    }

    /// Nodes whose finding depends on whether any pod waits for them.
    pub(crate) fn touch_cordoned(&self, touched: &mut Touched) {
        self.touch_every(Kind::Node, touched, |t| t.node().is_some_and(|n| n.cordoned));
    }

    pub(crate) fn touched_by(&self, uid: UidKey, kind: Kind) -> Touched {
        let mut touched = Touched::default();
        let Some(thing) = self.things.get(&uid) else {
            return touched;
        };
        if OWN_SUBJECTS.contains(&kind) || thing.head.leaving.is_some() {
            touched.add(self.reference_to(thing));
        }
        match &thing.body {
            Body::Workload(_) => self.touch_workload(thing, &mut touched),
            Body::Revision(_) => touched.add(thing.head.owner.as_ref().and_then(|o| self.subject_of(o.uid))),
            Body::Slice(slice) => {
                if let Some(name) = &slice.service {
                    self.touch_service(&thing.head.namespace, name, &mut touched);
                }
            }
            Body::Service(_) => {
                let (namespace, name) = (&thing.head.namespace, &thing.head.name);
                self.touch_service(namespace, name, &mut touched);
                self.touch_fronts(namespace, name, &mut touched);
            }
            Body::Hpa(hpa) => {
                let kind = Kind::parse(&hpa.target_kind);
                let target = kind.and_then(|k| self.view().named(k, &thing.head.namespace, &hpa.target_name));
                touched.add(target.and_then(|t| self.reference_to(t)));
            }
            Body::IngressClass(_) => self.touch_every(Kind::Ingress, &mut touched, |_| true),
            Body::Node(_) => self.touch_every(Kind::PodDisruptionBudget, &mut touched, |_| true),
            Body::Volume(_) => self.touch_claims(&mut touched),
            Body::StorageClass(_) => {
                self.touch_every(Kind::StorageClass, &mut touched, |_| true);
                self.touch_claims(&mut touched);
            }
            Body::GatewayClass(_) => self
                .touch_every(Kind::Gateway, &mut touched, |t| t.gateway().is_some_and(|g| g.class == thing.head.name)),
            Body::Gateway(_) => self.touch_every(Kind::HTTPRoute, &mut touched, |_| true),
            Body::Quota(_) => self.touch_refused(&thing.head.namespace, &mut touched),
            Body::Config(_) => self.touch_users(thing, &mut touched),
            Body::Bare => self.touch_refused(&thing.head.namespace, &mut touched),
            Body::Ingress(_)
            | Body::NetworkPolicy(_)
            | Body::Budget(_)
            | Body::Namespace(_)
            | Body::Claim(_)
            | Body::Hooks(_)
            | Body::Route(_)
            | Body::Certificate(_) => {}
        }
        touched
    }

    fn touch_all(&self, kind: Kind, namespace: &str, touched: &mut Touched, wanted: impl Fn(&Thing) -> bool) {
        for thing in self.view().things_in(kind, namespace).filter(|thing| wanted(thing)) {
            touched.add(self.reference_to(thing));
        }
    }

    fn touch_every(&self, kind: Kind, touched: &mut Touched, wanted: impl Fn(&Thing) -> bool) {
        for thing in self.view().things(kind).filter(|thing| wanted(thing)) {
            touched.add(self.reference_to(thing));
        }
    }

    fn touch_workload(&self, thing: &Thing, touched: &mut Touched) {
        touched.add(self.top_of_thing(thing));
        // Pods seen before their ReplicaSet or Job stood for it until now.
        if thing.head.owner.is_some() && !self.pods.cohorts_of(thing.head.uid).is_empty() {
            touched.add(self.reference_to(thing));
        }
        self.touch_all(Kind::HorizontalPodAutoscaler, &thing.head.namespace, touched, |t| {
            t.hpa().is_some_and(|h| h.target_name == thing.head.name)
        });
    }

    /// A Service, and the webhooks that it serves.
    fn touch_service(&self, namespace: &str, name: &str, touched: &mut Touched) {
        let service = self.view().named(Kind::Service, namespace, name);
        touched.add(service.and_then(|s| self.reference_to(s)));
        for kind in HOOKS {
            self.touch_every(kind, touched, |t| {
                let mut served = t.hooks().into_iter().flat_map(|h| &h.hooks).filter_map(|hook| hook.service.as_ref());
                served.any(|(ns, of, _)| &**ns == namespace && &**of == name)
            });
        }
    }

    /// What leads to a Service.
    fn touch_fronts(&self, namespace: &str, name: &str, touched: &mut Touched) {
        let leads = |i: &Ingress| i.backends.iter().chain(&i.earlier).any(|b| &*b.service == name);
        self.touch_all(Kind::Ingress, namespace, touched, |t| t.ingress().is_some_and(leads));
        self.touch_every(Kind::HTTPRoute, touched, |t| {
            let mut backends = t.route().into_iter().flat_map(|r| &r.backends);
            backends.any(|b| &*b.namespace == namespace && &*b.name == name)
        });
    }

    /// Claims that wait for a volume.
    fn touch_claims(&self, touched: &mut Touched) {
        self.touch_every(Kind::PersistentVolumeClaim, touched, |t| {
            t.claim().is_some_and(|c| c.phase == ClaimPhase::Pending)
        });
    }

    /// Workloads of a namespace that lack pods: a quota, a limit or a missing account there may be why.
    fn touch_refused(&self, namespace: &str, touched: &mut Touched) {
        for kind in [Kind::ReplicaSet, Kind::StatefulSet, Kind::DaemonSet, Kind::Job] {
            for thing in self.view().things_in(kind, namespace) {
                if thing.workload().is_some_and(|w| w.replicas < w.desired) {
                    touched.add(self.top_of_thing(thing));
                }
            }
        }
    }

    /// Workloads whose pods refer to a ConfigMap.
    fn touch_users(&self, config: &Thing, touched: &mut Touched) {
        for (at, cohort) in self.pods.users_of(&config.head.namespace, &config.head.name) {
            if let Some(row) = self.pods.members(at).next() {
                let name = format!("{}{}", cohort.head, row.tail.as_str());
                touched.add(self.subject_of_pod(cohort, &name, row.uid));
            }
        }
    }
}
