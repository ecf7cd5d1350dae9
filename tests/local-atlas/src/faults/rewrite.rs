//! True answers with their body changed.

use std::io::Write as _;

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::keys;
use crate::reply::Rendered;

/// What happens to a body. Those about keys and certificates leave anything else as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Rewrite {
    /// Nothing is left.
    Empty,
    /// Only so many bytes are left, and no more are announced.
    Truncated {
        /// Bytes left.
        bytes: usize,
    },
    /// The text as one JSON string.
    JsonString,
    /// `{"status":…,"content":…}` around the text.
    Envelope,
    /// CR LF for each LF.
    Crlf,
    /// The key, then the certificate.
    KeyFirst,
    /// A key that does not belong to the certificate.
    ForeignKey,
    /// The certificate without the key.
    NoKey,
    /// The key without the certificate.
    NoCertificate,
    /// The certificate twice.
    TwoCertificates,
    /// The base64 of the certificate with a hole in it.
    DamagedCertificate,
    /// Bytes that are neither PEM nor JSON.
    Garbage,
    /// A byte in the middle that is not UTF-8.
    InvalidUtf8,
    /// Another `totalCount` in a page of a list.
    TotalCount {
        /// The figure.
        total: u64,
    },
    /// Compressed with gzip.
    Gzip,
    /// So many mebibytes of zeros, compressed with gzip.
    GzipBomb {
        /// Mebibytes after decompression.
        mebibytes: usize,
    },
    /// Another body of another type.
    Body {
        /// `Content-Type`.
        content_type: String,
        /// The text.
        body: String,
    },
}

impl Rewrite {
    pub(crate) fn apply(&self, rendered: &mut Rendered) {
        let body = std::mem::take(&mut rendered.body);
        let text = String::from_utf8_lossy(&body).into_owned();
        let (certificate, key) = halves(&text);
        rendered.body = match self {
            Self::Empty => Vec::new(),
            Self::Truncated { bytes } => body[..body.len().min(*bytes)].to_vec(),
            Self::JsonString => json!(text).to_string().into_bytes(),
            Self::Envelope => {
                let status = rendered.status.as_u16();
                format!("{{\"status\":{status},\"content\":{}}}", json!(text)).into_bytes()
            }
            Self::Crlf => text.replace('\n', "\r\n").into_bytes(),
            Self::KeyFirst => format!("{key}{certificate}").into_bytes(),
            Self::ForeignKey if key.is_empty() => body,
            Self::ForeignKey => format!("{certificate}{}", keys::foreign_to(key)).into_bytes(),
            Self::NoKey => certificate.as_bytes().to_vec(),
            Self::NoCertificate => key.as_bytes().to_vec(),
            Self::TwoCertificates => format!("{certificate}{certificate}{key}").into_bytes(),
            Self::DamagedCertificate => damaged(certificate)
                .into_bytes()
                .into_iter()
                .chain(key.bytes())
                .collect(),
            Self::Garbage => b"\x01\x02 this is neither PEM nor JSON \x03".to_vec(),
            Self::InvalidUtf8 => {
                let (head, tail) = body.split_at(body.len() / 2);
                [head, &[0xff, 0xfe], tail].concat()
            }
            Self::TotalCount { total } => with_total(&body, *total),
            Self::Gzip => {
                rendered.set_header("content-encoding", "gzip");
                gzip(&body)
            }
            Self::GzipBomb { mebibytes } => {
                rendered.set_header("content-encoding", "gzip");
                gzip_zeros(*mebibytes)
            }
            Self::Body { content_type, body } => {
                rendered.set_header("content-type", content_type);
                body.clone().into_bytes()
            }
        };
    }
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to a vector does not fail.
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .unwrap_or_default()
}

/// The zeros of one mebibyte are compressed once, to a whole number of bytes, and then repeated.
fn gzip_zeros(mebibytes: usize) -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let mut checksum = Crc::new();
    checksum.update(&zeros);
    let mut block = Vec::with_capacity(1 << 14);
    let mut compress = Compress::new(Compression::default(), false);
    // All of it fits into the capacity.
    let _ = compress.compress_vec(&zeros, &mut block, FlushCompress::Full);

    let mut total = Crc::new();
    (0..mebibytes).for_each(|_| total.combine(&checksum));
    let length = u32::try_from((mebibytes as u64) << 20 & u64::from(u32::MAX)).unwrap_or(0);
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let empty_last_block = [3, 0];
    let trailer = [total.sum().to_le_bytes(), length.to_le_bytes()].concat();
    [
        &header[..],
        &block.repeat(mebibytes),
        &empty_last_block,
        &trailer,
    ]
    .concat()
}

/// A page with another `totalCount`; anything else stays as it is.
fn with_total(body: &[u8], total: u64) -> Vec<u8> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut page)) if page.contains_key("totalCount") => {
            page.insert("totalCount".to_owned(), json!(total));
            Value::Object(page).to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}

/// Certificate and key of a combined PEM.
fn halves(text: &str) -> (&str, &str) {
    let at = text
        .find("-----BEGIN PRIVATE KEY-----")
        .unwrap_or(text.len());
    text.split_at(at)
}

fn damaged(certificate: &str) -> String {
    let lines = certificate.split_inclusive('\n').enumerate();
    lines
        .filter(|(at, _)| *at != 5)
        .map(|(_, line)| line)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use hyper::StatusCode;

    use super::*;

    #[test]
    fn rewrites_a_pem_in_each_way() {
        let pem = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nREVG\n-----END PRIVATE KEY-----\n";
        let apply = |rewrite: Rewrite| {
            let mut rendered = Rendered {
                status: StatusCode::CREATED,
                headers: Vec::new(),
                body: pem.as_bytes().to_vec(),
            };
            rewrite.apply(&mut rendered);
            String::from_utf8_lossy(&rendered.body).into_owned()
        };
        assert_eq!(apply(Rewrite::Empty), "");
        assert_eq!(apply(Rewrite::Truncated { bytes: 10 }), pem[..10]);
        assert_eq!(
            serde_json::from_str::<String>(&apply(Rewrite::JsonString)).unwrap(),
            pem
        );
        let envelope: serde_json::Value = serde_json::from_str(&apply(Rewrite::Envelope)).unwrap();
        assert_eq!(
            (envelope["status"].as_u64(), envelope["content"].as_str()),
            (Some(201), Some(pem))
        );
        assert_eq!(apply(Rewrite::Crlf).matches("\r\n").count(), 6);
        assert!(apply(Rewrite::KeyFirst).starts_with("-----BEGIN PRIVATE KEY-----\nREVG"));
        assert!(
            apply(Rewrite::ForeignKey).contains("QUJD")
                && !apply(Rewrite::ForeignKey).contains("REVG")
        );
        assert!(!apply(Rewrite::NoKey).contains("PRIVATE"));
        assert!(apply(Rewrite::InvalidUtf8).contains('\u{fffd}'));
        assert!(gzip(&vec![0; 1 << 20]).len() < 2000);
    }
}
