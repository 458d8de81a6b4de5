//! Building test runners with Cargo.

use anyhow::Result;

use super::discover::{self, FEATURE, Suite};
use crate::cargo::{Program, build};
use crate::workspace::Workspace;

/// The runners of all tests that need no cluster.
pub(super) fn unit_tests(workspace: &Workspace) -> Result<Vec<Program>> {
    let built = build(workspace, &["test", "--workspace", "--no-run"])?;
    let suites = discover::suites(workspace)?;
    // Without the feature a suite is an empty program.
    let is_suite =
        |p: &Program| suites.iter().any(|s| s.package == p.package && p.label.ends_with(&format!("/{}", s.name)));
    Ok(built.into_iter().filter(|p| !is_suite(p)).collect())
}

/// The runners of `suites`, labelled with their names.
pub(super) fn suites(workspace: &Workspace, suites: &[Suite]) -> Result<Vec<Program>> {
    let mut args = vec!["test".to_owned(), "--no-run".to_owned()];
    let mut packages: Vec<&str> = suites.iter().map(|s| s.package.as_str()).collect();
    packages.dedup();
    for package in packages {
        args.extend([
            "--package".to_owned(),
            package.to_owned(),
            "--features".to_owned(),
            format!("{package}/{FEATURE}"),
        ]);
    }
    for suite in suites {
        args.extend(["--test".to_owned(), suite.name.clone()]);
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut programs = build(workspace, &words)?;
    for program in &mut programs {
        if let Some((_, name)) = program.label.rsplit_once('/') {
            program.label = name.to_owned();
        }
    }
    Ok(programs)
}
