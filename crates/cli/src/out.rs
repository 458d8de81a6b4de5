//! The only place that writes to standard output and standard error, and reads an answer.
//!
//! Owns streams, formats of objects, and the question before a write. Must never be handed text
//! that did not pass [`crate::safe`] or [`crate::sheet`]. Writes to stdout and stderr, reads stdin.

use crate::config::Environment;
use crate::exit::{Failure, Outcomes};
use crate::safe;
use crate::style::{Look, Role};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::io::{BufRead as _, ErrorKind, Write as _};

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For people, with more columns.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Only `kind/name`.
    Name,
}

/// The streams of one run.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    /// How to render.
    pub look: Look,
    /// How to print objects.
    pub format: Format,
    /// True where tables have headings.
    pub headers: bool,
    environment: Environment,
}

impl Out {
    /// The streams under an environment.
    pub const fn new(look: Look, format: Format, headers: bool, environment: Environment) -> Self {
        Self { look, format, headers, environment }
    }

    /// True where people read the output.
    pub const fn is_for_people(&self) -> bool {
        matches!(self.format, Format::Table | Format::Wide)
    }

    /// Writes rendered text to standard output.
    ///
    /// # Errors
    /// Where standard output cannot be written; a closed pipe is no error.
    pub fn text(&self, text: &str) -> Outcomes<()> {
        self.flowing(text).map(drop)
    }

    /// As [`Out::text`]; false where nobody reads any more, for whoever would write on for ever.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn flowing(&self, text: &str) -> Outcomes<bool> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::error(format!("cannot write to standard output: {error}")))
            }
            written => Ok(written.is_ok()),
        }
    }

    /// How standard error is rendered: it may go elsewhere than standard output.
    fn beside(&self) -> Look {
        Look { colour: self.environment.colour_beside(self.look.colour), ..self.look }
    }

    /// Writes one line to standard error, beside the output proper.
    pub fn note(&self, role: Role, text: &str) {
        let painted = self.beside().paint(role, &safe::line(text));
        let mut stderr = std::io::stderr().lock();
        // Nothing is left to tell anyone if standard error is gone.
        let _ = writeln!(stderr, "{painted}");
    }

    /// A step of long work: to standard error, so that output proper stays clean.
    pub fn progress(&self, sign: char, text: &str) {
        let role = match sign {
            '✔' => Role::Good,
            '✗' => Role::Bad,
            '!' => Role::Warn,
            _ => Role::Dim,
        };
        let sign = self.beside().paint(role, &sign.to_string());
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(stderr, "{sign} {}", safe::line(text));
    }

    /// Writes what went wrong, and what to do about it.
    pub fn failure(&self, failure: &Failure) {
        let mut stderr = std::io::stderr().lock();
        let head = self.beside().paint(Role::Bad, "error:");
        let _ = writeln!(stderr, "{head} {}", safe::line(&failure.what));
        for line in failure.next.iter().flat_map(|next| next.lines()) {
            let _ = writeln!(stderr, "  {}", safe::line(line));
        }
    }

    /// Prints a value as JSON or YAML; `Name` and the tables are the caller's.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn value(&self, value: &Value) -> Outcomes<()> {
        self.text(&encode(value, self.format)?)
    }

    /// Asks a question that only `y` or `yes` affirms.
    ///
    /// # Errors
    /// Where standard input is not a terminal, for then nobody has seen the question.
    pub fn confirm(&self, question: &str, flag: &str) -> Outcomes<bool> {
        if !self.environment.stdin_is_terminal {
            return Err(Failure::error("nobody can answer: standard input is not a terminal")
                .next(format!("if you have read what is above and mean it, add {flag}")));
        }
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{} [y/N] ", safe::line(question));
        let _ = stderr.flush();
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.map_err(|e| Failure::error(format!("cannot read the answer: {e}")))?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}

/// Text of a value in a machine format.
///
/// # Errors
/// Where the value cannot be written in that format.
pub fn encode(value: &Value, format: Format) -> Outcomes<String> {
    match format {
        Format::Yaml => crate::yaml::text(value).map_err(|e| Failure::error(format!("cannot write this as YAML: {e}"))),
        Format::Json | Format::Name | Format::Table | Format::Wide => {
            let text = serde_json::to_string_pretty(value);
            let text = text.map_err(|e| Failure::error(format!("cannot write this as JSON: {e}")))?;
            Ok(format!("{}\n", safe::json(&text)))
        }
    }
}

/// Objects as kubectl prints several: `kind: List`, without the server's bookkeeping.
pub fn list(items: Vec<Value>) -> Value {
    let items: Vec<Value> = items.into_iter().map(shown).collect();
    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items})
}

/// An object as kubectl prints it: without `managedFields`.
#[must_use]
pub fn shown(mut object: Value) -> Value {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_objects_are_a_list_without_bookkeeping() {
        let object = json!({"kind": "Change", "metadata": {"name": "a", "managedFields": [1]}});
        let list = list(vec![object]);
        assert_eq!(list["kind"], "List");
        assert!(list["items"][0]["metadata"].get("managedFields").is_none());
    }

    #[test]
    fn machine_formats_hold_no_raw_control_characters() {
        let value = json!({"a": "x\u{202e}\u{1b}[2J", "n": 1, "t": "true", "e": ""});
        let text = encode(&value, Format::Json).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && safe::is_risky(c)), "{text:?}");
        let yaml = encode(&value, Format::Yaml).unwrap();
        let back: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(back, value);
        assert!(!yaml.chars().any(|c| c != '\n' && safe::is_risky(c)), "{yaml:?}");
    }
}
