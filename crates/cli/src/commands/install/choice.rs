//! What an installation chooses: flags first, then what is installed already, then defaults.
//!
//! Owns that order. Must never move the territory, or the operator to another registry, without a
//! flag that says so. No IO.

use super::{Args, Pull};
use crate::exit::Failure;
use crate::installed;
use bailiwick_api::manifests::{InstallOptions, OptionsError, PullPolicy};
use k8s_openapi::api::apps::v1::Deployment;

/// The operator's repository, unless `--image` says another.
const REPOSITORY: &str = "bailiwick.dev/operator";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The options of an installation over what is installed.
///
/// # Errors
/// Where a flag is wrong, or the installed operator is of another version and comes from a registry
/// of which this program knows no image.
pub(super) fn options(args: &Args, there: Option<&Deployment>) -> Result<InstallOptions, Failure> {
    let bad = |e: OptionsError| Failure::error(e.to_string());
    let territory = args.territory.clone().or_else(|| there.and_then(installed::territory_of)).unwrap_or_default();
    let running = there.and_then(|d| d.spec.as_ref()).and_then(|s| s.replicas).and_then(|n| u8::try_from(n).ok());
    // One that was scaled by hand is no choice of an installation.
    let replicas = args.replicas.or(running.filter(|n| (1..=2).contains(n))).unwrap_or(1);
    let policy = args.pull.map(Pull::policy).or_else(|| there.and_then(pull_of)).unwrap_or_default();
    let options = InstallOptions::new(image(args.image.as_deref(), there)?).map_err(bad)?.with_territory(territory);
    let options = options.with_replicas(replicas).map_err(bad)?.with_pull_policy(policy).with_log(args.log.as_str());
    Ok(match &args.failpoints {
        Some(points) => options.with_failpoints(points.as_str()),
        None => options,
    })
}

fn pull_of(operator: &Deployment) -> Option<PullPolicy> {
    let container = operator.spec.as_ref()?.template.spec.as_ref()?.containers.first()?;
    let all = [PullPolicy::IfNotPresent, PullPolicy::Always, PullPolicy::Never];
    all.into_iter().find(|p| container.image_pull_policy.as_deref() == Some(p.as_str()))
}

fn image(wanted: Option<&str>, there: Option<&Deployment>) -> Result<String, Failure> {
    let usual = format!("{REPOSITORY}:{VERSION}");
    let Some(running) = there.and_then(installed::image_of) else {
        return Ok(wanted.map_or(usual, str::to_owned));
    };
    match (wanted, installed::tag_of(running)) {
        (Some(wanted), _) => Ok(wanted.to_owned()),
        (None, Some(VERSION)) => Ok(running.to_owned()),
        (None, _) if running.starts_with(REPOSITORY) => Ok(usual),
        (None, _) => Err(Failure::error(format!(
            "the installed operator is {running}, and this program is {VERSION}: it does not know the image of its own version there"
        ))
        .next(format!("name it: --image; with --image {running} that operator stays"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_api::manifests::{Territory, install};
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(flags: &[&str]) -> Args {
        Line::parse_from([&["install"][..], flags].concat()).args
    }

    fn there(options: &InstallOptions) -> Deployment {
        let object = install(options).into_iter().flat_map(|s| s.objects).find(|o| o["kind"] == "Deployment");
        serde_json::from_value(object.unwrap()).unwrap()
    }

    fn of(image: &str) -> InstallOptions {
        InstallOptions::new(image).unwrap()
    }

    #[test]
    fn what_is_installed_stays_as_it_was_chosen() {
        let mine = concat!("r.example:5000/operator:", env!("CARGO_PKG_VERSION"));
        let before = of(mine).with_territory(Territory::parse("team", "shop").unwrap()).with_replicas(2).unwrap();
        let before = before.with_pull_policy(PullPolicy::Always);
        assert_eq!(options(&args(&[]), Some(&there(&before))).unwrap(), before);
        let flags = ["--territory", "a=b", "--replicas", "1", "--image", "x", "--pull", "Never"];
        let after = of("x").with_territory(Territory::parse("a", "b").unwrap()).with_pull_policy(PullPolicy::Never);
        assert_eq!(options(&args(&flags), Some(&there(&before))).unwrap(), after);
        assert_eq!(
            options(&args(&[]), None).unwrap(),
            of(concat!("bailiwick.dev/operator:", env!("CARGO_PKG_VERSION")))
        );
    }

    #[test]
    fn another_version_from_elsewhere_has_to_be_named() {
        let usual = of(concat!("bailiwick.dev/operator:", env!("CARGO_PKG_VERSION")));
        assert_eq!(options(&args(&[]), Some(&there(&of("bailiwick.dev/operator:9.9.9")))).unwrap(), usual);
        let elsewhere = there(&of("r.example:5000/operator:9.9.9"));
        assert!(options(&args(&[]), Some(&elsewhere)).is_err_and(|f| f.next.is_some_and(|n| n.contains("--image"))));
        assert_eq!(options(&args(&["--image", "y"]), Some(&elsewhere)).unwrap(), of("y"));
    }
}
