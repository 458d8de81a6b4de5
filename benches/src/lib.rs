//! Figures: what our code costs, beside a peer that does the bare minimum, in one run.
//!
//! Owns the list of benches. A new one is a file that implements [`Bench`] and a line in [`all`].
//! Must never print a figure of a run whose result was wrong. Reads clocks; no other IO.

pub mod clock;
mod receipts;
pub mod record;
pub mod rounds;

pub use record::Record;

/// A named set of figures.
pub trait Bench {
    /// The name given on the command line.
    fn name(&self) -> &'static str;
    /// One line that says what is measured.
    fn about(&self) -> &'static str;
    /// Does the work and returns the figures.
    ///
    /// # Errors
    /// Setting up failed, or the work's result was wrong.
    fn run(&self) -> anyhow::Result<Vec<Record>>;
}

/// Every bench, in the order it is run.
pub fn all() -> Vec<Box<dyn Bench>> {
    vec![Box::new(receipts::Receipts)]
}
