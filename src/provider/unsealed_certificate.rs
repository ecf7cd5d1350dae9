//! The ephemeral resource `atlas_unsealed_certificate`: decrypts a sealed certificate offline and stores nothing.

use secrecy::{ExposeSecret, SecretString};
use tf_provider::{
    Attribute, CancellationToken, DataSource, Diagnostic, Diagnostics, Path, ReadDataResult,
    Schema, Type, Value, async_trait,
};

use crate::{
    pkcs12::{self, Profile},
    provider::{
        arguments::schema,
        attr::{Attr, invalid},
        user_certificate::build_archive,
    },
    sealing::{self, Identities, InvalidKey},
    x509::{self, Bundle},
};

/// Independent of the provider configuration.
pub(crate) struct UnsealedCertificate;

#[async_trait]
impl DataSource for UnsealedCertificate {
    fn type_name(&self) -> &'static str {
        "atlas_unsealed_certificate"
    }

    fn schema(&self) -> Schema {
        schema(attributes(), DESCRIPTION)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let profile = Attr::<Profile>::read(config, PROFILE);
        let problems = [identities(config).err(), password(config).err(), profile.err()];
        problems.into_iter().flatten().collect()
    }

    async fn read(&self, config: Value, _cancel: CancellationToken) -> ReadDataResult {
        let mut state = config;
        let warnings = unseal(&mut state).await?;
        Ok((state, warnings))
    }
}

/// Decrypts the certificate of `object` and sets the computed attributes. Returns warnings.
async fn unseal(object: &mut Value) -> Result<Diagnostics, Diagnostic> {
    let identities = identities(object)?;
    let sealed = object.get(SEALED).as_str().unwrap_or_default();
    let pem = sealing::unseal(sealed, &identities).map_err(|error| {
        let (summary, path) = if matches!(error, sealing::UnsealError::WrongIdentity(_)) {
            ("No identity opens the sealed certificate", IDENTITIES)
        } else {
            ("Sealed certificate cannot be opened", SEALED)
        };
        invalid(summary, error).at(path)
    })?;
    object.set(COMBINED, pem.expose_secret());
    let parts = match x509::split(pem.expose_secret()) {
        Ok(parts) => parts,
        Err(error) => {
            return Ok(not_a_pair(&error, "certificate_pem and private_key_pem are null").into());
        }
    };
    object.set(CERTIFICATE, parts.certificate_pem);
    object.set(PRIVATE_KEY, parts.private_key_pem.expose_secret());
    let Some(password) = password(object)? else {
        return Ok(Diagnostics::new());
    };
    let bundle = match Bundle::parse(&pem) {
        Ok(bundle) => bundle,
        Err(error) => return Ok(not_a_pair(&error, "pkcs12_base64 is null").into()),
    };
    let profile = Attr::read(object, PROFILE)?.into_known().unwrap_or_default();
    let archive = build_archive(bundle, password, profile).await;
    let archive = archive.map_err(|problem| not_archived(&problem))?;
    object.set(PKCS12, archive.expose_secret());
    Ok(Diagnostics::new())
}

fn not_archived(problem: &str) -> Diagnostic {
    let detail = format!(
        "The sealed certificate was opened, but no archive can be built from it: {problem}."
    );
    Diagnostic::error("PKCS#12 archive cannot be built", detail).at(PASSWORD)
}

fn not_a_pair(error: &x509::Error, consequence: &str) -> Diagnostic {
    let detail = format!(
        "The sealed text was opened, but {error}. combined_pem has all of it; {consequence}."
    );
    Diagnostic::warning("Unsealed text is not a certificate and its key", detail).at(SEALED)
}

/// The known identities; all of them when the resource is opened.
fn identities(config: &Value) -> Result<Identities, Diagnostic> {
    let path = Path::from(IDENTITIES);
    let elements = match config.get(IDENTITIES).as_list() {
        Some([]) => {
            let text = "At least one identity is needed; one begins with AGE-SECRET-KEY-1.";
            return Err(Diagnostic::error("No age identity", text).at(path));
        }
        elements => elements.unwrap_or_default(),
    };
    // Hosts show no source line for this in a plan, so the text names the element.
    let invalid = |index: u32, problem: &str| {
        let path = path.at_index(index);
        let text = format!("{path} cannot be used: {problem}.");
        Diagnostic::error("Invalid age identity", text).at(path)
    };
    let parse = |(index, element): (u32, &Value)| match element {
        Value::String(text) => {
            let identities = Identities::parse(&text.as_str().into());
            Some(identities.map_err(|InvalidKey(problem)| invalid(index, problem)))
        }
        Value::Null => Some(Err(invalid(index, "it is null; omit it, or give an identity"))),
        _ => None,
    };
    (0..).zip(elements).filter_map(parse).collect()
}

