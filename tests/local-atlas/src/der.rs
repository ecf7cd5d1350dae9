//! A DER writer for the few ASN.1 types a certificate is made of.

pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

pub(crate) fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x31, &parts.concat())
}

/// An explicit context tag, as `[n] EXPLICIT`.
pub(crate) fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    tagged(0xa0 | number, content)
}

pub(crate) fn unsigned(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let first = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len() - 1);
    let mut content = bytes[first..].to_vec();
    if content[0] & 0x80 != 0 {
        content.insert(0, 0);
    }
    tagged(0x02, &content)
}

/// An object identifier given as its encoded content.
pub(crate) fn object_id(encoded: &[u8]) -> Vec<u8> {
    tagged(0x06, encoded)
}

pub(crate) fn null() -> Vec<u8> {
    tagged(0x05, &[])
}

pub(crate) fn yes() -> Vec<u8> {
    tagged(0x01, &[0xff])
}

pub(crate) fn octets(content: &[u8]) -> Vec<u8> {
    tagged(0x04, content)
}

/// A bit string whose last byte has `unused` low bits that do not count.
pub(crate) fn bits(content: &[u8], unused: u8) -> Vec<u8> {
    tagged(0x03, &[&[unused], content].concat())
}

/// `PrintableString` where its alphabet is enough, `UTF8String` elsewhere: what Atlas' Java does.
pub(crate) fn text(value: &str) -> Vec<u8> {
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
    let tag = if value.chars().all(printable) {
        0x13
    } else {
        0x0c
    };
    tagged(tag, value.as_bytes())
}

/// `UTCTime` to 2049, `GeneralizedTime` from 2050, as RFC 5280 asks.
pub(crate) fn time(at: jiff::Timestamp) -> Vec<u8> {
    let year: i32 = at.strftime("%Y").to_string().parse().unwrap_or(0);
    if (1950..2050).contains(&year) {
        tagged(0x17, at.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        tagged(0x18, at.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
    }
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let first = length
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(length.len() - 1);
    let significant = &length[first..];
    if significant.len() > 1 || significant[0] & 0x80 != 0 {
        out.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
    }
    out.extend_from_slice(significant);
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn writes_lengths_and_integers_in_their_shortest_form() {
        assert_eq!(unsigned(0), [2, 1, 0]);
        assert_eq!(unsigned(0x80), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(65_537), [2, 3, 1, 0, 1]);
        assert_eq!(octets(&[7; 127])[..2], [4, 127]);
        assert_eq!(octets(&[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(octets(&[7; 300])[..4], [4, 0x82, 1, 44]);
    }

    #[test]
    fn picks_the_string_and_the_time_type_by_content() {
        assert_eq!(text("app-user")[0], 0x13);
        assert_eq!(text("app_user")[0], 0x0c);
        assert_eq!(text("Zoë")[0], 0x0c);
        assert_eq!(
            time("2049-12-31T23:59:59Z".parse().unwrap()),
            *b"\x17\x0d491231235959Z"
        );
        assert_eq!(
            time("2050-01-01T00:00:00Z".parse().unwrap()),
            *b"\x18\x0f20500101000000Z"
        );
    }
}
