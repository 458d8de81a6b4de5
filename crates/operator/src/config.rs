//! Configuration: raw flags and environment, resolved once.
//!
//! Owns every flag of the operator; nothing else reads the environment. Must never hold what a
//! Mandate says: delays and limits are read from there. Reads no files.

use bailiwick_core::fence;
use bailiwick_core::names::{NameError, Namespace, ObjectName};
use bailiwick_kit::lease::Times;
use bailiwick_kit::telemetry::Format;
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The flags as given.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "bailiwick-operator",
    version,
    about = "Finds what is wrong in a cluster, proposes changes and executes what was decided"
)]
pub struct Flags {
    /// Key of the label that draws the territory; fixed at install
    #[arg(long, env = "BAILIWICK_TERRITORY_KEY", default_value = "autofix")]
    territory_key: String,
    /// Value of the label that draws the territory; fixed at install
    #[arg(long, env = "BAILIWICK_TERRITORY_VALUE", default_value = "true")]
    territory_value: String,
    /// Where to serve /livez, /readyz and /metrics
    #[arg(long, env = "BAILIWICK_ADMIN_LISTEN", default_value = "0.0.0.0:9090")]
    admin_listen: SocketAddr,
    /// Directory that holds the signing key (a mounted Secret)
    #[arg(long, env = "BAILIWICK_SIGNING_KEY_DIR", default_value = "/var/run/secrets/bailiwick.dev/signing")]
    signing_key_dir: PathBuf,
    /// User name the operator is known by to the API server
    #[arg(
        long,
        env = "BAILIWICK_USERNAME",
        default_value = "system:serviceaccount:bailiwick-system:bailiwick-operator"
    )]
    username: String,
    /// Name of this replica in the leader election; the pod's name
    #[arg(long, env = "BAILIWICK_IDENTITY", default_value = "outside")]
    identity: String,
    /// Seconds after which a leader that does not renew is replaced
    #[arg(long, env = "BAILIWICK_LEASE_SECONDS", default_value_t = 15)]
    lease_seconds: u64,
    /// Seconds a leader tries to renew before it stops by itself
    #[arg(long, env = "BAILIWICK_RENEW_SECONDS", default_value_t = 10)]
    renew_seconds: u64,
    /// Seconds between two attempts to take or renew the lease
    #[arg(long, env = "BAILIWICK_RETRY_SECONDS", default_value_t = 2)]
    retry_seconds: u64,
    /// Seconds after which a connection to the API server that says nothing is given up
    #[arg(long, env = "BAILIWICK_SILENCE_SECONDS", default_value_t = 55, value_parser = clap::value_parser!(u64).range(5..=300))]
    silence_seconds: u64,
    /// Seconds that running work gets to stop after SIGTERM
    #[arg(long, env = "BAILIWICK_DRAIN_SECONDS", default_value_t = 20)]
    drain_seconds: u64,
    /// Kubeconfig, to run outside the cluster
    #[arg(long, env = "KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long)]
    context: Option<String>,
    /// Log filter, such as `info` or `bailiwick_operator=debug,info`
    #[arg(long, env = "BAILIWICK_LOG", default_value = "info")]
    log: String,
    /// Log lines as `json` or `text`
    #[arg(long, env = "BAILIWICK_LOG_FORMAT", value_enum, default_value_t = Format::Json)]
    log_format: Format,
}

/// The label that draws the territory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Territory {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// The configuration as resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The label that draws the territory.
    pub territory: Territory,
    /// Namespace of the product's own parts.
    pub system_namespace: Namespace,
    /// Namespace of one-shot accounts and of the fence.
    pub grants_namespace: Namespace,
    /// Where to serve the admin port.
    pub admin_listen: SocketAddr,
    /// Directory that holds the signing key.
    pub signing_key_dir: PathBuf,
    /// User name the operator is known by to the API server.
    pub username: String,
    /// Name of this replica in the leader election.
    pub identity: String,
    /// How leadership is held.
    pub lease: Times,
    /// After which a connection to the API server that says nothing is given up.
    pub silence: Duration,
    /// How long running work gets to stop.
    pub drain: Duration,
    /// Kubeconfig, to run outside the cluster.
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig.
    pub context: Option<String>,
    /// Log filter.
    pub log: String,
    /// The form of log lines.
    pub log_format: Format,
}

