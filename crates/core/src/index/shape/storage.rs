//! Claims, volumes and storage classes, as far as they are read.
//!
//! Owns their fields. Must never keep a volume's source. No IO.

use super::lenient::{message, or_default, pairs, time};
use super::meta::Meta;
use super::pod::shape;
use super::select::{NodeTermShape, SelectorShape};
use jiff::Timestamp;
use serde::Deserialize;

shape! {
    /// A PersistentVolumeClaim.
    ClaimShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: ClaimSpecShape,
        #[serde(deserialize_with = "or_default")] status: ClaimStatusShape,
    }
}

shape! {
    /// A claim's spec.
    ClaimSpecShape {
        storage_class_name: Option<String>,
        #[serde(deserialize_with = "or_default")] volume_name: String,
        #[serde(deserialize_with = "or_default")] access_modes: Vec<String>,
        #[serde(deserialize_with = "or_default")] volume_mode: String,
        #[serde(deserialize_with = "or_default")] resources: ClaimResourcesShape,
        selector: Option<SelectorShape>,
    }
}

shape! {
    /// What a claim asks for.
    ClaimResourcesShape { #[serde(deserialize_with = "pairs")] requests: Vec<(String, String)>, }
}

shape! {
    /// A claim's status.
    ClaimStatusShape { #[serde(deserialize_with = "or_default")] phase: String, }
}

shape! {
    /// A PersistentVolume.
    VolumeObjectShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] spec: VolumeSpecShape,
        #[serde(deserialize_with = "or_default")] status: VolumeStatusShape,
    }
}

shape! {
    /// A volume's spec.
    VolumeSpecShape {
        #[serde(deserialize_with = "or_default")] storage_class_name: String,
        #[serde(deserialize_with = "or_default")] access_modes: Vec<String>,
        #[serde(deserialize_with = "or_default")] volume_mode: String,
        #[serde(deserialize_with = "pairs")] capacity: Vec<(String, String)>,
        #[serde(deserialize_with = "or_default")] persistent_volume_reclaim_policy: String,
        claim_ref: Option<ClaimRefObjectShape>,
        #[serde(deserialize_with = "or_default")] node_affinity: VolumeAffinityShape,
    }
}

shape! {
    /// The claim that a volume is for.
    ClaimRefObjectShape {
        #[serde(deserialize_with = "or_default")] namespace: String,
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] uid: String,
    }
}

shape! {
    /// Where a volume can be used.
    VolumeAffinityShape { #[serde(deserialize_with = "or_default")] required: VolumeNodesShape, }
}

shape! {
    /// The nodes a volume can be used on: any of the terms.
    VolumeNodesShape { #[serde(deserialize_with = "or_default")] node_selector_terms: Vec<NodeTermShape>, }
}

shape! {
    /// A volume's status.
    VolumeStatusShape {
        #[serde(deserialize_with = "or_default")] phase: String,
        #[serde(deserialize_with = "message")] message: String,
        #[serde(deserialize_with = "time")] last_phase_transition_time: Option<Timestamp>,
    }
}

shape! {
    /// A StorageClass.
    StorageClassShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] provisioner: String,
        #[serde(deserialize_with = "or_default")] volume_binding_mode: String,
    }
}
