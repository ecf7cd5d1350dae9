//! What responses mean: issued certificates, lists, users, tokens and errors.

use secrecy::ExposeSecret;

use super::*;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

#[test]
fn an_issued_body_is_kept_in_every_form() {
    let quoted = serde_json::to_string(PEM).unwrap();
    for (body, kept) in [
        (PEM.to_owned(), PEM.to_owned()),
        (PEM.replace('\n', "\r\n"), PEM.replace('\n', "\r\n")),
        (quoted.clone(), PEM.to_owned()),
        (format!("\u{feff}\n {quoted}\n"), PEM.to_owned()),
        (format!("{{\"status\":201,\"content\":{quoted}}}"), PEM.to_owned()),
        ("{\"content\":\"no pem\"}".into(), "{\"content\":\"no pem\"}".into()),
        ("{\"content\":1}".into(), "{\"content\":1}".into()),
        ("\"broken".into(), "\"broken".into()),
        ("\"\"".into(), "\"\"".into()),
        ("<html>".into(), "<html>".into()),
    ] {
        assert_eq!(issued(body.as_bytes()).expose_secret(), kept);
    }
    assert_eq!(issued(&[0xff, 0x00]).expose_secret(), "data:application/octet-stream;base64,/wA=");
}

#[test]
fn the_recorded_list_is_parsed() {
    let body = br#"{"links":[{"href":"https://x/certs","rel":"self"}],"results":[
        {"_id":1976722359483124370,"createdAt":"2026-08-10T02:06:35Z","groupId":"32b6e34b3d91647abb20e7b8",
         "notAfter":"2026-11-10T03:06:35Z","subject":"CN=user389"},
        {"_id":123456789012345678901234567890,"createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"},
        {"_id":"5","createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z","subject":null}],
        "totalCount":3}"#;
    let first = certificates(body).unwrap();
    assert!(!first.has_next);
    let ids: Vec<_> = first.items.iter().map(|c| c.certificate_id.as_str()).collect();
    assert_eq!(ids, ["1976722359483124370", "123456789012345678901234567890", "5"]);
    assert_eq!(first.items[0].created_at, "2026-08-10T02:06:35Z".parse().unwrap());
    assert_eq!(first.items[0].subject, "CN=user389");
    let linked = br#"{"links":[{"rel":"next"}],"results":[]}"#;
    assert!(!certificates(linked).unwrap().has_next, "an empty page is the last");
}

#[test]
fn an_invalid_list_is_an_error() {
    for body in [
        "",
        "[]",
        "{}",
        "{\"results\":null}",
        r#"{"results":[{"_id":1.5,"createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"}]}"#,
        r#"{"results":[{"_id":1e9,"createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"}]}"#,
        r#"{"results":[{"_id":-1,"createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"}]}"#,
        r#"{"results":[{"_id":"","createdAt":"2026-08-10T02:06:35Z","notAfter":"2026-11-10T03:06:35Z"}]}"#,
        r#"{"results":[{"_id":1,"createdAt":"yesterday","notAfter":"2026-11-10T03:06:35Z"}]}"#,
    ] {
        assert!(matches!(certificates(body.as_bytes()), Err(ErrorKind::InvalidBody(_))), "{body}");
    }
}

