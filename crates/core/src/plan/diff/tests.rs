//! Tests of the guarded patch: it turns `before` into `after`, and nothing else into anything.

use super::*;
use proptest::prelude::*;

fn parsed(patch: &[Value]) -> json_patch::Patch {
    serde_json::from_value(json!(patch)).unwrap()
}

fn applied(patch: &[Value], object: &Value) -> Option<Value> {
    let mut object = object.clone();
    json_patch::patch(&mut object, &parsed(patch)).ok().map(|()| object)
}

fn tested(patch: &[Value]) -> Vec<&str> {
    patch.iter().filter(|o| o["op"] == "test").filter_map(|o| o["path"].as_str()).collect()
}

#[test]
fn a_patch_tests_every_old_value_it_touches() {
    let before = json!({"spec": {"image": "a", "replicas": 1, "old": true}});
    let after = json!({"spec": {"image": "b", "replicas": 1}});
    let (patch, changed) = guarded_patch(&before, &after);
    assert_eq!(tested(&patch), ["/spec/image", "/spec/old"]);
    assert_eq!(changed, ["/spec/image", "/spec/old"]);
    assert_eq!(applied(&patch, &before), Some(after));
    let mut drifted = before;
    drifted["spec"]["image"] = json!("c");
    assert_eq!(applied(&patch, &drifted), None);
}

#[test]
fn an_item_with_a_name_is_changed_only_under_that_name() {
    let pair = |a: Value, b: Value| json!({"spec": {"containers": [a, b]}});
    let before = pair(json!({"name": "app", "image": "r:1"}), json!({"name": "log", "image": "r:1"}));
    let after = pair(json!({"name": "app", "image": "r:2"}), json!({"name": "log", "image": "r:1"}));
    let (patch, _) = guarded_patch(&before, &after);
    assert_eq!(tested(&patch), ["/spec/containers/0/name", "/spec/containers/0/image"]);
    let swapped = pair(json!({"name": "log", "image": "r:1"}), json!({"name": "app", "image": "r:1"}));
    assert_eq!(applied(&patch, &swapped), None, "the same old value under another name");
}

#[test]
fn where_a_key_is_added_it_must_still_be_absent() {
    let before = json!({"spec": {"a": 1}});
    let (patch, _) = guarded_patch(&before, &json!({"spec": {"a": 1, "b": 2}}));
    assert_eq!(tested(&patch), ["/spec"]);
    assert_eq!(applied(&patch, &json!({"spec": {"a": 1, "b": 3}})), None);
}

#[test]
fn a_list_of_another_length_is_replaced_as_a_whole_and_only_as_it_was() {
    let before = json!({"spec": {"args": ["a", "b"]}});
    let (patch, changed) = guarded_patch(&before, &json!({"spec": {"args": ["a"]}}));
    assert_eq!(changed, ["/spec/args"]);
    assert_eq!(applied(&patch, &json!({"spec": {"args": ["a", "b", "c"]}})), None);
}

#[test]
fn keys_with_slashes_and_tildes_are_one_segment() {
    let before = json!({"metadata": {"annotations": {"a/b~c": "1", "a": {"b~c": "2"}}}});
    let mut after = before.clone();
    after["metadata"]["annotations"]["a/b~c"] = json!("3");
    let (patch, changed) = guarded_patch(&before, &after);
    assert_eq!(changed, ["/metadata/annotations/a~1b~0c"]);
    assert_eq!(applied(&patch, &before), Some(after));
}

/// JSON whose keys and values collide often, so that before and after share much.
fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3i64).prop_map(Value::from),
        "[ab]".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 4, |inner| {
        let key = prop_oneof![Just("name".to_owned()), "[a-c]", Just("x/y".to_owned()), Just("~1".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// An object as the API server serves one: its root always has the same fields.
fn any_object() -> impl Strategy<Value = Value> {
    (any_json(), any_json()).prop_map(|(metadata, spec)| json!({"metadata": metadata, "spec": spec}))
}

/// A change of one place, or another object altogether.
fn any_pair() -> impl Strategy<Value = (Value, Value)> {
    prop_oneof![
        (any_object(), any_object()),
        (any_object(), any_json(), any::<prop::sample::Index>()).prop_map(|(before, value, at)| {
            let mut after = before.clone();
            let places = places(&after);
            *after.pointer_mut(&places[at.index(places.len())]).unwrap() = value;
            (before, after)
        }),
    ]
}

/// Pointers of everything below the root.
fn places(object: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, out: &mut Vec<String>) {
        let mut below = |key: &str, value: &Value| {
            let at = format!("{at}/{}", token(key));
            out.push(at.clone());
            walk(value, &at, out);
        };
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| below(key, value)),
            Value::Array(items) => items.iter().enumerate().for_each(|(i, value)| below(&i.to_string(), value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut out = Vec::new();
    walk(object, "", &mut out);
    out
}

/// Puts another value where `before` had one or none; false if the parent cannot hold one.
fn drift(object: &mut Value, at: &str, value: &Value) -> bool {
    if let Some(place) = object.pointer_mut(at) {
        let moved = place != value;
        *place = value.clone();
        return moved;
    }
    let Some((parent, key)) = at.rsplit_once('/') else { return false };
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.insert(key.replace("~1", "/").replace("~0", "~"), value.clone());
            true
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_patch_turns_before_into_after((before, after) in any_pair()) {
        let (patch, changed) = guarded_patch(&before, &after);
        prop_assert_eq!(applied(&patch, &before), Some(after.clone()));
        prop_assert_eq!(changed.is_empty(), before == after);
    }

    #[test]
    fn the_patch_applies_to_nothing_in_which_one_touched_place_differs(
        (before, after) in any_pair(), other in any_json(), which in any::<prop::sample::Index>()
    ) {
        let (patch, changed) = guarded_patch(&before, &after);
        prop_assume!(!changed.is_empty());
        let mut drifted = before.clone();
        prop_assume!(drift(&mut drifted, &changed[which.index(changed.len())], &other));
        prop_assert_eq!(applied(&patch, &drifted), None, "{} applies to {}", json!(patch), drifted);
    }

    #[test]
    fn every_place_that_differs_lies_at_or_below_one_that_is_named((before, after) in any_pair()) {
        let (_, changed) = guarded_patch(&before, &after);
        let named = |at: &str| changed.iter().any(|c| at == c || at.starts_with(&format!("{c}/")));
        let leaf = |v: &Value| !matches!(v, Value::Object(_) | Value::Array(_));
        for at in places(&before).iter().chain(&places(&after)) {
            let (old, new) = (before.pointer(at), after.pointer(at));
            if old != new && old.is_none_or(leaf) && new.is_none_or(leaf) {
                prop_assert!(named(at), "{at} is not among {changed:?}");
            }
        }
    }
}
