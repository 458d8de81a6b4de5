//! The node's end of its network. Configures interfaces and routes inside the node's namespace only.

use anyhow::{Context as _, Result};

use crate::spec::{SERVICE_RANGE, Spec};
use crate::step;

/// Addresses, routes and forwarding; `eth0` is there.
pub(super) fn configure(spec: &Spec) -> Result<()> {
    let address = format!("{}/30", spec.node_ip());
    let commands: [&[&str]; 5] = [
        &["link", "set", "lo", "up"],
        &["addr", "add", &address, "dev", "eth0"],
        &["link", "set", "eth0", "up"],
        // An address outside fails at once instead of timing out.
        &["route", "add", "unreachable", "default"],
        // Without it the API server finds no route to a webhook's Service, and kube-proxy never sees the packet.
        &["route", "add", SERVICE_RANGE, "dev", "eth0"],
    ];
    for args in commands {
        step::output("configure the node's network", step::command("ip").args(args))?;
    }
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("let the node forward packets")
}
