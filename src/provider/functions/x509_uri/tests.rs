use proptest::prelude::*;

use super::*;

const X509: &str = "authMechanism=MONGODB-X509&authSource=%24external";

#[test]
fn missing_options_are_added_and_the_rest_is_unchanged() {
    for (given, wanted) in [
        ("mongodb+srv://c0.abc.mongodb.net", format!("mongodb+srv://c0.abc.mongodb.net/?{X509}")),
        ("mongodb+srv://c0.abc.mongodb.net/", format!("mongodb+srv://c0.abc.mongodb.net/?{X509}")),
        ("mongodb+srv://c0.abc.mongodb.net/?", format!("mongodb+srv://c0.abc.mongodb.net/?{X509}")),
        (
            "mongodb+srv://c0.abc.mongodb.net/app",
            format!("mongodb+srv://c0.abc.mongodb.net/app?{X509}"),
        ),
        (
            "mongodb+srv://c0.abc.mongodb.net/?retryWrites=true&w=majority&appName=C0",
            format!(
                "mongodb+srv://c0.abc.mongodb.net/?retryWrites=true&w=majority&appName=C0&{X509}"
            ),
        ),
        ("mongodb://h", format!("mongodb://h/?{X509}&tls=true")),
        ("mongodb://h?w=1", format!("mongodb://h/?w=1&{X509}&tls=true")),
        ("mongodb://h:27017/app", format!("mongodb://h:27017/app?{X509}&tls=true")),
        (
            "mongodb://a:27017,b:27018,c/db?replicaSet=rs0&ssl=true",
            format!("mongodb://a:27017,b:27018,c/db?replicaSet=rs0&ssl=true&{X509}"),
        ),
        ("mongodb://h/?TLS=true", format!("mongodb://h/?TLS=true&{X509}")),
        ("mongodb://[::1]:27017", format!("mongodb://[::1]:27017/?{X509}&tls=true")),
        (
            "mongodb://[fe80::1%25eth0],192.0.2.1:1/",
            format!("mongodb://[fe80::1%25eth0],192.0.2.1:1/?{X509}&tls=true"),
        ),
        ("mongodb://%2Ftmp%2Fm.sock/x", format!("mongodb://%2Ftmp%2Fm.sock/x?{X509}&tls=true")),
        (
            "mongodb://h/a%2Fb?appName=%F0%9F%98%80%20x&readPreferenceTags=dc:ny,rack:1&readPreferenceTags=",
            format!(
                "mongodb://h/a%2Fb?appName=%F0%9F%98%80%20x&readPreferenceTags=dc:ny,rack:1&readPreferenceTags=&{X509}&tls=true"
            ),
        ),
        ("mongodb://h/?&w=1&&", format!("mongodb://h/?w=1&{X509}&tls=true")),
        (
            "mongodb://h/?tlsCertificateKeyFile=%2Fetc%2Fapp.pem",
            format!("mongodb://h/?tlsCertificateKeyFile=%2Fetc%2Fapp.pem&{X509}&tls=true"),
        ),
    ] {
        assert_eq!(with_x509(given).as_deref(), Ok(wanted.as_str()), "{given}");
        assert_eq!(with_x509(&wanted).as_deref(), Ok(wanted.as_str()), "twice: {given}");
    }
}

#[test]
fn options_with_the_required_value_stay_in_their_place() {
    for given in [
        "mongodb+srv://h.example.net/?authMechanism=MONGODB-X509&w=1&authSource=%24external",
        "mongodb+srv://h.example.net/?authsource=$external&AUTHMECHANISM=MONGODB%2DX509&tls=true",
        "mongodb://h/db?tls=true&authSource=%24external&ssl=true&authMechanism=MONGODB-X509",
    ] {
        assert_eq!(with_x509(given).as_deref(), Ok(given));
    }
}

