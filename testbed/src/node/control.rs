//! The node's control socket: one JSON request per connection, one JSON answer. A path in the cluster's directory, so it is reached from the host although the network is not shared. Decides nothing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::Sender;

use anyhow::{Context as _, Result};

use super::{Event, supervisor::Supervisor};
use crate::message::{Answer, Request};
use crate::spec::Spec;

/// Answers requests in threads of their own until the node ends.
pub(super) fn listen(spec: &Spec, supervisor: &Supervisor, events: Sender<Event>) -> Result<()> {
    let path = spec.control_socket();
    let listener = UnixListener::bind(&path).with_context(|| format!("listen on {}", path.display()))?;
    let supervisor = supervisor.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (supervisor, events) = (supervisor.clone(), events.clone());
            std::thread::spawn(move || serve(stream, &supervisor, &events));
        }
    });
    Ok(())
}

fn serve(mut stream: UnixStream, supervisor: &Supervisor, events: &Sender<Event>) -> Result<()> {
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    let answer: Answer = match serde_json::from_str(&line) {
        Ok(Request::Restart { component, signal, down_for }) => {
            supervisor.restart(&component, signal, down_for).map_err(|error| format!("{error:#}"))
        }
        Ok(Request::Stop) => events.send(Event::Stop).map_err(|_| "the node is ending already".to_owned()),
        Err(error) => Err(format!("no such request: {error}")),
    };
    writeln!(stream, "{}", serde_json::to_string(&answer)?).context("answer on the control socket")
}
