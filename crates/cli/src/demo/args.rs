//! Arguments of `bailiwick demo`.
//!
//! Owns which images are used and which drills run. No IO.

use super::drill::Drill;
use crate::exit::{Failure, Outcomes};
use bailiwick_core::canonical::sha256_hex;

/// Show, on a real cluster, that Bailiwick repairs what it may and nothing else.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Image of the demo's workload: `testkit/workload` as `cargo xtask image workload` builds it
    #[arg(long, value_name = "REF")]
    image: Option<String>,
    /// The same under another tag, for a rollout that is no mistake
    #[arg(long, value_name = "REF")]
    other_image: Option<String>,
    /// An image that does not exist; default is a tag beside --image that nobody pushed
    #[arg(long, value_name = "REF")]
    absent_image: Option<String>,
    /// Also stop the operator, suspend everything and delete a policy for a moment: everybody's
    /// changes on this cluster wait meanwhile
    #[arg(long)]
    pub(super) disruptive: bool,
    /// Run only these drills
    #[arg(long, value_name = "DRILL", value_enum, value_delimiter = ',')]
    pub(super) only: Vec<Drill>,
    /// Put this before the names of the demo's namespaces
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    pub(super) prefix: String,
    /// Leave namespaces, roles and Mandate for a look afterwards
    #[arg(long)]
    pub(super) keep: bool,
    /// Print the demo's Mandate and end
    #[arg(long)]
    pub(super) print_mandate: bool,
}

/// Images of the workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Images {
    /// The one that runs.
    pub(super) good: String,
    /// Another that runs.
    pub(super) other: String,
    /// One that does not exist.
    pub(super) absent: String,
}

impl Args {
    /// The images.
    ///
    /// # Errors
    /// Where one is not given.
    pub(super) fn images(&self) -> Outcomes<Images> {
        let (Some(good), Some(other)) = (&self.image, &self.other_image) else {
            return Err(Failure::error("the demo needs two tags of its workload image: --image and --other-image")
                .next("build and push it with `cargo xtask image workload`, or let `cargo xtask demo` do everything"));
        };
        if good == other {
            return Err(Failure::error("--image and --other-image must differ"));
        }
        let absent = self.absent_image.clone().unwrap_or_else(|| absent_beside(good));
        Ok(Images { good: good.clone(), other: other.clone(), absent })
    }

    /// The drills that run, and why the others do not.
    pub(super) fn drills(&self) -> (Vec<Drill>, Vec<String>) {
        let mut skipped = Vec::new();
        let mut run = Vec::new();
        for drill in Drill::ALL {
            if !self.only.is_empty() && !self.only.contains(drill) {
                skipped.push(format!("{}: not among --only", drill.title()));
            } else if drill.stops_everyone() && !self.disruptive {
                skipped.push(format!("{}: makes everybody's changes wait; add --disruptive", drill.title()));
            } else {
                run.push(*drill);
            }
        }
        (run, skipped)
    }
}

/// A tag of the same repository that nobody pushed.
fn absent_beside(image: &str) -> String {
    let bare = image.split('@').next().unwrap_or(image);
    let slash = bare.rfind('/').unwrap_or(0);
    let repository = match bare.rfind(':').filter(|at| *at > slash) {
        Some(colon) => bare.get(..colon).unwrap_or(bare),
        None => bare,
    };
    let tail: String = sha256_hex(image.as_bytes()).chars().take(8).collect();
    format!("{repository}:absent-{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_absent_tag_is_of_the_same_repository() {
        for (image, repository) in [
            ("r:5000/a/b:1.0.0", "r:5000/a/b:absent-"),
            ("r:5000/a/b", "r:5000/a/b:absent-"),
            ("a/b:1@sha256:00", "a/b:absent-"),
        ] {
            assert!(absent_beside(image).starts_with(repository), "{image}");
        }
    }
}
