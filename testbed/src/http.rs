//! Just enough HTTP/1.1 to push to the cluster's registry: one request per connection, bodies with a length. Plain, because that registry is reached over a veth pair and never over a network.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// A response, headers in lower case.
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What to ask for.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// Path with query.
    pub(crate) path: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
}

/// Sends `request` to `host` (`address:port`) and reads the whole answer.
pub(crate) fn send(host: &str, request: &Request<'_>) -> Result<Response> {
    let exchange = || -> Result<Response> {
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let Request { method, path, content_type, body } = request;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )?;
        stream.write_all(body)?;
        read(BufReader::new(stream), *method == "HEAD")
    };
    exchange().with_context(|| format!("{} http://{host}{}", request.method, request.path))
}

fn read(mut stream: BufReader<TcpStream>, head: bool) -> Result<Response> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line
        .split_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok())
        .with_context(|| format!("read the status line `{}`", line.trim()))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((key, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((key.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new() };
    if head {
        return Ok(response);
    }
    match response.header("content-length").map(str::parse::<u64>) {
        Some(Ok(length)) => stream.take(length).read_to_end(&mut response.body)?,
        Some(Err(_)) => bail!("the response has a malformed Content-Length"),
        None => stream.read_to_end(&mut response.body)?,
    };
    Ok(response)
}
