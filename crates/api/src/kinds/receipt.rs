//! `Receipt`: one signed, hash-chained statement.
//!
//! Owns the wire form and the name that makes creation a compare-and-swap. Must never be changed
//! once created. No IO.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Number of digits in a Receipt's name.
pub const NAME_DIGITS: usize = 12;

const NAME_RULE: &str = "self.metadata.name.matches('^[0-9]{12}$') && int(self.metadata.name) == self.spec.sequence";

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The id of the key: SHA-256 of the public key, lower-case hexadecimal.
    #[schemars(length(min = 1, max = 128))]
    pub keyid: String,
    /// The signature, base64.
    #[schemars(length(min = 1, max = 512))]
    pub sig: String,
}

/// A DSSE envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// What the payload is.
    #[schemars(length(min = 1, max = 128))]
    pub payload_type: String,
    /// The statement, base64.
    #[schemars(length(min = 1, max = 1_048_576))]
    pub payload: String,
    /// Signatures over type and payload.
    #[schemars(length(min = 1, max = 4))]
    pub signatures: Vec<Signature>,
}

/// A signed statement of what was decided and done. Immutable.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "bailiwick.dev",
    version = "v1alpha1",
    kind = "Receipt",
    plural = "receipts",
    namespaced,
    derive = "PartialEq",
    shortname = "rcp",
    category = "bailiwick",
    doc = "One signed, hash-chained statement of what was decided and done.",
    validation = Rule::new(NAME_RULE)
        .message("a receipt is named by its sequence number in twelve digits"),
    printcolumn = r#"{"name": "Sequence", "type": "integer", "jsonPath": ".spec.sequence"}"#,
    printcolumn = r#"{"name": "Hash", "type": "string", "jsonPath": ".spec.hash"}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name": "Previous", "type": "string", "jsonPath": ".spec.previous", "priority": 1}"#,
    printcolumn = r#"{"name": "Key", "type": "string", "jsonPath": ".spec.envelope.signatures[0].keyid", "priority": 1}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self == oldSelf").message("a receipt is immutable"))]
pub struct ReceiptSpec {
    /// Position in the log, from 0.
    #[schemars(range(min = 0, max = 999_999_999_999_i64))]
    pub sequence: i64,
    /// The signed statement.
    pub envelope: Envelope,
    /// SHA-256 of this receipt, lower-case hexadecimal.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"), length(max = 64))]
    pub hash: String,
    /// The hash of the receipt before; 64 zeros for the first.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"), length(max = 64))]
    pub previous: String,
}

/// The name of the Receipt at a position: creating it is the compare-and-swap of the log.
pub fn name_of(sequence: i64) -> String {
    format!("{sequence:0NAME_DIGITS$}")
}
