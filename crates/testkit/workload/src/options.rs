//! What the workload was asked to do, from arguments and from `WORKLOAD_*` variables. Pure.

use std::ffi::OsString;
use std::time::Duration;

/// Printed by `--help`.
pub(crate) const HELP: &str = "\
workload: serves HTTP and breaks on request

Every flag may also be given as a variable: --need-env is WORKLOAD_NEED_ENV.

  --port N                    listen here (default 8080; 0: do not listen)
  --allocate-mib N            take this much memory at the start, touching every page
  --grow-mib-per-second N     and this much more each second
  --need-env NAME             exit 1 with a message unless it is set (repeatable)
  --need-file PATH            exit 1 with a message unless it can be read (repeatable)
  --write PATH:MIB            exit 1 with a message unless so much can be written there (repeatable)
  --connect HOST:PORT         exit 1 with a message unless it can be reached (repeatable)
  --exit-code N [--after S]   end with this code, after S seconds (default 0)
  --fail-readiness            /readyz answers 503
  --fail-liveness             /healthz answers 503
  --log TEXT                  print TEXT; \\n \\t \\e \\\\ and \\xNN stand for bytes (repeatable)
  --start-delay S             wait before anything but --log
  --help                      this text

Paths: /  /healthz  /readyz  /fail/readiness[?on=true|false]  /fail/liveness[?on=true|false]
       /exit/CODE  /log?m=TEXT  /alloc?mib=N
";

/// Everything there is to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) port: u16,
    pub(crate) allocate_mib: usize,
    pub(crate) grow_mib_per_second: usize,
    pub(crate) need_env: Vec<String>,
    pub(crate) need_file: Vec<String>,
    pub(crate) write: Vec<String>,
    pub(crate) connect: Vec<String>,
    pub(crate) exit_code: Option<u8>,
    pub(crate) after: Duration,
    pub(crate) fail_readiness: bool,
    pub(crate) fail_liveness: bool,
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) start_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 8080,
            allocate_mib: 0,
            grow_mib_per_second: 0,
            need_env: Vec::new(),
            need_file: Vec::new(),
            write: Vec::new(),
            connect: Vec::new(),
            exit_code: None,
            after: Duration::ZERO,
            fail_readiness: false,
            fail_liveness: false,
            log: Vec::new(),
            start_delay: Duration::ZERO,
        }
    }
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Run(Options),
    Help,
}

/// Arguments win over variables where a flag takes one value, and add to them where it takes several.
pub(crate) fn parse(
    args: impl Iterator<Item = String>,
    vars: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Parsed, String> {
    let mut options = Options::default();
    for (name, value) in vars {
        let Some(flag) = name.to_str().and_then(|name| name.strip_prefix("WORKLOAD_")) else {
            continue;
        };
        // Kubernetes itself sets such variables for a Service of that name.
        if flag.starts_with("SERVICE_")
            || flag.starts_with("PORT_")
            || (flag == "PORT" && value.to_string_lossy().starts_with("tcp://"))
        {
            continue;
        }
        let flag = flag.to_ascii_lowercase().replace('_', "-");
        options.set(&flag, &value.to_string_lossy())?;
    }
    let mut args = args;
    while let Some(arg) = args.next() {
        let Some(flag) = arg.strip_prefix("--") else {
            return Err(format!("unexpected argument `{arg}`"));
        };
        match flag.split_once('=') {
            Some((flag, value)) => options.set(flag, value)?,
            None if flag == "help" => return Ok(Parsed::Help),
            None if flag == "fail-readiness" || flag == "fail-liveness" => options.set(flag, "true")?,
            None => options.set(flag, &args.next().ok_or_else(|| format!("--{flag} needs a value"))?)?,
        }
    }
    Ok(Parsed::Run(options))
}

impl Options {
    fn set(&mut self, flag: &str, value: &str) -> Result<(), String> {
        match flag {
            "port" => self.port = number(flag, value)?,
            "allocate-mib" => self.allocate_mib = number(flag, value)?,
            "grow-mib-per-second" => self.grow_mib_per_second = number(flag, value)?,
            "need-env" => self.need_env.push(value.to_owned()),
            "need-file" => self.need_file.push(value.to_owned()),
            "write" => self.write.push(value.to_owned()),
            "connect" => self.connect.push(value.to_owned()),
            "exit-code" => self.exit_code = Some(number(flag, value)?),
            "after" => self.after = seconds(flag, value)?,
            "fail-readiness" => self.fail_readiness = number(flag, value)?,
            "fail-liveness" => self.fail_liveness = number(flag, value)?,
            "log" => self.log.push(unescape(value)),
            "start-delay" => self.start_delay = seconds(flag, value)?,
            _ => return Err(format!("unknown flag --{flag}")),
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("--{flag} cannot be `{value}`"))
}

fn seconds(flag: &str, value: &str) -> Result<Duration, String> {
    Duration::try_from_secs_f64(number(flag, value)?).map_err(|_| format!("--{flag} cannot be `{value}`"))
}

/// Text with `\n`, `\t`, `\e`, `\\` and `\xNN` to bytes; any other backslash stays.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let (byte, used) = match (first, tail) {
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'e', ..]) => (0x1b, 2),
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            (b'\\', [b'x', high, low, ..]) => match hex(*high, *low) {
                Some(byte) => (byte, 4),
                None => (b'\\', 1),
            },
            (other, _) => (*other, 1),
        };
        out.push(byte);
        rest = &rest[used..];
    }
    out
}

/// Two hexadecimal digits.
pub(crate) fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str], vars: &[(&str, &str)]) -> Result<Parsed, String> {
        parse(args.iter().map(|a| (*a).to_owned()), vars.iter().map(|(k, v)| (k.into(), v.into())))
    }

    #[test]
    fn arguments_and_variables_mix() {
        let Ok(Parsed::Run(options)) = parsed(
            &["--port", "1", "--need-env=B", "--fail-liveness"],
            &[("WORKLOAD_NEED_ENV", "A"), ("WORKLOAD_PORT", "2")],
        ) else {
            panic!("not parsed")
        };
        assert_eq!((options.port, options.fail_liveness), (1, true));
        assert_eq!(options.need_env, ["A", "B"]);
    }

    #[test]
    fn variables_of_a_service_named_workload_are_not_ours() {
        let vars = [
            ("WORKLOAD_PORT", "tcp://10.96.0.9:80"),
            ("WORKLOAD_SERVICE_HOST", "10.96.0.9"),
            ("WORKLOAD_PORT_80_TCP", "x"),
        ];
        assert_eq!(parsed(&[], &vars), Ok(Parsed::Run(Options::default())));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parsed(&["--port", "many"], &[]), Err("--port cannot be `many`".to_owned()));
        assert_eq!(parsed(&["--log"], &[]), Err("--log needs a value".to_owned()));
        assert_eq!(parsed(&["--nonsense", "1"], &[]), Err("unknown flag --nonsense".to_owned()));
    }

    #[test]
    fn escapes_become_bytes() {
        assert_eq!(unescape(r"a\e[31m\x00\xff\\n\q\x"), b"a\x1b[31m\x00\xff\\n\\q\\x");
    }
}
