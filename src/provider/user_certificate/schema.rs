//! Arguments and attributes. The descriptions are the text of the docs page.

use tf_provider::{Attribute, Block, Schema, Type};

use crate::provider::{arguments, timeouts};

pub(super) fn schema() -> Schema {
    Schema::new(Block {
        attributes: arguments().into_iter().chain(attributes()).collect(),
        blocks: vec![timeouts::block()],
        description: DESCRIPTION.to_owned(),
    })
}

pub(super) fn identity_schema() -> Schema {
    let attribute = |name, description| Attribute::new(name, Type::String, description).required();
    arguments::schema(
        vec![
            attribute("project_id", "The project of the database user."),
            attribute("username", "The database user, not encoded."),
        ],
        "",
    )
}

const DESCRIPTION: &str = "Issues an Atlas-managed X.509 client certificate for a database user, stores it and its private key in \
    state, and renews it in place before it expires.";

#[rustfmt::skip] // an attribute is a row: name, type, description, properties
fn arguments() -> Vec<Attribute> {
    vec![
        Attribute::new("project_id", Type::String,
            "ID of the Atlas project: 24 lowercase hexadecimal digits (the API's `groupId`). Changing it replaces the \
             resource; the old certificate stays valid until it expires.").required(),
        Attribute::new("username", Type::String,
            "Name of the database user, which must exist in `$external` with the X.509 type `MANAGED`: the plain name, \
             without `CN=`. Changing it replaces the resource; the old certificate stays valid until it expires.").required(),
        Attribute::new("months_until_expiration", Type::Number,
            "Validity in months, `1` to `24`. Defaults to `3`. Changing it issues a new certificate in place; removing \
             it keeps the current value.").optional_computed(),
        Attribute::new("renew_before_days", Type::Number,
            "Renew on the first apply within this many days of expiry. At most 14 per month of validity; `0` renews \
             only after expiry. If omitted, 35 days, at most half of the lifetime, and a third of lifetimes under 45 \
             days. Changing it takes effect at the next refresh and issues nothing by itself.").optional(),
        Attribute::new("auto_renew", Type::Bool,
            "Whether the next apply replaces a certificate that is due, expired or missing. Defaults to `true`; if \
             `false`, the provider only warns.").optional(),
        Attribute::new("rotate_when_changed", Type::map(Type::String),
            "Arbitrary values. Changing them issues a new certificate in place. **Adding this argument to an existing \
             certificate, or removing it, does not issue one.**").optional(),
        Attribute::new("private_key_recipients", Type::list(Type::String),
            "age public keys: `age1...`, or `age1tag1...` and `age1tagpq1...` for identities in hardware. If set, the \
             private key is stored only in `sealed_pem`, encrypted to these keys. Order and duplicates are ignored. \
             Post-quantum keys (`age1tagpq1...`) cannot be combined with others. If you add recipients to an existing \
             certificate, its key is encrypted in place. If you change or remove them later, a new certificate is \
             issued, because the provider cannot decrypt the old key.").optional(),
        Attribute::new("pkcs12_password_wo", Type::String,
            "Password of `pkcs12_base64`, in ASCII. Never stored in state or plans; needs Terraform 1.11 or OpenTofu \
             1.11. Requires `pkcs12_password_wo_version`; conflicts with `private_key_recipients`.").write_only(),
        Attribute::new("pkcs12_password_wo_version", Type::Number,
            "Increase this number with every new password: `pkcs12_base64` is then created again, without a request to \
             Atlas.").optional(),
        Attribute::new("pkcs12_profile", Type::String,
            "Encryption of `pkcs12_base64`: `modern` (AES-256 and SHA-256, the default) or `legacy` (3DES and SHA-1, \
             for Java before 8u301 and Windows before Server 2019). Changing it creates the archive again, without a \
             request to Atlas.").optional(),
        Attribute::new("adopt_pem_wo", Type::String,
            "PEM of the certificate in state and its private key, for a resource without a private key (after an \
             import, or a move without one). The key is stored or encrypted like that of an issued certificate; no \
             certificate is issued. Needs Terraform 1.11 or OpenTofu 1.11. Requires `adopt_pem_wo_version`.").write_only(),
        Attribute::new("adopt_pem_wo_version", Type::Number,
            "Set or change this number to adopt `adopt_pem_wo`, without a request to Atlas.").optional(),
    ]
}

