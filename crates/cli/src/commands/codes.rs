//! `bailiwick explain-code`: what a reason code means.
//!
//! Owns the listing of codes. Must never explain a code that does not exist. No IO.

use super::Session;
use crate::exit::{Exit, Failure, Outcomes};
use crate::out::Format;
use crate::suggest;
use crate::table::{Cell, Table, cut, whole};
use bailiwick_core::reason::Code;
use serde_json::{Value, json};

/// Say what a reason code means.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code; all of them if none is named
    #[arg(value_name = "CODE", add = crate::complete::codes())]
    code: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Where there is no such code.
pub fn run(session: &Session, args: &Args) -> Outcomes {
    session.only(&[Format::Table, Format::Wide, Format::Json, Format::Yaml])?;
    let codes = match &args.code {
        None => Code::ALL.to_vec(),
        Some(name) => vec![find(name)?],
    };
    if !session.out.is_for_people() {
        let all: Vec<Value> = codes.iter().map(|c| json!({"code": c.as_str(), "meaning": c.meaning()})).collect();
        session.out.value(&Value::Array(all))?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(vec![whole("CODE"), cut("MEANING")]);
    for code in &codes {
        table.push(vec![Cell::new(code.as_str()), Cell::new(code.meaning())]);
    }
    let one = args.code.is_some();
    session.out.text(&table.render(&session.out.look, session.out.headers && !one))?;
    Ok(Exit::Ok)
}

fn find(name: &str) -> Result<Code, Failure> {
    let found = Code::ALL.iter().copied().find(|c| c.as_str().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let near = suggest::nearest(name, Code::ALL.iter().map(|c| c.as_str()));
        let next = near.map_or_else(|| "bailiwick explain-code lists all".to_owned(), |n| format!("did you mean {n}?"));
        Failure::not_found(format!("there is no code {name:?}")).next(next)
    })
}