#[test]
fn user_information_is_removed() {
    for user in ["u", "u:hunter2", ":", "", "CN%3Du:p%40%2F", "a:b:c", "u:p[x],y;z&=!"] {
        let given = format!("mongodb+srv://{user}@h.example.net/db?w=1");
        let wanted = format!("mongodb+srv://h.example.net/db?w=1&{X509}");
        assert_eq!(with_x509(&given), Ok(wanted), "{given}");
    }
}

/// The forms that the Admin API returns as `standard`, `private` and those of private endpoints.
#[test]
fn the_default_auth_source_of_atlas_is_replaced_in_its_place() {
    for (uri, expected) in [
        (
            "mongodb://h1:27017,h2:27017/?ssl=true&authSource=admin&replicaSet=atlas-x-shard-0",
            "mongodb://h1:27017,h2:27017/?ssl=true&authSource=%24external&replicaSet=atlas-x-shard-0&authMechanism=MONGODB-X509",
        ),
        (
            "mongodb://pl-0-eu.x.mongodb.net:1024,pl-0-eu.x.mongodb.net:1025/?ssl=true&AuthSource=%61dmin",
            "mongodb://pl-0-eu.x.mongodb.net:1024,pl-0-eu.x.mongodb.net:1025/?ssl=true&authSource=%24external&authMechanism=MONGODB-X509",
        ),
        (
            "mongodb+srv://u:p@c0.x.mongodb.net/app?authSource=admin",
            "mongodb+srv://c0.x.mongodb.net/app?authSource=%24external&authMechanism=MONGODB-X509",
        ),
    ] {
        assert_eq!(with_x509(uri).as_deref(), Ok(expected));
    }
}

#[test]
fn conflicting_options_are_refused() {
    let expected = |(position, name)| format!("option {position}, {name}, is n");
    let [mechanism, source, tls] = ["authMechanism", "authSource", "tls or ssl"]
        .map(|name| move |position: usize| (position, name));
    for (options, blamed) in [
        ("authMechanism=SCRAM-SHA-256", mechanism(1)),
        ("authMechanism=mongodb-x509", mechanism(1)),
        ("w=1&AuthMechanism=", mechanism(2)),
        ("authMechanism=MONGODB-X509&auth%4Dechanism=PLAIN", mechanism(2)),
        ("authSource=app", source(1)),
        ("authSource=Admin", source(1)),
        ("authSource=external", source(1)),
        ("authSource=%24external&authsource=test", source(2)),
        ("tls=false", tls(1)),
        ("SSL=false", tls(1)),
        ("ssl=true&tls=false", tls(2)),
        ("tls=True", tls(1)),
        ("tls=", tls(1)),
    ] {
        for uri in
            [format!("mongodb://h/?{options}"), format!("mongodb+srv://h.example.net/x?{options}")]
        {
            let problem = with_x509(&uri).unwrap_err();
            assert!(problem.starts_with(&expected(blamed)), "{uri}: {problem}");
        }
    }
}

