//! The API group `bailiwick.dev/v1alpha1`: kinds, their schemas, and parsing into the core.
//!
//! Owns the wire form. Must never decide anything, and does no IO.
//!
//! Unknown fields: the types here refuse them when parsing. The API server *prunes* them unless
//! the client asks for strict field validation (`kubectl` does by default); a pruned field is
//! never stored, so it can never mean anything later.

pub mod conditions;
#[expect(unreachable_pub, reason = "KubeSchema derives a function-local copy of each public specification")]
pub mod kinds;
pub mod manifests;
pub mod observe;
pub mod parse;
pub mod schema;
pub mod shape;

pub use kinds::approval::{Approval, ApprovalSpec};
pub use kinds::change::{Change, ChangeSpec, Why};
pub use kinds::incident::{Incident, IncidentPhase, IncidentSpec, IncidentStatus};
pub use kinds::mandate::{Mandate, MandateSpec, MandateStatus};
pub use kinds::receipt::{Receipt, ReceiptSpec};
pub use kinds::reference::{ExactRef, NameRef};
pub use parse::ParseError;

/// The API group of every kind here.
pub const GROUP: &str = "bailiwick.dev";
/// The version of every kind here.
pub const VERSION: &str = "v1alpha1";