#[test]
fn a_user_has_its_x509_type() {
    for (json, wanted) in [
        (r#"{"username":"u","x509Type":"MANAGED","roles":[]}"#, "MANAGED"),
        (r#"{"username":"u","x509Type":"CUSTOMER"}"#, "CUSTOMER"),
        (r#"{"username":"u","x509Type":"NONE"}"#, "NONE"),
        (r#"{"username":"u"}"#, "NONE"),
        (r#"{"username":"u","x509Type":"NEW\n"}"#, "NEW"),
    ] {
        assert_eq!(user(json.as_bytes()).unwrap().x509_type, wanted);
    }
    assert!(user(b"[]").is_err());
    assert!(user(br#"{"x509Type":"MANAGED"}"#).is_err());
}

#[test]
fn errors_of_every_form_are_parsed() {
    let none = HeaderMap::new();
    let read = |operation, status, body: &str| error(operation, status, &none, body.as_bytes());
    let full = r#"{"detail":"No group\nwith ID x exists.","error":404,"errorCode":"GROUP_NOT_FOUND","parameters":null,
        "badRequestDetail":{"fields":[{"field":"monthsUntilExpiration","description":"too big"},{"x":1}]},"reason":"Not Found"}"#;
    let ErrorKind::Api(found) = read(Operation::ListCertificates, 404, full) else { panic!() };
    assert_eq!(found.code.as_deref(), Some("GROUP_NOT_FOUND"));
    assert_eq!(found.detail.as_deref(), Some("No group with ID x exists."));
    assert_eq!(found.fields, [("monthsUntilExpiration".to_owned(), "too big".to_owned())]);

    let bare = r#"{ "error" : 401, "reason" : "Unauthorized", "detail" : "You are not authorized for this resource." }"#;
    let ErrorKind::Api(found) = read(Operation::ReadUser, 401, bare) else { panic!() };
    assert_eq!((found.status, found.code), (401, None));

    let oauth = r#"{"error":"invalid_client","error_description":"bad secret"}"#;
    let ErrorKind::Api(found) = read(Operation::Authenticate, 401, oauth) else { panic!() };
    assert_eq!(found.code.as_deref(), Some("invalid_client"));
    assert_eq!(found.detail.as_deref(), Some("bad secret"));

    let ErrorKind::Api(found) = read(Operation::Authenticate, 401, "") else { panic!() };
    assert_eq!((found.status, found.code), (401, None));
    for (operation, status) in [(Operation::Authenticate, 502), (Operation::ReadUser, 401)] {
        let kind = read(operation, status, "");
        assert!(matches!(kind, ErrorKind::UnexpectedResponse(_, None)), "{kind:?}");
    }

    let odd = r#"{"error":400,"errorCode":"X","badRequestDetail":"text","detail":7}"#;
    let ErrorKind::Api(found) = read(Operation::IssueCertificate, 400, odd) else { panic!() };
    assert_eq!((found.code.as_deref(), found.detail, found.fields.len()), (Some("X"), None, 0));

    for (body, line) in [
        ("<html>\n<b>Bad gateway", Some("<html>")),
        ("", None),
        ("[1]", Some("[1]")),
        ("{}", Some("{}")),
    ] {
        let ErrorKind::UnexpectedResponse(502, first_line) =
            read(Operation::ListCertificates, 502, body)
        else {
            panic!()
        };
        assert_eq!(first_line.as_deref(), line);
        assert!(matches!(
            read(Operation::IssueCertificate, 502, body),
            ErrorKind::UnexpectedResponse(_, None)
        ));
    }
    assert!(matches!(read(Operation::ReadUser, 302, ""), ErrorKind::Redirected(302, _)));
}

#[test]
fn retry_after_is_seconds_or_a_date_and_at_most_a_day() {
    let now: Timestamp = "2026-08-10T03:06:35Z".parse().unwrap();
    for (value, seconds) in [
        ("0", Some(0)),
        ("55", Some(55)),
        (" 7 ", Some(7)),
        ("Mon, 10 Aug 2026 03:07:35 GMT", Some(60)),
        ("Mon, 10 Aug 2026 03:06:00 GMT", Some(0)),
        ("99999999999999999999999", Some(86_400)),
        ("18446744073709551615", Some(86_400)),
        ("Mon, 10 Aug 2099 03:06:35 GMT", Some(86_400)),
        ("-5", None),
        ("soon", None),
        ("", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{value}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(DATE, "Mon, 10 Aug 2026 03:06:35 GMT".parse().unwrap());
    assert_eq!(date(&headers), Some(now));
}

#[test]
fn only_a_page_and_an_error_cannot_be_a_certificate() {
    for body in [PEM, "\"x\"", "{\"a\":1}", "MIIE", "<x>-----BEGIN", "\u{feff}MIIE"] {
        assert!(can_be_certificate(body.as_bytes()), "{body}");
    }
    assert!(can_be_certificate(&[0xff, 0x00]));
    for body in ["", " \n", "<html>", "\n<!DOCTYPE html>", r#"{"error":500,"detail":"x"}"#] {
        assert!(!can_be_certificate(body.as_bytes()), "{body}");
    }
}

#[test]
fn the_subject_of_a_list_is_not_shortened() {
    let subject = format!("CN={}\u{200b}", "x".repeat(5000));
    let item = serde_json::json!({"_id": 1, "createdAt": "2026-08-10T02:06:35Z",
        "notAfter": "2026-11-10T03:06:35Z", "subject": subject});
    let body = serde_json::json!({ "results": [item] }).to_string();
    assert_eq!(certificates(body.as_bytes()).unwrap().items[0].subject, subject);
}

#[test]
fn a_page_of_users_has_their_names_and_databases() {
    let body = br#"{"results":[{"username":"app","databaseName":"$external","x509Type":"MANAGED"},
        {"username":"admin","databaseName":"admin"}],"totalCount":2}"#;
    let page = users(body).unwrap();
    assert_eq!((page.has_next, page.total), (false, Some(2)));
    let user = DatabaseUser {
        username: "app".into(),
        auth_database: "$external".into(),
        x509_type: "MANAGED".into(),
    };
    assert_eq!(page.items[0], user);
    assert_eq!(page.items[1].auth_database, "admin");
    assert!(users(br#"{"results":[{"databaseName":"admin"}]}"#).is_err());
}

fn listing(date: &str, certificates: &[(&str, &str, &str)]) -> CertificateList {
    let at = |day: &str| format!("2026-{day}T03:00:00Z").parse().unwrap();
    let certificates = certificates.iter().map(|(id, created_at, not_after)| ListedCertificate {
        certificate_id: (*id).to_owned(),
        created_at: at(created_at),
        not_after: at(not_after),
        subject: "CN=app".to_owned(),
    });
    CertificateList {
        certificates: certificates.collect(),
        server_time: at(date),
        fetched_at: Instant::now(),
    }
}

#[test]
fn the_newest_certificate_is_the_one_issued_last() {
    let all = [
        ("30", "03-01", "06-30"),
        ("9", "02-01", "05-10"),
        ("10", "02-01", "05-10"),
        ("7", "01-01", "04-30"),
        ("18446744073709551616", "03-01", "05-01"),
    ];
    let newest = |date: &str, all: &[(&str, &str, &str)]| {
        let listing = listing(date, all);
        listing.newest().map(|certificate| certificate.certificate_id.clone())
    };
    assert_eq!(newest("04-01", &all).as_deref(), Some("18446744073709551616"));
    assert_eq!(newest("05-02", &all).as_deref(), Some("30"));
    assert_eq!(newest("06-30", &all), None);
    assert_eq!(newest("04-01", &all[1..3]).as_deref(), Some("10"));
}
