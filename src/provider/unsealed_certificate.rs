//! The ephemeral resource `atlas_unsealed_certificate`: a sealed certificate opened, without network and never stored.

use secrecy::{ExposeSecret, SecretString};
use tf_provider::{
    Attribute, Block, Diagnostic, Diagnostics, EphemeralResource, OpenRequest, OpenResponse, Path,
    Schema, Step, Type, Value, async_trait,
};

use crate::{
    provider::arguments::to_sentence,
    sealing::{self, Identities},
    x509,
};

/// Needs nothing of the provider block.
pub(crate) struct UnsealedCertificate;

#[async_trait]
impl EphemeralResource for UnsealedCertificate {
    fn type_name(&self) -> &'static str {
        "atlas_unsealed_certificate"
    }

    fn schema(&self) -> Schema {
        Schema::new(Block {
            attributes: vec![
                Attribute::new(SEALED, Type::String, SEALED_DESCRIPTION).required(),
                Attribute::new(IDENTITIES, Type::list(Type::String), IDENTITIES_DESCRIPTION)
                    .required()
                    .sensitive(),
                Attribute::new("combined_pem", Type::String, COMBINED_DESCRIPTION).sensitive(),
                Attribute::new(
                    "certificate_pem",
                    Type::String,
                    "The certificate alone, for programs that want two files. Null where the text is not one certificate and its key.",
                ),
                Attribute::new(
                    "private_key_pem",
                    Type::String,
                    "The private key alone, PKCS#8. Null where the text is not one certificate and its key.",
                )
                .sensitive(),
            ],
            blocks: vec![],
            description: DESCRIPTION.to_owned(),
        })
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        identities(config).err().into_iter().collect()
    }

    async fn open(&self, request: OpenRequest) -> OpenResponse {
        let (result, diagnostics) = match open(&request.config) {
            Ok(plain) => result(request.config, &plain),
            Err(problem) => (request.config, problem.into()),
        };
        OpenResponse {
            result,
            renew_at: None,
            private: Vec::new(),
            diagnostics,
        }
    }
}

fn open(config: &Value) -> Result<SecretString, Diagnostic> {
    let identities = identities(config)?;
    let sealed = config.get(SEALED).as_str().unwrap_or_default();
    sealing::unseal(sealed, &identities).map_err(|error| {
        let (summary, path) = if error.is_wrong_identity() {
            ("No identity opens the sealed certificate", IDENTITIES)
        } else {
            ("Sealed certificate cannot be opened", SEALED)
        };
        Diagnostic::error(summary, to_sentence(&error.to_string())).at(Path::attribute(path))
    })
}

/// The identities that are known; all of them when the resource is opened.
fn identities(config: &Value) -> Result<Identities, Diagnostic> {
    let path = Path::attribute(IDENTITIES);
    let elements = match config.get(IDENTITIES).as_list() {
        Some([]) => return Err(no_identity().at(path)),
        elements => elements.unwrap_or_default(),
    };
    // Hosts show no source line for this in a plan, so the text names the element.
    let invalid = |index: u32, problem: &str| {
        let path = path.with(Step::Index(index));
        Diagnostic::error(
            "Invalid age identity",
            format!("{path} cannot be used: {problem}."),
        )
        .at(path)
    };
    let known = (0..)
        .zip(elements)
        .filter_map(|(index, element)| match element {
            Value::String(text) => Some(
                Identities::parse(&[text.as_str().into()])
                    .map_err(|error| invalid(index, &error.reason.to_string())),
            ),
            Value::Null => Some(Err(invalid(
                index,
                "it is null; leave it out, or give an identity",
            ))),
            _ => None,
        });
    known.collect()
}

fn no_identity() -> Diagnostic {
    Diagnostic::error(
        "No age identity",
        "At least one identity is needed; one begins with AGE-SECRET-KEY-1.",
    )
}

fn result(config: Value, plain: &SecretString) -> (Value, Diagnostics) {
    let mut result = config;
    result.set("combined_pem", plain.expose_secret());
    match x509::split(plain.expose_secret()) {
        Ok(parts) => {
            result.set("certificate_pem", parts.certificate_pem);
            result.set("private_key_pem", parts.private_key_pem.expose_secret());
            (result, Diagnostics::new())
        }
        Err(error) => {
            let warning = Diagnostic::warning(
                "Unsealed text is not a certificate and its key",
                format!(
                    "The sealed text was opened, but it cannot be taken apart: {error}. combined_pem has all of it; certificate_pem \
                     and private_key_pem are null."
                ),
            );
            (result, warning.at(Path::attribute(SEALED)).into())
        }
    }
}

const SEALED: &str = "sealed_pem";
const IDENTITIES: &str = "age_identities";

const DESCRIPTION: &str = "\
Opens a sealed certificate for the length of one Terraform run. The private key goes into a write-only argument, a provider block, \
a provisioner or another ephemeral resource, and never into plan or state.

A certificate is sealed where `atlas_user_certificate` has `private_key_recipients`. This opens its `sealed_pem` with an age \
identity that belongs to one of them. It calls nothing, neither Atlas nor any other service, and needs no provider configuration.

It is opened in every plan and in every apply, so the identity must be at hand in both: take it from an ephemeral variable, or from \
the ephemeral resource of a secret store. Where `sealed_pem` is not known yet, because the certificate is issued in the same apply, \
the plan has unknown values and the apply opens it.

Needs Terraform 1.10 or OpenTofu 1.11, or later; write-only arguments need 1.11 in both.";

const SEALED_DESCRIPTION: &str = "\
The sealed certificate: an armored age file, `sealed_pem` of an `atlas_user_certificate`. A file that the `age` command line tool \
wrote with `-a` works as well. No default.";

const IDENTITIES_DESCRIPTION: &str = "\
age identities, one of which must fit. Each is an X25519 identity, `AGE-SECRET-KEY-1...`, or the whole text of a file that \
`age-keygen` wrote. Identities of plugins, SSH keys, post-quantum identities and encrypted identity files are refused. No default.";

const COMBINED_DESCRIPTION: &str = "\
The certificate and its PKCS#8 private key byte for byte as Atlas sent them: the file that `tlsCertificateKeyFile` wants.";

#[cfg(test)]
mod tests;
