//! What is made for developers' eyes, `Debug` and error texts, shows no secret.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{error::Error, fmt::Debug, sync::Arc, time::Duration};

use crate::{
    atlas::{ApiVersion, BaseUrl, Client, Config, ConfigError, Credentials, IssuedCertificate},
    clock,
    pkcs12::{self, Profile},
    sealing::{self, Identities, Recipients},
    x509,
};
use secrecy::{ExposeSecret as _, SecretString};
use tf_provider::{Diagnostic, Value};

/// Stands for every secret; long enough for any run of it to be told from chance.
const SECRET: &str = "hunter2-correct-horse-battery-staple";

#[test]
fn debug_of_a_login_and_all_that_holds_one_shows_no_secret() {
    let secret = || SecretString::from(SECRET);
    let logins = [
        Credentials::ServiceAccount { client_id: "id".to_owned(), client_secret: secret() },
        Credentials::ApiKey { public_key: "id".to_owned(), private_key: secret() },
        Credentials::Token(secret()),
    ];
    for login in logins {
        shows_nothing(&login);
        let config = Config {
            base_url: BaseUrl::of_host("cloud.mongodb.com"),
            api_version: ApiVersion::V1_0,
            credentials: login,
            request_timeout: Duration::from_secs(60),
            max_retries: 5,
            ca_bundle_pem: None,
            proxy: None,
            user_agent: "test".to_owned(),
        };
        shows_nothing(&config);
    }
}

fn client(config: Config) -> Result<Client, ConfigError> {
    Client::new(config, clock::now, Arc::default())
}

#[test]
fn debug_of_what_holds_a_key_shows_none_of_it() {
    let pem = bundle();
    let parts = x509::split(pem.expose_secret()).expect("a bundle");
    hides(&pem, &format!("{parts:?} {parts:#?}"));
    hides(
        &pem,
        &format!(
            "{:?}",
            IssuedCertificate {
                pem: pem.clone(),
                certificate: x509::Bundle::parse(&pem).map(|bundle| bundle.certificate),
                server_time: None,
                reconciliation: None
            }
        ),
    );
    let object = Value::object([
        ("combined_pem", pem.expose_secret().into()),
        ("list", Value::List(vec![pem.expose_secret().into()])),
    ]);
    hides(&pem, &format!("{object:?} {object:#?}"));

    let identity = age_identity();
    let identities = Identities::parse(&identity).expect("an identity");
    assert!(!format!("{identities:?}").contains(&identity.expose_secret()[20..]));
}

#[test]
fn no_error_about_a_damaged_key_repeats_any_of_it() {
    let pem = bundle();
    let text = pem.expose_secret();
    let lines: Vec<&str> = text.lines().collect();
    let key = lines.iter().position(|line| line.contains("BEGIN PRIVATE KEY")).expect("a key");
    let mut damaged: Vec<String> = vec![
        text.replace("-----END PRIVATE KEY-----", ""),
        text.replace("BEGIN PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY"),
        text.replace("PRIVATE KEY", "SOMETHING"),
        text.replacen('\n', "", 4),
        lines[key..].join("\n"),
        format!("{text}{}", lines[key..].join("\n")),
        lines[key + 1..].join("\n"),
        format!("-----BEGIN {}-----\n{text}", lines[key + 1]),
    ];
    damaged.extend((key + 1..lines.len()).map(|line| {
        let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        lines[line].insert(7, '\u{1b}');
        lines.join("\n")
    }));
    let identities = Identities::parse(&age_identity()).expect("an identity");
    for text in damaged {
        let secret = SecretString::from(text.as_str());
        match x509::Bundle::parse(&secret) {
            Ok(bundle) => {
                hides(&pem, &format!("{bundle:?}"));
                if let Err(error) = pkcs12::archive(&bundle, &SECRET.into(), Profile::Modern) {
                    hides(&pem, &told(&error));
                    assert!(!told(&error).contains("hunter2"));
                }
            }
            Err(error) => hides(&pem, &told(&error)),
        }
        if let Err(error) = x509::split(&text) {
            hides(&pem, &told(&error));
        }
        if let Err(error) = x509::parse_certificate(&text) {
            hides(&pem, &told(&error));
        }
        if let Err(error) = sealing::unseal(&text, &identities) {
            hides(&pem, &told(&error));
        }
        if let Err(error) = Identities::parse(&secret) {
            hides(&pem, &told(&error));
        }
        if let Err(error) = Recipients::parse(&[&text]) {
            hides(&pem, &told(&error));
        }
    }
}

