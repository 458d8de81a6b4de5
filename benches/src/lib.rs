//! Figures: what our code costs, beside a peer in the same run.
//!
//! Owns the list of benches. A new one is a file that implements [`Bench`] and a line in [`all`].
//! Must never print a figure of a run whose result was wrong. Reads clocks; only the benches that
//! say that they need a cluster talk to one.

mod analyzers;
mod ask;
pub mod clock;
mod fixture;
mod informer;
mod memory;
mod ours;
mod place;
mod receipts;
pub mod record;
mod repair;
pub mod rounds;
mod scale;
pub mod setup;
mod typed;

pub use record::Record;
pub use setup::Setup;

/// A named set of figures.
pub trait Bench {
    /// The name given on the command line.
    fn name(&self) -> &'static str;
    /// One line that says what is measured.
    fn about(&self) -> &'static str;
    /// True where it cannot run without a cluster.
    fn needs_cluster(&self) -> bool {
        false
    }
    /// Does the work and returns the figures.
    ///
    /// # Errors
    /// Setting up failed, or the work's result was wrong.
    fn run(&self, setup: &Setup) -> anyhow::Result<Vec<Record>>;
}

/// Every bench, in the order it is run.
pub fn all() -> Vec<Box<dyn Bench>> {
    vec![
        Box::new(receipts::Receipts),
        Box::new(analyzers::Analyzers),
        Box::new(memory::Memory),
        Box::new(repair::Repair),
        Box::new(scale::Scale),
    ]
}
