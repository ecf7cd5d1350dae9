//! The typed model of the resource: one field per attribute. Terraform values of the resource are converted here.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use secrecy::SecretString;
use tf_provider::{Diagnostics, Number, Value};

use super::renewal::Days;
pub(super) use crate::provider::attr::Attr;
use crate::{
    atlas::{Months, ProjectId, Username},
    pkcs12::Profile,
    provider::{
        arguments::{Problems, UserId},
        attr::{Field, field, unreadable},
        timeouts,
    },
    sealing::Recipients,
};

/// Defines [`UserCertificate`], its conversion from and to [`Value`], and which attributes a new certificate changes. An
/// attribute is declared once, under the name that it has in the schema.
macro_rules! model {
    (
        issued { $($issued:ident: $issued_type:ty,)* }
        others { $($other:ident: $other_type:ty,)* }
    ) => {
        /// An `atlas_user_certificate`: configuration, plan or state.
        #[derive(Debug, Clone, Default)]
        pub(super) struct UserCertificate {
            $(pub(super) $issued: Attr<$issued_type>,)*
            $(pub(super) $other: Attr<$other_type>,)*
        }

        impl UserCertificate {
            /// Reads every attribute. One that is invalid is reported and counts as unknown.
            pub(super) fn decode(value: &Value) -> (Self, Diagnostics) {
                if value.is_null() {
                    return (Self::default(), Diagnostics::new());
                }
                let mut problems = Problems::default();
                let object = Self {
                    $($issued: problems.take(Attr::read(value, stringify!($issued))).unwrap_or(Attr::Unknown),)*
                    $($other: problems.take(Attr::read(value, stringify!($other))).unwrap_or(Attr::Unknown),)*
                };
                (object, problems.0)
            }

            pub(super) fn into_value(self) -> Value {
                Value::object([
                    $((stringify!($issued), self.$issued.encode()),)*
                    $((stringify!($other), self.$other.encode()),)*
                ])
            }

            /// The object with every attribute unknown that a new certificate changes.
            pub(super) fn with_issued_unknown(self) -> Self {
                Self { $($issued: Attr::Unknown,)* ..self }
            }

            /// The object with null for every attribute that is unknown: state has no unknown values.
            pub(super) fn with_unknown_null(self) -> Self {
                Self {
                    $($issued: self.$issued.or_null(),)*
                    $($other: self.$other.or_null(),)*
                }
            }
        }
    };
}

model! {
    issued {
        certificate_id: String,
        serial_number: String,
        combined_pem: SecretString,
        sealed_pem: String,
        pkcs12_base64: SecretString,
        subject: String,
        issuer: String,
        not_before: Timestamp,
        not_after: Timestamp,
        fingerprint_sha256: String,
        renewal_time: Timestamp,
        revision: i64,
        superseded_certificates: Vec<SupersededCertificate>,
    }
    others {
        project_id: ProjectId,
        username: Username,
        months_until_expiration: Months,
        renew_before_days: Days,
        auto_renew: bool,
        rotate_when_changed: BTreeMap<String, Attr<String>>,
        private_key_recipients: RecipientList,
        pkcs12_password_wo: SecretString,
        pkcs12_password_wo_version: Number,
        pkcs12_profile: Profile,
        adopt_pem_wo: SecretString,
        adopt_pem_wo_version: Number,
        timeouts: BTreeMap<String, Attr<String>>,
        id: String,
        status: Status,
        has_private_key: bool,
        issue_reason: IssueReason,
        replaces_certificate_id: String,
    }
}

impl UserCertificate {
    /// Reads an object. Every invalid attribute is an error.
    pub(super) fn from_value(value: &Value) -> Result<Self, Diagnostics> {
        let (object, problems) = Self::decode(value);
        if problems.is_empty() { Ok(object) } else { Err(problems) }
    }

    /// The object as a value in which the invalid arguments are as configured: hosts reject a plan that changes them.
    pub(super) fn into_value_with_invalid(self, config: &Value, problems: &Diagnostics) -> Value {
        let mut value = self.into_value();
        for path in problems.iter().filter_map(|problem| problem.path.as_ref()) {
            let name = path.to_string();
            let configured = config.get(&name).clone();
            value.set(name, configured);
        }
        value
    }

    /// Project and user, once both are known.
    pub(super) fn user(&self) -> Option<UserId> {
        let (project, username) = self.project_id.known().zip(self.username.known())?;
        Some(UserId { project: project.clone(), username: username.clone() })
    }

    /// The identity of an object: project and user, which stay the same over all renewals. `None` while one is unknown.
    pub(super) fn identity(object: &Value) -> Option<Value> {
        let project = Attr::<ProjectId>::read(object, "project_id").ok()?.into_known()?;
        let username = Attr::<Username>::read(object, "username").ok()?.into_known()?;
        Some(Value::object([("project_id", project.encode()), ("username", username.encode())]))
    }

    pub(super) fn timeout(&self, operation: &str) -> Duration {
        let text = self.timeouts.known().and_then(|timeouts| timeouts.get(operation)?.known());
        timeouts::timeout(operation, text.map(String::as_str))
    }
}

/// Defines an enum with one text for each variant.
macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $name { $($variant,)* }

        field! {
            $name:
                |value| match value.as_str() { $(Some($text) => Ok(Self::$variant),)* _ => Err(unreadable(value)) },
                |variant| match variant { $(Self::$variant => $text,)* }.into();
        }
    };
}

