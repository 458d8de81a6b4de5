//! Which key may sign at a point of the log.
//!
//! Owns the history of keys in force. Must never put a retired key back in force. No IO.

use super::fault::What;
use super::key::{KeyId, PublicKey};
use super::verify::KeyUse;

/// The keys trusted at the start and the ones in force since.
pub(super) struct Keyring<'k> {
    anchors: &'k [PublicKey],
    in_force: Option<PublicKey>,
    uses: Vec<KeyUse>,
}

impl<'k> Keyring<'k> {
    pub(super) fn new(anchors: &'k [PublicKey]) -> Self {
        Self { anchors, in_force: None, uses: Vec::new() }
    }

    /// The key with this id, where it may sign.
    ///
    /// # Errors
    /// The key is not in force: never was, or no longer is.
    pub(super) fn find(&self, id: KeyId) -> Result<PublicKey, What> {
        let candidates = self.in_force.as_ref().map_or(self.anchors, std::slice::from_ref);
        let found = candidates.iter().find(|key| key.id() == id).cloned();
        found.ok_or_else(|| match self.was_in_force(id) {
            true => What::RetiredKey(id),
            false => What::ForeignKey(id.to_string()),
        })
    }

    fn was_in_force(&self, id: KeyId) -> bool {
        self.uses.iter().any(|used| used.key == id)
    }

    /// The first line that is signed with a trusted key puts that key in force.
    pub(super) fn trust(&mut self, signer: Option<PublicKey>, from: u64) {
        if let (None, Some(signer)) = (&self.in_force, signer) {
            self.uses.push(KeyUse { key: signer.id(), from });
            self.in_force = Some(signer);
        }
    }

    /// Puts a successor in force.
    ///
    /// # Errors
    /// It was in force before.
    pub(super) fn rotate(&mut self, successor: &PublicKey, from: u64) -> Result<(), What> {
        if self.was_in_force(successor.id()) {
            return Err(What::BadStatement(format!("key {} was in force before", successor.id())));
        }
        self.uses.push(KeyUse { key: successor.id(), from });
        self.in_force = Some(successor.clone());
        Ok(())
    }

    /// The key that must sign the next line; `None` before the first.
    pub(super) fn in_force(&self) -> Option<KeyId> {
        self.in_force.as_ref().map(PublicKey::id)
    }

    /// Every key that was in force, in order.
    pub(super) fn into_uses(self) -> Vec<KeyUse> {
        self.uses
    }
}
