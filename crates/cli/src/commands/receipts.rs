//! `bailiwick receipts`: list, export, verify.
//!
//! Owns the export's order and where its checkpoint comes from. Must never sign, and never call a
//! log sound that was not verified. Reads from the API server; reads and writes files.

use super::Session;
use crate::args::help;
use crate::cluster::Cluster;
use crate::exit::{Exit, Failure, Outcomes};
use crate::installed::CHECKPOINT;
use crate::objects::{self, Loaded};
use crate::out::{self, Format};
use crate::render::receipts::{self as render, Row};
use crate::style::Role;
use crate::words;
use bailiwick_api::Receipt;
use bailiwick_core::fence::SYSTEM_NAMESPACE;
use bailiwick_core::receipt::{Envelope, Pin, PublicKey, verify_export, write_export};
use clap::Subcommand;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

/// List, export and verify receipts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the receipts in the cluster, newest last; unverified
    #[command(after_help = help::RECEIPT_LIST)]
    List(ListArgs),
    /// Write all receipts to a file that can be verified offline
    #[command(after_help = help::EXPORT)]
    Export(ExportArgs),
    /// Verify an exported file, offline
    #[command(after_help = help::VERIFY)]
    Verify(VerifyArgs),
}

/// What to list.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only receipts with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
}

/// Where to export to.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// File to write; standard output if none is named
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Option<PathBuf>,
}

/// What to verify.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The exported file; `-` is standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// File with the public key that signed the first line; may be repeated. Without one, the key
    /// that this cluster states is asked for
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    key: Vec<PathBuf>,
    /// What the log must contain, kept from an earlier verification
    #[arg(long, value_name = "NUMBER|HASH|NUMBER:HASH")]
    expect_head: Option<Pin>,
}

/// Runs the command.
///
/// # Errors
/// Where receipts, files or keys cannot be read.
pub async fn run(session: &Session, command: Command) -> Outcomes {
    match command {
        Command::List(args) => list(session, &args).await,
        Command::Export(args) => export(session, &args).await,
        Command::Verify(args) => verify(session, &args).await,
    }
}

async fn fetch(cluster: &Cluster, selector: Option<&str>) -> Outcomes<Vec<Loaded<Receipt>>> {
    let system = Cluster { namespace: SYSTEM_NAMESPACE.to_owned(), all: false, ..cluster.clone() };
    objects::list::<Receipt>(&system, selector).await
}

async fn list(session: &Session, args: &ListArgs) -> Outcomes {
    let cluster = session.connect().await?;
    let found = fetch(&cluster, args.selector.as_deref()).await?;
    let look = &session.out.look;
    match session.out.format {
        Format::Json | Format::Yaml => session.out.value(&out::list(found.into_iter().map(|r| r.raw).collect()))?,
        Format::Name => session
            .out
            .text(&found.iter().map(|r| format!("receipt.bailiwick.dev/{}\n", r.name)).collect::<String>())?,
        Format::Table | Format::Wide if found.is_empty() => session.out.note(Role::Plain, "No receipts found."),
        Format::Table | Format::Wide => {
            let rows: Vec<Row> = found.iter().map(row).collect();
            let table = render::table(&rows, session.out.format == Format::Wide, look);
            session.out.text(&table.render(look, session.out.headers))?;
        }
    }
    Ok(Exit::Ok)
}

fn row(loaded: &Loaded<Receipt>) -> Row {
    let typed = loaded.typed.as_ref();
    let said = typed.map_err(Clone::clone).and_then(|receipt| {
        use base64::Engine as _;
        let payload = base64::engine::general_purpose::STANDARD.decode(&receipt.spec.envelope.payload);
        let payload = payload.map_err(|e| e.to_string())?;
        let statement: Value = serde_json::from_slice(&payload).map_err(|e| e.to_string())?;
        let predicate = statement.get("predicate").cloned().unwrap_or(Value::Null);
        serde_json::from_value(predicate).map(Box::new).map_err(|e| e.to_string())
    });
    let key = typed.ok().and_then(|r| r.spec.envelope.signatures.first()).map(|s| s.keyid.to_string());
    Row {
        name: loaded.name.clone(),
        said,
        hash: typed.map(|r| r.spec.hash.to_string()).unwrap_or_default(),
        key: key.unwrap_or_default(),
    }
}

async fn export(session: &Session, args: &ExportArgs) -> Outcomes {
    let cluster = session.connect().await?;
    let found = fetch(&cluster, None).await?;
    let (envelopes, checkpoint) = log(&found)?;
    let mut bytes = Vec::new();
    let count = write_export(&mut bytes, None, &envelopes, &checkpoint).map_err(|e| Failure::error(e.to_string()))?;
    match &args.file {
        None => session.out.text(&String::from_utf8_lossy(&bytes))?,
        Some(path) => {
            let written = File::create(path).and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
            written.map_err(|e| Failure::error(format!("cannot write {}: {e}", path.display())))?;
            let verify = session.typed(&format!("receipts verify {} --key receipts.pub", path.display()));
            session.out.note(
                Role::Good,
                &format!("{} and the checkpoint of the log are in {}", words::count(count, "receipt"), path.display()),
            );
            session.out.note(Role::Dim, &verify);
        }
    }
    Ok(Exit::Ok)
}

