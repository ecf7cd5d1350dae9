//! Import: the id, and the object it stands for.

use percent_encoding::percent_decode_str;
use tf_provider::{Diagnostic, Diagnostics, ImportRequest, ImportResponse, ImportTarget, Value};

use super::{
    decision::Reason,
    model::{blank, describe_listed, status_at},
};
use crate::{
    atlas::{CertificateList, ProjectId, Username},
    provider::{
        arguments::to_sentence,
        client::{ProviderClient, Session},
        diagnostics, timeouts,
    },
};

/// What a user types behind `terraform import`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImportId {
    pub(super) project: ProjectId,
    pub(super) username: Username,
    /// The newest one if not given.
    pub(super) certificate_id: Option<String>,
}

impl ImportId {
    /// Reads `PROJECT/USER`, `PROJECT/USER/CERTIFICATE` (both percent-decoded) or, as the official provider writes it,
    /// `PROJECT-USER` (never decoded).
    pub(super) fn parse(id: &str) -> Result<Self, Diagnostic> {
        let wrong = |problem: &str| {
            Diagnostic::error(
                "Invalid import id",
                format!(
                    "{problem} Give PROJECT_ID/USERNAME for the newest certificate, or PROJECT_ID/USERNAME/CERTIFICATE_ID, with every / or % in the name \
                     percent-encoded; the official provider's form PROJECT_ID-USERNAME is understood, too."
                ),
            )
        };
        let (project, separator, rest) = match id.find(['/', '-']) {
            Some(at) => (&id[..at], id.as_bytes()[at], &id[at + 1..]),
            None => return Err(wrong("There is no / in it.")),
        };
        let project =
            ProjectId::parse(project).map_err(|error| wrong(&to_sentence(&error.to_string())))?;
        let (name, certificate_id) = if separator == b'-' {
            (rest.to_owned(), None)
        } else {
            let mut parts = rest.split('/');
            let name = parts.next().unwrap_or_default();
            let certificate = parts.next();
            if parts.next().is_some() {
                return Err(wrong("It has more than three parts."));
            }
            let decode = |text: &str| {
                percent_decode_str(text)
                    .decode_utf8()
                    .map(std::borrow::Cow::into_owned)
                    .map_err(|_| wrong("The percent-encoding in it is no UTF-8 text."))
            };
            (decode(name)?, certificate.map(decode).transpose()?)
        };
        if let Some(certificate) = &certificate_id
            && (certificate.is_empty() || !certificate.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(wrong("A certificate id is a decimal number."));
        }
        let username =
            Username::parse(&name).map_err(|error| wrong(&to_sentence(&error.to_string())))?;
        Ok(Self {
            project,
            username,
            certificate_id,
        })
    }
}

/// Takes over a certificate that exists already; its key stays wherever it is.
pub(super) async fn import(
    client: &ProviderClient,
    request: ImportRequest,
) -> Result<ImportResponse, Diagnostics> {
    let ImportTarget::Id(id) = &request.target else {
        let detail = "This resource has no identity schema.";
        return Err(Diagnostic::error("Import by identity is not supported", detail).into());
    };
    let id = ImportId::parse(id)?;
    let session = client.session()?;
    let call = Session::call(&request.cancel, timeouts::timeout(&Value::Null, "read"));
    let listing = session
        .certificates(&id.project, &id.username, &call)
        .await
        .map_err(|error| diagnostics::from_atlas(&error, &id.project, &id.username))?;
    let mut diagnostics: Diagnostics = session
        .warnings(Some(listing.server_time))
        .into_iter()
        .collect();
    let state = imported(&id, &listing)?;
    diagnostics.push(no_key(&state));
    Ok(ImportResponse {
        state,
        private: Vec::new(),
        diagnostics,
    })
}

fn imported(id: &ImportId, listing: &CertificateList) -> Result<Value, Diagnostic> {
    let ImportId {
        project,
        username,
        certificate_id,
    } = id;
    let found = match certificate_id {
        Some(wanted) => listing
            .certificates
            .iter()
            .find(|c| c.certificate_id == *wanted),
        None => listing.newest(),
    };
    let Some(found) = found else {
        let what = match certificate_id {
            Some(wanted) => format!("no unexpired certificate {wanted}"),
            None => "no unexpired certificate".to_owned(),
        };
        return Err(Diagnostic::error(
            "No certificate to import",
            format!(
                "Atlas lists {what} for the database user \"{username}\" of project {project}. Without the import, the next apply issues one with its key."
            ),
        ));
    };
    let mut state = blank(project.as_str(), username.as_str());
    describe_listed(&mut state, found);
    let status = status_at(&state, listing.server_time);
    state.set("status", status);
    state.set("has_private_key", false);
    state.set("issue_reason", Reason::Imported.as_str());
    Ok(state)
}

fn no_key(state: &Value) -> Diagnostic {
    let part = |name: &str| state.get(name).as_str().unwrap_or_default();
    Diagnostic::warning(
        "Imported without its private key",
        format!(
            "Certificate {} of the database user {:?} of project {} is imported without its key: Atlas shows a private key once, when it issues a \
             certificate, so combined_pem stays null. To have one with its key, issue a new certificate: terraform apply -replace=ADDRESS. The \
             imported one stays valid until {}.",
            part("certificate_id"),
            part("username"),
            part("project_id"),
            part("not_after")
        ),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

    #[test]
    fn each_form_of_the_id_is_read() {
        for (rest, user, certificate) in [
            ("/app", "app", None),
            (
                "/app/1976722359483124370",
                "app",
                Some("1976722359483124370"),
            ),
            ("/a%2Fb%25/12", "a/b%", Some("12")),
            ("/a-b", "a-b", None),
            ("-a-b", "a-b", None),
            ("-a%2Fb", "a%2Fb", None),
            ("-a/b", "a/b", None),
        ] {
            let id = ImportId::parse(&format!("{PROJECT}{rest}")).unwrap();
            assert_eq!(id.username.as_str(), user);
            assert_eq!(id.certificate_id.as_deref(), certificate, "{rest}");
        }
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
            assert!(
                error.detail.contains("PROJECT_ID/USERNAME/CERTIFICATE_ID"),
                "{id}"
            );
        }
    }
}
