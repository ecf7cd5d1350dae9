//! Distinguished names: as RFC 2253 text, and compared with a database user's name.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::Any;
use x509_cert::der::{Encode, Tag, Tagged};
use x509_cert::name::Name;

use super::Certificate;

/// Whether the certificate's subject is the database user of this name.
///
/// `username` is the plain name or `CN=` and the name. Both sides are read as names and brought to
/// one Unicode form first, so spelling and escaping do not count; case does.
pub fn subject_matches(username: &str, certificate: &Certificate) -> bool {
    let wanted = common_name_of(username);
    let Some(subject) = &certificate.subject_common_name else {
        return false;
    };
    certificate.subject_is_common_name && subject.nfc().eq(wanted.nfc())
}

/// The common name a username stands for: the value behind `CN=`, unescaped, or the name itself.
pub(crate) fn common_name_of(username: &str) -> Cow<'_, str> {
    match username.split_at_checked(3) {
        Some((prefix, value)) if prefix.eq_ignore_ascii_case("CN=") => unescape(value),
        _ => Cow::Borrowed(username),
    }
}

/// The name as RFC 2253 text: last component first.
pub(super) fn rfc2253(name: &Name) -> String {
    let mut text = String::new();
    for rdn in name.as_ref().as_ref().iter().rev() {
        for (position, attribute) in rdn.iter().enumerate() {
            match (text.is_empty(), position) {
                (true, _) => {}
                (false, 0) => text.push(','),
                (false, _) => text.push('+'),
            }
            write_attribute(&mut text, attribute);
        }
    }
    text
}

/// The value of the only common name in the name.
pub(super) fn common_name(name: &Name) -> Option<String> {
    let mut all = name
        .iter()
        .filter(|attribute| keyword(attribute) == Some("CN"));
    let only = all.next()?;
    if all.next().is_some() {
        None
    } else {
        text_of(&only.value)
    }
}

pub(super) fn is_one_attribute(name: &Name) -> bool {
    name.iter().count() == 1
}

fn write_attribute(text: &mut String, attribute: &AttributeTypeAndValue) {
    if let (Some(keyword), Some(value)) = (keyword(attribute), text_of(&attribute.value)) {
        text.push_str(keyword);
        text.push('=');
        escape_into(text, &value);
    } else {
        let _ = write!(text, "{}=#", attribute.oid);
        for byte in attribute.value.to_der().unwrap_or_default() {
            let _ = write!(text, "{byte:02X}");
        }
    }
}

fn escape_into(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (position, character) in value.chars().enumerate() {
        match character {
            '#' if position == 0 => text.push_str("\\#"),
            ' ' if position == 0 || position == last => text.push_str("\\ "),
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => {
                text.push('\\');
                text.push(character);
            }
            _ if character.is_ascii_control() => {
                let _ = write!(text, "\\{:02X}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
}

/// Undoes RFC 2253 escaping; a value that is not well escaped is taken as it stands.
fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'\\', [high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                bytes.push(u8::from_str_radix(digits, 16).unwrap_or_default());
                rest = &tail[2..];
            }
            (b'\\', [escaped, ..]) => {
                bytes.push(*escaped);
                rest = &tail[1..];
            }
            _ => bytes.push(*first),
        }
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
        Tag::BmpString => {
            let units = bytes.chunks(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xd800, // half a unit: no text
            });
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

fn keyword(attribute: &AttributeTypeAndValue) -> Option<&'static str> {
    let oid = attribute.oid.as_bytes();
    KEYWORDS
        .iter()
        .find(|(bytes, _)| *bytes == oid)
        .map(|(_, keyword)| *keyword)
}

/// RFC 2253 section 2.3, and the mail address, which every tool spells out.
const KEYWORDS: [(&[u8], &str); 10] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19],
        "DC",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01],
        "UID",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01],
        "emailAddress",
    ),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use super::super::{parse_certificate, tests::pair};
    use super::*;
    use std::str::FromStr;

    #[test]
    fn writes_names_last_component_first_and_escaped() {
        for (given, wanted) in [
            ("CN=user389", "CN=user389"),
            (
                "O=MongoDB Inc,OU=Atlas,CN=32b6e34b",
                "O=MongoDB Inc,OU=Atlas,CN=32b6e34b",
            ),
            (r"CN=Doe\, Jane\+x", r"CN=Doe\, Jane\+x"),
            ("UID=a,DC=example", "UID=a,DC=example"),
        ] {
            assert_eq!(rfc2253(&Name::from_str(given).unwrap()), wanted);
        }
    }

    #[test]
    fn escapes_what_would_read_as_syntax() {
        for (value, wanted) in [
            (" a ", r"\ a\ "),
            ("#1", r"\#1"),
            ("a\u{1}b", r"a\01b"),
            ("é", "é"),
            (" ", r"\ "),
        ] {
            let mut text = String::new();
            escape_into(&mut text, value);
            assert_eq!(text, wanted);
        }
    }

    #[test]
    fn compares_names_and_not_spellings() {
        let bare = |name: &str| {
            let mut facts = parse_certificate(&pair(&[1], name).0).unwrap();
            facts.subject_is_common_name = true;
            facts
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
            assert_eq!(
                subject_matches(username, &bare(subject)),
                matches,
                "{username} {subject}"
            );
        }
        let organised = parse_certificate(&pair(&[1], "app").0).unwrap();
        assert!(
            !subject_matches("app", &organised),
            "the subject has an organisation too"
        );
    }
}
