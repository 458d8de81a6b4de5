//! A demo that is ended before its time.

use std::process::Stdio;

use anyhow::Context as _;
use bailiwick_testkit::{Result, SECONDS, Seen, wait_for};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use rustix::process::{Pid, Signal, kill_process};

use crate::{ours, ready};

#[tokio::test]
async fn an_interrupted_demo_leaves_nothing_and_exits_as_the_signal_would_have_it() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.installed(&cluster, true).await?;
    let before = ours(&cluster).await?;
    let namespaces: Api<Namespace> = Api::all(cluster.admin());
    let demos = ListParams::default().labels("bailiwick.dev/demo");
    let [good, other] = &cluster.images()?.good;
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut command = cli.command(&["demo", "--image", good, "--other-image", other, "--only", "quota"]);
        let mut demo = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        wait_for("the demo to have set its stage", 60 * SECONDS, async || {
            let found: Vec<String> = namespaces.list_metadata(&demos).await?.iter().map(|n| n.name_any()).collect();
            Ok(Seen::when(!found.is_empty(), (), found))
        })
        .await?;
        let pid = i32::try_from(demo.id()).ok().and_then(Pid::from_raw).context("find the demo")?;
        kill_process(pid, signal)?;
        let output = tokio::task::spawn_blocking(move || {
            let mut said = String::new();
            std::io::Read::read_to_string(&mut demo.stderr.take().context("no stderr")?, &mut said)?;
            anyhow::Ok((demo.wait()?, said))
        });
        let (status, said) = output.await??;
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.contains("before it had looked at everything"), "{said}");
        assert_eq!(namespaces.list_metadata(&demos).await?.items.len(), 0, "{said}");
        assert_eq!(ours(&cluster).await?, before, "{said}");
        let mandates = cli.expect(0, &["mandate", "list", "-o", "name"]).await?;
        assert!(!mandates.out.contains("demo"), "{mandates:?}");
    }
    Ok(())
}
