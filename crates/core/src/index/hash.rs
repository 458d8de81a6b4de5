//! Maps and sets whose keys come from objects that anyone may have written.
//!
//! Owns the choice of their hasher: quick, and seeded at random for each process so that nobody
//! can make keys that collide. Must never decide an order: whoever walks one sorts first. No IO.

use ahash::RandomState;

/// A map without order.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, RandomState>;
/// A set without order.
pub(crate) type Set<T> = std::collections::HashSet<T, RandomState>;
