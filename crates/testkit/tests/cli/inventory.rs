//! Everything that the API server holds, to tell what an installation leaves behind.

use std::collections::BTreeSet;

use bailiwick_testkit::{Result, TestCluster};
use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::discovery::{Discovery, verbs};
use kube::{Api, ResourceExt as _};

/// What comes and goes by itself.
const PASSING: [&str; 5] = ["CertificateSigningRequest", "Event", "Lease", "PodMetrics", "NodeMetrics"];

/// Kind, namespace and name of every object, but those of the namespaces `of` tests.
pub(crate) async fn inventory(cluster: &TestCluster, of: &[&str]) -> Result<BTreeSet<String>> {
    let client = cluster.admin();
    let found = Discovery::new(client.clone()).run().await?;
    let mut all = BTreeSet::new();
    for (resource, capabilities) in found.groups().flat_map(|group| group.recommended_resources()) {
        if PASSING.contains(&resource.kind.as_str()) || !capabilities.supports_operation(verbs::LIST) {
            continue;
        }
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let list = match api.list_metadata(&ListParams::default()).await {
            // A kind that is going.
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            other => other?,
        };
        let told = list.iter().map(|o| (o.namespace().unwrap_or_default(), o.name_any()));
        let others = told.filter(|(place, name)| !of.contains(&place.as_str()) && !of.contains(&name.as_str()));
        all.extend(others.map(|(place, name)| format!("{} {place}/{name}", resource.kind)));
    }
    Ok(all)
}
