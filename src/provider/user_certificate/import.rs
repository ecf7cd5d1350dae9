//! Import: an id becomes the object of a certificate that exists.

use std::{fmt::Display, sync::Arc};

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use tf_provider::{CancellationToken, Diagnostic, Diagnostics, ImportTarget, ObjectResponse};

use super::{
    applied,
    model::{Attr, IssueReason, UserCertificate},
};
use crate::{
    atlas::{CallOptions, CertificateList, ListedCertificate, ProjectId, Username},
    provider::{
        arguments::{UserId, is_certificate_id, to_sentence},
        client::{ProviderClient, Session},
        diagnostics::from_atlas,
        timeouts,
    },
};

pub(super) async fn import(
    client: &ProviderClient,
    target: &ImportTarget,
    cancel: &CancellationToken,
) -> Result<ObjectResponse, Diagnostics> {
    let id = match target {
        ImportTarget::Id(id) => ImportId::parse(id)?,
        ImportTarget::Identity(identity) => {
            let user = UserCertificate::from_value(identity)?.user();
            let incomplete = || invalid_id("The identity has no project_id or no username.");
            ImportId::newest(user.ok_or_else(incomplete)?)
        }
    };
    let session = client.session()?;
    let call = CallOptions::within(timeouts::READ, cancel);
    let (user, list) = find(&session, &id, &call).await?;
    let found = match &id.certificate_id {
        Some(id) => list.certificates.iter().find(|certificate| certificate.certificate_id == *id),
        None => list.newest(),
    };
    let found = found.ok_or_else(|| {
        let wanted = id.certificate_id.map_or_else(String::new, |id| format!(" {id}"));
        let detail = format!(
            "Atlas lists no unexpired certificate{wanted} for {user}. Without the import, the next apply issues one with its key."
        );
        Diagnostic::error("No certificate to import", detail)
    })?;
    let detail = format!(
        "Certificate {} of {user} is imported without its key: Atlas returns a private key once, when it issues a certificate, so combined_pem stays \
         null. To get a certificate with its key, issue a new one: terraform apply -replace=ADDRESS. The imported one stays valid until {}.",
        found.certificate_id, found.not_after
    );
    let mut warnings = session.warnings(Some(list.server_time));
    warnings.push(Diagnostic::warning("Imported without its private key", detail));
    let object = imported_object(user, found, list.server_time);
    Ok(applied(object.into_value(), Vec::new(), warnings))
}

/// Lists the certificates of the user. If there are none and the id contains `+`, which `urlencode()` writes for a
/// space, those of the user with spaces.
async fn find(
    session: &Session,
    id: &ImportId,
    call: &CallOptions,
) -> Result<(UserId, Arc<CertificateList>), Diagnostic> {
    let list = session.certificates(&id.user, call).await;
    if let Some(username) = id.username_with_spaces.clone()
        && list.as_ref().map_or(true, |list| list.newest().is_none())
        && let Err(error) = session.user(&id.user, call).await
        && error.is_user_not_found()
    {
        let user = UserId { username, ..id.user.clone() };
        if let Ok(list) = session.certificates(&user, call).await
            && list.newest().is_some()
        {
            return Ok((user, list));
        }
    }
    let list = list.map_err(|error| from_atlas(&error, &id.user))?;
    Ok((id.user.clone(), list))
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ImportId {
    user: UserId,
    /// The name with a space for each `+`, if the id has that character.
    username_with_spaces: Option<Username>,
    /// The newest certificate if absent.
    certificate_id: Option<String>,
}

impl ImportId {
    /// Parses `PROJECT/USER` and `PROJECT/USER/CERTIFICATE` (both percent-decoded), and the official provider's
    /// `PROJECT-USER` (never decoded).
    fn parse(id: &str) -> Result<Self, Diagnostic> {
        let separator = id.find(['/', '-']).ok_or_else(|| invalid_id("It contains no /."))?;
        let (project, rest) = (&id[..separator], &id[separator + 1..]);
        let project = ProjectId::parse(project).map_err(invalid_id)?;
        let user = |name: &str| {
            Username::parse(name).map(|username| UserId { project, username }).map_err(invalid_id)
        };
        if id[separator..].starts_with('-') {
            return Ok(Self::newest(user(rest)?));
        }
        let (name, certificate_id) = match rest.split('/').collect::<Vec<_>>()[..] {
            [name] => (name, None),
            [name, certificate] => (name, Some(percent_decoded(certificate)?)),
            _ => return Err(invalid_id("It has more than three parts.")),
        };
        if certificate_id.as_deref().is_some_and(|id| !is_certificate_id(id)) {
            return Err(invalid_id(
                "A certificate id is a decimal number; openssl prints the same number in hexadecimal.",
            ));
        }
        let with_spaces = percent_decoded(&name.replace('+', " "))?;
        Ok(Self {
            user: user(&percent_decoded(name)?)?,
            username_with_spaces: Username::parse(&with_spaces).ok().filter(|_| name.contains('+')),
            certificate_id,
        })
    }

    fn newest(user: UserId) -> Self {
        Self { user, username_with_spaces: None, certificate_id: None }
    }
}

fn percent_decoded(text: &str) -> Result<String, Diagnostic> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(invalid_id("Its percent-encoding is not UTF-8 text.")),
    }
}

