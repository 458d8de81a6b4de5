//! A workload that breaks on request: serves HTTP, takes memory, misses its configuration, fails its probes, logs what it is told, exits as it is told. For tests and the demo only. Reads its own environment and files, writes only where `--write` says, listens on one port, connects only where `--connect` says.

mod names;
mod options;
mod server;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use options::{Options, Parsed};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

const TERMINATION_LOG: &str = "/dev/termination-log";
const MIB: usize = 1024 * 1024;

/// Memory that is taken and never given back.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<Vec<u8>>>>);

impl Memory {
    /// Takes `mib` MiB and writes to every page, so that the kernel has to provide them.
    pub(crate) fn take(&self, mib: usize) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..mib {
            held.push(vec![0xa5; MIB]);
        }
    }
}

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1), std::env::vars_os()) {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Help) => {
            log(options::HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(why) => return fail(&format!("{why}; see --help")),
    };
    match run(&options) {
        Ok(code) => ExitCode::from(code),
        Err(why) => fail(&why),
    }
}

/// Returns the exit code that somebody asked for: a signal, a request or a timer.
fn run(options: &Options) -> Result<u8, String> {
    let (exit, exits) = channel();
    watch_signals(exit.clone())?;
    let options = options.clone();
    thread::spawn(move || {
        if let Err(why) = start(&options, &exit) {
            fail(&why);
            let _main_is_ending = exit.send(1);
        }
    });
    exits.recv().map_err(|_| "every thread ended".to_owned())
}

/// As process 1 of a container a signal without a handler would be ignored.
fn watch_signals(exit: Sender<u8>) -> Result<(), String> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(|error| format!("cannot handle signals: {error}"))?;
    thread::spawn(move || {
        for _ in signals.forever() {
            log(b"asked to end\n");
            let _main_is_ending = exit.send(0);
        }
    });
    Ok(())
}

fn start(options: &Options, exit: &Sender<u8>) -> Result<(), String> {
    for line in &options.log {
        log(&[line.as_slice(), b"\n"].concat());
    }
    thread::sleep(options.start_delay);
    check_needs(options)?;
    let memory = Memory::default();
    memory.take(options.allocate_mib);
    if options.grow_mib_per_second > 0 {
        grow(memory.clone(), options.grow_mib_per_second);
    }
    if let Some(code) = options.exit_code {
        let (exit, after) = (exit.clone(), options.after);
        thread::spawn(move || {
            thread::sleep(after);
            log(format!("ending with code {code}, as asked\n").as_bytes());
            exit.send(code)
        });
    }
    server::serve(options, memory, exit.clone())
}

fn check_needs(options: &Options) -> Result<(), String> {
    for name in &options.need_env {
        if std::env::var_os(name).is_none_or(|value| value.is_empty()) {
            return Err(format!("environment variable {name} is required but not set"));
        }
    }
    for path in &options.need_file {
        std::fs::read(path).map_err(|error| format!("file {path} is required but cannot be read: {error}"))?;
    }
    options.write.iter().try_for_each(|target| write(target))?;
    options.connect.iter().try_for_each(|target| connect(target))
}

/// As a program does that keeps a journal.
fn write(target: &str) -> Result<(), String> {
    let parts = target.rsplit_once(':').and_then(|(path, mib)| Some((path, mib.parse::<usize>().ok()?)));
    let (path, mib) = parts.ok_or_else(|| format!("`{target}` is no PATH:MIB"))?;
    let content = vec![0; mib * MIB];
    std::fs::write(path, content).map_err(|error| format!("cannot write {path}: {error}"))
}

fn connect(target: &str) -> Result<(), String> {
    let (host, port) = target.rsplit_once(':').ok_or_else(|| format!("`{target}` is no HOST:PORT"))?;
    let port: u16 = port.parse().map_err(|_| format!("`{target}` is no HOST:PORT"))?;
    let address = names::resolve(host).map_err(|why| format!("cannot resolve {host}: {why}"))?;
    let address = SocketAddr::new(address, port);
    TcpStream::connect_timeout(&address, Duration::from_secs(5))
        .map_err(|error| format!("cannot connect to {target} ({address}): {error}"))?;
    log(format!("connected to {target} ({address})\n").as_bytes());
    Ok(())
}

fn grow(memory: Memory, mib_per_second: usize) {
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            memory.take(mib_per_second);
        }
    });
}

/// Says why on stderr and where Kubernetes looks for it.
fn fail(why: &str) -> ExitCode {
    let _closed = writeln!(std::io::stderr(), "error: {why}");
    if std::path::Path::new(TERMINATION_LOG).exists() {
        let _not_in_a_pod = std::fs::write(TERMINATION_LOG, why);
    }
    ExitCode::FAILURE
}

/// Raw bytes to stdout, escape sequences and all.
pub(crate) fn log(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _closed = out.write_all(bytes).and_then(|()| out.flush());
}
