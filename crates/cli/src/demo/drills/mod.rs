//! The drills, one module each: what is done, what is expected of it, what was seen.
//!
//! Owns nothing. Must never share state between drills: some run side by side. IO through the
//! drills.

pub(super) mod authority;
pub(super) mod forgery;
mod life;
pub(super) mod memory;
pub(super) mod policy;
pub(super) mod quota;
pub(super) mod receipts;
pub(super) mod theft;
mod thief;