#[test]
fn no_error_about_an_identity_or_a_password_repeats_it() {
    let identity = age_identity();
    let broken = SecretString::from(identity.expose_secret().replace('Q', "P") + "X");
    let error = Identities::parse(&broken).expect_err("no identity");
    assert!(!told(&error).contains(&identity.expose_secret()[16..28]));
    let error = Recipients::parse(&[identity.expose_secret()]).expect_err("no recipient");
    assert!(!told(&error).contains(&identity.expose_secret()[16..28]));
    let error =
        pkcs12::check_password(&format!("{SECRET}\u{1f511}").into()).expect_err("no password");
    assert!(!told(&error).contains("hunter2"));
}

#[test]
fn no_error_about_settings_repeats_a_credential() {
    let error = BaseUrl::parse(&format!("https://me:{SECRET}@example.com"))
        .expect_err("credentials do not belong there");
    assert!(!told(&error).contains("hunter2"));
    let config = |login| Config {
        proxy: None,
        base_url: BaseUrl::of_host("cloud.mongodb.com"),
        api_version: ApiVersion::V1_0,
        credentials: login,
        request_timeout: Duration::from_secs(60),
        max_retries: 0,
        ca_bundle_pem: Some(format!(
            "-----BEGIN CERTIFICATE-----\n{SECRET}\n-----END CERTIFICATE-----"
        )),
        user_agent: "test".to_owned(),
    };
    let error = client(config(Credentials::Token(SECRET.into()))).err().expect("no certificate");
    assert!(!told(&error).contains("hunter2"));
    let unsendable = SecretString::from(format!("{SECRET}\n{SECRET}"));
    let config = Config { ca_bundle_pem: None, ..config(Credentials::Token(unsendable)) };
    let error = client(config).err().expect("a line break cannot be sent");
    assert!(!told(&error).contains("hunter2"));
    let diagnostic = Diagnostic::error("summary", told(&error));
    assert!(!format!("{diagnostic:?}").contains("hunter2"));
}

#[track_caller]
fn shows_nothing(value: &dyn Debug) {
    let shown = format!("{value:?} {value:#?}");
    assert!(!shown.contains("hunter2") && !shown.contains("battery"), "{shown}");
    let numbers = SECRET.as_bytes()[..4].iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    assert!(!shown.contains(&numbers), "{shown}");
}

/// Nothing of the key's text is in there.
#[track_caller]
fn hides(pem: &SecretString, shown: &str) {
    let text = pem.expose_secret();
    let key = &text[text.find("BEGIN PRIVATE KEY-----").expect("a key") + 22..];
    // The private half of a P-256 key. The public half follows it, and is in the certificate too.
    let key: Vec<char> = key.chars().take(92).filter(char::is_ascii_alphanumeric).collect();
    let shown: String = shown.chars().filter(char::is_ascii_alphanumeric).collect();
    for window in key.windows(12) {
        let window: String = window.iter().collect();
        assert!(!shown.contains(&window), "{window} is shown");
    }
}

/// All that can be seen of an error.
fn told(error: &dyn Error) -> String {
    let mut told = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(inner) = source {
        told += &format!(" {inner} {inner:?}");
        source = inner.source();
    }
    told
}

fn bundle() -> SecretString {
    let made = rcgen::generate_simple_self_signed(vec![]).expect("a certificate");
    let text = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
    text.replace("\r\n", "\n").into()
}

fn age_identity() -> SecretString {
    age::x25519::Identity::generate().to_string().expose_secret().to_owned().into()
}
