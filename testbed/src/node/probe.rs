//! Questions to a cluster that is coming up, asked from inside the node: `kubectl` for the API server, one hand-made packet for DNS. Reads only.

use std::ffi::OsString;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::spec::{NODE, Spec};
use crate::step;

/// The search path inside the node: what was built comes first.
pub(crate) fn path(spec: &Spec) -> OsString {
    let mut path = spec.bin.clone().into_os_string();
    path.push(":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    path
}

fn get(spec: &Spec, path: &str) -> Option<Vec<u8>> {
    let mut kubectl = Command::new(spec.bin.join("kubectl"));
    kubectl.arg(format!("--kubeconfig={}", spec.kubeconfig("admin").display())).args([
        "--request-timeout=5s",
        "get",
        "--raw",
        path,
    ]);
    step::output("ask the API server", &mut kubectl).ok()
}

pub(crate) fn api_server_ready(spec: &Spec) -> bool {
    get(spec, "/readyz").is_some()
}

pub(super) fn node_registered(spec: &Spec) -> bool {
    node(spec).is_some_and(|node| node["status"]["addresses"].is_array())
}

pub(super) fn node_ready(spec: &Spec) -> bool {
    let Some(node) = node(spec) else { return false };
    let conditions = node["status"]["conditions"].as_array();
    conditions.is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
}

fn node(spec: &Spec) -> Option<Value> {
    serde_json::from_slice(&get(spec, &format!("/api/v1/nodes/{NODE}"))?).ok()
}

pub(super) fn default_account_exists(spec: &Spec) -> bool {
    get(spec, "/api/v1/namespaces/default/serviceaccounts/default").is_some()
}

/// Whether the name of the API server's Service resolves.
pub(super) fn dns_answers(spec: &Spec) -> bool {
    let query = question("kubernetes.default.svc.cluster.local");
    let ask = || -> std::io::Result<Vec<u8>> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        socket.send_to(&query, SocketAddr::from((spec.node_ip(), 53)))?;
        let mut answer = vec![0; 512];
        let length = socket.recv(&mut answer)?;
        answer.truncate(length);
        Ok(answer)
    };
    ask().is_ok_and(|answer| answered(&answer))
}

/// A DNS question for an IPv4 address (RFC 1035, section 4).
fn question(name: &str) -> Vec<u8> {
    let mut packet = vec![0x13, 0x37, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        packet.push(label.len() as u8);
        packet.extend_from_slice(label.as_bytes());
    }
    packet.extend_from_slice(&[0, 0, 1, 0, 1]);
    packet
}

/// No error, and at least one answer.
fn answered(packet: &[u8]) -> bool {
    packet.len() >= 12 && packet[3] & 0x0f == 0 && u16::from_be_bytes([packet[6], packet[7]]) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_not_an_answer() {
        let mut packet = question("a.bc");
        assert_eq!(packet[12..], [1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1]);
        assert!(!answered(&packet));
        packet[7] = 1;
        assert!(answered(&packet));
        packet[3] = 3;
        assert!(!answered(&packet), "NXDOMAIN");
    }
}