#[rustfmt::skip]
fn attributes() -> Vec<Attribute> {
    let superseded = ["certificate_id", "not_after", "reason"].map(|name| (name, Type::String));
    vec![
        Attribute::new("id", Type::String,
            "`project_id/username`, with the name percent-encoded. Stable across renewals."),
        Attribute::new("certificate_id", Type::String,
            "ID of the certificate: its X.509 serial number in decimal, as a string, because it does not fit in a \
             64-bit floating-point number."),
        Attribute::new("serial_number", Type::String, "X.509 serial number in lowercase hexadecimal."),
        Attribute::new("combined_pem", Type::String,
            "Certificate and PKCS#8 private key (PEM), exactly as returned by Atlas; use it as `tlsCertificateKeyFile`. \
             Split it with the function `split_pem`. Null after an import, or if `private_key_recipients` is set.").sensitive(),
        Attribute::new("sealed_pem", Type::String,
            "`combined_pem` as age ciphertext (armored), for `private_key_recipients`. Decrypt it with `age --decrypt` \
             or, unless all identities are in hardware, with the ephemeral resource `atlas_unsealed_certificate`. Null \
             without recipients.").sensitive(),
        Attribute::new("pkcs12_base64", Type::String,
            "Certificate and private key as a PKCS#12 archive, base64-encoded and encrypted with `pkcs12_password_wo`. \
             Null without a password, and after an import.").sensitive(),
        Attribute::new("subject", Type::String, "Subject of the certificate as RFC 2253 text, such as `CN=app-user`."),
        Attribute::new("issuer", Type::String, "Issuer of the certificate as RFC 2253 text. Null after an import."),
        Attribute::new("not_before", Type::String,
            "Start of validity, RFC 3339 in UTC: one hour before the certificate was issued."),
        Attribute::new("not_after", Type::String, "Expiry of the certificate, RFC 3339 in UTC."),
        Attribute::new("fingerprint_sha256", Type::String,
            "SHA-256 of the certificate (DER) in lowercase hexadecimal. Null after an import."),
        Attribute::new("renewal_time", Type::String,
            "When the renewal window opens, RFC 3339 in UTC. The first apply after this time renews."),
        Attribute::new("revision", Type::Number,
            "Changes whenever a new certificate is issued, and only then (Unix time of `not_before`). Use it for \
             `*_wo_version` arguments and triggers."),
        Attribute::new("superseded_certificates", Type::list(Type::object(superseded)),
            "Previous certificates of this resource that had not expired when the current one was issued: \
             `certificate_id`, `not_after`, and the `reason` for which the next one was issued. Entries are removed \
             when the next certificate is issued, so compare `not_after`."),
        Attribute::new("status", Type::String,
            "Result of the last refresh, by the clock of Atlas: `active`, `renewal_due` (the window is open), \
             `expired`, `missing` (not listed by Atlas), `user_missing` (the database user does not exist; the \
             certificate works again if a user of that name is created) or `project_missing` (the project does not \
             exist at this `base_url`)."),
        Attribute::new("has_private_key", Type::Bool,
            "Whether the private key of this certificate is in state, in plain text or encrypted. False after an \
             import."),
        Attribute::new("issue_reason", Type::String,
            "Why the current certificate was issued: `created`, `renewal`, `validity_changed`, `trigger_changed`, \
             `recipients_changed` or `missing`; `imported` or `moved` if it was adopted."),
        Attribute::new("replaces_certificate_id", Type::String,
            "`certificate_id` of the certificate that the current one replaced in place. Null for a first certificate."),
    ]
}

#[cfg(test)]
mod tests {
    use tf_provider::Mode;

    use super::*;
    use crate::{
        atlas::{ProjectId, Username},
        provider::user_certificate::model::{Attr, UserCertificate},
    };

    #[test]
    fn attributes_of_a_certificate_are_computed() {
        let schema = schema();
        let object = UserCertificate::default().with_issued_unknown().into_value();
        let issued = object.as_map().unwrap().iter().filter(|(_, value)| value.is_unknown());
        let issued: Vec<_> = issued.map(|(name, _)| &**name).collect();
        assert_eq!(issued.len(), 13);
        for name in &issued {
            let mut attributes = schema.block.attributes.iter();
            let mode = attributes.find(|it| it.name == *name).map(|it| it.mode);
            assert_eq!(mode, Some(Mode::Computed), "{name}");
        }
        let others: Vec<_> = schema
            .block
            .attributes
            .iter()
            .filter(|a| a.mode == Mode::Computed && !issued.contains(&a.name))
            .map(|a| a.name)
            .collect();
        // These stay known when a certificate is issued: the plan says what they become.
        assert_eq!(
            others,
            ["id", "status", "has_private_key", "issue_reason", "replaces_certificate_id"]
        );
    }

    #[test]
    fn attributes_with_the_private_key_are_sensitive() {
        let schema = schema();
        let sensitive: Vec<_> =
            schema.block.attributes.iter().filter(|a| a.sensitive).map(|a| a.name).collect();
        assert_eq!(sensitive, ["combined_pem", "sealed_pem", "pkcs12_base64"]);
        let write_only: Vec<_> =
            schema.block.attributes.iter().filter(|a| a.write_only).map(|a| a.name).collect();
        assert_eq!(write_only, ["pkcs12_password_wo", "adopt_pem_wo"]);
    }
    #[test]
    fn the_identity_has_the_attributes_of_its_schema_and_none_while_the_user_is_unknown() {
        let object = UserCertificate {
            project_id: ProjectId::parse("32b6e34b3d91647abb20e7b8").ok().into(),
            username: Username::parse("a/b c%").ok().into(),
            ..UserCertificate::default()
        };
        let found = UserCertificate::identity(&object.clone().into_value()).unwrap();
        let names: Vec<_> =
            identity_schema().block.attributes.into_iter().map(|a| a.name).collect();
        assert!(found.as_map().unwrap().keys().eq(&names));
        assert_eq!(found.get("project_id").as_str(), Some("32b6e34b3d91647abb20e7b8"));
        assert_eq!(found.get("username").as_str(), Some("a/b c%"));
        let unknown = UserCertificate { username: Attr::Unknown, ..object };
        assert!(UserCertificate::identity(&unknown.into_value()).is_none());
    }
}