texts! {
    /// The result of the last refresh, by the server's clock.
    Status {
        Active = "active",
        RenewalDue = "renewal_due",
        Expired = "expired",
        Missing = "missing",
        UserMissing = "user_missing",
        ProjectMissing = "project_missing",
    }
}

texts! {
    /// Why a certificate was issued, or how it came into state.
    IssueReason {
        Created = "created",
        Renewal = "renewal",
        Missing = "missing",
        ValidityChanged = "validity_changed",
        TriggerChanged = "trigger_changed",
        RecipientsChanged = "recipients_changed",
        Imported = "imported",
        Moved = "moved",
    }
}

/// An older certificate of this resource that still authenticates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SupersededCertificate {
    pub(super) certificate_id: String,
    pub(super) not_after: Timestamp,
    /// Why its successor was issued.
    pub(super) reason: IssueReason,
}

/// `private_key_recipients` as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecipientList(pub(super) Vec<Attr<String>>);

impl RecipientList {
    pub(super) fn is_wholly_known(&self) -> bool {
        !self.0.iter().any(Attr::is_unknown)
    }

    /// Whether both lists name the same keys, in any order and spelling. Invalid lists are compared as text.
    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        let same_keys = || Some(self.parse()? == other.parse()?);
        self == other || same_keys() == Some(true)
    }

    /// The keys; `None` unless every element is a recipient.
    pub(super) fn parse(&self) -> Option<Recipients> {
        let texts: Option<Vec<&str>> = self.0.iter().map(|text| Some(&**text.known()?)).collect();
        Recipients::parse(&texts?).ok().filter(|keys| !keys.is_empty())
    }
}

field! {
    RecipientList: |value| Field::decode(value).map(Self), |list| list.0.encode();
    SupersededCertificate:
        |value| Ok(Self {
            certificate_id: Field::decode(value.get("certificate_id"))?,
            not_after: Field::decode(value.get("not_after"))?,
            reason: Field::decode(value.get("reason"))?,
        }),
        |certificate| Value::object([
            ("certificate_id", certificate.certificate_id.encode()),
            ("not_after", certificate.not_after.encode()),
            ("reason", certificate.reason.encode()),
        ]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::user_certificate::schema::schema;

    #[test]
    fn the_model_and_the_schema_have_the_same_attributes() {
        assert_eq!(UserCertificate::default().into_value(), schema().block.empty());
    }

    #[test]
    fn an_object_is_written_as_it_was_read() {
        let text = |text: &str| Value::from(text);
        let superseded = Value::object([
            ("certificate_id", text("7")),
            ("not_after", text("2026-04-01T00:00:00Z")),
            ("reason", text("validity_changed")),
        ]);
        let object = Value::object([
            ("project_id", text("32b6e34b3d91647abb20e7b8")),
            ("username", text("a/b c")),
            ("months_until_expiration", 3.into()),
            ("renew_before_days", 0.into()),
            ("auto_renew", false.into()),
            ("rotate_when_changed", Value::object([("a", text("x")), ("b", Value::Unknown)])),
            (
                "private_key_recipients",
                Value::List(vec![text("age1x"), Value::Unknown, Value::Null]),
            ),
            ("pkcs12_password_wo", text("secret")),
            ("pkcs12_password_wo_version", 2.into()),
            ("pkcs12_profile", text("legacy")),
            ("adopt_pem_wo", Value::Unknown),
            ("adopt_pem_wo_version", 1.into()),
            (
                "timeouts",
                Value::object([
                    ("create", text("90s")),
                    ("read", Value::Null),
                    ("update", Value::Unknown),
                ]),
            ),
            ("certificate_id", text("17")),
            ("serial_number", text("11")),
            ("combined_pem", text("pem")),
            ("sealed_pem", text("age")),
            ("pkcs12_base64", Value::Unknown),
            ("subject", text("CN=app")),
            ("issuer", Value::Null),
            ("not_before", text("2026-01-01T00:00:00Z")),
            ("not_after", text("9999-12-30T22:00:00.999999999Z")),
            ("fingerprint_sha256", text("00")),
            ("renewal_time", text("2026-02-01T00:00:00.5Z")),
            ("revision", 1_767_225_600.into()),
            ("superseded_certificates", Value::List(vec![superseded])),
            ("id", text("id")),
            ("status", text("user_missing")),
            ("has_private_key", true.into()),
            ("issue_reason", text("recipients_changed")),
            ("replaces_certificate_id", text("7")),
        ]);
        let read = UserCertificate::from_value(&object).unwrap_or_default();
        assert!(read.into_value() == object);
    }

    #[test]
    fn an_invalid_value_is_an_error_at_its_attribute() {
        let mut object = UserCertificate::default().into_value();
        object.set("status", "sleeping");
        object.set("not_after", "tomorrow");
        let problems = UserCertificate::from_value(&object).unwrap_err();
        let paths: Vec<_> =
            problems.iter().filter_map(|d| d.path.as_ref()).map(ToString::to_string).collect();
        assert_eq!(paths, ["not_after", "status"]);
    }

    #[test]
    fn no_secret_is_in_the_debug_text() {
        let object = UserCertificate {
            combined_pem: Attr::Known("hunter2".into()),
            ..UserCertificate::default()
        };
        assert!(!format!("{object:?}").contains("hunter2"));
    }
}
