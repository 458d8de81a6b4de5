//! One copy of every text, label set and pod template.
//!
//! Owns the sharing. Must never keep what nothing else holds for long: unused copies are swept
//! whenever the set has doubled. No IO.

use super::hash::Set;
use super::template::Template;
use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

/// A shared text.
pub type Text = Arc<str>;

const FIRST_SWEEP: usize = 1024;

#[derive(Debug)]
struct Pool<T: ?Sized> {
    set: Set<Arc<T>>,
    sweep_at: usize,
}

impl<T: ?Sized> Default for Pool<T> {
    fn default() -> Self {
        Self { set: Set::default(), sweep_at: FIRST_SWEEP }
    }
}

impl<T: ?Sized + Eq + Hash> Pool<T> {
    fn get<Q>(&mut self, key: &Q) -> Option<Arc<T>>
    where
        Q: ?Sized + Eq + Hash,
        Arc<T>: Borrow<Q>,
    {
        self.set.get(key).cloned()
    }

    fn add(&mut self, value: Arc<T>) -> Arc<T> {
        if self.set.len() >= self.sweep_at {
            self.set.retain(|kept| Arc::strong_count(kept) > 1);
            self.set.shrink_to(self.set.len() * 2);
            self.sweep_at = FIRST_SWEEP.max(self.set.len() * 2);
        }
        self.set.insert(Arc::clone(&value));
        value
    }

    fn heap(&self, each: impl Fn(&T) -> usize) -> usize {
        // An Arc's heap block has two counters; a set's slot a pointer and a control byte.
        let slots = self.set.capacity() * (size_of::<Arc<T>>() + 1) * 8 / 7;
        slots + self.set.iter().map(|v| 16 + each(v)).sum::<usize>()
    }
}

/// A set of labels, sorted by key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Labels(Arc<[(Text, Text)]>);

impl Labels {
    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }
    /// The value of a label whose key is of the same pool: one copy of each text, so the address tells.
    pub(crate) fn pooled(&self, key: &Text) -> Option<&Text> {
        self.0.iter().find(|(k, _)| Arc::ptr_eq(k, key)).map(|(_, v)| v)
    }
    /// Every label, as it is in the pool.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = &(Text, Text)> {
        self.0.iter()
    }
    /// Every label.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (&**k, &**v))
    }
    /// True without labels.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self(Arc::from([]))
    }
}

/// All the pools.
#[derive(Debug, Default)]
pub(crate) struct Intern {
    texts: Pool<str>,
    labels: Pool<[(Text, Text)]>,
    templates: Pool<Template>,
}

impl Intern {
    pub(crate) fn text(&mut self, text: &str) -> Text {
        self.texts.get(text).unwrap_or_else(|| self.texts.add(Arc::from(text)))
    }

    /// `None` for an empty text.
    pub(crate) fn some_text(&mut self, text: &str) -> Option<Text> {
        (!text.is_empty()).then(|| self.text(text))
    }

    pub(crate) fn labels<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Labels {
        let pairs: Vec<(Text, Text)> = pairs.map(|(k, v)| (self.text(k), self.text(v))).collect();
        let found = self.labels.get(pairs.as_slice());
        Labels(found.unwrap_or_else(|| self.labels.add(Arc::from(pairs))))
    }

    pub(crate) fn template(&mut self, template: Template) -> Arc<Template> {
        self.templates.get(&template).unwrap_or_else(|| self.templates.add(Arc::new(template)))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.texts.heap(str::len)
            + self.labels.heap(size_of_val)
            + self.templates.heap(|t| size_of::<Template>() + t.heap_bytes())
    }
}
