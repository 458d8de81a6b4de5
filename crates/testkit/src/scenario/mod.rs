//! Scenarios: what people break in clusters, written down in folders, broken on a real one, and what the product made of it.
//!
//! Owns the form of a folder, the course of one scenario and the judgement. Must never tell the product anything: it sees the cluster alone, in which no name comes from a scenario's. Writes as the people a scenario names; reads the product's objects and, as the witness of writes, the audit log.

mod check;
mod course;
mod format;
mod images;
mod judge;
mod load;
mod metrics;
mod parts;
mod product;
mod record;
mod run;
mod stage;
mod step;
mod suite;
mod witness;

pub use load::{Folder, Variables, folders, read};
pub use record::{Report, Summary};
pub use suite::{Job, run};