/// The envelopes in order, and the operator's own checkpoint after the last of them.
fn log(found: &[Loaded<Receipt>]) -> Result<(Vec<Envelope>, Envelope), Failure> {
    let Some(last) = found.last() else {
        return Err(Failure::not_found("there are no receipts to export"));
    };
    let broken = |name: &str, why: &str| {
        Failure::error(format!("receipt {name} cannot be exported: {why}"))
            .next("see it as it is stored: kubectl get receipts -n bailiwick-system -o yaml")
    };
    let mut envelopes = Vec::with_capacity(found.len());
    for loaded in found {
        let raw = loaded.raw.pointer("/spec/envelope").cloned().unwrap_or(Value::Null);
        envelopes.push(serde_json::from_value(raw).map_err(|e| broken(&loaded.name, &e.to_string()))?);
    }
    let annotations = last.raw.pointer("/metadata/annotations");
    let text = annotations.and_then(|a| a.get(CHECKPOINT)).and_then(Value::as_str);
    let text = text.ok_or_else(|| broken(&last.name, "the newest receipt carries no signed checkpoint"))?;
    let checkpoint = serde_json::from_str(text).map_err(|e| broken(&last.name, &format!("its checkpoint: {e}")))?;
    Ok((envelopes, checkpoint))
}

async fn verify(session: &Session, args: &VerifyArgs) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let file = open(&args.file)?;
    let keys = if args.key.is_empty() { vec![stated_key(session).await?] } else { read_keys(&args.key)? };
    let result = verify_export(file, &keys, args.expect_head);
    if !session.out.is_for_people() {
        let value = match &result {
            Ok(report) => json!({"sound": true, "report": report}),
            Err(faults) => {
                json!({"sound": false, "faults": faults.iter().map(|f| json!({"line": f.line, "sequence": f.sequence, "what": f.what.to_string()})).collect::<Vec<_>>()})
            }
        };
        session.out.value(&value)?;
        return Ok(if result.is_ok() { Exit::Ok } else { Exit::Finding });
    }
    match result {
        Ok(report) => {
            session.out.text(&render::sound(&report, args.expect_head.is_some(), &session.out.look))?;
            Ok(Exit::Ok)
        }
        Err(faults) => {
            session.out.text(&render::faulty(&faults, &session.out.look))?;
            Ok(Exit::Finding)
        }
    }
}

/// The key that the cluster itself states: good against damage, not against whoever owns the cluster.
async fn stated_key(session: &Session) -> Outcomes<PublicKey> {
    let no_key = || {
        Failure::error("no key to verify with")
            .next("give the public key with --key FILE; `bailiwick install` printed it, and `bailiwick status -o json` shows it")
    };
    let cluster = session.connect().await.map_err(|_| no_key())?;
    let key = crate::installed::public_key(&cluster).await.ok().flatten().ok_or_else(no_key)?;
    session.out.note(Role::Warn, &format!("verifying with key {}, as this cluster states it: whoever could replace the log could replace that, too; keep the key elsewhere and use --key", key.id()));
    Ok(key)
}

fn read_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>, Failure> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Failure::error(format!("cannot read {}: {e}", path.display())))?;
        parse_key(&text).ok_or_else(|| {
            Failure::error(format!("{} holds no Ed25519 public key", path.display()))
                .next("it is a PEM block PUBLIC KEY, or 64 hexadecimal digits")
        })
    };
    paths.iter().map(read).collect()
}

/// A key as PEM, or as the digits that receipts and `install` show.
pub fn parse_key(text: &str) -> Option<PublicKey> {
    let digits = Value::String(text.trim().to_owned());
    PublicKey::from_pem(text).ok().or_else(|| serde_json::from_value(digits).ok())
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = File::open(path).map_err(|e| Failure::error(format!("cannot read {}: {e}", path.display())))?;
    Ok(Box::new(BufReader::new(file)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;

    #[test]
    fn keys_are_read_as_pem_and_as_digits() {
        let (_, key) = fixtures::log();
        assert_eq!(parse_key(&key.to_pem()), Some(key.clone()));
        let digits = serde_json::to_value(&key).unwrap();
        assert_eq!(parse_key(digits.as_str().unwrap()), Some(key));
        assert_eq!(parse_key("nonsense"), None);
    }

    #[test]
    fn an_export_without_checkpoint_is_refused_by_name() {
        let receipts = fixtures::receipts();
        let (envelopes, checkpoint) = log(&receipts).unwrap();
        let mut bytes = Vec::new();
        assert_eq!(write_export(&mut bytes, None, &envelopes, &checkpoint).unwrap(), 3);
        let (_, key) = fixtures::log();
        assert!(verify_export(&bytes[..], &[key], None).is_ok());
        let mut bare = receipts;
        bare[2].raw["metadata"]["annotations"] = Value::Null;
        assert!(log(&bare).is_err_and(|f| f.what.contains("000000000002")));
        assert_eq!(log(&[]).unwrap_err().exit, Exit::Finding);
    }
}
