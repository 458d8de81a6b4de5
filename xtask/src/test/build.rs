//! Building test runners with Cargo.

use std::collections::BTreeSet;

use anyhow::Result;

use super::discover::{self, FEATURE, Suite};
use crate::cargo::{Program, try_build};
use crate::workspace::Workspace;

/// The runners of all tests that need no cluster, and whether all could be built.
pub(super) fn unit_tests(workspace: &Workspace) -> Result<(Vec<Program>, bool)> {
    let (built, complete) = try_build(workspace, &["test", "--workspace", "--no-run", "--no-fail-fast"])?;
    let suites = discover::suites(workspace)?;
    // Without the feature a suite is an empty program.
    let is_suite =
        |p: &Program| suites.iter().any(|s| s.package == p.package && p.label.ends_with(&format!("/{}", s.name)));
    Ok((built.into_iter().filter(|p| p.test && !is_suite(p)).collect(), complete))
}

/// The runners of those `suites` that can be built, labelled with their names.
pub(super) fn suites(workspace: &Workspace, suites: &[Suite]) -> Result<Vec<Program>> {
    let (mut programs, complete) = try_build(workspace, &arguments(suites))?;
    if !complete {
        // One that does not compile must not keep the others from it.
        for suite in suites.iter().filter(|suite| !programs.iter().any(|p| is_of(p, suite))).collect::<Vec<_>>() {
            programs.extend(try_build(workspace, &arguments(std::slice::from_ref(suite)))?.0);
        }
    }
    for program in &mut programs {
        if let Some((_, name)) = program.label.rsplit_once('/') {
            program.label = name.to_owned();
        }
    }
    Ok(programs)
}

fn is_of(program: &Program, suite: &Suite) -> bool {
    program.test && program.label.rsplit('/').next() == Some(&suite.name)
}

fn arguments(suites: &[Suite]) -> Vec<String> {
    let mut args = vec!["test".to_owned(), "--no-run".to_owned()];
    let packages: BTreeSet<&str> = suites.iter().map(|s| s.package.as_str()).collect();
    for package in packages {
        args.extend(["--package", package, "--features"].map(str::to_owned));
        args.push(format!("{package}/{FEATURE}"));
    }
    args.extend(suites.iter().flat_map(|suite| ["--test".to_owned(), suite.name.clone()]));
    args
}
