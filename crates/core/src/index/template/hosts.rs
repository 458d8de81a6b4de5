//! The hosts that an init container's command speaks of.
//!
//! Owns that reading: what stands where a host stands (in a URL, before a port, after the usual
//! waiting programs). Must never keep any other word of a command. No IO.

use super::Role;
use crate::index::shape::ContainerShape;

/// The most hosts that are kept of one container.
const MOST: usize = 8;
/// Programs whose arguments are hosts, but for options and numbers.
const ASKERS: [&str; 7] = ["nslookup", "nc", "netcat", "ncat", "ping", "host", "getent"];

/// The hosts, each once, in the order they come. Only init containers wait for others.
pub(super) fn of(role: Role, container: &ContainerShape) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    if role != Role::Init {
        return out;
    }
    let mut asker = false;
    for text in container.command.iter().chain(&container.args) {
        for word in text.split(|c: char| c.is_whitespace() || "\"'`;|&(){}<>,".contains(c)).filter(|w| !w.is_empty()) {
            let found = host(word, asker && !is_option_value(word));
            // What follows the program, up to the end of its arguments.
            asker = ASKERS.contains(&word) || (asker && (word.starts_with('-') || is_option_value(word)));
            out.extend(found.filter(|host| !out.contains(host)));
        }
    }
    out.truncate(MOST);
    out
}

fn host(word: &str, asked: bool) -> Option<&str> {
    let url = word.split_once("://").map(|(_, rest)| rest);
    let rest = url.unwrap_or(word);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = rest.split(['/', '?']).next()?;
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let ported = port.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let inside = name.contains(".svc.") || name.ends_with(".svc");
    (is_name(name) && (url.is_some() || ported || inside || asked)).then_some(name)
}

/// A DNS name with a letter in it, so no address and no number.
fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    name.len() <= 253
        && name.bytes().all(allowed)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().any(|b| b.is_ascii_lowercase())
}

/// What stands between a program's options and its host: a number, or the kind of a query.
fn is_option_value(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit()) || word == "hosts"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hosts(command: &str) -> Vec<String> {
        let shape: ContainerShape = serde_json::from_value(json!({"command": ["sh", "-c", command]})).unwrap();
        of(Role::Init, &shape).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn hosts_are_told_by_where_they_stand() {
        for (command, wanted) in [
            ("until nslookup mydb; do echo waiting; sleep 2; done", vec!["mydb"]),
            ("until nc -z -w 2 orders 8080; do sleep 1; done", vec!["orders"]),
            ("wget -qO- http://user:pw@catalog.shop.svc:80/health?x=y", vec!["catalog.shop.svc"]),
            ("curl --fail cache:6379 && ./migrate --to 7", vec!["cache"]),
            (
                "while ! getent hosts queue.jobs.svc.cluster.local; do sleep 1; done",
                vec!["queue.jobs.svc.cluster.local"],
            ),
            ("pg_isready -h db.data.svc", vec!["db.data.svc"]),
            ("ping -c 1 10.0.0.1; chmod 0755 /data; date +%H:%M", vec![]),
            ("cp -r /app/config /shared", vec![]),
        ] {
            assert_eq!(hosts(command), wanted, "{command}");
        }
    }

    #[test]
    fn main_containers_are_not_looked_into() {
        let shape: ContainerShape = serde_json::from_value(json!({"command": ["nslookup", "mydb"]})).unwrap();
        assert!(of(Role::Main, &shape).is_empty());
    }
}
