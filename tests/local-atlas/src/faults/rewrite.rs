//! Atlas's responses with another body.

use std::io::Write as _;

use flate2::{Compress, Compression, Crc, FlushCompress, write::GzEncoder};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    keys,
    response::{Rendered, set_header},
};

/// A change of a body. Those about keys and certificates leave any other body as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Rewrite {
    /// No body.
    Empty,
    /// Only so many bytes, and no more are announced.
    Truncated {
        /// The number of bytes.
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
    /// The base64 of the certificate without one of its lines.
    DamagedCertificate,
    /// Bytes that are neither PEM nor JSON.
    Garbage,
    /// Two bytes in the middle that are not UTF-8.
    InvalidUtf8,
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
        let status = rendered.status().as_u16();
        let body = std::mem::take(rendered.body_mut());
        let text = String::from_utf8_lossy(&body).into_owned();
        let key_start = text.find("-----BEGIN PRIVATE KEY-----").unwrap_or(text.len());
        let (certificate, key) = text.split_at(key_start);
        let header = match self {
            Self::Gzip | Self::GzipBomb { .. } => Some(("content-encoding", "gzip")),
            Self::Body { content_type, .. } => Some(("content-type", content_type.as_str())),
            _ => None,
        };
        if let Some((name, value)) = header {
            set_header(rendered, name, value);
        }
        *rendered.body_mut() = match self {
            Self::Empty => Vec::new(),
            Self::Truncated { bytes } => body[..body.len().min(*bytes)].to_vec(),
            Self::JsonString => json!(text).to_string().into_bytes(),
            Self::Envelope => format!("{{\"status\":{status},\"content\":{}}}", json!(text)).into(),
            Self::Crlf => text.replace('\n', "\r\n").into_bytes(),
            Self::KeyFirst => format!("{key}{certificate}").into_bytes(),
            Self::ForeignKey if key.is_empty() => body,
            Self::ForeignKey => format!("{certificate}{}", keys::foreign_to(key)).into_bytes(),
            Self::NoKey => certificate.into(),
            Self::NoCertificate => key.into(),
            Self::TwoCertificates => format!("{certificate}{text}").into_bytes(),
            Self::DamagedCertificate => {
                let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                if lines.len() > 5 {
                    lines.remove(5);
                }
                lines.concat().into_bytes()
            }
            Self::Garbage => b"\x01\x02 this is neither PEM nor JSON \x03".to_vec(),
            Self::InvalidUtf8 => {
                let (head, tail) = body.split_at(body.len() / 2);
                [head, &[0xff, 0xfe], tail].concat()
            }
            Self::Gzip => gzip(&body),
            Self::GzipBomb { mebibytes } => gzip_zeros(*mebibytes),
            Self::Body { body, .. } => body.clone().into_bytes(),
        };
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to a vector does not fail.
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.unwrap_or_default()
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
    [&header[..], &block.repeat(mebibytes), &empty_last_block, &trailer].concat()
}
