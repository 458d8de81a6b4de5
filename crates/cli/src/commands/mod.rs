//! The commands, one module each: its arguments, what it asks the cluster, what it prints.
//!
//! Owns dispatch and what all commands share. Must never render anything itself. IO through the
//! commands.

pub mod approve;
pub mod check;
pub mod codes;
pub mod completion;
pub mod diagnose;
pub mod diff;
pub mod install;
pub mod list;
pub mod mandate;
pub mod propose;
pub mod receipts;
pub mod show;
pub mod status;
pub mod support_bundle;
pub mod suspend;
pub mod undo;
pub mod uninstall;
pub mod version;

use crate::args::{Cli, Command, Global};
use crate::cluster::{self, Cluster};
use crate::config::Called;
use crate::exit::{Exit, Failure, Outcomes};
use crate::out::Out;
use bailiwick_core::life::DecisionKind;

/// One run: the flags, the streams, how we were called.
pub struct Session {
    /// Flags of every command.
    pub global: Global,
    /// The streams.
    pub out: Out,
    /// How we were called.
    pub called: Called,
}

impl Session {
    /// Connects to the cluster that the flags name.
    ///
    /// # Errors
    /// Where there is no usable kubeconfig.
    pub async fn connect(&self) -> Outcomes<Cluster> {
        cluster::connect(&self.global).await
    }

    /// A command line as the user would type it.
    pub fn typed(&self, rest: &str) -> String {
        format!("{} {rest}", self.called.name())
    }

    /// Refuses formats that a command does not print.
    ///
    /// # Errors
    /// Where the format is not among the wanted ones.
    pub fn only(&self, formats: &[crate::out::Format]) -> Outcomes<()> {
        use clap::ValueEnum as _;
        if formats.contains(&self.out.format) {
            return Ok(());
        }
        let names: Vec<String> =
            formats.iter().filter_map(|f| f.to_possible_value()).map(|v| v.get_name().to_owned()).collect();
        Err(Failure::error("this command does not print that format")
            .next(format!("-o takes here: {}", names.join(", "))))
    }
}

/// Does what the command line says.
///
/// # Errors
/// What the command could not do, and what to do about it.
pub async fn run(cli: Command, session: &Session) -> Outcomes {
    match cli {
        Command::Check(args) => check::run(session, &args).await,
        Command::Install(args) => install::run(session, &args).await,
        Command::Uninstall(args) => uninstall::run(session, &args).await,
        Command::Status(args) => status::run(session, &args).await,
        Command::Diagnose(args) => diagnose::run(session, &args).await,
        Command::Incidents(args) => list::incidents(session, &args).await,
        Command::Changes(args) => list::changes(session, &args).await,
        Command::Show(args) => show::run(session, &args).await,
        Command::Diff(args) => diff::run(session, &args).await,
        Command::Approve(args) => approve::run(session, &args, DecisionKind::Approve).await,
        Command::Reject(args) => approve::run(session, &args, DecisionKind::Reject).await,
        Command::Undo(args) => undo::run(session, &args).await,
        Command::Propose(args) => propose::run(session, &args).await,
        Command::Suspend(args) => suspend::suspend(session, &args).await,
        Command::Resume(args) => suspend::resume(session, &args).await,
        Command::Mandate(command) => mandate::run(session, command).await,
        Command::Receipts(command) => receipts::run(session, command).await,
        Command::SupportBundle(args) => support_bundle::run(session, &args).await,
        Command::Demo(args) => crate::demo::run(session, &args).await,
        Command::ExplainCode(args) => codes::run(session, &args),
        Command::Version(args) => version::run(session, &args).await,
        Command::Completion(args) => completion::run(session, &args),
    }
}

/// Parses and runs; prints what went wrong. Returns the exit code.
pub async fn main(cli: Cli, called: Called) -> Exit {
    let environment = crate::config::Environment::read();
    let look = environment.look(cli.global.color);
    let out = Out::new(look, cli.global.output, !cli.global.no_headers, environment);
    let session = Session { global: cli.global, out, called };
    match run(cli.command, &session).await {
        Ok(exit) => exit,
        Err(failure) => {
            session.out.failure(&failure);
            failure.exit
        }
    }
}
