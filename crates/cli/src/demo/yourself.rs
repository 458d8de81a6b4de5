//! The command `bailiwick` as people run it: the very program that runs now, as another user.
//!
//! Owns starting it and reading what it said. Must never be given input. Starts processes.

use super::scene::Scene;
use super::story::{Stop, Told};
use crate::args::Global;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;

/// This program, with the flags that lead to the same cluster.
pub(super) struct Yourself {
    program: PathBuf,
    flags: Vec<OsString>,
}

/// What it said.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// Its exit code; none if a signal ended it.
    pub(super) code: Option<i32>,
    /// Standard output.
    pub(super) out: String,
    /// Standard error.
    pub(super) err: String,
}

impl Said {
    /// The name in `kind/NAME`, as `-o name` prints it.
    pub(super) fn name(&self) -> Told<String> {
        let line = self.out.lines().next().unwrap_or_default();
        match line.split_once('/') {
            Some((_, name)) if self.code == Some(0) => Ok(name.trim().to_owned()),
            _ => Err(Stop::broken(format!("the command failed ({}): {}", self.ended(), self.text()))),
        }
    }

    /// How it ended, in words.
    pub(super) fn ended(&self) -> String {
        self.code.map_or_else(|| "killed".to_owned(), |code| format!("exit code {code}"))
    }

    /// Everything it said, on one line.
    pub(super) fn text(&self) -> String {
        let lines = self.out.lines().chain(self.err.lines()).map(str::trim).filter(|l| !l.is_empty());
        lines.collect::<Vec<_>>().join(" / ")
    }
}

impl Yourself {
    /// This program as it was called.
    pub(super) fn find(global: &Global) -> Told<Self> {
        let program = std::env::current_exe();
        let program = program.map_err(|e| Stop::broken(format!("cannot find this program: {e}")))?;
        let mut flags = Vec::new();
        if let Some(path) = &global.kubeconfig {
            flags.extend(["--kubeconfig".into(), path.clone().into_os_string()]);
        }
        if let Some(context) = &global.context {
            flags.extend(["--context".into(), context.into()]);
        }
        Ok(Self { program, flags })
    }

    /// Runs it as somebody, or as the caller, and shows the command line.
    pub(super) async fn run(&self, scene: &Scene<'_>, who: Option<&str>, words: &[&str]) -> Told<Said> {
        let mut words: Vec<&str> = words.to_vec();
        if let Some(user) = who {
            words.extend(["--as", user]);
        }
        scene.command(&format!("bailiwick {}", shown(&words)));
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&words).args(&self.flags).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.map_err(|e| Stop::broken(format!("cannot start bailiwick: {e}")))?;
        Ok(Said {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Words as one would type them in a shell.
fn shown(words: &[&str]) -> String {
    let plain = |w: &str| !w.is_empty() && w.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@,".contains(c));
    let quoted =
        words.iter().map(|w| if plain(w) { (*w).to_owned() } else { format!("'{}'", w.replace('\'', r"'\''")) });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_can_be_typed_again() {
        assert_eq!(shown(&["approve", "a-1", "--reason", "it's fine"]), r"approve a-1 --reason 'it'\''s fine'");
    }

    #[test]
    fn a_name_is_read_off_what_it_prints() {
        let said = |code, out: &str| Said { code: Some(code), out: out.into(), err: String::new() };
        assert_eq!(said(0, "change.bailiwick.dev/web-1\n").name().unwrap(), "web-1");
        assert!(said(3, "change.bailiwick.dev/web-1\n").name().is_err());
    }
}