fn invalid_id(problem: impl Display) -> Diagnostic {
    let problem = to_sentence(problem);
    let detail = format!(
        "{problem} Use PROJECT_ID/USERNAME for the newest certificate, or PROJECT_ID/USERNAME/CERTIFICATE_ID, with every / or % in the name \
         percent-encoded; the official provider's form PROJECT_ID-USERNAME is accepted, too."
    );
    Diagnostic::error("Invalid import id", detail)
}

/// The object of a certificate in the list.
pub(super) fn imported_object(
    user: UserId,
    listed: &ListedCertificate,
    server_time: Timestamp,
) -> UserCertificate {
    let mut object = UserCertificate::new(user);
    object.set_listed_certificate(listed);
    object.status = Attr::Known(object.status_at(server_time));
    object.has_private_key = Attr::Known(false);
    object.issue_reason = Attr::Known(IssueReason::Imported);
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

    #[test]
    fn each_form_of_the_id_is_read() {
        for (rest, user, certificate) in [
            ("/app", "app", None),
            ("/app/1976722359483124370", "app", Some("1976722359483124370")),
            ("/a%2Fb%25/12", "a/b%", Some("12")),
            ("/a-b", "a-b", None),
            ("-a-b", "a-b", None),
            ("-a%2Fb", "a%2Fb", None),
            ("-a/b", "a/b", None),
            ("/a+b", "a+b", None),
        ] {
            let id = ImportId::parse(&format!("{PROJECT}{rest}")).unwrap();
            assert_eq!(id.user.username.as_str(), user);
            assert_eq!(id.certificate_id.as_deref(), certificate, "{rest}");
        }
    }

    #[test]
    fn a_plus_may_stand_for_a_space_and_an_encoded_plus_may_not() {
        let with_spaces = |rest: &str| {
            let id = ImportId::parse(&format!("{PROJECT}{rest}")).unwrap();
            id.username_with_spaces.map(|name| name.as_str().to_owned())
        };
        assert_eq!(with_spaces("/a+b%2Bc/17").as_deref(), Some("a b+c"));
        assert_eq!(with_spaces("/a%2Bb"), None);
        assert_eq!(with_spaces("-a+b"), None, "this form is never decoded");
    }

    #[test]
    fn what_is_no_id_is_refused_with_the_forms() {
        for id in [
            "",
            "x",
            PROJECT,
            "x/app",
            &format!("{PROJECT}/"),
            &format!("{PROJECT}/a/b"),
            &format!("{PROJECT}/a/1/2"),
            &format!("{PROJECT}/%ff"),
        ] {
            let error = ImportId::parse(id).unwrap_err();
            assert!(error.detail.contains("PROJECT_ID/USERNAME/CERTIFICATE_ID"), "{id}");
        }
    }
}
