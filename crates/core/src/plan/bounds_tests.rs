//! Tests of the validator: what it lets through and every no that it knows.

#[path = "bounds_tests/autoscaler.rs"]
mod autoscaler;
#[path = "bounds_tests/earlier.rs"]
mod earlier;
#[path = "bounds_tests/ingress.rs"]
mod ingress;
#[path = "bounds_tests/nodes.rs"]
mod nodes;
#[path = "bounds_tests/objects.rs"]
mod objects;
#[path = "bounds_tests/origins.rs"]
mod origins;
#[path = "bounds_tests/parts.rs"]
mod parts;
#[path = "bounds_tests/patience.rs"]
mod patience;
#[path = "bounds_tests/values.rs"]
mod values;

use super::*;
use crate::plan::fixture::{Case, case};

impl Case {
    fn check(&self) -> Result<(), Code> {
        check(&self.proposal, &self.facts, &self.bounds).map_err(|reason| reason.code)
    }

    fn target(&mut self) -> &mut Value {
        self.facts.sources.target.as_mut().unwrap()
    }

    fn revision(&mut self) -> &mut Value {
        self.facts.sources.revision.as_mut().unwrap()
    }
}

/// The verdict on a good case after one thing was changed.
fn changed(change_type: ChangeType, change: impl FnOnce(&mut Case)) -> Result<(), Code> {
    let mut case = case(change_type);
    change(&mut case);
    case.check()
}

#[test]
fn the_good_case_of_every_type_is_within_bounds() {
    for change_type in ChangeType::ALL {
        assert_eq!(changed(*change_type, |_| {}), Ok(()), "{change_type}");
    }
}
