//! What is remembered of claims, volumes and storage classes.
//!
//! Owns those rows. Must never hold where a volume's data is. No IO.

use super::Heap;
use crate::index::intern::Text;
use crate::index::select::Selector;
use crate::quantity::Quantity;
use jiff::Timestamp;

/// How far a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimPhase {
    /// It has no volume yet.
    Pending,
    /// It has a volume.
    Bound,
    /// Its volume is gone.
    Lost,
}

/// A PersistentVolumeClaim.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// How far it is.
    pub phase: ClaimPhase,
    /// Its class; empty for explicitly none, absent where the default is meant.
    pub class: Option<Text>,
    /// Its volume.
    pub volume: Option<Text>,
    /// How it wants to be mounted.
    pub modes: Box<[Text]>,
    /// How much it asks for.
    pub size: Option<Quantity>,
    /// True for a raw block device.
    pub block: bool,
    /// Which volumes will do.
    pub selector: Option<Box<Selector>>,
}

impl Heap for Claim {
    fn heap(&self) -> usize {
        size_of_val(&*self.modes) + self.selector.as_ref().map_or(0, |s| s.heap_bytes())
    }
}

/// A PersistentVolume.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// Its phase, as written.
    pub phase: Text,
    /// What its phase is about; untrusted text.
    pub message: Text,
    /// Since when it is in that phase.
    pub since: Option<Timestamp>,
    /// The namespace, name and uid of the claim it is for; the uid is empty for one that is only reserved.
    pub claim: Option<(Text, Text, Text)>,
    /// Its class; empty for none.
    pub class: Text,
    /// How it can be mounted.
    pub modes: Box<[Text]>,
    /// How large it is.
    pub size: Option<Quantity>,
    /// True for a raw block device.
    pub block: bool,
    /// True where it is kept when its claim is deleted.
    pub retained: bool,
    /// Where it can be used, any of these; empty for anywhere.
    pub nodes: Box<[Selector]>,
}

impl Heap for Volume {
    fn heap(&self) -> usize {
        size_of_val(&*self.modes) + self.nodes.iter().map(Selector::heap_bytes).sum::<usize>()
    }
}

/// A StorageClass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageClass {
    /// True for one that claims without a class get.
    pub default: bool,
    /// Who makes its volumes.
    pub provisioner: Text,
    /// True where a volume is bound only once a pod needs it.
    pub waits: bool,
}

impl Heap for StorageClass {}
