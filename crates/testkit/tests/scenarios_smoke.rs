//! The quick subset of the scenarios: each comes out as its folder says, and nothing else is written.
//!
//! Minutes: 6.
#![cfg(feature = "cluster")]

use std::path::Path;

use bailiwick_testkit::scenario::{Folder, Job, folders, run};
use bailiwick_testkit::{Need, Result, TestCluster};

#[tokio::test]
async fn the_quick_subset_comes_out_as_its_folders_say() -> Result<()> {
    let needs = [Need::Images, Need::Audit, Need::OperatorImage];
    let Some(cluster) = TestCluster::needing(&needs).await? else {
        return Ok(());
    };
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let chosen: Vec<Folder> = folders(&dir)?.into_iter().filter(|folder| folder.scenario().smoke).collect();
    assert!(chosen.len() > 5, "the quick subset has {} scenarios", chosen.len());
    let job = Job { dir, ids: Vec::new(), smoke: true, repeat: 1, parallel: 12, json: false, list: false };
    let report = Box::pin(run(&cluster, &chosen, &job, &|_| ())).await?;
    assert!(report.is_right(), "{}", report.table());
    Ok(())
}
