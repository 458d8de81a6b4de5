//! Drill 5: the signed record is exported and verified offline; one flipped byte is found.
//!
//! Owns a directory of its own for the files. Must never touch the cluster's Receipts. Reads from
//! the API server; writes and reads files.

use crate::demo::drill::Drill;
use crate::demo::ground::{Ground, name_of, record_of};
use crate::demo::scene::Scene;
use crate::demo::story::{Seen, Stop, Told};
use crate::installed;
use crate::words::count;
use bailiwick_api::Receipt;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use kube::Api;
use kube::api::ListParams;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Runs the drill.
pub(in crate::demo) async fn run(ground: &Ground, scene: &Scene<'_>) -> Told {
    let dir = std::env::temp_dir().join(format!("bailiwick-demo-{}", std::process::id()));
    let failed = |e: std::io::Error| Stop::broken(format!("cannot use {}: {e}", dir.display()));
    std::fs::create_dir_all(&dir).map_err(failed)?;
    let played = verify(ground, scene, &dir).await;
    std::fs::remove_dir_all(&dir).map_err(failed)?;
    played
}

async fn verify(ground: &Ground, scene: &Scene<'_>, dir: &Path) -> Told {
    every_end_is_stated(ground, scene).await?;
    let (log, key) = (dir.join("receipts.jsonl"), dir.join("receipts.pub"));
    scene.step("the receipts are exported, and verified with the public key that `bailiwick install` printed");
    let public = installed::public_key(&ground.cluster).await.map_err(|f| Stop::broken(f.to_string()))?;
    let public = public.ok_or_else(|| Stop::broken("the installation states no public key"))?;
    write(&key, public.to_pem().as_bytes())?;
    let (log_text, key_text) = (log.display().to_string(), key.display().to_string());
    let said = ground.yourself.run(scene, None, &["receipts", "export", "-f", &log_text]).await?;
    if said.code != Some(0) {
        return Err(Stop::broken(format!("the export failed: {}", said.text())));
    }
    let words = ["receipts", "verify", &log_text, "--key", &key_text];
    let said = ground.yourself.run(scene, None, &words).await?;
    let expectation = scene.expect("the log is sound", "exit code 0");
    let first = said.out.lines().next().unwrap_or_default().to_owned();
    expectation.need(Seen::when(said.code == Some(0), format!("{}: {first}", said.ended())))?;
    scene.step("one bit of one byte is flipped, in the middle of the file");
    let bytes = std::fs::read(&log).map_err(|e| Stop::broken(e.to_string()))?;
    let (flipped, line) = flip(bytes).ok_or_else(|| Stop::broken("the export is empty"))?;
    write(&log, &flipped)?;
    let said = ground.yourself.run(scene, None, &words).await?;
    let wanted = format!("line {line} (receipt {})", line - 1);
    let expectation = scene.expect("the flipped byte is found", format!("exit code 1, naming {wanted}"));
    for text in said.out.lines() {
        scene.quote(text);
    }
    let right = said.code == Some(1) && said.out.contains(&wanted);
    expectation.saw(Seen::when(right, format!("{}, {wanted}", said.ended())));
    Ok(())
}

/// Flips the lowest bit of the byte in the middle; names its line, from 1.
fn flip(mut bytes: Vec<u8>) -> Option<(Vec<u8>, usize)> {
    let ends = bytes.iter().filter(|b| **b == b'\n').count();
    // The last line is the checkpoint: the one in the middle of the rest is a receipt.
    let wanted = ends.checked_sub(1)?.div_ceil(2).max(1);
    let start = match wanted {
        1 => 0,
        _ => bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(wanted - 2)?.0 + 1,
    };
    let length = bytes.get(start..)?.iter().position(|b| *b == b'\n')?;
    let byte = bytes.get_mut(start + length / 2)?;
    *byte ^= 1;
    Some((bytes, wanted))
}

fn write(path: &PathBuf, bytes: &[u8]) -> Told {
    std::fs::write(path, bytes).map_err(|e| Stop::broken(format!("cannot write {}: {e}", path.display())))
}

/// Every Change of the demo that has ended names a receipt of that end, and it exists.
async fn every_end_is_stated(ground: &Ground, scene: &Scene<'_>) -> Told {
    scene.step("every change of the demo that has ended is looked at");
    let receipts: Api<Receipt> = Api::namespaced(ground.cluster.client.clone(), SYSTEM_NAMESPACE);
    let failed = |e: kube::Error| Stop::broken(ground.cluster.fault("list receipts and changes", &e).to_string());
    let stored = receipts.list_metadata(&ListParams::default()).await.map_err(failed)?;
    let stored: BTreeSet<String> = stored.items.into_iter().filter_map(|r| r.metadata.name).collect();
    let (mut ended, mut unstated) = (0, Vec::new());
    for (namespace, _) in Drill::ALL.iter().flat_map(|d| d.namespaces()) {
        let changes = ground.changes(&ground.ns(namespace)).list(&ListParams::default()).await.map_err(failed)?;
        for change in changes.items {
            let record = record_of(&change);
            if !record.phase.is_terminal() {
                continue;
            }
            ended += 1;
            let stated = record.receipts.iter().any(|r| r.about == record.phase.as_str() && stored.contains(&r.name));
            if !stated {
                unstated.push(format!("{namespace}/{}", name_of(&change)));
            }
        }
    }
    if ended == 0 {
        scene.say("no change of the demo has ended: other drills were left out");
        return Ok(());
    }
    let expectation = scene.expect("every end has its receipt", "each ended change names a Receipt that exists");
    let text = match unstated.as_slice() {
        [] => format!(
            "{} ended, none without a receipt; {} in all",
            count(ended, "change"),
            count(stored.len(), "receipt")
        ),
        some => format!("without a receipt: {}", some.join(", ")),
    };
    expectation.saw(Seen::when(unstated.is_empty(), text));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_of_a_receipt_is_flipped_and_its_line_named() {
        let text = b"aaaa\nbbbb\ncccc\ncheckpoint\n".to_vec();
        let (flipped, line) = flip(text.clone()).unwrap();
        assert_eq!(line, 2);
        let differ: Vec<usize> = (0..text.len()).filter(|at| text[*at] != flipped[*at]).collect();
        assert_eq!(differ, [7]);
        assert_eq!(flip(b"a\nc\n".to_vec()).unwrap().1, 1);
        assert!(flip(Vec::new()).is_none());
    }
}
