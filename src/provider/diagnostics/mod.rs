//! What went wrong at Atlas, in words a person can act on. The only wording for API failures.

mod advice;
mod findings;

use tf_provider::{Diagnostic, Path};

use self::advice::advice;
pub(crate) use self::findings::{named, since};
use super::arguments::to_sentence;
use crate::atlas::{Error, ErrorKind, IssueError, Operation, ProjectId, Username};

/// An API failure, with what was asked, what Atlas said, and what to do next.
pub(crate) fn from_atlas(error: &Error, project: &ProjectId, username: &Username) -> Diagnostic {
    described(error, &failed(error, project, username))
}

/// Why no certificate was brought home, and what is known about it.
pub(crate) fn not_issued(
    error: &IssueError,
    project: &ProjectId,
    username: &Username,
) -> Diagnostic {
    match error {
        IssueError::Cancelled => Diagnostic::error(
            "Stopped before a certificate was asked for",
            format!(
                "No certificate was issued for the database user \"{username}\" of project {project}: the run was stopped first."
            ),
        ),
        IssueError::NotIssued(error) => described(
            error,
            &format!(
                "{} No certificate was issued.",
                failed(error, project, username)
            ),
        ),
        IssueError::Ambiguous {
            cause,
            reconciliation,
        } => {
            let (summary, found) = findings::found(reconciliation, cause, username);
            let described = from_atlas(cause, project, username);
            Diagnostic::error(summary, format!("{found}\n\n{}", described.detail))
        }
    }
}

/// What was asked, and what came of it.
fn failed(error: &Error, project: &ProjectId, username: &Username) -> String {
    let whom = format!("the database user \"{username}\" of project {project}");
    let kind = error.kind();
    match error.operation() {
        Operation::IssueCertificate => format!("Issuing a certificate for {whom} {kind}."),
        Operation::ListCertificates => {
            format!("Listing the certificates of {whom} {kind}.")
        }
        Operation::ReadUser => format!("Reading {whom} {kind}."),
        Operation::ListUsers => format!("Listing the database users of project {project} {kind}."),
        Operation::Authenticate | Operation::RevokeToken => {
            format!("Authenticating at Atlas, for {whom}, {kind}.")
        }
    }
}

fn described(error: &Error, failed: &str) -> Diagnostic {
    let advice = advice(error);
    let mut paragraphs = vec![failed.to_owned()];
    paragraphs.extend(said(error));
    paragraphs.extend(match error.kind() {
        ErrorKind::UnexpectedResponse {
            first_line: Some(line),
            ..
        } => Some(format!("The answer begins: {line}")),
        ErrorKind::Redirected {
            location: Some(location),
            ..
        } => Some(format!("It points to: {location}")),
        _ => None,
    });
    paragraphs.extend(
        error
            .source_message()
            .map(|cause| format!("Cause: {}", to_sentence(&cause))),
    );
    if error.attempts() > 1 {
        paragraphs.push(format!("{} requests were made.", error.attempts()));
    }
    paragraphs.push(advice.next_step.to_owned());
    if !error.path().is_empty() {
        paragraphs.push(format!(
            "Request: {} {}, sent to {}",
            error.method(),
            error.path(),
            error.address()
        ));
    }
    let diagnostic = Diagnostic::error(advice.summary, paragraphs.join("\n\n"));
    match blamed(error).or(advice.argument) {
        Some(argument) => diagnostic.at(Path::attribute(argument)),
        None => diagnostic,
    }
}

/// Atlas' own words, and the fields that it blames.
fn said(error: &Error) -> Option<String> {
    let said = error
        .detail()
        .map(|said| format!("Atlas says: {}", to_sentence(said)));
    let fields = error
        .fields()
        .iter()
        .map(|field| format!("  - {}: {}", field.field, field.description));
    let lines: Vec<_> = said.into_iter().chain(fields).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Fields of the API's request that an argument stands behind.
fn blamed(error: &Error) -> Option<&'static str> {
    error
        .fields()
        .iter()
        .find_map(|field| match field.field.rsplit('.').next() {
            Some("monthsUntilExpiration") => Some("months_until_expiration"),
            Some("username" | "userName") => Some("username"),
            Some("groupId") => Some("project_id"),
            _ => None,
        })
}
