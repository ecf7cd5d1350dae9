//! Turns errors of the Atlas client into diagnostics. Titles and next steps of API errors are here.

mod advice;
mod reconciliation;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use tf_provider::Diagnostic;

pub(crate) use self::reconciliation::{certificate_until, reconciled};
use self::{advice::advice, reconciliation::summary_and_detail};
use super::arguments::{UserId, to_sentence};
use crate::atlas::{Error, ErrorKind, IssueError, Operation};

/// A failed call: the operation, the message of Atlas, the next step, and the request. `subject` is the user or the
/// project of the call.
pub(crate) fn from_atlas(error: &Error, subject: &dyn Display) -> Diagnostic {
    diagnostic(error, failure(error, subject))
}

/// A certificate request without a certificate: the failed call, and the result of the reconciliation if the outcome
/// was ambiguous.
pub(crate) fn not_issued(error: &IssueError, user: &UserId) -> Diagnostic {
    match error {
        IssueError::NotIssued(error) if error.is_cancelled() => {
            let detail = format!(
                "No certificate was issued for {user}, because the run was canceled before the request was sent."
            );
            Diagnostic::error("Canceled before the certificate was requested", detail)
        }
        IssueError::NotIssued(error) => {
            diagnostic(error, failure(error, user) + " No certificate was issued.")
        }
        IssueError::Ambiguous { cause, reconciliation } => {
            let (summary, result) = summary_and_detail(reconciliation, cause, &user.username);
            let failure = from_atlas(cause, user);
            Diagnostic::error(summary, format!("{result}\n\n{}", failure.detail))
        }
    }
}

/// The operation and why it failed.
fn failure(error: &Error, subject: &dyn Display) -> String {
    let kind = error.kind();
    match error.request().operation {
        Operation::IssueCertificate => format!("Issuing a certificate for {subject} {kind}."),
        Operation::ListCertificates => format!("Listing the certificates of {subject} {kind}."),
        Operation::ReadUser => format!("Reading {subject} {kind}."),
        Operation::ListUsers => format!("Listing the database users of {subject} {kind}."),
        Operation::Authenticate | Operation::RevokeToken => format!(
            "Authentication with Atlas {kind}, so the operation on {subject} was not started."
        ),
    }
}

fn diagnostic(error: &Error, failure: String) -> Diagnostic {
    let advice = advice(error);
    let response = match error.kind() {
        ErrorKind::UnexpectedResponse(_, Some(line)) => {
            Some(format!("The response begins with: {line}"))
        }
        ErrorKind::Redirected(_, Some(location)) => Some(format!("It redirects to: {location}")),
        _ => None,
    };
    let request = error.request();
    let cause = error.source_message().map(|cause| format!("Cause: {}", to_sentence(cause)));
    let paragraphs = [
        Some(failure),
        api_message(error),
        response,
        cause,
        attempts(error),
        Some(advice.next_step.to_owned()),
        Some(format!("Request: {} {} to {}", request.method, request.target, request.address)),
    ];
    let detail: Vec<_> = paragraphs.into_iter().flatten().collect();
    let diagnostic = Diagnostic::error(advice.summary, detail.join("\n\n"));
    match attribute_of_field(error).or(advice.argument) {
        Some(argument) => diagnostic.at(argument),
        None => diagnostic,
    }
}

/// The message of Atlas, and the fields of the request that it rejects.
fn api_message(error: &Error) -> Option<String> {
    let error = error.api_error()?;
    let message = error.detail.iter();
    let message = message.map(|message| format!("Message from Atlas: {}", to_sentence(message)));
    let fields = error.fields.iter().map(|(field, problem)| format!("  - {field}: {problem}"));
    let lines: Vec<_> = message.chain(fields).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn attempts(error: &Error) -> Option<String> {
    match (error.kind().is_connect(), error.attempts()) {
        (true, count @ 2..) => Some(format!("{count} attempts failed; no request reached Atlas.")),
        (true, _) => Some("No request reached Atlas.".to_owned()),
        (false, count @ 2..) => Some(format!("{count} attempts were made.")),
        (false, _) => None,
    }
}

/// The argument whose value is in a field of the request that Atlas rejects.
fn attribute_of_field(error: &Error) -> Option<&'static str> {
    error.api_error()?.fields.iter().find_map(|(field, _)| match field.rsplit('.').next() {
        Some("monthsUntilExpiration") => Some("months_until_expiration"),
        Some("username" | "userName") => Some("username"),
        Some("groupId") => Some("project_id"),
        _ => None,
    })
}
