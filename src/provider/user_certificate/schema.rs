//! Arguments and attributes. The descriptions are the text of the docs page.

use tf_provider::{Attribute, Block, Schema, Type};

use crate::provider::timeouts;

/// One entry of `superseded_certificates`.
pub(super) fn superseded_type() -> Type {
    Type::object([
        ("certificate_id", Type::String),
        ("not_after", Type::String),
        ("reason", Type::String),
    ])
}

pub(super) fn schema() -> Schema {
    Schema::new(Block {
        attributes: arguments().into_iter().chain(attributes()).collect(),
        blocks: vec![timeouts::block()],
        description: DESCRIPTION.to_owned(),
    })
}

const DESCRIPTION: &str = "Issues an X.509 client certificate, managed by Atlas, for a database user, keeps it with its private key \
    in state, and renews it in place before it expires.";

fn arguments() -> Vec<Attribute> {
    vec![
        Attribute::new(
            "project_id",
            Type::String,
            "The project of the database user: 24 lower-case hexadecimal digits (the API's `groupId`). \
             A change replaces the resource; the old certificate stays valid until it expires.",
        )
        .required(),
        Attribute::new(
            "username",
            Type::String,
            "The database user, who must exist in `$external` with X.509 type `MANAGED`. The plain name, as given to the user \
             resource, without `CN=`. A change replaces the resource; the old certificate stays valid until it expires.",
        )
        .required(),
        Attribute::new(
            "months_until_expiration",
            Type::Number,
            "How long the certificate is valid, in calendar months: a whole number from 1 to 24. Defaults to 3 when the resource is \
             created without it. A change issues a new certificate in place. Left out later, it keeps its stored value.",
        )
        .optional_computed(),
        Attribute::new(
            "renew_before_days",
            Type::Number,
            "How many days before its expiry the certificate is renewed, by the first apply in that window. A whole number from 0 to 14 \
             for each month of validity (half a life); 0 renews only after the expiry. If omitted, the window is 35 days, but at most \
             half of the certificate's life, and a third of a life of less than 45 days. A change needs no call to Atlas.",
        )
        .optional(),
        Attribute::new(
            "auto_renew",
            Type::Bool,
            "Whether a certificate that is due, expired or missing is issued anew by the next apply. With `false` there is a \
             warning instead. Unset means `true`. A change by itself needs no call to Atlas.",
        )
        .optional(),
        Attribute::new(
            "rotate_when_changed",
            Type::map(Type::String),
            "Any values. When the map was set before and its content changes, a new certificate is issued in place. Adding or \
             removing the whole argument issues nothing.",
        )
        .optional(),
        Attribute::new(
            "private_key_recipients",
            Type::list(Type::String),
            "age public keys: `age1...` (X25519), or `age1tag1...` and `age1tagpq1...` for keys in hardware such as a YubiKey or a TPM. State \
             and plans then contain only `sealed_pem`, encrypted to these recipients, and never the private key. Post-quantum recipients \
             (`age1tagpq1...`) cannot be combined with others. Order and repetition are ignored. Added to a certificate whose key is in state, the key is sealed in \
             place; changed or removed when only the sealed form is left, a new certificate is issued in place.",
        )
        .optional(),
        Attribute::new(
            "pkcs12_password_wo",
            Type::String,
            "The password of `pkcs12_base64`. Never stored in state or plans; needs Terraform 1.11 or OpenTofu 1.11. Comes together with \
             `pkcs12_password_wo_version`, and not with `private_key_recipients`.",
        )
        .write_only(),
        Attribute::new(
            "pkcs12_password_wo_version",
            Type::Number,
            "Change this number to have `pkcs12_base64` rebuilt with the present `pkcs12_password_wo`. Needs no call to Atlas.",
        )
        .optional(),
        Attribute::new(
            "pkcs12_profile",
            Type::String,
            "How `pkcs12_base64` is encrypted: `modern` (AES-256 and SHA-256, the default) or `legacy` (3DES and SHA-1, for Java before 8u301 \
             and Windows before Server 2019). A change rebuilds the archive and needs no call to Atlas.",
        )
        .optional(),
        Attribute::new(
            "adopt_pem_wo",
            Type::String,
            "A PEM with the certificate in state and its private key, for an object without a private key (after an import, or a move \
             without one). Never stored as written: the key is stored or sealed like that of an issued certificate, and nothing is issued. \
             Needs Terraform 1.11 or OpenTofu 1.11. Comes together with `adopt_pem_wo_version`.",
        )
        .write_only(),
        Attribute::new(
            "adopt_pem_wo_version",
            Type::Number,
            "Set or change this number to adopt `adopt_pem_wo`. Needs no call to Atlas.",
        )
        .optional(),
    ]
}

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::new("id", Type::String, "`project_id/username`, the name percent-encoded. Stable across renewals."),
        Attribute::new(
            "certificate_id",
            Type::String,
            "Atlas' id of the certificate: its X.509 serial number in decimal, as text, because it exceeds what numbers hold exactly.",
        ),
        Attribute::new(
            "serial_number",
            Type::String,
            "The X.509 serial number in lower-case hexadecimal.",
        ),
        Attribute::new(
            "combined_pem",
            Type::String,
            "Certificate and PKCS#8 private key, byte for byte as Atlas sent them: the file that `tlsCertificateKeyFile` wants. The function \
             `split_pem` gives the parts. Null after an import and with `private_key_recipients`.",
        )
        .sensitive(),
        Attribute::new(
            "sealed_pem",
            Type::String,
            "`combined_pem` as age ciphertext (armored), for `private_key_recipients`. Decrypted by `age --decrypt` or, unless all keys are \
             in hardware, by the ephemeral resource `atlas_unsealed_certificate`. Null without recipients. Sensitive, so that plans do not print its many lines.",
        )
        .sensitive(),
        Attribute::new(
            "pkcs12_base64",
            Type::String,
            "Certificate and key as a PKCS#12 archive in base64, under `pkcs12_password_wo`. Null without a password and after an import.",
        )
        .sensitive(),
        Attribute::new("subject", Type::String, "The certificate's subject as RFC 2253 text, such as `CN=app-user`."),
        Attribute::new("issuer", Type::String, "The certificate's issuer as RFC 2253 text. Null after an import."),
        Attribute::new(
            "not_before",
            Type::String,
            "Start of validity, RFC 3339 in UTC. Atlas sets it one hour before the time of issue.",
        ),
        Attribute::new("not_after", Type::String, "End of validity, RFC 3339 in UTC, as the certificate says."),
        Attribute::new(
            "fingerprint_sha256",
            Type::String,
            "SHA-256 of the certificate (DER) in lower-case hexadecimal. Null after an import.",
        ),
        Attribute::new(
            "renewal_time",
            Type::String,
            "When the renewal window opens, RFC 3339 in UTC. The first plan after that renews.",
        ),
        Attribute::new(
            "revision",
            Type::Number,
            "A number that changes with every issue and only then (seconds since 1970 of `not_before`): feed it to any `*_wo_version` argument.",
        ),
        Attribute::new(
            "superseded_certificates",
            Type::list(superseded_type()),
            "Older certificates of this resource that still authenticate, as of the last issue (compare `not_after`): `certificate_id`, `not_after`, and the `reason` for which the next one \
             was issued. Expired ones are dropped when the next certificate is issued.",
        ),
        Attribute::new(
            "status",
            Type::String,
            "What the last refresh found, by Atlas' clock: `active`, `renewal_due` (the window is open), `expired`, `missing` (Atlas does not \
             list it any more), `user_missing` (it works again once a user of that name exists) or `project_missing` (Atlas knows no such project).",
        ),
        Attribute::new(
            "has_private_key",
            Type::Bool,
            "Whether the key of this certificate is in state, in whatever form. False after an import.",
        ),
        Attribute::new(
            "issue_reason",
            Type::String,
            "Why the present certificate was issued: `created`, `renewal`, `validity_changed`, `trigger_changed`, `recipients_changed` or \
             `missing`; or how it came here: `imported`, `moved`.",
        ),
        Attribute::new(
            "replaces_certificate_id",
            Type::String,
            "The predecessor's `certificate_id`. Null for a first certificate.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use tf_provider::Mode;

    use super::*;
    use crate::provider::user_certificate::model::UserCertificate;

    #[test]
    fn everything_an_issue_changes_is_a_computed_attribute() {
        let schema = schema();
        for name in UserCertificate::ISSUED {
            let mode = schema.block.attribute(name).map(|attribute| attribute.mode);
            assert_eq!(mode, Some(Mode::Computed), "{name}");
        }
        let others: Vec<_> = schema
            .block
            .attributes
            .iter()
            .filter(|a| {
                a.mode == Mode::Computed && !UserCertificate::ISSUED.contains(&a.name.as_str())
            })
            .map(|a| a.name.as_str())
            .collect();
        // These stay known when a certificate is issued: the plan says what they become.
        assert_eq!(
            others,
            [
                "id",
                "status",
                "has_private_key",
                "issue_reason",
                "replaces_certificate_id"
            ]
        );
    }

    #[test]
    fn what_holds_the_key_in_clear_is_hidden_by_hosts() {
        let schema = schema();
        let sensitive: Vec<_> = schema
            .block
            .attributes
            .iter()
            .filter(|a| a.sensitive)
            .map(|a| a.name.as_str())
            .collect();
        assert_eq!(sensitive, ["combined_pem", "sealed_pem", "pkcs12_base64"]);
        let write_only: Vec<_> = schema
            .block
            .attributes
            .iter()
            .filter(|a| a.write_only)
            .map(|a| a.name.as_str())
            .collect();
        assert_eq!(write_only, ["pkcs12_password_wo", "adopt_pem_wo"]);
    }
}
