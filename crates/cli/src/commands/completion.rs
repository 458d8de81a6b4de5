//! `bailiwick completion`: the script that makes a shell ask this program.
//!
//! Owns the choice of shells. Must never write to a user's files. Writes to standard output.

use super::Session;
use crate::exit::{Exit, Failure, Outcomes};
use clap::ValueEnum;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
}

/// Print a completion script.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Your shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(session: &Session, args: &Args) -> Outcomes {
    let text = script(args.shell).map_err(|e| Failure::error(format!("cannot write the script: {e}")))?;
    session.out.text(&text)?;
    Ok(Exit::Ok)
}

fn script(shell: Shell) -> Result<String, std::io::Error> {
    let mut buffer = Vec::new();
    let completer: &dyn EnvCompleter = match shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    };
    completer.write_registration("COMPLETE", "bailiwick", "bailiwick", "bailiwick", &mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_ask_this_program() {
        for shell in Shell::value_variants() {
            let text = script(*shell).unwrap();
            assert!(text.contains("COMPLETE") && text.contains("bailiwick"), "{text}");
        }
    }
}
