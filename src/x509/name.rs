//! Distinguished names: as RFC 2253 text, and compared with the name of a database user.
//!
//! Own code, because `Display` of `x509-cert`'s `Name` adds its table of all known OIDs, 186 KiB, to the release binary.
//! It also writes other text for `emailAddress` and for values that are a `BMPString`, which would change stored state.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use x509_cert::{
    attr::AttributeTypeAndValue,
    der::{
        Encode, Tag, Tagged,
        asn1::{Any, ObjectIdentifier},
    },
    name::Name,
};

use super::Certificate;

/// Whether the certificate's subject is the database user `username`: the plain name, or `CN=` and the escaped name.
///
/// The values are compared after Unicode normalization (NFC), case-sensitively.
pub fn subject_matches(username: &str, certificate: &Certificate) -> bool {
    certificate.subject_common_name.as_ref().is_some_and(|subject| {
        let is_only_attribute = certificate.subject == format!("CN={}", escape(subject));
        is_only_attribute && subject.nfc().eq(common_name_of(username).nfc())
    })
}

/// The common name in a certificate of the database user `username`: the unescaped value after `CN=`, or the name itself.
pub(crate) fn common_name_of(username: &str) -> Cow<'_, str> {
    match username.split_at_checked(3) {
        Some((prefix, value)) if prefix.eq_ignore_ascii_case("CN=") => unescape(value),
        _ => Cow::Borrowed(username),
    }
}

/// The name as RFC 2253 text: the last relative distinguished name first.
pub(super) fn rfc2253(name: &Name) -> String {
    let rdns = name.as_ref().as_ref().iter().rev().map(|rdn| {
        let attributes: Vec<_> = rdn.iter().map(attribute_text).collect();
        attributes.join("+")
    });
    rdns.collect::<Vec<_>>().join(",")
}

/// The value of the only common name in the name; `None` if there is another number of them, or it is not text.
pub(super) fn common_name(name: &Name) -> Option<String> {
    let mut all = name.iter().filter(|attribute| attribute.oid == COMMON_NAME);
    match (all.next(), all.next()) {
        (Some(only), None) => text_of(&only.value),
        _ => None,
    }
}

fn attribute_text(attribute: &AttributeTypeAndValue) -> String {
    let keyword = KEYWORDS.iter().find(|(oid, _)| *oid == attribute.oid);
    if let (Some((_, keyword)), Some(value)) = (keyword, text_of(&attribute.value)) {
        format!("{keyword}={}", escape(&value))
    } else {
        let der = attribute.value.to_der().unwrap_or_default();
        format!("{}=#{}", attribute.oid, hex::encode_upper(der))
    }
}

fn escape(value: &str) -> String {
    let last = value.len().saturating_sub(1);
    let escaped = value.char_indices().map(|(position, character)| match character {
        '#' if position == 0 => "\\#".to_owned(),
        ' ' if position == 0 || position == last => "\\ ".to_owned(),
        ',' | '+' | '"' | '\\' | '<' | '>' | ';' => format!("\\{character}"),
        _ if character.is_ascii_control() => format!("\\{:02X}", u32::from(character)),
        _ => character.to_string(),
    });
    escaped.collect()
}

/// Reverses RFC 2253 escaping; returns an incorrectly escaped value unchanged.
fn unescape(value: &str) -> Cow<'_, str> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex_pair = tail.get(..2).and_then(|digits| hex::decode(digits).ok());
        let (byte, length) = match (first, hex_pair, tail) {
            (b'\\', Some(byte), _) => (byte[0], 3),
            (b'\\', None, [escaped, ..]) => (*escaped, 2),
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(value), Cow::Owned)
}

fn text_of(value: &Any) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
            String::from_utf8(bytes.to_vec()).ok()
        }
        Tag::TeletexString => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString if bytes.len().is_multiple_of(2) => {
            let units = bytes.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// RFC 2253 section 2.3, and the mail address in the spelling of openssl.
const KEYWORDS: [(ObjectIdentifier, &str); 10] = [
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"), "UID"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"), "emailAddress"),
];

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use x509_cert::der::Decode;

    use super::{
        super::{parse_certificate, tests::pem_pair},
        *,
    };

    #[test]
    fn names_are_written_last_component_first_and_escaped() {
        for name in [
            "CN=user389",
            "O=MongoDB Inc,OU=Atlas,CN=32b6e34b",
            r"CN=Doe\, Jane\+x",
            "UID=a,DC=example",
            "CN=b+OU=a,C=DE",
        ] {
            assert_eq!(rfc2253(&Name::from_str(name).unwrap()), name);
        }
    }

    /// Stored in state by earlier releases, so the text must not change.
    #[test]
    fn mail_addresses_bmp_strings_and_unknown_attributes_keep_their_spelling() {
        for (oid, value, text) in [
            ("1.2.840.113549.1.9.1", &b"\x16\x05a@b.c"[..], "emailAddress=a@b.c"),
            ("2.5.4.3", b"\x1e\x06\x00J\x00\xfc\x20\xac", "CN=Jü€"),
            ("2.5.4.3", b"\x1e\x03\x00J\x00", "2.5.4.3=#1E03004A00"),
            ("2.5.4.3", b"\x14\x02J\xfc", "CN=Jü"),
            ("2.5.4.3", b"\x12\x0217", "CN=17"),
            ("2.5.4.5", b"\x13\x0217", "2.5.4.5=#13023137"),
        ] {
            let attribute = AttributeTypeAndValue {
                oid: ObjectIdentifier::new_unwrap(oid),
                value: Any::from_der(value).unwrap(),
            };
            assert_eq!(attribute_text(&attribute), text);
        }
    }

    #[test]
    fn characters_with_a_meaning_in_names_are_escaped() {
        for (value, escaped) in [
            (" a ", r"\ a\ "),
            ("#1", r"\#1"),
            ("a\u{1}b", r"a\01b"),
            ("é", "é"),
            (" ", r"\ "),
            ("é ", r"é\ "),
        ] {
            assert_eq!(escape(value), escaped);
            assert_eq!(unescape(escaped), value);
        }
        for value in [r"a\", r"a\é", r"\C3"] {
            assert!(!unescape(value).is_empty());
        }
    }

    #[test]
    fn subjects_are_compared_as_names_and_not_as_text() {
        let with_organization = |name: &str| parse_certificate(&pem_pair(&[1], name).0).unwrap();
        let of = |name: &str| Certificate {
            subject: format!("CN={}", escape(name)),
            ..with_organization(name)
        };
        for (username, subject, matches) in [
            ("app", "app", true),
            ("CN=app", "app", true),
            ("cn=app", "app", true),
            ("App", "app", false),
            ("e\u{301}", "é", true),
            ("a,b", "a,b", true),
            (r"CN=a\,b", "a,b", true),
            (r"CN=a\2Cb", "a,b", true),
            ("app2", "app", false),
        ] {
            assert_eq!(subject_matches(username, &of(subject)), matches, "{username} {subject}");
        }
        assert!(!subject_matches("app", &with_organization("app")));
    }
}
