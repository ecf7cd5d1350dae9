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
    use UriError::{Mechanism, Source, Tls};
    for (options, expected) in [
        ("authMechanism=SCRAM-SHA-256", Mechanism(1)),
        ("authMechanism=mongodb-x509", Mechanism(1)),
        ("w=1&AuthMechanism=", Mechanism(2)),
        ("authMechanism=MONGODB-X509&auth%4Dechanism=PLAIN", Mechanism(2)),
        ("authSource=app", Source(1)),
        ("authSource=Admin", Source(1)),
        ("authSource=external", Source(1)),
        ("authSource=%24external&authsource=test", Source(2)),
        ("tls=false", Tls(1)),
        ("SSL=false", Tls(1)),
        ("ssl=true&tls=false", Tls(2)),
        ("tls=True", Tls(1)),
        ("tls=", Tls(1)),
    ] {
        for uri in
            [format!("mongodb://h/?{options}"), format!("mongodb+srv://h.example.net/x?{options}")]
        {
            assert_eq!(with_x509(&uri), Err(expected), "{uri}");
        }
    }
}

#[test]
fn malformed_connection_strings_are_refused() {
    use UriError::{Blank, Database, Host, NoHost, Option, Reserved, Scheme, SrvHost};
    for (uri, expected) in [
        ("", Scheme),
        ("h:27017", Scheme),
        ("https://h/", Scheme),
        ("MongoDB://h/", Scheme),
        (" mongodb://h/", Scheme),
        ("mongodb:/h", Scheme),
        ("mongodb+srv:/h", Scheme),
        ("mongodb://h/\n", Blank),
        ("mongodb://h/?appName=a b", Blank),
        ("mongodb://h/?a=\u{7f}", Blank),
        ("mongodb://", NoHost),
        ("mongodb:///db", NoHost),
        ("mongodb://u:p@/db", NoHost),
        ("mongodb://?w=1", NoHost),
        ("mongodb://a,,b/", Host(2)),
        ("mongodb://a,/", Host(2)),
        ("mongodb://a:/", Host(1)),
        ("mongodb://a:0/", Host(1)),
        ("mongodb://a:65536/", Host(1)),
        ("mongodb://a:+1/", Host(1)),
        ("mongodb://a:b/", Host(1)),
        ("mongodb://u:hunter2", Host(1)),
        ("mongodb://a:1:2/", Host(1)),
        ("mongodb://:27017/", Host(1)),
        ("mongodb://::1/", Host(1)),
        ("mongodb://a,[::1/", Host(2)),
        ("mongodb://[::1]x/", Host(1)),
        ("mongodb://[hunter2]/", Host(1)),
        ("mongodb://[]/", Host(1)),
        ("mongodb://<cluster>/", Host(1)),
        ("mongodb://a\\b/", Host(1)),
        ("mongodb://a&w=1", Host(1)),
        ("mongodb+srv://a.example.net:27017/", SrvHost),
        ("mongodb+srv://a.example.net,b.example.net/", SrvHost),
        ("mongodb+srv://[::1]/", SrvHost),
        ("mongodb://h/a/b", Database),
        ("mongodb://h/db/?w=1", Database),
        ("mongodb://h/?w", Option(1)),
        ("mongodb://h/?a=1&=2", Option(2)),
        ("mongodb://h/?a=1&&hunter2", Option(2)),
        ("mongodb://u:p@hunter2@h/", Reserved),
        ("mongodb://u:p/hunter2@h/db", Reserved),
        ("mongodb://u:1/hunter2@h/db", Reserved),
        ("mongodb://u:1?hunter2=x@h/db", Reserved),
        ("mongodb://u:1#hunter2@h/db", Reserved),
        ("mongodb://h/#hunter2", Reserved),
        ("mongodb://h/?a=1;tls=false", Reserved),
        ("mongodb://u@h/?a=b@c", Reserved),
    ] {
        let error = with_x509(uri).unwrap_err();
        assert_eq!(error, expected, "{uri}");
        assert!(!error.to_string().contains("hunter2"));
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
                Err(error) => prop_assert!(!error.to_string().contains("hunter2")),
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
