//! Tests of the verdict: every question's yes and no, and what several mandates come to together.

#[path = "explain_tests/nodes.rs"]
mod nodes;
#[path = "explain_tests/questions.rs"]
mod questions;
#[path = "explain_tests/stage.rs"]
mod stage;
#[path = "explain_tests/together.rs"]
mod together;
