//! The form in which state holds the private key: plain text, encrypted to age keys (sealed), or as an archive, too.

use std::panic::{AssertUnwindSafe, catch_unwind};

use secrecy::{ExposeSecret, SecretString};
use tf_provider::Diagnostic;

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
    let may_be_sealed = !config.private_key_recipients.is_null();
    let is_archived = may_be_plain && !config.pkcs12_password_wo_version.is_null();
    UserCertificate {
        combined_pem: if may_be_plain { Attr::Unknown } else { Attr::Null },
        sealed_pem: if may_be_sealed { Attr::Unknown } else { Attr::Null },
        pkcs12_base64: if is_archived { Attr::Unknown } else { Attr::Null },
        ..object
    }
}

impl KeyStorage {
    /// Reads everything from the plan except the password, which is only in the configuration. (`ignore_changes` hides
    /// changed arguments from plans, while the configuration at apply contains them.)
    pub(super) fn new(
        planned: &UserCertificate,
        config: &UserCertificate,
    ) -> Result<Self, Diagnostic> {
        let detail =
            "private_key_recipients contains an invalid recipient. No certificate was issued.";
        let invalid = Diagnostic::error("Invalid recipient", detail).at("private_key_recipients");
        let recipients = planned.private_key_recipients.known();
        let recipients = recipients.map(|list| list.parse().ok_or(invalid)).transpose()?;
        let profile = planned.pkcs12_profile.known().copied().unwrap_or_default();
        let is_archived = recipients.is_none() && !planned.pkcs12_password_wo_version.is_null();
        Ok(Self {
            recipients,
            archive: is_archived.then_some(profile),
            password: config.pkcs12_password_wo.known().cloned(),
        })
    }

    /// The object with a key, and a warning if there is no archive of it; `None` if encryption failed.
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
    pub(super) fn protect_kept(&self, texts: Vec<String>) -> Result<Vec<String>, Diagnostic> {
        let protect = |text: String| {
            if text.starts_with(sealing::ARMOR) { Some(text) } else { self.protect(&text.into()) }
        };
        let detail = "The private data of this resource holds a response of Atlas in plain text, and it could not be encrypted to \
             private_key_recipients. Nothing was changed and no certificate was issued.";
        let error = Diagnostic::error("Kept response could not be sealed", detail);
        texts.into_iter().map(protect).collect::<Option<_>>().ok_or(error)
    }

    async fn archive(&self, pem: &SecretString) -> Result<Option<SecretString>, Diagnostic> {
        let Some(profile) = self.archive else {
            return Ok(None);
        };
        let password = self.password.clone().ok_or_else(|| {
            let detail = "pkcs12_password_wo_version is set and pkcs12_password_wo is null, so pkcs12_base64 stays null.";
            archive_warning("No password for the PKCS#12 archive", detail)
        })?;
        let archive = async {
            let bundle = Bundle::parse(pem).map_err(|error| error.to_string())?;
            build_archive(bundle, password, profile).await
        };
        archive.await.map(Some).map_err(|problem| {
            let detail = format!(
                "The certificate and its key are stored as combined_pem, but the archive could not be built: {problem}. Change \
                 pkcs12_password_wo_version to try again; no certificate is issued for that."
            );
            archive_warning("PKCS#12 archive not built", &detail)
        })
    }
}

/// Builds an archive on a thread of its own, because the key derivation takes long enough to block other calls.
pub(in crate::provider) async fn build_archive(
    bundle: Bundle,
    password: SecretString,
    profile: Profile,
) -> Result<SecretString, String> {
    let build = move || pkcs12::archive(&bundle, &password, profile);
    match tokio::task::spawn_blocking(build).await {
        Ok(archive) => archive.map_err(|error| error.to_string()),
        Err(_) => Err("this is a bug of the provider".to_owned()),
    }
}

/// Catches a panic in `action`, so that the caller can still store the private key.
pub(super) fn catch_panic<T>(action: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(action)).ok()
}

fn archive_warning(summary: &str, detail: &str) -> Diagnostic {
    Diagnostic::warning(summary, detail).at("pkcs12_password_wo_version")
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
