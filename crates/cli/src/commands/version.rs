//! `bailiwick version`: of this program, and of what is installed.
//!
//! Owns the comparison of the two. Must never fail because there is no cluster. Reads from the API
//! server unless told not to.

use super::Session;
use crate::exit::{Exit, Outcomes};
use crate::out::Format;
use serde_json::json;

/// Print versions.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only of this program
    #[arg(long)]
    client: bool,
}

/// Runs the command.
///
/// # Errors
/// Where standard output cannot be written.
pub async fn run(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let client = env!("CARGO_PKG_VERSION");
    let (server, operator) = if args.client { (None, None) } else { installed(session).await };
    if !session.out.is_for_people() {
        session.out.value(&json!({"client": client, "server": server, "operatorImage": operator}))?;
        return Ok(Exit::Ok);
    }
    let mut text = format!("bailiwick   {client}\n");
    if !args.client {
        text.push_str(&format!("kubernetes  {}\n", crate::safe::line(server.as_deref().unwrap_or("not reachable"))));
        text.push_str(&format!(
            "operator    {}\n",
            crate::safe::line(operator.as_deref().unwrap_or("not installed, or not readable"))
        ));
    }
    session.out.text(&text)?;
    Ok(Exit::Ok)
}

async fn installed(session: &Session) -> (Option<String>, Option<String>) {
    let Ok(cluster) = session.connect().await else { return (None, None) };
    let server = cluster.client.apiserver_version().await.ok().map(|info| info.git_version);
    let found = crate::installed::operator(&cluster).await.ok().flatten();
    (server, found.as_ref().and_then(crate::installed::image_of).map(str::to_owned))
}
