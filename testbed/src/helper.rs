//! How one program is three: the owner starts itself again as keeper, the keeper as node, the node's first process as the node's supervisor. Reads the process's arguments; starts nothing by itself.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::{keeper, node};

const MARK: &str = "__bailiwick-testbed";

/// The parts a process can play for a cluster.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Keeper,
    Init,
    Node,
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Keeper => "keeper",
            Self::Init => "init",
            Self::Node => "node",
        }
    }

    fn parse(word: &OsStr) -> Option<Self> {
        [Self::Keeper, Self::Init, Self::Node].into_iter().find(|part| word == part.word())
    }
}

/// Plays a helper's part if `args` (with the program's name first) ask for one. A program that calls [`crate::Cluster::up`] must call this first in `main` and end with the code it returns.
pub fn helper_main(args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let args: Vec<OsString> = args.skip(1).take(4).collect();
    let [mark, part, dir] = args.as_slice() else {
        return None;
    };
    if mark != MARK {
        return None;
    }
    let dir = Path::new(dir);
    let outcome = match Part::parse(part)? {
        Part::Keeper => keeper::run(dir),
        Part::Init => node::init(dir),
        Part::Node => node::run(dir),
    };
    Some(outcome.map_or_else(|error| report(dir, part, &error), |()| ExitCode::SUCCESS))
}

/// A helper's stderr is a log file of its cluster.
fn report(dir: &Path, part: &OsStr, error: &anyhow::Error) -> ExitCode {
    use std::io::Write as _;
    let _lost_if_the_log_is_gone = writeln!(std::io::stderr(), "{} of {}: {error:#}", part.display(), dir.display());
    ExitCode::FAILURE
}

/// Appends to `command` what makes this very program play `part`.
pub(crate) fn append(command: &mut Command, program: &Path, part: Part, dir: &Path) {
    command.arg(program).args([MARK, part.word()]).arg(dir);
}

/// This program, by a path that stays right when its file is replaced by a newer build.
pub(crate) fn this_program() -> PathBuf {
    PathBuf::from(format!("/proc/{}/exe", std::process::id()))
}

/// This program as `part`, started directly.
pub(crate) fn command(part: Part, dir: &Path) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args([MARK, part.word()]).arg(dir);
    command
}
