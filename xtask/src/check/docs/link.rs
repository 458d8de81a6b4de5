//! Whether links and paths in documents lead somewhere. Looks at the file system; fetches nothing, so that links to the world are not checked.

use std::path::{Component, Path, PathBuf};

use super::markdown::{At, Document};

/// Why a link leads nowhere.
pub(in crate::check) fn fault(root: &Path, documents: &[Document], from: &Document, link: &At) -> Option<String> {
    if link.text.contains("://") || link.text.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.text.split_once('#').map_or((link.text.as_str(), None), |(p, a)| (p, Some(a)));
    let place = format!("{}:{}", from.path, link.line);
    let target = if path.is_empty() { PathBuf::from(&from.path) } else { beside(&from.path, path) };
    if !root.join(&target).exists() {
        return Some(format!("{place}: nothing is at `{}`", link.text));
    }
    let document = documents.iter().find(|d| Path::new(&d.path) == target)?;
    let anchor = anchor.filter(|a| !document.anchors.iter().any(|known| known == a))?;
    Some(format!("{place}: {} has no heading `#{anchor}`", document.path))
}

/// `../x` seen from a document, without going through the file system.
fn beside(document: &str, path: &str) -> PathBuf {
    let mut target = Path::new(document).parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => _ = target.pop(),
            Component::Normal(name) => target.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    target
}

/// A path of the repository that is not there.
pub(in crate::check) fn missing_path(root: &Path, from: &Document, path: &At) -> Option<String> {
    let there = root.join(&path.text).exists();
    (!there).then(|| format!("{}:{}: nothing is at `{}`", from.path, path.line, path.text))
}
