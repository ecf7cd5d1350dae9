//! Turns errors of the Atlas client into diagnostics. The only place that words API failures.

mod advice;
mod reconciliation;
#[cfg(test)]
mod tests;

use tf_provider::{Diagnostic, Path};

use self::advice::advice;
pub(crate) use self::reconciliation::{certificate_until as named, reconciled as since};
use super::arguments::to_sentence;
use crate::atlas::{Error, ErrorKind, IssueError, Operation, ProjectId, Username};

/// A failed call: the operation, the message of Atlas, the next step, and the request. `username` is only needed for operations on one user.
pub(crate) fn from_atlas<'a>(
    error: &Error,
    project: &ProjectId,
    username: impl Into<Option<&'a Username>>,
) -> Diagnostic {
    diagnostic(error, &failure(error, project, username.into()))
}

/// A certificate request without a certificate: the failed call, and the result of the reconciliation if the outcome was ambiguous.
pub(crate) fn not_issued(
    error: &IssueError,
    project: &ProjectId,
    username: &Username,
) -> Diagnostic {
    match error {
        IssueError::Cancelled => Diagnostic::error(
            "Canceled before the certificate was requested",
            format!(
                "No certificate was issued for the database user \"{username}\" of project {project}, because the run was canceled before the request was \
                 sent."
            ),
        ),
        IssueError::NotIssued(error) => {
            let failure = failure(error, project, Some(username));
            diagnostic(error, &format!("{failure} No certificate was issued."))
        }
        IssueError::Ambiguous { cause, reconciliation } => {
            let (summary, result) =
                reconciliation::summary_and_detail(reconciliation, cause, username);
            let failure = from_atlas(cause, project, username);
            Diagnostic::error(summary, format!("{result}\n\n{}", failure.detail))
        }
    }
}

/// The operation and why it failed.
fn failure(error: &Error, project: &ProjectId, username: Option<&Username>) -> String {
    let user = username.map_or_else(
        || format!("project {project}"),
        |username| format!("the database user \"{username}\" of project {project}"),
    );
    let kind = error.kind();
    match error.operation() {
        Operation::IssueCertificate => format!("Issuing a certificate for {user} {kind}."),
        Operation::ListCertificates => format!("Listing the certificates of {user} {kind}."),
        Operation::ReadUser => format!("Reading {user} {kind}."),
        Operation::ListUsers => format!("Listing the database users of project {project} {kind}."),
        Operation::Authenticate | Operation::RevokeToken => {
            format!("Authentication with Atlas {kind}, so the operation on {user} was not started.")
        }
    }
}

fn diagnostic(error: &Error, failure: &str) -> Diagnostic {
    let advice = advice(error);
    let response = match error.kind() {
        ErrorKind::UnexpectedResponse { first_line: Some(line), .. } => {
            Some(format!("The response begins with: {line}"))
        }
        ErrorKind::Redirected { location: Some(location), .. } => {
            Some(format!("It redirects to: {location}"))
        }
        _ => None,
    };
    let cause = error.source_message().map(|cause| format!("Cause: {}", to_sentence(&cause)));
    let paragraphs = [
        Some(failure.to_owned()),
        api_message(error),
        response,
        cause,
        attempts(error),
        Some(advice.next_step.to_owned()),
        Some(format!("Request: {} {} to {}", error.method(), error.path(), error.address())),
    ];
    let detail: Vec<_> = paragraphs.into_iter().flatten().collect();
    let diagnostic = Diagnostic::error(advice.summary, detail.join("\n\n"));
    match attribute_of_field(error).or(advice.argument) {
        Some(argument) => diagnostic.at(Path::attribute(argument)),
        None => diagnostic,
    }
}

/// The message of Atlas, and the fields of the request that it rejects.
fn api_message(error: &Error) -> Option<String> {
    let message =
        error.detail().map(|message| format!("Message from Atlas: {}", to_sentence(message)));
    let fields =
        error.fields().iter().map(|field| format!("  - {}: {}", field.field, field.description));
    let lines: Vec<_> = message.into_iter().chain(fields).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn attempts(error: &Error) -> Option<String> {
    match (error.kind(), error.attempts()) {
        (ErrorKind::Connect(_), 2..) => {
            Some(format!("{} attempts failed; no request reached Atlas.", error.attempts()))
        }
        (ErrorKind::Connect(_), _) => Some("No request reached Atlas.".to_owned()),
        (_, 2..) => Some(format!("{} attempts were made.", error.attempts())),
        _ => None,
    }
}

/// The argument whose value is in a field of the request that Atlas rejects.
fn attribute_of_field(error: &Error) -> Option<&'static str> {
    error.fields().iter().find_map(|field| match field.field.rsplit('.').next() {
        Some("monthsUntilExpiration") => Some("months_until_expiration"),
        Some("username" | "userName") => Some("username"),
        Some("groupId") => Some("project_id"),
        _ => None,
    })
}
