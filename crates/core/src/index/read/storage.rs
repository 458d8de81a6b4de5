//! Reading claims, volumes and storage classes. No IO.

use super::Reader;
use crate::index::names::DEFAULT_CLASS;
use crate::index::rows::{Body, Claim, ClaimPhase, StorageClass, Volume};
use crate::index::select::Selector;
use crate::index::shape::{ClaimShape, StorageClassShape, VolumeObjectShape};
use crate::quantity::Quantity;

impl Reader<'_> {
    pub(crate) fn claim(&mut self, shape: &ClaimShape) -> Body {
        let spec = &shape.spec;
        let selector = spec.selector.as_ref().map(|s| Box::new(Selector::read(self.intern, s)));
        Body::Claim(Box::new(Claim {
            phase: match shape.status.phase.as_str() {
                "Bound" => ClaimPhase::Bound,
                "Lost" => ClaimPhase::Lost,
                _ => ClaimPhase::Pending,
            },
            class: spec.storage_class_name.as_ref().map(|name| self.intern.text(name)),
            volume: self.intern.some_text(&spec.volume_name),
            modes: self.texts(&spec.access_modes),
            size: storage(&spec.resources.requests),
            block: spec.volume_mode == "Block",
            selector,
        }))
    }

    pub(crate) fn volume(&mut self, shape: &VolumeObjectShape) -> Body {
        let (spec, status) = (&shape.spec, &shape.status);
        let claim = spec.claim_ref.as_ref();
        let terms = &spec.node_affinity.required.node_selector_terms;
        let nodes = terms.iter().map(|t| Selector::of_terms(self.intern, &t.match_expressions)).collect();
        Body::Volume(Box::new(Volume {
            phase: self.intern.text(&status.phase),
            message: self.intern.text(&status.message),
            since: status.last_phase_transition_time,
            claim: claim.map(|c| (self.intern.text(&c.namespace), self.intern.text(&c.name), self.intern.text(&c.uid))),
            class: self.intern.text(&spec.storage_class_name),
            modes: self.texts(&spec.access_modes),
            size: storage(&spec.capacity),
            block: spec.volume_mode == "Block",
            retained: spec.persistent_volume_reclaim_policy != "Delete",
            nodes,
        }))
    }

    pub(crate) fn storage_class(&mut self, shape: &StorageClassShape) -> Body {
        let default = |name: &&str| shape.metadata.annotation(name) == Some("true");
        Body::StorageClass(Box::new(StorageClass {
            default: DEFAULT_CLASS.iter().any(default),
            provisioner: self.intern.text(&shape.provisioner),
            waits: shape.volume_binding_mode == "WaitForFirstConsumer",
        }))
    }
}

fn storage(amounts: &[(String, String)]) -> Option<Quantity> {
    let (_, amount) = amounts.iter().find(|(name, _)| name == "storage")?;
    Quantity::parse(amount).ok()
}
