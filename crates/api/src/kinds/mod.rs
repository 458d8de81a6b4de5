//! The five kinds, one file each.
//!
//! Owns their wire form. Must never hold logic beyond what a schema can say. No IO.

pub mod approval;
pub mod change;
pub mod incident;
pub mod mandate;
pub mod receipt;
pub mod reference;
