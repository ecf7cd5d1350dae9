//! The data sources: one unexpired certificate of a database user, or all of them.
//!
//! Both read the list that a refresh reads, so one list per user and run serves all of them. The present time is that
//! of the response, by Atlas's clock.

mod user_certificate;
mod user_certificates;

use std::sync::Arc;

use tf_provider::{Attribute, DataSource, Type, Value};

use self::{user_certificate::UserCertificate, user_certificates::UserCertificates};
use super::client::ProviderClient;
use crate::{atlas::ListedCertificate, x509};

pub(crate) fn all(client: &Arc<ProviderClient>) -> Vec<Arc<dyn DataSource>> {
    vec![
        Arc::new(UserCertificate(Arc::clone(client))),
        Arc::new(UserCertificates(Arc::clone(client))),
    ]
}

/// An attribute of a listed certificate: its name, its description and its value.
type ListedAttribute = (&'static str, &'static str, fn(&ListedCertificate) -> Value);

#[rustfmt::skip] // an attribute is a row
const ATTRIBUTES: [ListedAttribute; 5] = [
    ("certificate_id",
        "Atlas's id of the certificate: its serial number in decimal. It can exceed the range of exact numbers; keep it as text.",
        |certificate| certificate.certificate_id.as_str().into()),
    ("serial_number", "The same serial number in lower-case hexadecimal, in whole bytes.",
        |certificate| x509::hex_of_decimal(&certificate.certificate_id).into()),
    ("subject", "The subject as RFC 2253 text, such as `CN=app-user`.", |certificate| certificate.subject.as_str().into()),
    ("not_before", "Start of validity, RFC 3339 in UTC. Atlas sets it to one hour before the time of issue.",
        |certificate| certificate.created_at.to_string().into()),
    ("not_after", "End of validity, RFC 3339 in UTC, such as `2026-11-10T03:06:35Z`.",
        |certificate| certificate.not_after.to_string().into()),
];

fn project_argument() -> Attribute {
    let description =
        "The project of the database user: 24 lower-case hexadecimal digits (the API's `groupId`).";
    Attribute::new("project_id", Type::String, description).required()
}

#[cfg(test)]
mod tests;
