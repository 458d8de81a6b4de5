//! A verdict, step by step.
//!
//! Owns what `bailiwick mandate explain` says. Must never hide a step that decided. No IO.

use crate::safe;
use crate::sheet::{Sheet, wrapped};
use crate::style::{Look, Role};
use bailiwick_core::mandate::Outcome;
use bailiwick_core::mandate::{Explanation, StepResult};

/// The page. `unchecked` says what could not be looked at from here.
pub fn page(question: &str, explanation: &Explanation, unchecked: &[String], look: &Look) -> String {
    let mut sheet = Sheet::new(*look);
    sheet.heading(question);
    let widest = explanation.steps.iter().map(|s| s.question.chars().count()).max().unwrap_or_default();
    for step in &explanation.steps {
        let (sign, role) = match step.result {
            StepResult::Pass => ("✔", Role::Good),
            StepResult::Human => ("?", Role::Warn),
            StepResult::Refuse => ("✗", Role::Bad),
        };
        let code = match step.result {
            StepResult::Pass => String::new(),
            StepResult::Human | StepResult::Refuse => format!("{}: ", step.reason.code),
        };
        let name = format!(" {:widest$}  ", step.question);
        let room = look.wrap().saturating_sub(widest + 6);
        let mut lines = wrapped(&safe::line(&format!("{code}{}", step.reason.message)), room).into_iter();
        let first = lines.next().unwrap_or_default();
        let told = first.strip_prefix(&code).unwrap_or(&first);
        let code = if told.len() < first.len() { code.as_str() } else { "" };
        sheet.pieces(2, &[(role, sign), (Role::Plain, &name), (role, code), (Role::Plain, told)]);
        for line in lines {
            sheet.line(widest + 6, Role::Plain, &line);
        }
    }
    for missing in unchecked {
        let name = format!(" {:widest$}  ", "not asked");
        sheet.pieces(2, &[(Role::Warn, "-"), (Role::Plain, &name), (Role::Dim, missing)]);
    }
    let verdict = &explanation.verdict;
    let (words, role) = match verdict.outcome {
        Outcome::PreApproved => ("pre-approved: it would be done without asking anyone".to_owned(), Role::Good),
        Outcome::NeedsApproval => (format!("needs approval by {}", approvers(explanation)), Role::Warn),
        Outcome::Refused => ("refused: it is never done".to_owned(), Role::Bad),
    };
    sheet.heading("Verdict");
    sheet.line(2, role, &words);
    if let Some(mandate) = &verdict.mandate {
        sheet.field("Mandate", mandate);
    }
    sheet.finish()
}

fn approvers(explanation: &Explanation) -> String {
    let verdict = &explanation.verdict;
    let people = [&verdict.approvers.users[..], &verdict.approvers.groups[..]].concat();
    let who = if people.is_empty() { "whoever holds the verb approve".to_owned() } else { people.join(", ") };
    match verdict.quorum {
        0 | 1 => who,
        more => format!("{more} of: {who}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures;

    #[test]
    fn each_step_is_told_in_its_order() {
        let look = fixtures::look(None);
        let question = "May operator do SetImage on Deployment shop/web?";
        let unchecked = vec!["values, for none were given: add --set".to_owned()];
        let asks = fixtures::explanation(true, false);
        insta::assert_snapshot!("explain_asks", page(question, &asks, &unchecked, &look));
        let refused = fixtures::explanation(false, false);
        insta::assert_snapshot!("explain_refused", page(question, &refused, &[], &look));
        let allowed = fixtures::explanation(true, true);
        insta::assert_snapshot!("explain_allowed", page(question, &allowed, &[], &look));
    }
}
