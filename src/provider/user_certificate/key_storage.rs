//! The form in which state holds the private key: plain text, encrypted to age keys (sealed), or also as a PKCS#12
//! archive.

use std::{
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
};

use secrecy::{ExposeSecret, SecretString};
use tf_provider::{Diagnostic, Path};

use super::model::{Attr, UserCertificate};
use crate::{
    pkcs12::{self, Profile},
    sealing::{self, Recipients},
    x509::Bundle,
};

/// How the key is stored. Read before a certificate is issued, so that nothing about it can be invalid afterwards.
pub(super) struct KeyStorage {
    /// If set, state must not contain the key in plain text.
    pub(super) recipients: Option<Recipients>,
    /// Of the PKCS#12 archive, if there is to be one.
    archive: Option<Profile>,
    /// Of the archive. Without one, a warning is given in its place.
    password: Option<SecretString>,
}

/// Plans the attributes that hold a key: unknown where it will be, or may be, and null elsewhere.
pub(super) fn plan_key(object: UserCertificate, config: &UserCertificate) -> UserCertificate {
    let may_be_plain = config.private_key_recipients.known().is_none();
    let is_archived = may_be_plain && !config.pkcs12_password_wo_version.is_null();
    UserCertificate {
        combined_pem: if may_be_plain { Attr::Unknown } else { Attr::Null },
        sealed_pem: if config.private_key_recipients.is_null() {
            Attr::Null
        } else {
            Attr::Unknown
        },
        pkcs12_base64: if is_archived { Attr::Unknown } else { Attr::Null },
        ..object
    }
}

impl KeyStorage {
    /// Reads everything from the plan except the password, which is only in the configuration. (`ignore_changes` hides
    /// changed arguments from plans, while the configuration at apply contains them.)
    ///
    /// # Errors
    /// An invalid recipient.
    pub(super) fn new(
        planned: &UserCertificate,
        config: &UserCertificate,
    ) -> Result<Self, Diagnostic> {
        let recipients = planned.private_key_recipients.known();
        let recipients = recipients.map(|list| list.parse().ok_or_else(invalid_recipient));
        let recipients = recipients.transpose()?;
        let profile = planned.pkcs12_profile.known().copied().unwrap_or_default();
        let is_archived = recipients.is_none() && !planned.pkcs12_password_wo_version.is_null();
        Ok(Self {
            recipients,
            archive: is_archived.then_some(profile),
            password: config.pkcs12_password_wo.known().cloned(),
        })
    }

    /// The object with a key, new or from state, and a warning if there is no archive of it; `None` if encryption
    /// failed.
    pub(super) async fn store(
        &self,
        object: UserCertificate,
        pem: &SecretString,
    ) -> Option<(UserCertificate, Option<Diagnostic>)> {
        let object = self.store_protected(object, self.protect(pem)?);
        Some(match self.archive(pem).await {
            Ok(archive) => (UserCertificate { pkcs12_base64: archive.into(), ..object }, None),
            Err(warning) => (object, Some(warning)),
        })
    }

    /// The object with a text from [`KeyStorage::protect`], and without an archive of it.
    pub(super) fn store_protected(&self, object: UserCertificate, text: String) -> UserCertificate {
        let (combined_pem, sealed_pem) = match self.recipients {
            None => (Attr::Known(text.into()), Attr::Null),
            Some(_) => (Attr::Null, Attr::Known(text)),
        };
        UserCertificate { combined_pem, sealed_pem, pkcs12_base64: Attr::Null, ..object }
    }

    /// The text as state may hold it: encrypted if there are recipients, else unchanged. `None` if encryption failed,
    /// which no recipient that was parsed should cause.
    pub(super) fn protect(&self, text: &SecretString) -> Option<String> {
        match &self.recipients {
            None => Some(text.expose_secret().to_owned()),
            Some(recipients) => catch_panic(|| sealing::seal(text, recipients))?,
        }
    }

