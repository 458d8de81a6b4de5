//! Suggestions for what was probably meant.
//!
//! Owns the measure of likeness. Must never guess for the user: it only proposes. No IO.

use bailiwick_core::action::ChangeType;

/// The likeliest of the candidates, if any is like the text.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase();
    candidates
        .into_iter()
        .map(|c| {
            let other = c.to_lowercase();
            let within = lower.len() >= 3 && other.contains(&lower);
            let score = strsim::jaro_winkler(&lower, &other);
            (if within { score.max(0.9) } else { score }, c)
        })
        .filter(|(score, _)| *score > 0.78)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

/// A sentence that names the likeliest candidate.
pub fn among(text: &str, candidates: &[String]) -> Option<String> {
    nearest(text, candidates.iter().map(String::as_str)).map(|found| format!("did you mean {found:?}?"))
}

/// Parses the name of a Change type.
///
/// # Errors
/// One sentence with the likeliest name, or all of them.
pub fn change_type(text: &str) -> Result<ChangeType, String> {
    if let Some(found) = ChangeType::parse(text) {
        return Ok(found);
    }
    let names = || ChangeType::ALL.iter().map(|t| t.as_str());
    match nearest(text, names()) {
        Some(found) => Err(format!("there is no such change type: did you mean {found}?")),
        None => Err(format!("there is no such change type: one of {}", names().collect::<Vec<_>>().join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_understood() {
        assert_eq!(change_type("setimage"), Ok(ChangeType::SetImage));
        assert!(change_type("SetImgae").is_err_and(|e| e.contains("did you mean SetImage?")));
        assert!(change_type("quota").is_err_and(|e| e.contains("DeleteResourceQuota")));
        assert!(change_type("xyz").is_err_and(|e| e.contains("one of RolloutUndo, SetImage")));
        let names = ["web-imagenotfound-1a2b".to_owned(), "db-oomkilled-9f".to_owned()];
        assert_eq!(among("web-imagenotfound-1a2", &names), Some("did you mean \"web-imagenotfound-1a2b\"?".into()));
        assert_eq!(among("zzz", &names), None);
    }
}
