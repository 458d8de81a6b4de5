//! What may be said of credentials that do not work.
//!
//! Owns the wording of failures whose own text may quote a token, a key or a login program's
//! output. Must never pass such text on. No IO.

use kube::client::AuthError;
use kube::config::KubeconfigError;

/// Why credentials could not be had, without what the login program printed.
pub fn login(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { cmd, out } => {
            // The command is shown with its environment, in which the program stands after it.
            let program = cmd.rsplit("KUBERNETES_EXEC_INFO=").next().unwrap_or_default();
            let quoted = program.rsplit_once("}\" ").map_or("", |(_, words)| words);
            let name = quoted.split('"').find(|word| !word.trim().is_empty()).unwrap_or("the login program");
            format!("{name} ended with {}; run it by hand to see what it says", out.status)
        }
        AuthError::AuthExecStart(error) => format!("the login program does not start: {error}"),
        AuthError::AuthExecParse(error) => at("the login program's answer does not parse", &error.to_string()),
        AuthError::AuthExec(_) => "the login program did not do its work".to_owned(),
        other => other.to_string(),
    }
}

/// Why a kubeconfig cannot be used, without quoting a line of it.
pub fn kubeconfig(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => at("it does not parse", &error.to_string()),
        KubeconfigError::ReadConfig(error, path) => format!("cannot read {}: {error}", path.display()),
        other => crate::fault::chain(other),
    }
}

/// A sentence with the place that a parser names, and nothing of what stands there.
fn at(sentence: &str, text: &str) -> String {
    let number = |word: &str| {
        let (_, rest) = text.split_once(&format!("{word} "))?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then_some(digits)
    };
    match (number("line"), number("column")) {
        (Some(line), Some(column)) => format!("{sentence} (line {line}, column {column})"),
        (_, _) => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_that_does_not_parse_is_not_quoted() {
        let text = "users:\n- name: a\n  user: {token: s3cr3t-token, token: [\n";
        let error = kube::config::Kubeconfig::from_yaml(text).unwrap_err();
        assert!(error.to_string().contains("s3cr3t"), "the library no longer quotes: {error}");
        let said = kubeconfig(&error);
        assert!(!said.contains("s3cr3t") && said.contains("line"), "{said}");
    }

    #[test]
    fn what_a_login_program_printed_is_not_repeated() {
        use std::os::unix::process::ExitStatusExt as _;
        let out = std::process::Output {
            status: std::process::ExitStatus::from_raw(256),
            stdout: b"s3cr3t-token".to_vec(),
            stderr: Vec::new(),
        };
        let cmd = r#"KUBERNETES_EXEC_INFO="{\"kind\":\"ExecCredential\"}" "/bin/login" "get-token""#.to_owned();
        let said = login(&AuthError::AuthExecRun { cmd, out: Box::new(out) });
        assert_eq!(said, "/bin/login ended with exit status: 1; run it by hand to see what it says");
    }
}
