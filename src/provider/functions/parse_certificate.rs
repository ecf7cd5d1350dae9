//! `parse_certificate(pem)`: the attributes of a certificate.

use tf_provider::{Type, Value};

use super::TextFunction;
use crate::x509::{self, Certificate};

pub(super) const PARSE_CERTIFICATE: TextFunction = TextFunction {
    name: "parse_certificate",
    parameter: (
        "pem",
        "PEM text with exactly one `CERTIFICATE` block. Blocks of other kinds, such as a private key, \
         are ignored, so `combined_pem` of a certificate can be given as it is.",
    ),
    allows_null: false,
    returns: || Type::object(ATTRIBUTES.map(|(name, _)| (name, Type::String))),
    summary: "Reads an X.509 certificate",
    description: DESCRIPTION,
    call: |pem| {
        let certificate = x509::parse_certificate(pem.unwrap_or_default());
        let certificate = certificate.map_err(|error| error.to_string())?;
        Ok(Value::object(ATTRIBUTES.map(|(name, value)| (name, value(&certificate).into()))))
    },
};

type Text = fn(&Certificate) -> String;

const ATTRIBUTES: [(&str, Text); 7] = [
    ("certificate_id", |certificate| certificate.certificate_id.clone()),
    ("serial_number", |certificate| certificate.serial_number.clone()),
    ("subject", |certificate| certificate.subject.clone()),
    ("issuer", |certificate| certificate.issuer.clone()),
    ("not_before", |certificate| certificate.not_before.to_string()),
    ("not_after", |certificate| certificate.not_after.to_string()),
    ("fingerprint_sha256", |certificate| certificate.fingerprint_sha256.clone()),
];

const DESCRIPTION: &str = "\
Parses the certificate in a PEM text and returns its attributes. It works on any X.509 certificate, calls no service and needs no \
provider configuration. The signature is not verified.

The result is an object of strings:

- `certificate_id`: the serial number in decimal, which is Atlas's id of the certificate. It can exceed the range of exact \
numbers; keep it as text.
- `serial_number`: the serial number in lower-case hexadecimal, as `openssl x509 -serial` prints it except for the case.
- `subject` and `issuer`: distinguished names in the form of RFC 2253, such as `CN=app-user`.
- `not_before` and `not_after`: start and end of validity, RFC 3339 in UTC, such as `2026-11-10T03:06:35Z`. A certificate without a well-defined \
expiration (`99991231235959Z`) has `9999-12-30T22:00:00Z`, the latest time that can be represented.
- `fingerprint_sha256`: SHA-256 of the certificate's DER form, in lower-case hexadecimal without separators.

The result of a sensitive text is sensitive; `nonsensitive(...)` removes the mark, because all these attributes are public.";

#[cfg(test)]
mod tests {
    use tf_provider::Function as _;

    use super::*;

    fn pem() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "app-user");
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[
            0x1b, 0x6e, 0xba, 0x83, 0x48, 0x90, 0x4a, 0x92,
        ]));
        params.not_before = rcgen::date_time_ymd(2026, 8, 10);
        params.not_after = rcgen::date_time_ymd(2026, 11, 10);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn the_result_has_every_attribute_of_its_type_and_no_other() {
        let (certificate, key) = pem();
        for text in [certificate.clone(), format!("{key}{certificate}")] {
            let result = PARSE_CERTIFICATE.call(vec![text.into()]).unwrap();
            let names: Vec<_> = result.as_map().unwrap().keys().cloned().collect();
            let Type::Object(types) = PARSE_CERTIFICATE.signature().returns else {
                panic!("an object")
            };
            assert_eq!(names, types.keys().copied().collect::<Vec<_>>());
            assert_eq!(result.get("certificate_id").as_str(), Some("1976722359483124370"));
            assert_eq!(result.get("serial_number").as_str(), Some("1b6eba8348904a92"));
            assert_eq!(result.get("subject").as_str(), Some("CN=app-user"));
            assert_eq!(result.get("not_before").as_str(), Some("2026-08-10T00:00:00Z"));
            assert_eq!(result.get("not_after").as_str(), Some("2026-11-10T00:00:00Z"));
            assert_eq!(result.get("fingerprint_sha256").as_str().map(str::len), Some(64));
        }
    }

    #[test]
    fn errors_name_the_argument_and_do_not_repeat_it() {
        let (certificate, key) = pem();
        for text in [
            "hunter2".to_owned(),
            key,
            format!("{certificate}{certificate}"),
            certificate.replace("MI", "hunter2!"),
        ] {
            let secret = text.lines().nth(1).unwrap_or("hunter2").to_owned();
            let error = PARSE_CERTIFICATE.call(vec![text.into()]).unwrap_err();
            assert_eq!(error.argument, Some(0));
            assert!(
                !error.text.contains("hunter2") && !error.text.contains(&secret),
                "{}",
                error.text
            );
        }
    }
}
