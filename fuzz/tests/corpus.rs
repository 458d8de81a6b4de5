//! The kept corpus, through every target: what was once found stays mended.
//!
//! Reads `fuzz/corpus`.

use bailiwick_fuzz::{TARGETS, genuine_log};
use std::path::Path;

#[test]
fn every_kept_input_passes_its_target() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in TARGETS {
        let folder = kept.join(target.name);
        let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{} has no corpus", target.name);
        for file in files {
            // The name of the input that fails is what one needs to know.
            let input = std::fs::read(&file).unwrap();
            let ended = std::panic::catch_unwind(|| (target.run)(&input));
            assert!(ended.is_ok(), "{} fails on {}", target.name, file.display());
        }
    }
}

#[test]
fn every_folder_of_the_corpus_has_its_target() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for folder in std::fs::read_dir(kept).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(bailiwick_fuzz::find(&name).is_some(), "{name} is the corpus of no target");
    }
}

#[test]
fn the_corpus_of_receipts_holds_the_genuine_log() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/receipts/genuine");
    assert_eq!(String::from_utf8(std::fs::read(kept).unwrap()), String::from_utf8(genuine_log().to_vec()));
}
