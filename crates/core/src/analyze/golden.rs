//! What a real cluster showed (Kubernetes 1.36.3, containerd 2), and what is found in it.

use super::analyze_all;
use crate::index::{Index, Observed};
use crate::object::Kind;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

#[derive(Deserialize)]
struct Capture {
    now: Timestamp,
    objects: Vec<Value>,
}

#[test]
fn real_faults_are_named_as_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/analyze/fixtures");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        let capture: Capture = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let mut index = Index::new();
        for object in capture.objects {
            let kind = Kind::parse(object["kind"].as_str().unwrap()).unwrap();
            index.apply(Observed::from_json(kind, object).unwrap().unwrap());
        }
        writeln!(text, "{}", file.file_stem().unwrap().to_string_lossy()).unwrap();
        for finding in analyze_all(&index.view(), capture.now) {
            writeln!(text, "  {} since {}\n    {}", finding.subject, finding.since, super::fixture::line(&finding))
                .unwrap();
            for evidence in &finding.evidence {
                writeln!(
                    text,
                    "    {} of {}",
                    evidence.id.split_once('#').map_or("event", |(_, path)| path),
                    evidence.object
                )
                .unwrap();
            }
        }
    }
    insta::assert_snapshot!(text);
}
