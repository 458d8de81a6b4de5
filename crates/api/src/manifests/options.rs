//! What may be chosen at installation.
//!
//! Owns the options and their bounds. Must never let a text reach a policy's expression that is
//! not a label: the territory is compiled into CEL. No IO.

use bailiwick_core::names::ObjectName;

/// The label that draws the territory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Territory {
    key: String,
    value: String,
}

/// Why options cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Not the key of a label.
    #[error("{0:?} is not a label's key")]
    Key(String),
    /// Not the value of a label, or empty.
    #[error("{0:?} is not a label's value of at least one character")]
    Value(String),
    /// A label that does not say what an administrator meant to give away.
    #[error("the label {0:?} is set by Kubernetes itself and cannot draw the territory")]
    Reserved(String),
    /// Not an image reference.
    #[error("{0:?} is not an image reference")]
    Image(String),
    /// More or fewer replicas than make sense.
    #[error("the operator runs with 1 or 2 replicas, not {0}")]
    Replicas(u8),
}

/// Letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, at most 63 bytes.
fn is_label_text(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    text.len() <= 63 && text.bytes().all(inner) && edge(text.bytes().next()) && edge(text.bytes().last())
}

impl Territory {
    /// Parses the label.
    ///
    /// # Errors
    /// Names the part that is not a label's, or that every namespace carries anyway.
    pub fn parse(key: &str, value: &str) -> Result<Self, OptionsError> {
        let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
        if !is_label_text(name) || prefix.is_some_and(|p| ObjectName::parse(p).is_err()) {
            return Err(OptionsError::Key(key.to_owned()));
        }
        let reserved = |p: &str| ["kubernetes.io", "k8s.io"].iter().any(|r| p == *r || p.ends_with(&format!(".{r}")));
        if prefix.is_some_and(reserved) {
            return Err(OptionsError::Reserved(key.to_owned()));
        }
        if !is_label_text(value) {
            return Err(OptionsError::Value(value.to_owned()));
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }

    /// The label's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The label's value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl Default for Territory {
    fn default() -> Self {
        Self { key: "autofix".to_owned(), value: "true".to_owned() }
    }
}

/// When the kubelet pulls the operator's image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicy {
    /// Only where it is absent.
    #[default]
    IfNotPresent,
    /// At every start.
    Always,
    /// Never: it was loaded by hand.
    Never,
}

impl PullPolicy {
    /// As in a pod's specification.
    pub const fn as_str(self) -> &'static str {
        match self {
            PullPolicy::IfNotPresent => "IfNotPresent",
            PullPolicy::Always => "Always",
            PullPolicy::Never => "Never",
        }
    }
}

/// What may be chosen at installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallOptions {
    territory: Territory,
    image: String,
    replicas: u8,
    pull_policy: PullPolicy,
    log: String,
    failpoints: Option<String>,
}

impl InstallOptions {
    /// Options with an image and defaults: one replica, territory `autofix=true`.
    ///
    /// # Errors
    /// Fails where the image has blanks, control characters or no name.
    pub fn new(image: impl Into<String>) -> Result<Self, OptionsError> {
        let image = image.into();
        let sound = !image.is_empty() && image.len() <= 512 && image.bytes().all(|b| b.is_ascii_graphic());
        if !sound {
            return Err(OptionsError::Image(image));
        }
        Ok(Self {
            territory: Territory::default(),
            image,
            replicas: 1,
            pull_policy: PullPolicy::default(),
            log: "info".to_owned(),
            failpoints: None,
        })
    }

    /// Sets the territory.
    #[must_use]
    pub fn with_territory(mut self, territory: Territory) -> Self {
        self.territory = territory;
        self
    }

    /// Sets the number of replicas.
    ///
    /// # Errors
    /// Fails but for 1 and 2: more than one spare helps nobody.
    pub fn with_replicas(mut self, replicas: u8) -> Result<Self, OptionsError> {
        if !(1..=2).contains(&replicas) {
            return Err(OptionsError::Replicas(replicas));
        }
        self.replicas = replicas;
        Ok(self)
    }

    /// Sets when the image is pulled.
    #[must_use]
    pub fn with_pull_policy(mut self, policy: PullPolicy) -> Self {
        self.pull_policy = policy;
        self
    }

    /// Sets the log filter.
    #[must_use]
    pub fn with_log(mut self, log: impl Into<String>) -> Self {
        self.log = log.into();
        self
    }

    /// Arms fail points; only an operator built for tests heeds them.
    #[must_use]
    pub fn with_failpoints(mut self, failpoints: impl Into<String>) -> Self {
        self.failpoints = Some(failpoints.into());
        self
    }

    /// The territory.
    pub fn territory(&self) -> &Territory {
        &self.territory
    }

    pub(crate) fn image(&self) -> &str {
        &self.image
    }

    pub(crate) fn replicas(&self) -> u8 {
        self.replicas
    }

    pub(crate) fn pull_policy(&self) -> PullPolicy {
        self.pull_policy
    }

    pub(crate) fn log(&self) -> &str {
        &self.log
    }

    pub(crate) fn failpoints(&self) -> Option<&str> {
        self.failpoints.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_territory_is_a_label_and_nothing_else() {
        for (key, value) in [("autofix", "true"), ("example.com/heal", "yes-1")] {
            assert!(Territory::parse(key, value).is_ok(), "{key}={value}");
        }
        for (key, value) in [
            ("", "x"),
            ("a'b", "x"),
            ("a", ""),
            ("a", "x' || true || 'x"),
            ("a/b/c", "x"),
            ("kubernetes.io/metadata.name", "shop"),
            ("pod-security.kubernetes.io/enforce", "restricted"),
        ] {
            assert!(Territory::parse(key, value).is_err(), "{key}={value}");
        }
    }

    #[test]
    fn an_image_has_no_blanks() {
        assert!(InstallOptions::new("r.example:5000/x/operator:1").is_ok());
        assert!(InstallOptions::new("a b").is_err());
        assert!(InstallOptions::new("").is_err());
        let options = InstallOptions::new("a").unwrap();
        assert!(options.with_replicas(3).is_err());
    }
}