#[test]
fn malformed_connection_strings_are_refused() {
    const SCHEME: &str = "begins with mongodb://";
    const NO_HOST: &str = "no host";
    const HOST_1: &str = "host 1 is invalid";
    const HOST_2: &str = "host 2 is invalid";
    const SRV_HOST: &str = "exactly one host name";
    const OPTION_1: &str = "option 1 is not of the form";
    const OPTION_2: &str = "option 2 is not of the form";
    for (uri, expected) in [
        ("", SCHEME),
        ("h:27017", SCHEME),
        ("https://h/", SCHEME),
        ("MongoDB://h/", SCHEME),
        (" mongodb://h/", SCHEME),
        ("mongodb:/h", SCHEME),
        ("mongodb+srv:/h", SCHEME),
        ("mongodb://h/\n", BLANK),
        ("mongodb://h/?appName=a b", BLANK),
        ("mongodb://h/?a=\u{7f}", BLANK),
        ("mongodb://", NO_HOST),
        ("mongodb:///db", NO_HOST),
        ("mongodb://u:p@/db", NO_HOST),
        ("mongodb://?w=1", NO_HOST),
        ("mongodb://a,,b/", HOST_2),
        ("mongodb://a,/", HOST_2),
        ("mongodb://a:/", HOST_1),
        ("mongodb://a:0/", HOST_1),
        ("mongodb://a:65536/", HOST_1),
        ("mongodb://a:+1/", HOST_1),
        ("mongodb://a:b/", HOST_1),
        ("mongodb://u:hunter2", HOST_1),
        ("mongodb://a:1:2/", HOST_1),
        ("mongodb://:27017/", HOST_1),
        ("mongodb://::1/", HOST_1),
        ("mongodb://a,[::1/", HOST_2),
        ("mongodb://[::1]x/", HOST_1),
        ("mongodb://[hunter2]/", HOST_1),
        ("mongodb://[]/", HOST_1),
        ("mongodb://<cluster>/", HOST_1),
        ("mongodb://a\\b/", HOST_1),
        ("mongodb://a&w=1", HOST_1),
        ("mongodb+srv://a.example.net:27017/", SRV_HOST),
        ("mongodb+srv://a.example.net,b.example.net/", SRV_HOST),
        ("mongodb+srv://[::1]/", SRV_HOST),
        ("mongodb://h/a/b", SLASH),
        ("mongodb://h/db/?w=1", SLASH),
        ("mongodb://h/?w", OPTION_1),
        ("mongodb://h/?a=1&=2", OPTION_2),
        ("mongodb://h/?a=1&&hunter2", OPTION_2),
        ("mongodb://u:p@hunter2@h/", RESERVED),
        ("mongodb://u:p/hunter2@h/db", RESERVED),
        ("mongodb://u:1/hunter2@h/db", RESERVED),
        ("mongodb://u:1?hunter2=x@h/db", RESERVED),
        ("mongodb://u:1#hunter2@h/db", RESERVED),
        ("mongodb://h/#hunter2", RESERVED),
        ("mongodb://h/?a=1;tls=false", RESERVED),
        ("mongodb://u@h/?a=b@c", RESERVED),
    ] {
        let problem = with_x509(uri).unwrap_err();
        assert!(problem.contains(expected) && !problem.contains("hunter2"), "{uri}: {problem}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}", srv: bool) {
        let _ = with_x509(&text);
        let scheme = if srv { "mongodb+srv" } else { "mongodb" };
        let _ = with_x509(&format!("{scheme}://{text}"));
    }

    #[test]
    fn a_password_is_never_returned_in_any_encoding(
        before in "[!-~]{0,6}",
        after in "[!-~]{0,6}",
        tail in prop::sample::select(vec!["", "/", "/db", "/db?w=1", "?w=1"]),
    ) {
        for scheme in ["mongodb", "mongodb+srv"] {
            let uri = format!("{scheme}://user:{before}hunter2{after}@host.example.net{tail}");
            match with_x509(&uri) {
                Ok(kept) => prop_assert!(!kept.contains("hunter2"), "{uri} gave {kept}"),
                Err(problem) => prop_assert!(!problem.contains("hunter2")),
            }
        }
    }

    #[test]
    fn the_function_is_idempotent(
        hosts in "[a-z]{1,5}(:[1-9][0-9]{0,3})?(,[a-z]{1,5})?",
        database in "[a-z%]{0,5}",
        options in prop::collection::vec("[a-zA-Z%]{1,6}=[a-z%:,.-]{0,6}", 0..4),
    ) {
        let uri = format!("mongodb://{hosts}/{database}?{}", options.join("&"));
        if let Ok(once) = with_x509(&uri) {
            prop_assert!(once.starts_with(uri.trim_end_matches('?')));
            prop_assert_eq!(with_x509(&once), Ok(once.clone()));
        }
    }
}
