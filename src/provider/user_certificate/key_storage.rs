//! The form in which state holds the private key: plain text, encrypted to age keys (sealed), or also as a PKCS#12 archive.

use std::panic::{AssertUnwindSafe, catch_unwind};

use secrecy::{ExposeSecret, SecretString};
use tf_provider::{Diagnostic, Diagnostics, Path};

use super::model::{Attr, UserCertificate};
use crate::{
    pkcs12::{self, Profile},
    sealing::{self, Recipients},
    x509::Bundle,
};

/// How the key is stored. Read before a certificate is issued, so that nothing about it can be invalid afterwards.
pub(super) struct KeyStorage {
    recipients: Option<Recipients>,
    archive: Option<Archive>,
}

/// The PKCS#12 archive; without a password, a warning is given in its place.
#[derive(Clone)]
struct Archive {
    password: Option<SecretString>,
    profile: Profile,
}

/// The attributes that hold the key.
pub(super) struct StoredKey {
    pub(super) combined_pem: Attr<SecretString>,
    pub(super) sealed_pem: Attr<String>,
    pub(super) pkcs12_base64: Attr<SecretString>,
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
        let recipients = match &planned.private_key_recipients {
            Attr::Known(list) => Some(list.parse().ok_or_else(invalid_recipient)?),
            Attr::Null | Attr::Unknown => None,
        };
        let archive = (!planned.pkcs12_password_wo_version.is_null()).then(|| Archive {
            password: config.pkcs12_password_wo.known().cloned(),
            profile: planned.pkcs12_profile.known().copied().unwrap_or_default(),
        });
        Ok(Self { recipients, archive })
    }

    /// Whether state must not contain the key in plain text.
    pub(super) fn is_sealed(&self) -> bool {
        self.recipients.is_some()
    }

    /// The attributes for a new key or a key in state, and warnings.
    pub(super) async fn store(
        &self,
        pem: &SecretString,
    ) -> Result<(StoredKey, Diagnostics), EncryptionFailed> {
        if self.is_sealed() {
            let sealed_pem = Attr::Known(self.protect(pem)?);
            let key = StoredKey { combined_pem: Attr::Null, sealed_pem, pkcs12_base64: Attr::Null };
            return Ok((key, Diagnostics::new()));
        }
        let (pkcs12_base64, warnings) = self.archive(pem).await;
        let key = StoredKey {
            combined_pem: Attr::Known(pem.clone()),
            sealed_pem: Attr::Null,
            pkcs12_base64,
        };
        Ok((key, warnings))
    }

    /// The attributes for a response that could not be parsed, from [`KeyStorage::protect`].
    pub(super) fn store_unparsed(&self, protected: String) -> StoredKey {
        let (combined_pem, sealed_pem) = match self.recipients {
            None => (Attr::Known(protected.into()), Attr::Null),
            Some(_) => (Attr::Null, Attr::Known(protected)),
        };
        StoredKey { combined_pem, sealed_pem, pkcs12_base64: Attr::Null }
    }

    /// The text as state may hold it: encrypted if there are recipients, else unchanged.
    pub(super) fn protect(&self, text: &SecretString) -> Result<String, EncryptionFailed> {
        let Some(recipients) = &self.recipients else {
            return Ok(text.expose_secret().to_owned());
        };
        catch_panic(|| sealing::seal(text, recipients)).and_then(Result::ok).ok_or(EncryptionFailed)
    }

    /// Encrypts responses that were kept in plain text before there were recipients.
    pub(super) fn protect_kept(&self, texts: Vec<String>) -> Result<Vec<String>, EncryptionFailed> {
        let protect = |text: String| {
            if text.starts_with(AGE_ARMOR) { Ok(text) } else { self.protect(&text.into()) }
        };
        texts.into_iter().map(protect).collect()
    }

    /// The PKCS#12 archive of the key, or null and the reason as a warning. The key derivation takes long enough to block
    /// other calls, so it has a thread of its own.
    pub(super) async fn archive(&self, pem: &SecretString) -> (Attr<SecretString>, Diagnostics) {
        let Some(Archive { password, profile }) = self.archive.clone() else {
            return (Attr::Null, Diagnostics::new());
        };
        let Some(password) = password else {
            return (Attr::Null, no_password().into());
        };
        let bundle = match Bundle::parse(pem) {
            Ok(bundle) => bundle,
            Err(error) => return (Attr::Null, archive_failed(&error.to_string()).into()),
        };
        let archive =
            tokio::task::spawn_blocking(move || pkcs12::archive(&bundle, &password, profile));
        match archive.await {
            Ok(Ok(base64)) => (Attr::Known(base64), Diagnostics::new()),
            Ok(Err(error)) => (Attr::Null, archive_failed(&error.to_string()).into()),
            Err(_) => (Attr::Null, archive_failed("a bug of the provider").into()),
        }
    }
}

/// Encryption failed, which no recipient that was parsed should cause.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("encryption failed")]
pub(super) struct EncryptionFailed;

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

fn no_password() -> Diagnostic {
    Diagnostic::warning(
        "No password for the PKCS#12 archive",
        "pkcs12_password_wo_version is set and pkcs12_password_wo is null, so pkcs12_base64 stays null.",
    )
    .at(Path::attribute("pkcs12_password_wo_version"))
}

fn archive_failed(reason: &str) -> Diagnostic {
    Diagnostic::warning(
        "PKCS#12 archive not built",
        format!(
            "The certificate and its key are stored as combined_pem, but the archive could not be built: {reason}. Change \
             pkcs12_password_wo_version to try again; no certificate is issued for that."
        ),
    )
    .at(Path::attribute("pkcs12_password_wo_version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_that_cannot_be_archived_is_stored_with_a_warning() {
        let archive = Archive { password: Some("changeit".into()), profile: Profile::Modern };
        let storage = KeyStorage { recipients: None, archive: Some(archive) };
        let (key, warnings) = storage.store(&"hunter2".into()).await.unwrap();
        assert_eq!(key.combined_pem.known().map(ExposeSecret::expose_secret), Some("hunter2"));
        assert!(key.pkcs12_base64.is_null());
        let warning = warnings.iter().next().unwrap();
        assert_eq!(warning.summary, "PKCS#12 archive not built");
        assert!(!warning.detail.contains("hunter2"), "{warning:?}");
    }
}
