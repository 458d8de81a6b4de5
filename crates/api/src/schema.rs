//! The CustomResourceDefinitions as installed: the derived schemas, with every size bounded.
//!
//! Owns what the derive leaves open: a most for every text, list and map (the API server prices
//! CEL rules by them), and removal of what the API server does not know. No IO.

use crate::{Approval, Change, Incident, Mandate, Receipt};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

/// Bounds for what carries none of its own.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    text: i64,
    items: i64,
    properties: i64,
}

/// People write specifications.
const SPEC: Bounds = Bounds { text: 1024, items: 64, properties: 32 };

/// The operator writes status; a plan holds whole objects as text of at most 128 KiB each.
const STATUS: Bounds = Bounds { text: 192 * 1024, items: 512, properties: 64 };

/// Integer formats that the API server knows.
const INTEGER_FORMATS: &[&str] = &["int32", "int64"];

/// The definitions of every kind, in the order of installation.
pub fn crds() -> Vec<CustomResourceDefinition> {
    [Incident::crd(), Mandate::crd(), Change::crd(), Approval::crd(), Receipt::crd()].into_iter().map(bounded).collect()
}

/// A definition whose schema bounds every text, list and map.
fn bounded(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let schema = version.schema.as_mut();
        let Some(root) = schema.and_then(|s| s.open_api_v3_schema.as_mut()) else {
            continue;
        };
        root.title = None;
        for (name, property) in root.properties.iter_mut().flatten() {
            match name.as_str() {
                "spec" => bound(property, SPEC),
                "status" => bound(property, STATUS),
                _ => {}
            }
        }
    }
    crd
}

fn bound(schema: &mut JSONSchemaProps, bounds: Bounds) {
    schema.title = None;
    match schema.type_.as_deref() {
        Some("string") if schema.enum_.is_none() && schema.format.is_none() => {
            schema.max_length.get_or_insert(bounds.text);
        }
        Some("array") => {
            schema.max_items.get_or_insert(bounds.items);
        }
        Some("integer") => {
            schema.format = schema.format.take().filter(|format| INTEGER_FORMATS.contains(&format.as_str()));
        }
        _ => {}
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        bound(items, bounds);
    }
    bound_properties(schema, bounds);
}

fn bound_properties(schema: &mut JSONSchemaProps, bounds: Bounds) {
    match &mut schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => {
            bound(values, bounds);
            schema.max_properties.get_or_insert(bounds.properties);
        }
        // A structural schema refuses what it does not name; the API server knows no `false` here.
        Some(JSONSchemaPropsOrBool::Bool(_)) => schema.additional_properties = None,
        None => {}
    }
    for (name, property) in schema.properties.iter_mut().flatten() {
        if name == "conditions" {
            property.x_kubernetes_list_type = Some("map".to_owned());
            property.x_kubernetes_list_map_keys = Some(vec!["type".to_owned()]);
            property.max_items.get_or_insert(16);
        }
        bound(property, bounds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_ends(path: &str, schema: &JSONSchemaProps, found: &mut Vec<String>) {
        let open = match schema.type_.as_deref() {
            Some("string") => schema.enum_.is_none() && schema.format.is_none() && schema.max_length.is_none(),
            Some("array") => schema.max_items.is_none(),
            _ => schema.additional_properties.is_some() && schema.max_properties.is_none(),
        };
        if open {
            found.push(path.to_owned());
        }
        if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
            open_ends(&format!("{path}[]"), items, found);
        }
        for (name, property) in schema.properties.iter().flatten() {
            open_ends(&format!("{path}.{name}"), property, found);
        }
    }

    #[test]
    fn every_size_of_spec_and_status_is_bounded() {
        for crd in crds() {
            let schema = crd.spec.versions[0].schema.clone().unwrap();
            let root = schema.open_api_v3_schema.unwrap();
            let mut found = Vec::new();
            for (name, property) in root.properties.iter().flatten() {
                if name == "spec" || name == "status" {
                    open_ends(name, property, &mut found);
                }
            }
            assert!(found.is_empty(), "{:?}: {found:?}", crd.metadata.name);
        }
    }

    #[test]
    fn exactly_one_action_may_be_set() {
        let crd = Change::crd();
        let text = serde_json::to_string(&crd).unwrap();
        let actions = bailiwick_core::action::ChangeType::ALL.len();
        assert!(text.contains(r#""oneOf":[{"required":["rolloutUndo"]}"#));
        assert!(text.matches(r#"{"required":["#).count() >= actions);
    }
}