/// The password of the archive; `None` if it is null or unknown.
fn password(config: &Value) -> Result<Option<SecretString>, Diagnostic> {
    let password = config.get(PASSWORD).as_str().map(SecretString::from);
    match password.as_ref().map(pkcs12::check_password) {
        Some(Err(error)) => Err(invalid("Invalid password", error).at(PASSWORD)),
        _ => Ok(password),
    }
}

const SEALED: &str = "sealed_pem";
const IDENTITIES: &str = "age_identities";
const PASSWORD: &str = "pkcs12_password";
const PROFILE: &str = "pkcs12_profile";
const COMBINED: &str = "combined_pem";
const CERTIFICATE: &str = "certificate_pem";
const PRIVATE_KEY: &str = "private_key_pem";
const PKCS12: &str = "pkcs12_base64";

#[rustfmt::skip] // an attribute is a row: name, type, description, properties
fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::new(SEALED, Type::String,
            "The sealed certificate: an armored age file, `sealed_pem` of an `atlas_user_certificate`. A file that \
             the `age` command line tool wrote with `-a` works as well. No default.").required(),
        Attribute::new(IDENTITIES, Type::list(Type::String),
            "age identities, one of which must match. Each is an X25519 identity, `AGE-SECRET-KEY-1...`, or the whole \
             text of a file that `age-keygen` wrote. Identities of plugins, SSH keys, post-quantum identities and \
             encrypted identity files are refused. No default.").required().sensitive(),
        Attribute::new(PASSWORD, Type::String,
            "The password of the archive `pkcs12_base64`: printable ASCII characters. Unset, there is no archive.").optional().sensitive(),
        Attribute::new(PROFILE, Type::String,
            "How the archive is encrypted: `modern` (AES-256; Java 8u301, OpenSSL 1.1, Windows 10 1709, .NET and \
             later) or `legacy` (triple DES, for what is older). Default: `modern`.").optional(),
        Attribute::new(COMBINED, Type::String,
            "The certificate and its PKCS#8 private key byte for byte as Atlas returned them: the file for \
             `tlsCertificateKeyFile`.").sensitive(),
        Attribute::new(CERTIFICATE, Type::String,
            "The certificate alone, for programs that need two files. Null if the text is not one certificate and its \
             key."),
        Attribute::new(PRIVATE_KEY, Type::String,
            "The private key alone, PKCS#8. Null if the text is not one certificate and its key.").sensitive(),
        Attribute::new(PKCS12, Type::String,
            "The certificate and its key as a PKCS#12 archive in base64, the key store of Java and .NET. Null without \
             `pkcs12_password`, or if the text is not one certificate and its key. Its bytes differ each time it is \
             opened: let consumers follow `revision` of the certificate.").sensitive(),
    ]
}

const DESCRIPTION: &str = "\
Opens a sealed certificate for the length of one Terraform run. The private key goes into a write-only argument, a provider block, \
a provisioner or another ephemeral resource, and never into plan or state.

A certificate is sealed where `atlas_user_certificate` has `private_key_recipients`. This resource opens its `sealed_pem` with an age \
identity that belongs to one of them. It calls neither Atlas nor any other service and needs no provider configuration. Text that \
is encrypted to keys in hardware only (`age1tag1...`, `age1tagpq1...`) cannot be opened here: use the `age` tool where the device is.

It is opened in every plan and in every apply, so the identity must be available in both: take it from an ephemeral variable, or from \
the ephemeral resource of a secret store. If `sealed_pem` is not known yet, because the certificate is issued in the same apply, \
the plan has unknown values and the apply opens it.

Requires Terraform 1.10 or OpenTofu 1.11, or later; write-only arguments require 1.11 in both.";

#[cfg(test)]
mod tests;
