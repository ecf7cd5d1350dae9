//! The provider block and the environment, resolved together.

use super::*;
use crate::provider::testing::{self, environment};

/// A provider block with these arguments and an access token.
fn block(arguments: &[(&'static str, Value)]) -> Value {
    let mut block = testing::block(arguments);
    block.set("access_token", "t");
    block
}

fn config(
    arguments: &[(&'static str, Value)],
    variables: &[(&str, &str)],
) -> Result<Config, Diagnostics> {
    let environment = environment(variables);
    match resolve(&block(arguments), &environment, "agent".into(), |config, _| Ok(config))?.0 {
        State::Ready(config) => Ok(config),
        State::Deferred(argument) => panic!("{argument} is unknown"),
        State::MissingCredentials(error) => panic!("{error:?}"),
        State::Unconfigured => panic!("it is configured"),
    }
}

#[test]
fn omitted_settings_have_their_defaults() {
    let config = config(&[], &[]).unwrap();
    assert_eq!(config.base_url.to_string(), "https://cloud.mongodb.com");
    assert_eq!((config.api_version, config.max_retries), (ApiVersion::V1_0, 5));
    assert_eq!(config.request_timeout, Duration::from_secs(60));
}

#[test]
fn the_base_url_is_that_of_the_block_then_of_the_flag_then_of_the_environment() {
    let url = |arguments: &[(&'static str, Value)]| {
        config(arguments, &[("MCLI_OPS_MANAGER_URL", " http://localhost:1/\n")])
            .unwrap()
            .base_url
            .to_string()
    };
    assert_eq!(url(&[]), "http://localhost:1");
    assert_eq!(url(&[("base_url", " ".into())]), "http://localhost:1");
    assert_eq!(url(&[("is_mongodbgov_cloud", true.into())]), "https://cloud.mongodbgov.com");
    assert_eq!(url(&[("base_url", "https://example.com/\n".into())]), "https://example.com");
}

#[test]
fn is_mongodbgov_cloud_is_compared_with_the_host_of_the_base_url() {
    let is_accepted = |url: &str| {
        config(&[("base_url", url.into()), ("is_mongodbgov_cloud", true.into())], &[]).is_ok()
    };
    for url in [
        "https://cloud.mongodbgov.com",
        "https://cloud.mongodbgov.com:8443",
        "https://cloud-qa.mongodbgov.com/proxy",
        "https://mongodbgov.com",
    ] {
        assert!(is_accepted(url), "{url}");
    }
    for url in [
        "https://notmongodbgov.com",
        "https://cloud.mongodb.com",
        "https://example.com/mongodbgov.com",
        "https://cloud.mongodbgov.com.example.com",
    ] {
        assert!(!is_accepted(url), "{url}");
    }
}

#[test]
fn an_invalid_setting_is_an_error_at_its_argument() {
    let problems = validate(&block(&[
        ("base_url", "http://example.com".into()),
        ("api_version", "v3".into()),
        ("max_retries", (-1).into()),
        ("request_timeout", 29.into()),
        ("ca_bundle_pem", "x".into()),
        ("max_months_until_expiration", 0.into()),
    ]));
    let paths: Vec<_> =
        problems.iter().filter_map(|d| d.path.as_ref()).map(ToString::to_string).collect();
    assert_eq!(
        paths,
        [
            "base_url",
            "api_version",
            "max_retries",
            "request_timeout",
            "ca_bundle_pem",
            "max_months_until_expiration"
        ]
    );
}

#[test]
fn an_invalid_base_url_in_the_environment_is_an_error_that_names_the_variable() {
    for text in ["\"https://cloud.mongodb.com\"", "htps://cloud.mongodb.com", "cloud.mongodb.com"] {
        let problems = config(&[], &[("MONGODB_ATLAS_BASE_URL", text)]).unwrap_err();
        assert!(
            problems.iter().all(|problem| problem.detail.contains("MONGODB_ATLAS_BASE_URL")),
            "{problems:?}"
        );
    }
    assert!(
        config(&[("base_url", "https://example.com".into())], &[("MONGODB_ATLAS_BASE_URL", "x")])
            .is_ok()
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_an_error_that_names_it() {
    use std::os::unix::ffi::OsStringExt as _;

    let environment = |name: &str| {
        (name == "MONGODB_ATLAS_CLIENT_SECRET").then(|| OsString::from_vec(vec![b'a', 0xff]))
    };
    let block = schema().block.empty();
    let problems = resolve(&block, &environment, String::new(), |_, _| Ok(())).err().unwrap();
    let problem = problems.first().unwrap();
    assert!(problem.detail.contains("MONGODB_ATLAS_CLIENT_SECRET"), "{problem:?}");
}

#[test]
fn the_block_of_a_ca_bundle_that_is_not_a_certificate_is_named_by_its_number() {
    let certificate = rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap();
    let (good, key) = (certificate.cert.pem(), certificate.signing_key.serialize_pem());
    let garbled = good.replace("MII", "AAA");
    let is_valid = |bundle: &str| validate(&block(&[("ca_bundle_pem", bundle.into())]));
    assert!(is_valid(&format!("# a comment\n{good}# another\n{good}\n")).is_empty());
    for (bundle, number) in [
        (format!("{good}{key}{good}"), 2),
        (format!("{key}{good}"), 1),
        (format!("{good}{good}{garbled}"), 3),
        (good.replace("-----END CERTIFICATE-----", ""), 1),
    ] {
        let problems = is_valid(&bundle);
        let problem = problems.first().unwrap();
        assert!(problem.detail.contains(&format!("PEM block {number} of")), "{problem:?}");
    }
}

#[test]
fn an_unknown_setting_defers_the_client() {
    for name in [
        "base_url",
        "is_mongodbgov_cloud",
        "api_version",
        "max_retries",
        "request_timeout",
        "ca_bundle_pem",
    ] {
        let block = block(&[(name, Value::Unknown)]);
        let resolved = resolve(&block, &environment(&[]), String::new(), |_, _| Ok(()));
        assert!(matches!(resolved, Ok((State::Deferred(argument), _)) if argument == name));
    }
}

#[test]
fn an_unusable_proxy_is_an_error_that_names_its_variable() {
    let problems = config(&[], &[("https_proxy", "ftp://proxy")]).unwrap_err();
    let problem = problems.into_iter().next().unwrap();
    assert_eq!(problem.summary, "Invalid environment variable");
    let detail = "The environment variable https_proxy has an unknown scheme; a proxy has http, https or socks5.";
    assert_eq!(problem.detail, detail);
}