/// Why the flags make no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A text breaks a rule.
    #[error("--{flag}: {text:?} {why}")]
    Text {
        /// The flag.
        flag: &'static str,
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Lease times that cannot keep two leaders apart.
    #[error(
        "--retry-seconds ({retry}) must be less than --renew-seconds ({renew}), and that less than --lease-seconds ({lease})"
    )]
    Lease {
        /// Seconds between attempts.
        retry: u64,
        /// Seconds to the own deadline.
        renew: u64,
        /// Seconds to replacement.
        lease: u64,
    },
    /// A built-in name breaks a rule.
    #[error("built-in name: {0}")]
    Name(#[from] NameError),
}

impl Flags {
    /// The configuration that the flags mean.
    ///
    /// # Errors
    /// Names the flag whose value cannot be used.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        check("territory-key", &self.territory_key, is_label_key)?;
        check("territory-value", &self.territory_value, is_label_value)?;
        check("username", &self.username, is_username)?;
        check("identity", &self.identity, is_username)?;
        Ok(Config {
            lease: self.lease_times()?,
            territory: Territory { key: self.territory_key, value: self.territory_value },
            system_namespace: Namespace::parse(fence::SYSTEM_NAMESPACE)?,
            grants_namespace: Namespace::parse(fence::GRANTS_NAMESPACE)?,
            admin_listen: self.admin_listen,
            signing_key_dir: self.signing_key_dir,
            username: self.username,
            identity: self.identity,
            silence: Duration::from_secs(self.silence_seconds),
            drain: Duration::from_secs(self.drain_seconds),
            kubeconfig: self.kubeconfig,
            context: self.context,
            log: self.log,
            log_format: self.log_format,
        })
    }

    fn lease_times(&self) -> Result<Times, ConfigError> {
        let (retry, renew, lease) = (self.retry_seconds, self.renew_seconds, self.lease_seconds);
        if retry == 0 || retry >= renew || renew >= lease {
            return Err(ConfigError::Lease { retry, renew, lease });
        }
        Ok(Times {
            duration: Duration::from_secs(lease),
            renew_deadline: Duration::from_secs(renew),
            retry_period: Duration::from_secs(retry),
        })
    }
}

type Rule = fn(&str) -> Result<(), &'static str>;

fn check(flag: &'static str, text: &str, rule: Rule) -> Result<(), ConfigError> {
    rule(text).map_err(|why| ConfigError::Text { flag, text: text.to_owned(), why })
}

/// The API server's rule for a label's name or value, but for the empty text.
fn is_label_text(text: &str) -> Result<(), &'static str> {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    if text.len() > 63 {
        return Err("is longer than 63 characters");
    }
    if !text.bytes().all(inner) || !edge(text.bytes().next()) || !edge(text.bytes().last()) {
        return Err("is not letters, digits, '-', '_' and '.' with a letter or digit at both ends");
    }
    Ok(())
}

fn is_label_key(text: &str) -> Result<(), &'static str> {
    match text.split_once('/') {
        None => is_label_text(text),
        Some((prefix, name)) => {
            if ObjectName::parse(prefix).is_err() {
                return Err("has a prefix that is not a DNS subdomain");
            }
            is_label_text(name)
        }
    }
}

/// An empty value would make every namespace without a value part of the territory by accident.
fn is_label_value(text: &str) -> Result<(), &'static str> {
    is_label_text(text)
}

fn is_username(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 253 || text.chars().any(|c| c.is_control() || c == ' ') {
        return Err("is empty, too long or has blanks");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(args: &[&str]) -> Result<Config, ConfigError> {
        let all = std::iter::once("bailiwick-operator").chain(args.iter().copied());
        Flags::try_parse_from(all).unwrap().resolve()
    }

    #[test]
    fn defaults_are_those_of_the_installation() {
        let config = resolve(&[]).unwrap();
        assert_eq!(config.territory.key, "autofix");
        assert_eq!(config.grants_namespace.as_str(), "bailiwick-grants");
    }

    #[test]
    fn errors_name_the_flag() {
        for (args, flag) in [
            (["--territory-key", "a b"], "--territory-key"),
            (["--territory-key", "/x"], "--territory-key"),
            (["--territory-value", ""], "--territory-value"),
            (["--username", ""], "--username"),
            (["--identity", "a b"], "--identity"),
            (["--lease-seconds", "3"], "--lease-seconds"),
        ] {
            let error = resolve(&args).unwrap_err().to_string();
            assert!(error.contains(flag), "{args:?}: {error}");
        }
    }
}
