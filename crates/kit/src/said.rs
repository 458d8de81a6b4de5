//! Errors as one line for a log.
//!
//! Owns how a chain of causes is put into words. Must never repeat a cause, nor print more of the
//! API server's answer than its message. No IO.

use std::error::Error;

/// An error and its causes, outermost first, parted by `: `. An answer of the API server is its
/// message and HTTP status; what follows it in the chain is the same answer again and left out.
pub fn said(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(link) = next {
        let (words, last) = match link.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) => (format!("{} ({})", status.message, status.code), true),
            _ => (link.to_string(), false),
        };
        if !text.contains(&words) {
            let joint = if text.is_empty() { "" } else { ": " };
            text.push_str(joint);
            text.push_str(&words);
        }
        next = link.source().filter(|_| !last);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[derive(Debug, thiserror::Error)]
    #[error("storing the status")]
    struct Storing(#[source] kube::Error);

    #[test]
    fn an_answer_is_its_message_once() {
        let status = Status::failure("no such thing", "NotFound").with_code(404);
        let error = Storing(kube::Error::Api(Box::new(status)));
        assert_eq!(said(&error), "storing the status: no such thing (404)");
    }
}
