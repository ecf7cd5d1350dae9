//! `split_pem(bundle)`: a certificate and its private key, each by itself.

use secrecy::ExposeSecret;
use tf_provider::{Function, FunctionError, Parameter, Signature, Type, Value};

use super::text;
use crate::x509;

pub(super) struct SplitPem;

impl Function for SplitPem {
    fn name(&self) -> &'static str {
        "split_pem"
    }

    fn signature(&self) -> Signature {
        Signature {
            parameters: vec![Parameter {
                name: "bundle",
                ty: Type::String,
                allow_null: true,
                allow_unknown: false,
                description: "PEM text with exactly one certificate and exactly one private key that is not encrypted, in either \
                    order: `combined_pem` of a certificate. `null` gives an object of nulls.",
            }],
            variadic: None,
            returns: Type::object([
                ("certificate_pem", Type::String),
                ("private_key_pem", Type::String),
            ]),
            summary: "Takes a certificate and its private key apart",
            description: DESCRIPTION,
        }
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        let Some(bundle) = text(&arguments) else {
            return Ok(parts(Value::Null, Value::Null));
        };
        let split = x509::split(bundle).map_err(|error| FunctionError::at(0, error.to_string()))?;
        Ok(parts(
            split.certificate_pem.into(),
            split.private_key_pem.expose_secret().into(),
        ))
    }
}

fn parts(certificate: Value, private_key: Value) -> Value {
    Value::object([
        ("certificate_pem", certificate),
        ("private_key_pem", private_key),
    ])
}

const DESCRIPTION: &str = "\
Takes apart a PEM text of one certificate and its private key, for programs that want two files. It calls nothing and needs no \
provider configuration.

The result is an object of two strings, each with line feeds as line ends and one at its end:

- `certificate_pem`: the `CERTIFICATE` block.
- `private_key_pem`: the private key block (`PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`).

`null` gives an object of nulls, because `combined_pem` is null for a sealed or an imported certificate. A text with a second \
certificate, a second or an encrypted key, or a block of another kind is refused: nothing is left out silently.

The result of a sensitive text is sensitive, the certificate too; `nonsensitive(...)` shows it.";

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    fn call(argument: impl Into<Value>) -> Result<Value, FunctionError> {
        SplitPem.call(vec![argument.into()])
    }

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec![]).unwrap();
        (
            made.cert.pem().replace("\r\n", "\n"),
            made.signing_key.serialize_pem().replace("\r\n", "\n"),
        )
    }

    #[test]
    fn gives_both_parts_whichever_comes_first() {
        let (certificate, key) = pair();
        let wanted = parts(certificate.as_str().into(), key.as_str().into());
        assert_eq!(call(format!("{certificate}{key}")).unwrap(), wanted);
        assert_eq!(
            call(format!("{key}{certificate}").replace('\n', "\r\n")).unwrap(),
            wanted
        );
    }

    #[test]
    fn null_gives_nulls() {
        assert!(SplitPem.signature().parameters[0].allow_null);
        assert_eq!(call(Value::Null).unwrap(), parts(Value::Null, Value::Null));
    }

    #[test]
    fn what_is_no_pair_is_refused_by_name_and_not_shown() {
        let (certificate, key) = pair();
        for (text, named) in [
            ("hunter2".to_owned(), "no certificate"),
            (certificate.clone(), "no private key"),
            (key.clone(), "no certificate"),
            (
                format!("{certificate}{certificate}{key}"),
                "more than one certificate",
            ),
            (
                format!("{certificate}{key}{key}"),
                "more than one private key",
            ),
            (
                format!(
                    "{certificate}{}",
                    key.replace("PRIVATE", "ENCRYPTED PRIVATE")
                ),
                "encrypted",
            ),
            (
                format!(
                    "{certificate}{key}{}",
                    key.replace("PRIVATE KEY", "DH PARAMETERS")
                ),
                "DH PARAMETERS",
            ),
        ] {
            let error = call(text).unwrap_err();
            assert_eq!(error.argument, Some(0));
            assert!(error.text.contains(named), "{}", error.text);
            assert!(
                !error.text.contains(key.lines().nth(1).unwrap())
                    && !error.text.contains("hunter2")
            );
        }
    }
}
