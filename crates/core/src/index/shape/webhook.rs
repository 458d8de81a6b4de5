//! Webhook configurations of either sort, as far as they are read.
//!
//! Owns their fields. Must never keep a URL. No IO.

use super::lenient::{Present, or_default};
use super::meta::Meta;
use super::pod::shape;
use serde::Deserialize;

shape! {
    /// A webhook configuration.
    WebhooksShape {
        #[serde(deserialize_with = "or_default")] metadata: Meta,
        #[serde(deserialize_with = "or_default")] webhooks: Vec<WebhookShape>,
    }
}

shape! {
    /// One webhook.
    WebhookShape {
        #[serde(deserialize_with = "or_default")] name: String,
        #[serde(deserialize_with = "or_default")] client_config: ClientConfigShape,
        #[serde(deserialize_with = "or_default")] failure_policy: String,
        timeout_seconds: Option<i32>,
        #[serde(deserialize_with = "or_default")] rules: Vec<WebhookRuleShape>,
    }
}

shape! {
    /// Where a webhook is called.
    ClientConfigShape {
        url: Option<Present>,
        service: Option<WebhookServiceShape>,
        #[serde(deserialize_with = "or_default")] ca_bundle: String,
    }
}

shape! {
    /// The Service that serves a webhook.
    WebhookServiceShape {
        #[serde(deserialize_with = "or_default")] namespace: String,
        #[serde(deserialize_with = "or_default")] name: String,
        port: Option<u16>,
    }
}

shape! {
    /// Which requests a webhook is asked about.
    WebhookRuleShape {
        #[serde(deserialize_with = "or_default")] operations: Vec<String>,
        #[serde(deserialize_with = "or_default")] api_groups: Vec<String>,
        #[serde(deserialize_with = "or_default")] resources: Vec<String>,
    }
}
