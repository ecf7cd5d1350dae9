//! `split_pem(bundle)`: a certificate and its private key as two texts.

use secrecy::ExposeSecret;
use tf_provider::{Type, Value};

use super::TextFunction;
use crate::x509;

pub(super) const SPLIT_PEM: TextFunction = TextFunction {
    name: "split_pem",
    parameter: (
        "bundle",
        "PEM text with exactly one certificate and exactly one private key that is not encrypted, in either \
         order: `combined_pem` of a certificate. `null` gives an object of nulls.",
    ),
    allows_null: true,
    returns: || {
        Type::object([("certificate_pem", Type::String), ("private_key_pem", Type::String)])
    },
    summary: "Splits a certificate and its private key",
    description: DESCRIPTION,
    call: |bundle| {
        let Some(bundle) = bundle else {
            return Ok(parts(Value::Null, Value::Null));
        };
        let split = x509::split(bundle).map_err(|error| error.to_string())?;
        Ok(parts(split.certificate_pem.into(), split.private_key_pem.expose_secret().into()))
    },
};

fn parts(certificate: Value, private_key: Value) -> Value {
    Value::object([("certificate_pem", certificate), ("private_key_pem", private_key)])
}

const DESCRIPTION: &str = "\
Splits a PEM text of one certificate and its private key, for programs that need two files. It calls no service and needs no \
provider configuration.

The result is an object of two strings, each with line feeds as line ends and one at its end:

- `certificate_pem`: the `CERTIFICATE` block.
- `private_key_pem`: the private key block (`PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`).

`null` gives an object of nulls, because `combined_pem` is null for a sealed or an imported certificate. A text with a second \
certificate, a second or an encrypted key, or a block of another kind is refused: no part is dropped silently.

The result of a sensitive text is sensitive, the certificate too; `nonsensitive(...)` removes the mark.";

#[cfg(test)]
mod tests {
    use tf_provider::{Function as _, FunctionError};

    use super::*;

    fn call(argument: impl Into<Value>) -> Result<Value, FunctionError> {
        SPLIT_PEM.call(vec![argument.into()])
    }

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec![]).unwrap();
        (
            made.cert.pem().replace("\r\n", "\n"),
            made.signing_key.serialize_pem().replace("\r\n", "\n"),
        )
    }

    fn object(certificate: impl Into<Value>, private_key: impl Into<Value>) -> Value {
        Value::object([
            ("certificate_pem", certificate.into()),
            ("private_key_pem", private_key.into()),
        ])
    }

    #[test]
    fn both_parts_are_returned_whichever_comes_first() {
        let (certificate, key) = pair();
        let expected = object(certificate.as_str(), key.as_str());
        for text in
            [format!("{certificate}{key}"), format!("{key}{certificate}").replace('\n', "\r\n")]
        {
            assert_eq!(call(text).unwrap(), expected);
        }
    }

    #[test]
    fn null_returns_an_object_of_nulls() {
        assert!(SPLIT_PEM.signature().parameters[0].allow_null);
        assert_eq!(call(Value::Null).unwrap(), object(Value::Null, Value::Null));
    }

    #[test]
    fn a_text_without_exactly_one_pair_is_refused_and_not_repeated() {
        let (certificate, key) = pair();
        for (text, named) in [
            ("hunter2".to_owned(), "no certificate"),
            (certificate.clone(), "no private key"),
            (key.clone(), "no certificate"),
            (format!("{certificate}{certificate}{key}"), "more than one certificate"),
            (format!("{certificate}{key}{key}"), "more than one private key"),
            (format!("{certificate}{}", key.replace("PRIVATE", "ENCRYPTED PRIVATE")), "encrypted"),
            (
                format!("{certificate}{key}{}", key.replace("PRIVATE KEY", "DH PARAMETERS")),
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
