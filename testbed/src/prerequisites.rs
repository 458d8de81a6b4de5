//! What a machine needs before anything is built: checks it, and on a Debian-like system installs what is missing. Runs `apt-get` and `go version`; touches nothing else.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::{config::Config, lock::Lock, progress::Progress, step, versions::Versions};

enum Probe {
    Program(&'static str),
    Library(&'static str),
    Header(&'static str),
}

use Probe::{Header, Library, Program};

/// Somebody else may be installing packages on this machine.
const APT_PATIENCE: &str = "-oDPkg::Lock::Timeout=300";

/// What must be there, and the Debian package that brings it.
const NEEDS: [(Probe, &str); 13] = [
    (Program("unshare"), "util-linux"),
    (Program("nsenter"), "util-linux"),
    (Program("setsid"), "util-linux"),
    (Program("setpriv"), "util-linux"),
    (Program("ip"), "iproute2"),
    (Program("nft"), "nftables"),
    (Program("iptables"), "iptables"),
    (Program("conntrack"), "conntrack"),
    (Program("mount"), "mount"),
    (Program("gcc"), "gcc"),
    (Header("/usr/include/stdio.h"), "libc6-dev"),
    (Program("pkg-config"), "pkg-config"),
    (Library("libseccomp"), "libseccomp-dev"),
];

/// Makes sure that a cluster can be built and run here; `install` allows `apt-get install`.
pub fn ensure_prerequisites(install: bool, progress: &Progress) -> Result<()> {
    ensure!(
        cfg!(target_os = "linux"),
        "a test cluster needs Linux (namespaces, cgroups); this is {}",
        std::env::consts::OS
    );
    ensure!(
        rustix::process::geteuid().is_root(),
        "a test cluster needs root, for namespaces and cgroups: run the command again with `sudo -E`"
    );
    if !missing_packages().is_empty() {
        // Two installations at a time are one too many for the package database.
        let _one_at_a_time = Lock::wait(&Config::from_env()?, "packages")?;
        install_packages(install, progress)?;
    }
    check_go()
}

fn install_packages(install: bool, progress: &Progress) -> Result<()> {
    let missing = missing_packages();
    if missing.is_empty() {
        return Ok(());
    }
    let command = format!("apt-get update && apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !has_program("apt-get") {
        bail!(
            "missing on this machine: {}. Install what your system calls these Debian packages, then run the command again",
            missing.join(" ")
        );
    }
    if !install {
        bail!("missing on this machine: {}. Run: {command}", missing.join(" "));
    }
    progress.line(format!("installing Debian packages: {}", missing.join(" ")));
    let apt = |step: &str, args: &[&str]| {
        step::output(
            step,
            Command::new("apt-get").arg(APT_PATIENCE).args(args).env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt("refresh the package lists", &["update", "-q"])?;
    apt("install missing packages", &[&["install", "-qy", "--no-install-recommends"], missing.as_slice()].concat())?;
    let left = missing_packages();
    ensure!(left.is_empty(), "still missing after their installation: {}. Run: {command}", left.join(" "));
    Ok(())
}

fn missing_packages() -> Vec<&'static str> {
    let mut missing: Vec<_> = NEEDS.iter().filter(|(probe, _)| !probe.present()).map(|(_, package)| *package).collect();
    missing.dedup();
    // Without pkg-config nothing can be said about libraries, and every one of them is reported: harmless, apt skips what is there.
    missing
}

impl Probe {
    fn present(&self) -> bool {
        match self {
            Program(name) => has_program(name),
            Library(name) => step::succeeds(Command::new("pkg-config").args(["--exists", name])),
            Header(path) => Path::new(path).exists(),
        }
    }
}

fn has_program(name: &str) -> bool {
    step::find(name).is_some()
}

fn check_go() -> Result<()> {
    let wanted = Versions::pinned()?.go;
    let arch = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    let how = format!(
        "install it: curl -fsSL https://go.dev/dl/go{wanted}.linux-{arch}.tar.gz | tar -C /usr/local -xz && export PATH=/usr/local/go/bin:$PATH"
    );
    if !has_program("go") {
        bail!("Go {wanted} or newer is needed to build Kubernetes, and there is no `go` in PATH; {how}");
    }
    let found =
        String::from_utf8(step::output("ask for Go's version", Command::new("go").args(["env", "GOVERSION"]))?)?;
    ensure!(
        at_least(found.trim(), &wanted),
        "Go {wanted} or newer is needed to build Kubernetes, found {}; {how}",
        found.trim()
    );
    Ok(())
}

fn at_least(found: &str, wanted: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        text.trim_start_matches("go").split(['.', '-', ' ']).map_while(|n| n.parse().ok()).collect()
    };
    numbers(found) >= numbers(wanted)
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn compares_go_versions_by_number() {
        assert!(at_least("go1.26.8", "1.26.0"));
        assert!(at_least("go1.100.1", "1.26.0"));
        assert!(!at_least("go1.9.7", "1.26.0"));
        assert!(at_least("go1.26.0-custom", "1.26.0"));
    }
}
