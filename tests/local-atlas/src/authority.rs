//! The certificate authority of each project, and the recorded anatomy of its certificates.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, DnValue, Error,
    IsCa, KeyPair, KeyUsagePurpose, SerialNumber, string::PrintableString,
};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::{
    clock::{add_months, shifted},
    keys::{self, KeyListener, KeySource, Keys, pem},
    stores::{Certificate, common_name},
};

/// All authorities by project; each is created at its first use.
#[derive(Default)]
pub(crate) struct Authorities {
    keys: KeySource,
    by_project: Mutex<BTreeMap<String, Arc<Authority>>>,
}

/// The certificate authority of one project.
type Authority = CertifiedIssuer<'static, KeyPair>;

impl Authorities {
    pub(crate) fn new(keys: Keys, listener: Option<KeyListener>) -> Self {
        Self { keys: KeySource::new(keys, listener), by_project: Mutex::default() }
    }

    /// Signs a client certificate for `user`, valid from an hour before `now`, in whole seconds, for calendar months.
    /// Blocks while it signs and while keys are generated.
    pub(crate) fn sign(
        &self,
        project: &str,
        user: &str,
        months: u32,
        now: Timestamp,
    ) -> Result<Certificate, Error> {
        let now = Timestamp::from_second(now.as_second()).map_err(|_| Error::Time)?;
        let authority = self.of(project)?;
        let key = self.keys.next_key(user)?;
        let serial = fastrand::u64((1 << 53) + 1..1 << 63);
        let created_at = shifted(now, SignedDuration::from_hours(-1));
        let not_after = add_months(now, months).ok_or(Error::Time)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, text(common_name(user)));
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = date(created_at)?;
        params.not_after = date(not_after)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // The crate would write the extended key usage as not critical.
        let mut usage =
            CustomExtension::from_oid_content(&EXTENDED_KEY_USAGE, CLIENT_AUTH.to_vec());
        usage.set_criticality(true);
        params.custom_extensions = vec![usage];
        let certificate = params.signed_by(&*key.pair, &*authority)?;
        Ok(Certificate {
            project: project.to_owned(),
            user: user.to_owned(),
            id: serial,
            serial: hex_serial(serial),
            created_at,
            not_after,
            months,
            unlisted: false,
            certificate_pem: pem("CERTIFICATE", certificate.der()),
            key_pem: key.pem.clone(),
        })
    }

    /// The certificates of every authority created so far.
    pub(crate) fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.by_project.lock().values().map(|authority| authority.der().clone()).collect()
    }

    fn of(&self, project: &str) -> Result<Arc<Authority>, Error> {
        // Locked while the key is generated, so that it is generated once.
        let mut authorities = self.by_project.lock();
        if let Some(authority) = authorities.get(project) {
            return Ok(Arc::clone(authority));
        }
        let key = self.keys.next_key(&format!("the certificate authority of project {project}"))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        // In this order RFC 2253 prints O=MongoDB Inc,OU=Atlas,CN=<project>.
        params.distinguished_name.push(DnType::CommonName, text(project));
        params.distinguished_name.push(DnType::OrganizationalUnitName, text("Atlas"));
        params.distinguished_name.push(DnType::OrganizationName, text("MongoDB Inc"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = Arc::new(CertifiedIssuer::self_signed(params, keys::parse(&key.pem)?)?);
        authorities.insert(project.to_owned(), Arc::clone(&authority));
        Ok(authority)
    }
}

/// The serial number in whole bytes of lower-case hex.
pub(crate) fn hex_serial(serial: u64) -> String {
    let bytes = serial.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    hex::encode(&bytes[first..])
}

/// `PrintableString` where its alphabet is sufficient, otherwise `UTF8String`.
fn text(value: &str) -> DnValue {
    let printable = PrintableString::try_from(value).map(DnValue::PrintableString);
    printable.unwrap_or_else(|_| DnValue::Utf8String(value.to_owned()))
}

fn date(at: Timestamp) -> Result<OffsetDateTime, Error> {
    OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(|_| Error::Time)
}

const EXTENDED_KEY_USAGE: [u64; 4] = [2, 5, 29, 37];
/// A sequence of the one object identifier 1.3.6.1.5.5.7.3.2.
const CLIENT_AUTH: [u8; 12] =
    [0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use rustls_pki_types::pem::PemObject as _;
    use x509_cert::{
        Certificate as X509,
        der::{Decode as _, Tag, Tagged as _},
    };

    use super::*;

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

    #[test]
    fn a_certificate_has_the_recorded_anatomy() {
        let now: Timestamp = "2026-08-10T03:06:35.9Z".parse().unwrap();
        let signed = Authorities::default().sign(PROJECT, "user389", 3, now).unwrap();
        let der = CertificateDer::from_pem_slice(signed.certificate_pem.as_bytes()).unwrap();
        let certificate = X509::from_der(&der).unwrap();
        let body = certificate.tbs_certificate();

        assert!((1286..=1291).contains(&der.len()), "{} bytes", der.len());
        assert_eq!(signed.certificate_pem.lines().count(), 27 + 2);
        assert_eq!(signed.key_pem.lines().count(), 50 + 2);
        assert!(!signed.combined_pem().contains('\r'));
        assert_eq!(body.version(), x509_cert::Version::V3);
        assert_eq!(certificate.signature_algorithm().oid.to_string(), "1.2.840.113549.1.1.11");
        assert_eq!(certificate.signature().raw_bytes().len(), 512);
        assert_eq!(body.subject().to_string(), "CN=user389");
        assert_eq!(body.issuer().to_string(), format!("O=MongoDB Inc,OU=Atlas,CN={PROJECT}"));
        let mut names = body.subject().iter().chain(body.issuer().iter());
        assert!(names.all(|name| name.value.tag() == Tag::PrintableString));
        assert!(matches!(text("app_user"), DnValue::Utf8String(_)));
        assert_eq!(hex::encode(body.serial_number().as_bytes()), signed.serial);
        assert_eq!(u64::from_str_radix(&signed.serial, 16), Ok(signed.id));
        assert_eq!(hex_serial(0x0664_590b_0a2a_074e), "0664590b0a2a074e");
        assert!(signed.id > 1 << 53 && signed.id < 1 << 63);
        let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
        assert_eq!(seconds(body.validity().not_before), 1_786_331_195 - 3600);
        assert_eq!(seconds(body.validity().not_after), 1_794_279_995);
        assert_eq!(signed.not_after, "2026-11-10T03:06:35Z".parse().unwrap());
        let usages = body.extensions().unwrap().iter();
        let usages = usages.map(|it| (it.critical, it.extn_value.as_bytes()));
        assert_eq!(
            usages.collect::<Vec<_>>(),
            [(true, &[3, 2, 7, 0x80][..]), (true, &CLIENT_AUTH)]
        );
    }
}
