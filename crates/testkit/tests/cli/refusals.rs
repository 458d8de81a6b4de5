//! Clusters, rights and credentials that will not do.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_testkit::Result;
use serde_json::{Value, json};

use crate::{Cli, LASTING, ours, ready};

#[tokio::test]
async fn without_the_rights_nothing_is_half_installed() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    cli.absent().await?;
    let refused = cli.expect(2, &["install", "--as", "ann@example.com"]).await?;
    assert!(refused.err.contains("nothing was installed: you may not"), "{refused:?}");
    assert!(refused.err.contains("customresourcedefinitions") && refused.err.contains("--export"), "{refused:?}");
    assert_eq!(ours(&cluster).await?, [LASTING]);
    let blind = cli.expect(2, &["diagnose", "--as", "ann@example.com"]).await?;
    assert!(blind.err.contains("pods cannot be read"), "{blind:?}");
    Ok(())
}

/// Answers like an API server of long ago, and keeps the methods it was asked with.
fn old_server() -> Result<(String, Arc<Mutex<Vec<String>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            let Ok(length) = stream.read(&mut head) else { continue };
            let line = String::from_utf8_lossy(&head[..length]).lines().next().unwrap_or_default().to_owned();
            let (status, body) = if line.contains(" /version") {
                (
                    "200 OK",
                    json!({"major": "1", "minor": "29", "gitVersion": "v1.29.4", "gitCommit": "x", "gitTreeState": "x",
                    "buildDate": "x", "goVersion": "x", "compiler": "x", "platform": "x"}),
                )
            } else {
                (
                    "404 Not Found",
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404,
                    "message": "the server could not find the requested resource"}),
                )
            };
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            let body = body.to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    Ok((address, asked))
}

fn kubeconfig(dir: &Path, server: &str, user: &Value) -> Result<PathBuf> {
    let path = dir.join(format!("{}.json", server.replace(['/', ':'], "-")));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server, "insecure-skip-tls-verify": true}}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    });
    std::fs::write(&path, config.to_string())?;
    Ok(path)
}

#[tokio::test]
async fn a_cluster_that_will_not_do_is_told_in_one_message() -> Result<()> {
    let Some((cluster, cli)) = ready().await? else { return Ok(()) };
    let dir = cluster.artifacts("cli-kubeconfigs")?;
    let (address, asked) = old_server()?;
    let old = Cli { kubeconfig: kubeconfig(&dir, &address, &json!({}))?, program: cli.program.clone() };
    for command in [&["install"][..], &["check"], &["check", "-o", "json"]] {
        let run = old.expect(2, command).await?;
        assert!(run.all().contains("v1.29.4") && run.all().contains("1.33"), "{run:?}");
    }
    let asked = asked.lock().unwrap().clone();
    assert!(!asked.is_empty() && asked.iter().all(|line| line.starts_with("GET ")), "{asked:?}");
    let nobody = Cli { kubeconfig: kubeconfig(&dir, "https://127.0.0.1:1", &json!({}))?, program: cli.program.clone() };
    let run = nobody.expect(2, &["changes", "-A"]).await?;
    assert!(run.err.contains("cannot reach") && run.err.contains("context test"), "{run:?}");
    let server = std::fs::read_to_string(&cli.kubeconfig)?;
    let server: Value = serde_saphyr::from_str(&server)?;
    let server = server["clusters"][0]["cluster"]["server"].as_str().unwrap_or_default().to_owned();
    let stale =
        Cli { kubeconfig: kubeconfig(&dir, &server, &json!({"token": "s3cr3t-token"}))?, program: cli.program.clone() };
    for command in [&["status"][..], &["install"], &["diagnose", "-A"]] {
        let run = stale.expect(2, command).await?;
        assert!(run.err.contains("401") && !run.all().contains("s3cr3t"), "{run:?}");
    }
    std::fs::write(dir.join("broken"), "users: [{name: a, user: {token: s3cr3t-token}]\n")?;
    let broken = Cli { kubeconfig: dir.join("broken"), program: cli.program };
    let run = broken.expect(2, &["status"]).await?;
    assert!(run.err.contains("does not parse") && !run.all().contains("s3cr3t"), "{run:?}");
    Ok(())
}
