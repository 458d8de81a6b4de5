//! Each check on something small that it must refuse, and on its like that is good: a check that cannot fail is worth nothing.

mod building;
mod direction;
mod docs;
mod report;
mod source;
mod supply;
