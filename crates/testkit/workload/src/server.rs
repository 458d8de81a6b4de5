//! The workload's HTTP server: one thread per connection, one request each. Listens on the port it was given and nowhere else.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

use crate::options::{Options, hex};
use crate::{Memory, log};

struct Server {
    unready: AtomicBool,
    dead: AtomicBool,
    memory: Memory,
    exit: Sender<u8>,
}

/// Serves until the process ends; returns at once if it shall not listen.
pub(crate) fn serve(options: &Options, memory: Memory, exit: Sender<u8>) -> Result<(), String> {
    if options.port == 0 {
        return Ok(());
    }
    let server =
        Arc::new(Server { unready: options.fail_readiness.into(), dead: options.fail_liveness.into(), memory, exit });
    let listener = TcpListener::bind(("0.0.0.0", options.port))
        .map_err(|error| format!("cannot listen on port {}: {error}", options.port))?;
    log(format!("listening on port {}\n", options.port).as_bytes());
    for stream in listener.incoming().map_while(Result::ok) {
        let server = Arc::clone(&server);
        thread::spawn(move || server.connection(stream));
    }
    Err("the listener ended".to_owned())
}

impl Server {
    fn connection(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(&stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let target = line.split_whitespace().nth(1).unwrap_or("/").to_owned();
        while reader.read_line(&mut line)? > 2 {}
        let (status, body) = self.answer(&target);
        let mut stream = &stream;
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        stream.flush()?;
        if let Some(code) = target.strip_prefix("/exit/").and_then(|code| code.parse().ok()) {
            let _main_is_ending = self.exit.send(code);
        }
        Ok(())
    }

    fn answer(&self, target: &str) -> (&'static str, String) {
        const OK: &str = "200 OK";
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match path {
            "/" => {
                let version = std::env::var_os("VERSION").unwrap_or_default();
                (OK, format!("workload {}\n", version.to_string_lossy()))
            }
            "/healthz" => health(&self.dead),
            "/readyz" => health(&self.unready),
            "/fail/readiness" => toggle(&self.unready, query),
            "/fail/liveness" => toggle(&self.dead, query),
            "/log" => {
                log(&[decode(parameter(query, "m")).as_slice(), b"\n"].concat());
                (OK, "logged\n".to_owned())
            }
            "/alloc" => match parameter(query, "mib").parse() {
                Ok(mib) => {
                    self.memory.take(mib);
                    (OK, format!("took {mib} MiB\n"))
                }
                Err(_) => ("400 Bad Request", "mib must be a number\n".to_owned()),
            },
            _ if path.strip_prefix("/exit/").is_some_and(|code| code.parse::<u8>().is_ok()) => {
                (OK, "ending\n".to_owned())
            }
            _ => ("404 Not Found", "no such path\n".to_owned()),
        }
    }
}

fn health(broken: &AtomicBool) -> (&'static str, String) {
    if broken.load(Ordering::Relaxed) {
        ("503 Service Unavailable", "failing, as asked\n".to_owned())
    } else {
        ("200 OK", "ok\n".to_owned())
    }
}

fn toggle(broken: &AtomicBool, query: &str) -> (&'static str, String) {
    let now = parameter(query, "on").parse().unwrap_or(!broken.load(Ordering::Relaxed));
    broken.store(now, Ordering::Relaxed);
    ("200 OK", format!("failing: {now}\n"))
}

fn parameter<'a>(query: &'a str, name: &str) -> &'a str {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map_or("", |(_, value)| value)
}

/// Percent-encoded text to bytes.
fn decode(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let (byte, used) = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high, *low).map_or((b'%', 1), |byte| (byte, 3)),
            (b'+', _) => (b' ', 1),
            (other, _) => (*other, 1),
        };
        out.push(byte);
        rest = &rest[used..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_decoded_to_raw_bytes() {
        assert_eq!(decode(parameter("x=1&m=a%1b%5B31m+b%", "m")), b"a\x1b[31m b%");
    }

    #[test]
    fn probes_fail_and_recover_on_request() {
        let flag = AtomicBool::new(false);
        toggle(&flag, "");
        assert_eq!(health(&flag).0, "503 Service Unavailable");
        toggle(&flag, "on=true");
        toggle(&flag, "on=false");
        assert_eq!(health(&flag).0, "200 OK");
    }
}