    /// Encrypts responses that were kept in plain text before there were recipients.
    ///
    /// # Errors
    /// Encryption failed.
    pub(super) fn protect_kept(&self, texts: Vec<String>) -> Result<Vec<String>, Diagnostic> {
        let protect = |text: String| {
            if text.starts_with(AGE_ARMOR) { Some(text) } else { self.protect(&text.into()) }
        };
        texts.into_iter().map(protect).collect::<Option<_>>().ok_or_else(|| {
            Diagnostic::error(
                "Kept response could not be sealed",
                "The private data of this resource holds a response of Atlas in plain text, and it could not be encrypted to private_key_recipients. Nothing \
                 was changed and no certificate was issued.",
            )
        })
    }

    /// The PKCS#12 archive, if there is to be one. The key derivation takes long enough to block other calls, so it has
    /// a thread of its own.
    async fn archive(&self, pem: &SecretString) -> Result<Option<SecretString>, Diagnostic> {
        let Some(profile) = self.archive else {
            return Ok(None);
        };
        let password = self.password.clone().ok_or_else(|| {
            warning(
                "No password for the PKCS#12 archive",
                "pkcs12_password_wo_version is set and pkcs12_password_wo is null, so pkcs12_base64 stays null.",
            )
        })?;
        let bundle = Bundle::parse(pem).map_err(archive_failed)?;
        let build = move || pkcs12::archive(&bundle, &password, profile);
        match tokio::task::spawn_blocking(build).await {
            Ok(archive) => archive.map(Some).map_err(archive_failed),
            Err(_) => Err(archive_failed("a bug of the provider")),
        }
    }
}

/// Catches a panic in `action`, so that the caller can still store the private key.
pub(super) fn catch_panic<T>(action: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(action)).ok()
}

/// The first line of armored ciphertext.
const AGE_ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

fn invalid_recipient() -> Diagnostic {
    Diagnostic::error(
        "Invalid recipient",
        "private_key_recipients contains an invalid recipient. No certificate was issued.",
    )
    .at(Path::attribute("private_key_recipients"))
}

fn archive_failed(reason: impl Display) -> Diagnostic {
    warning(
        "PKCS#12 archive not built",
        &format!(
            "The certificate and its key are stored as combined_pem, but the archive could not be built: {reason}. Change \
             pkcs12_password_wo_version to try again; no certificate is issued for that."
        ),
    )
}

fn warning(summary: &str, detail: &str) -> Diagnostic {
    Diagnostic::warning(summary, detail).at(Path::attribute("pkcs12_password_wo_version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_that_cannot_be_archived_is_stored_with_a_warning() {
        let storage = KeyStorage {
            recipients: None,
            archive: Some(Profile::Modern),
            password: Some("changeit".into()),
        };
        let stored = storage.store(UserCertificate::default(), &"hunter2".into()).await;
        let (object, warning) = stored.unwrap();
        let key = object.combined_pem.known().map(ExposeSecret::expose_secret);
        assert_eq!(key, Some("hunter2"));
        assert!(object.pkcs12_base64.is_null());
        let warning = warning.unwrap();
        assert_eq!(warning.summary, "PKCS#12 archive not built");
        assert!(!warning.detail.contains("hunter2"), "{warning:?}");
    }

    #[tokio::test]
    async fn a_text_that_cannot_be_sealed_is_an_error_and_never_stored() {
        // Encryption fails without recipients.
        let recipients = Some(Recipients::default());
        let storage = KeyStorage { recipients, archive: None, password: None };
        assert!(storage.store(UserCertificate::default(), &"hunter2".into()).await.is_none());
        let error = storage.protect_kept(vec!["hunter2".to_owned()]).unwrap_err();
        assert_eq!(error.summary, "Kept response could not be sealed");
        assert!(error.detail.contains("no certificate was issued"), "{error:?}");
        assert!(!error.detail.contains("hunter2"));
    }
}
