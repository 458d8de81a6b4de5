//! Disruption budgets that allow nothing, or are about nothing.
//!
//! Owns the arithmetic of budgets. Must never report one that is exhausted because pods are unwell:
//! those have findings of their own. No IO.

use super::case::Case;
use super::text::quote;
use crate::finding::{Cause, Finding, Severity};
use crate::index::shape::Bound;
use crate::index::{Budget, Selector, Thing, View};
use crate::object::Kind;
use jiff::SignedDuration;

/// A budget and the replicas that it allows for are often set together.
const TOGETHER: SignedDuration = SignedDuration::from_secs(30);
/// A budget is often made before its pods.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// What is wrong with a budget.
pub(crate) fn find(case: &Case<'_>) -> Vec<Finding> {
    let Some((thing, budget)) = case.thing.and_then(|t| Some((t, t.budget()?))) else {
        return Vec::new();
    };
    if thing.head.marks.deleting() || budget.observed_generation < thing.head.generation {
        return Vec::new();
    }
    blocks(case, thing, budget).or_else(|| selects_nothing(case, thing, budget)).into_iter().collect()
}

fn blocks(case: &Case<'_>, thing: &Thing, budget: &Budget) -> Option<Finding> {
    let whole = budget.expected > 0 && budget.healthy >= budget.expected && budget.allowed == 0;
    let none_may_go = matches!(budget.max, Some(Bound::Count(0) | Bound::Percent(0)));
    if !whole || !(none_may_go || budget.wanted >= budget.expected) {
        return None;
    }
    let rule = match (budget.max, budget.min) {
        (Some(max), _) => format!("maxUnavailable {}", show(max)),
        (None, Some(min)) => format!("minAvailable {}", show(min)),
        (None, None) => "its rule".to_owned(),
    };
    let drained = drained(case.view, thing, budget);
    let (severity, tail) = match drained {
        Some(node) => (Severity::Warning, format!("; node {} cannot be drained", quote(node, 60))),
        None => (severity(case, thing, budget), "; a node that has one cannot be drained".to_owned()),
    };
    let text = format!("{rule} lets none of the {} healthy pods go{tail}", budget.expected);
    let value =
        format!("{} expected, {} healthy, {} must be, 0 may go", budget.expected, budget.healthy, budget.wanted);
    let evidence = case.own("status.disruptionsAllowed", &value);
    Some(Finding { evidence, ..case.draft(Cause::BudgetBlocks, severity, &text) })
}

/// A budget of one pod is common, and one that its owner keeps or that somebody explains is meant. Any other
/// was to let pods go, and never will.
fn severity(case: &Case<'_>, thing: &Thing, budget: &Budget) -> Severity {
    let meant = budget.expected < 2 || thing.head.owner.is_some() || thing.head.marks.explained();
    let never = !meant && !may_grow(case.view, thing, budget) && case.past(thing.head.created, TOGETHER);
    if never { Severity::Warning } else { Severity::Info }
}

/// True where an autoscaler may make more pods than must stay.
fn may_grow(view: View<'_>, thing: &Thing, budget: &Budget) -> bool {
    let (Some(selector), None, Some(Bound::Count(least))) = (budget.selector.as_deref(), budget.max, budget.min) else {
        return false;
    };
    let mut pods = view.pods_matching(&thing.head.namespace, selector);
    let workload = pods.next().and_then(|pod| view.subject_of(pod.key()));
    let scaler = workload.and_then(|w| view.autoscaler_of(w.kind, &thing.head.namespace, w.name.as_str()));
    scaler.and_then(Thing::hpa).is_some_and(|hpa| hpa.max > least)
}

fn show(bound: Bound) -> String {
    match bound {
        Bound::Count(count) => count.to_string(),
        Bound::Percent(share) => format!("{share}%"),
    }
}

/// A cordoned node that has one of the pods.
fn drained<'a>(view: View<'a>, thing: &'a Thing, budget: &'a Budget) -> Option<&'a str> {
    let selector = budget.selector.as_deref()?;
    let cordoned = |name: &&str| view.named(Kind::Node, "", name).and_then(Thing::node).is_some_and(|n| n.cordoned);
    if !view.things(Kind::Node).any(|t| t.node().is_some_and(|n| n.cordoned)) {
        return None;
    }
    view.pods_matching(&thing.head.namespace, selector).filter_map(|pod| pod.node()).find(cordoned)
}

fn selects_nothing(case: &Case<'_>, thing: &Thing, budget: &Budget) -> Option<Finding> {
    let selector = budget.selector.as_deref()?;
    let namespace = &thing.head.namespace;
    if budget.expected > 0 || !case.view.reads(Kind::Pod) || is_known(case.view, namespace, selector) {
        return None;
    }
    if !case.past(thing.head.created, GRACE) {
        return None;
    }
    let text = format!("the budget protects nothing: no pod has {}", quote(&selector.text(), 160));
    let evidence = case.own("spec.selector", &selector.text());
    Some(Finding { evidence, ..case.draft(Cause::BudgetSelectsNothing, Severity::Info, &text) })
}

/// True where a pod of the namespace matches, or pods that a workload would make.
pub(crate) fn is_known(view: View<'_>, namespace: &str, selector: &Selector) -> bool {
    view.pods_in(namespace).any(|pod| pod.matches(selector))
        || view.makers_in(namespace).any(|(_, w)| selector.matches(&w.template_labels))
}

#[cfg(test)]
mod tests;
