//! Tests of `decide` and `fold`, phase by phase; `scene` is the stage they play on.

#[path = "decide_tests/approvals.rs"]
mod approvals;
#[path = "decide_tests/authority.rs"]
mod authority;
#[path = "decide_tests/cast.rs"]
mod cast;
#[path = "decide_tests/ends.rs"]
mod ends;
#[path = "decide_tests/events.rs"]
mod events;
#[path = "decide_tests/folding.rs"]
mod folding;
#[path = "decide_tests/planning.rs"]
mod planning;
#[path = "decide_tests/properties.rs"]
mod properties;
#[path = "decide_tests/rejections.rs"]
mod rejections;
#[path = "decide_tests/rollback.rs"]
mod rollback;
#[path = "decide_tests/scene.rs"]
mod scene;
#[path = "decide_tests/suspension.rs"]
mod suspension;
#[path = "decide_tests/transcripts.rs"]
mod transcripts;
#[path = "decide_tests/watching.rs"]
mod watching;
#[path = "decide_tests/writing.rs"]
mod writing;
