//! The command line: global flags and the list of commands.
//!
//! Owns names and flags that all commands share; each command's own arguments live in its module.
//! No IO.

pub mod help;
mod object;

pub use object::{Target, parse_target};

use crate::commands::{
    approve, check, codes, completion, diagnose, diff, install, list, mandate, propose, receipts, show, status,
    support_bundle, suspend, undo, uninstall, version,
};
use crate::config::{Called, Colour};
use crate::demo;
use crate::out::Format;
use crate::when;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Find, explain, decide and repair what is wrong in a Kubernetes cluster, inside an authority
/// that the API server enforces.
#[derive(Debug, Parser)]
#[command(name = "bailiwick", version, max_term_width = 100, after_help = help::TOP)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that mean the same everywhere.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Namespace to look in; default is the context's
    #[arg(short, long, global = true, value_name = "NAMESPACE", add = crate::complete::namespaces())]
    pub namespace: Option<String>,
    /// Look in all namespaces
    #[arg(short = 'A', long, global = true)]
    pub all_namespaces: bool,
    /// How to print
    #[arg(short, long, global = true, value_name = "FORMAT", value_enum, default_value_t, hide_default_value = true)]
    pub output: Format,
    /// Print tables without headings
    #[arg(long, global = true)]
    pub no_headers: bool,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME", add = crate::complete::contexts())]
    pub context: Option<String>,
    /// Kubeconfig to use instead of $KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub as_user: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long, global = true, value_name = "GROUP")]
    pub as_group: Vec<String>,
    /// Longest wait for one answer of the API server; 0 means no limit [default: 30s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = when::parse)]
    pub request_timeout: Option<Duration>,
    /// When to use colour; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t, hide_default_value = true)]
    pub color: Colour,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check that a cluster can run Bailiwick, and that what is installed holds
    #[command(after_help = help::CHECK)]
    Check(check::Args),
    /// Install Bailiwick, or print what would be installed
    #[command(after_help = help::INSTALL)]
    Install(install::Args),
    /// Remove Bailiwick from a cluster
    #[command(after_help = help::UNINSTALL)]
    Uninstall(uninstall::Args),
    /// Show how Bailiwick is doing: operator, fence, open work, last receipt
    #[command(after_help = help::STATUS)]
    Status(status::Args),
    /// Find what is wrong, now, read-only, on any cluster, with nothing installed
    #[command(visible_alias = "triage", after_help = help::DIAGNOSE)]
    Diagnose(diagnose::Args),
    /// List incidents: what is wrong, deduplicated
    #[command(visible_aliases = ["incident", "inc"], after_help = help::INCIDENTS)]
    Incidents(list::IncidentArgs),
    /// List changes: what is proposed, decided and done
    #[command(visible_aliases = ["change", "chg"], after_help = help::CHANGES)]
    Changes(list::ChangeArgs),
    /// Tell the whole story of a change or an incident
    #[command(visible_alias = "describe", after_help = help::SHOW)]
    Show(show::Args),
    /// Print the exact patch of a change and its digest
    #[command(after_help = help::DIFF)]
    Diff(diff::Args),
    /// Approve the exact plan of a change, as yourself
    #[command(after_help = help::APPROVE)]
    Approve(approve::Args),
    /// Reject a change, as yourself
    #[command(visible_alias = "deny", after_help = help::REJECT)]
    Reject(approve::Args),
    /// Propose the way back of a change that was applied
    #[command(after_help = help::UNDO)]
    Undo(undo::Args),
    /// Propose a change yourself
    #[command(after_help = help::PROPOSE)]
    Propose(propose::Args),
    /// Stop every one-shot account at once
    #[command(after_help = help::SUSPEND)]
    Suspend(suspend::Args),
    /// End a suspension
    #[command(after_help = help::RESUME)]
    Resume(suspend::Args),
    /// Ask what may be done, by whom, and why
    #[command(subcommand, visible_alias = "mandates", after_help = help::MANDATE)]
    Mandate(mandate::Command),
    /// List, export and verify signed receipts
    #[command(subcommand, visible_alias = "receipt", after_help = help::RECEIPTS)]
    Receipts(receipts::Command),
    /// Collect what is needed to find out what went wrong, without secrets
    #[command(name = "support-bundle", after_help = help::SUPPORT_BUNDLE)]
    SupportBundle(support_bundle::Args),
    /// Show on this cluster that Bailiwick repairs what it may, and nothing else
    #[command(after_help = help::DEMO)]
    Demo(demo::Args),
    /// Say what a reason code means
    #[command(name = "explain-code", after_help = help::EXPLAIN_CODE)]
    ExplainCode(codes::Args),
    /// Print the version of this program, and of what is installed
    #[command(after_help = help::VERSION)]
    Version(version::Args),
    /// Print a completion script for your shell
    #[command(after_help = help::COMPLETION)]
    Completion(completion::Args),
}

/// The command as users see it under the name they called it by.
pub fn command(called: Called) -> clap::Command {
    let command = Cli::command();
    match called {
        Called::Plain => command,
        Called::Plugin | Called::Completion => renamed(command.bin_name(called.name()), called.name()),
    }
}

/// Examples speak of the name that was typed.
fn renamed(command: clap::Command, name: &str) -> clap::Command {
    let text = command.get_after_help().map(ToString::to_string);
    let command = match text {
        Some(text) => command.after_help(text.replace("  bailiwick ", &format!("  {name} "))),
        None => command,
    };
    command.mut_subcommands(|sub| renamed(sub, name))
}

#[cfg(test)]
mod tests;
