//! Resolves names by asking the name server of `/etc/resolv.conf`, because a statically linked glibc cannot be trusted with it. IPv4 only; one UDP question per candidate.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

const RESOLVER: &str = "/etc/resolv.conf";

struct Resolver {
    server: IpAddr,
    search: Vec<String>,
    ndots: usize,
}

/// The first address of `host`, which may be an address already.
pub(crate) fn resolve(host: &str) -> Result<IpAddr, String> {
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let text = std::fs::read_to_string(RESOLVER).map_err(|error| format!("read {RESOLVER}: {error}"))?;
    let resolver = parse(&text).ok_or_else(|| format!("{RESOLVER} names no server"))?;
    let mut why = "no such name".to_owned();
    for name in candidates(host, &resolver) {
        match ask(resolver.server, &name) {
            Ok(Some(address)) => return Ok(IpAddr::V4(address)),
            Ok(None) => {}
            Err(error) => why = format!("ask {} for {name}: {error}", resolver.server),
        }
    }
    Err(why)
}

fn parse(text: &str) -> Option<Resolver> {
    let words = |key: &'static str| {
        text.lines().map(str::split_whitespace).filter_map(move |mut line| (line.next() == Some(key)).then_some(line))
    };
    let server = words("nameserver").flatten().find_map(|word| word.parse().ok())?;
    let search = words("search").next_back().map(|line| line.map(str::to_owned).collect()).unwrap_or_default();
    let ndots = words("options").flatten().find_map(|word| word.strip_prefix("ndots:")?.parse().ok()).unwrap_or(1);
    Some(Resolver { server, search, ndots })
}

fn candidates(host: &str, resolver: &Resolver) -> Vec<String> {
    if let Some(absolute) = host.strip_suffix('.') {
        return vec![absolute.to_owned()];
    }
    let mut names: Vec<String> = resolver.search.iter().map(|domain| format!("{host}.{domain}")).collect();
    let place = if host.matches('.').count() >= resolver.ndots { 0 } else { names.len() };
    names.insert(place, host.to_owned());
    names
}

fn ask(server: IpAddr, name: &str) -> std::io::Result<Option<Ipv4Addr>> {
    let socket = UdpSocket::bind(("0.0.0.0", 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.connect((server, 53))?;
    socket.send(&question(name))?;
    let mut packet = [0; 1500];
    let length = socket.recv(&mut packet)?;
    Ok(answer(&packet[..length]))
}

fn question(name: &str) -> Vec<u8> {
    let mut packet = vec![0xba, 0x11, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        packet.push(label.len() as u8);
        packet.extend_from_slice(label.as_bytes());
    }
    packet.extend_from_slice(&[0, 0, 1, 0, 1]);
    packet
}

/// The first A record of a reply (RFC 1035, section 4.1).
fn answer(packet: &[u8]) -> Option<Ipv4Addr> {
    let count = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]);
    let mut at = skip_name(packet, 12)? + 4;
    for _ in 0..count {
        at = skip_name(packet, at)?;
        let kind = packet.get(at..at + 2)?;
        let length = usize::from(u16::from_be_bytes([*packet.get(at + 8)?, *packet.get(at + 9)?]));
        let data = packet.get(at + 10..at + 10 + length)?;
        if kind == [0, 1] {
            return <[u8; 4]>::try_from(data).ok().map(Ipv4Addr::from);
        }
        at += 10 + length;
    }
    None
}

/// Behind a name, which ends with an empty label or a pointer.
fn skip_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_searched_first() {
        let resolver =
            parse("search ns.svc.cluster.local svc.cluster.local\nnameserver 10.213.0.2\noptions ndots:5\n").unwrap();
        assert_eq!(candidates("kubernetes.default", &resolver)[1], "kubernetes.default.svc.cluster.local");
        assert_eq!(candidates("a.b.", &resolver), ["a.b"]);
    }

    #[test]
    fn an_alias_is_followed_to_the_address() {
        let mut reply = question("a.b");
        reply[7] = 2;
        reply.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 5, 0, 2, 0xc0, 12]);
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 96, 0, 1]);
        assert_eq!(answer(&reply), Some(Ipv4Addr::new(10, 96, 0, 1)));
        assert_eq!(answer(&reply[..reply.len() - 1]), None, "cut short");
        assert_eq!(answer(&question("a.b")), None);
    }
}
