//! Label selectors: what they match.
//!
//! Owns the meaning of `matchLabels` and `matchExpressions`. Must never match by an operator it
//! does not know. No IO.

use super::intern::{Intern, Labels, Text};
use super::shape::{ExpressionShape, SelectorShape};

/// A label selector. Empty, it matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Pairs that must all be there.
    pub labels: Labels,
    /// What else must hold.
    pub rules: Box<[Rule]>,
}

/// One requirement of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    key: Text,
    operator: Operator,
    values: Box<[Text]>,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    Greater,
    Less,
    Unknown,
}

impl Selector {
    pub(crate) fn read(intern: &mut Intern, shape: &SelectorShape) -> Self {
        let pairs = shape.match_labels.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        Self { labels: intern.labels(pairs), rules: read_rules(intern, &shape.match_expressions) }
    }

    pub(crate) fn of_terms(intern: &mut Intern, expressions: &[ExpressionShape]) -> Self {
        Self { labels: Labels::default(), rules: read_rules(intern, expressions) }
    }

    /// True where it matches everything.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.rules.is_empty()
    }

    /// True where it matches an object with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_by(|key| labels.get(key))
    }

    /// The same, for labels that are looked up.
    pub(crate) fn matches_by<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.labels.iter().all(|(key, value)| label(key) == Some(value)) && self.rules.iter().all(|r| r.holds(&label))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.rules.iter().map(|rule| size_of::<Rule>() + size_of_val(&*rule.values)).sum()
    }

    /// For people, as `kubectl` writes it.
    pub fn text(&self) -> String {
        let pairs = self.labels.iter().map(|(k, v)| format!("{k}={v}"));
        let all: Vec<String> = pairs.chain(self.rules.iter().map(Rule::text)).collect();
        all.join(",")
    }
}

fn read_rules(intern: &mut Intern, expressions: &[ExpressionShape]) -> Box<[Rule]> {
    let rules = expressions.iter().map(|e| Rule {
        key: intern.text(&e.key),
        operator: match e.operator.as_str() {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => Operator::Greater,
            "Lt" => Operator::Less,
            _ => Operator::Unknown,
        },
        values: e.values.iter().map(|v| intern.text(v)).collect(),
    });
    rules.collect()
}

impl Rule {
    fn holds<'l>(&self, label: &impl Fn(&str) -> Option<&'l str>) -> bool {
        let value = label(&self.key);
        let named = value.is_some_and(|value| self.values.iter().any(|v| **v == *value));
        let number = |text: &str| text.parse::<i64>().ok();
        let wanted = self.values.first().and_then(|v| number(v));
        let ordered = value.and_then(number).zip(wanted);
        match self.operator {
            Operator::In => named,
            Operator::NotIn => !named,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Greater => ordered.is_some_and(|(is, than)| is > than),
            Operator::Less => ordered.is_some_and(|(is, than)| is < than),
            Operator::Unknown => false,
        }
    }

    fn text(&self) -> String {
        let values = self.values.join(",");
        match self.operator {
            Operator::In => format!("{} in ({values})", self.key),
            Operator::NotIn => format!("{} notin ({values})", self.key),
            Operator::Exists => self.key.to_string(),
            Operator::DoesNotExist => format!("!{}", self.key),
            Operator::Greater => format!("{}>{values}", self.key),
            Operator::Less => format!("{}<{values}", self.key),
            Operator::Unknown => format!("{} ?", self.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_requirement_must_hold() {
        let mut intern = Intern::default();
        let labels = intern.labels([("app", "web"), ("cpus", "8")].into_iter());
        let cases = [
            (json!({}), true),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "wed"}}), false),
            (json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "cpus", "operator": "Gt", "values": ["4"]}]}), true),
            (json!({"matchExpressions": [{"key": "cpus", "operator": "Lt", "values": ["4"]}]}), false),
            (json!({"matchExpressions": [{"key": "app", "operator": "Like", "values": ["web"]}]}), false),
            (json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}), false),
        ];
        for (shape, wanted) in cases {
            let selector = Selector::read(&mut intern, &serde_json::from_value(shape.clone()).unwrap());
            assert_eq!(selector.matches(&labels), wanted, "{shape}");
        }
    }
}
