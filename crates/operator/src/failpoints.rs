//! Points at which a test can stop, delay or kill the process.
//!
//! Owns the macro and its meaning of `return`. Must never do anything in a build without the
//! feature `failpoints`. Reads `FAILPOINTS` from the environment through the crate `fail`.
//!
//! `FAILPOINTS='write.sent=1*return'` kills the process at that point as `kill -9` would: no
//! destructor runs, nothing is flushed. `sleep(ms)`, `pause`, `panic` and `off` mean what the
//! crate `fail` says.

/// A named point. Dies there if the point is armed with `return`.
#[macro_export]
macro_rules! failpoint {
    ($name:expr) => {
        $crate::failpoints::reach($name)
    };
}

/// What [`failpoint!`](crate::failpoint) does.
#[cfg(feature = "failpoints")]
pub fn reach(name: &str) {
    if fail::eval(name, |_| ()).is_some() {
        tracing::error!(failpoint.name = name, "dying at a fail point");
        std::process::abort();
    }
}

/// What [`failpoint!`](crate::failpoint) does.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn reach(_name: &str) {}

/// Arms the points named in `FAILPOINTS` for as long as the value lives.
#[must_use = "points are disarmed when this is dropped"]
pub fn armed() -> Armed {
    #[cfg(feature = "failpoints")]
    return Armed(fail::FailScenario::setup());
    #[cfg(not(feature = "failpoints"))]
    Armed
}

/// Fail points as the environment sets them.
#[cfg(feature = "failpoints")]
pub struct Armed(#[expect(dead_code, reason = "held for its destructor")] fail::FailScenario<'static>);

/// Fail points as the environment sets them: none in this build.
#[cfg(not(feature = "failpoints"))]
pub struct Armed;
