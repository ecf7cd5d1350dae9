//! Inputs to begin with: what is usual, and what has been trouble elsewhere.

/// The seeds of a target.
///
/// # Panics
/// There is no such target, or no key can be made.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "msgpack" => msgpack(),
        "json_state" => texts(&[
            r#"{"project_id":"32b6e34b3d91647abb20e7b8","username":"app","months_until_expiration":3,"superseded_certificates":[{"certificate_id":"1","not_after":"2026-01-01T00:00:00Z","reason":"renewal"}]}"#,
            r#"{"any":{"type":["list",["map","dynamic"]],"value":[{"a":{"type":"number","value":1e400}}]},"maps":{"k":[1,2,-0.0,1e-9]}}"#,
            r#"{"timeouts":{"create":"1h"},"rotate_when_changed":{"a":"b"},"private_key_recipients":["age1x"]}"#,
        ]),
        "pem" | "der" => certificates(target),
        "age" => texts(&[
            "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
            "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
            "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSB4CnkKLS0tIHoK\n-----END AGE ENCRYPTED FILE-----\n",
            "# created: 2026\nAGE-SECRET-KEY-1",
        ]),
        "import_id" => texts(&[
            "32b6e34b3d91647abb20e7b8/app",
            "32b6e34b3d91647abb20e7b8/a%2Fb%25/1976722359483124370",
            "32b6e34b3d91647abb20e7b8-CN=app,OU=x",
            "32b6e34b3d91647abb20e7b8/%ff%00/",
        ]),
        "uri" => texts(&[
            "mongodb+srv://user:p%40ss@cluster0.example.mongodb.net/db?retryWrites=true&authSource=admin",
            "mongodb://a:1,[::1]:2/?tls=true&authMechanism=MONGODB-X509#x",
        ]),
        "duration" => texts(&[
            "90s",
            "1h30m",
            "1.5h",
            "0",
            "10ms5us3ns",
            "99999999999999999999999h",
            ".s",
            "1e9s",
            "\u{b5}s",
        ]),
        "handshake" => texts(&[
            "\u{1}d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2\u{0}\u{2}4,5,6\u{0}\u{3}10000\u{0}\u{4}25000\u{0}\u{7}json",
            "\u{8}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n\u{0}\u{2}5|\n6",
        ]),
        "http_answer" => texts(&[
            "\u{0}{\"links\":[{\"rel\":\"next\"}],\"results\":[{\"_id\":1976722359483124370,\"createdAt\":\"2026-08-10T02:06:35Z\",\"notAfter\":\"2026-11-10T03:06:35Z\",\"subject\":\"CN=app\"}]}",
            "\u{3}{\"detail\":\"\u{1b}[31m\",\"error\":400,\"errorCode\":\"X\",\"badRequestDetail\":{\"fields\":[{\"field\":\"a\",\"description\":\"b\"}]}}",
            "\u{4}{\"error\":\"invalid_client\",\"error_description\":\"no\\n\"}",
            "\u{1}{\"status\":201,\"content\":\"-----BEGIN CERTIFICATE-----\\n\"}",
            "\u{1}\"-----BEGIN\"",
            "\u{0}{\"username\":\"app\",\"x509Type\":\"MANAGED\"}",
            "\u{0}{\"access_token\":\"t\",\"expires_in\":3600}",
            "\u{8}<html><title>502</title>",
        ]),
        "digest_challenge" => texts(&[
            "Digest realm=\"MMS Public API\", domain=\"\", nonce=\"abc\\\"d\", algorithm=MD5, qop=\"auth\", stale=false",
            "Digest realm=x, nonce=y, opaque=\"z\", algorithm=SHA-256, qop=\"auth-int,auth\", Basic realm=\"r\"",
            "Digest realm=\"a\\",
            "Digest =,=,",
        ]),
        "retry_after" => texts(&[
            "120",
            "0",
            "99999999999999999999",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "-1",
            "+5",
        ]),
        _ => panic!("no target {target}"),
    }
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn msgpack() -> Vec<Vec<u8>> {
    let dynamic_in_dynamic = [&b"\x01"[..], &b"\x92\xc4\x09\"dynamic\"".repeat(2000)].concat();
    let mut seeds = vec![
        b"\x01\x92\xc4\x08\"string\"\xa1x".to_vec(),
        b"\x01\x92\xc4\x11[\"list\",\"dynamic\"]\x91\x92\xc4\x06\"bool\"\xc3".to_vec(),
        b"\x02\x92\x81\xa1k\xa1v\xc0".to_vec(),
        b"\x03\x96\x01\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xa41e99\xd3\xff\xff\xff\xff\xff\xff\xff\xff\xca\x7f\x7f\xff\xff\xff".to_vec(),
        b"\x04\x93\xc3\x01\x92\xc4\x08\"number\"\xd4\x00\x00".to_vec(),
        b"\x05\x81\xa1k\x82\xa1a\x01\xa1b\x92\xa1x\xc7\x03\x0c\x81\x01\xc2".to_vec(),
        dynamic_in_dynamic,
    ];
    for length in [
        b"\x02\xdd\xff\xff\xff\xff",
        b"\x05\xdf\xff\xff\xff\xff",
        b"\x01\xc6\xff\xff\xff\xff",
        b"\x03\xdd\x7f\xff\xff\xff",
    ] {
        seeds.push(length.to_vec());
    }
    // As many values as bytes.
    seeds.push([&b"\x03\xdc\x0f\xff"[..], &[0xc0; 4095]].concat());
    seeds
}

fn certificates(target: &str) -> Vec<Vec<u8>> {
    let made = rcgen::generate_simple_self_signed(vec!["app".to_owned()]).expect("a certificate");
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    if target == "der" {
        let (certificate, key) = (made.cert.der().to_vec(), made.signing_key.serialize_der());
        let eighths = certificate.len().div_ceil(8);
        let mut both = vec![u8::try_from(eighths).unwrap_or(u8::MAX)];
        both.extend(&certificate);
        both.resize(eighths * 8, 0);
        both.extend(key);
        return vec![[&[0][..], &certificate].concat(), both];
    }
    vec![
        format!("{certificate}{key}").into_bytes(),
        format!("{key}{certificate}").replace("\r\n", "\n").into_bytes(),
        certificate.into_bytes(),
        b"-----BEGIN -----BEGIN CERTIFICATE----------END CERTIFICATE-----".to_vec(),
        "-----BEGIN CERTIFICATE-----\n".repeat(300).into_bytes(),
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----\n".to_vec(),
    ]
}
