//! What must hold for each row when a run is over.

use local_atlas::Certificate;
use serde_json::Value as Json;

use super::{
    Issuing, Reading, Row,
    walk::{Object, Run, Walk},
};

/// After a create with a fault.
pub(super) fn created(row: &Row, walk: &Walk, run: &Run) {
    let objects = walk.objects();
    let object = objects.get(row.name);
    let issued = walk.certificates(row);
    outcome(row, walk, run, &issued);
    match row.issuing {
        Issuing::Done => {
            let object = object
                .unwrap_or_else(|| panic!("{:?} is not in state: {:#?}", row.name, run.about(row)));
            assert!(!object.is_tainted, "{:?}", row.name);
            assert!(holds(&object.attributes, &issued[0]), "{:?}", row.name);
        }
        Issuing::Raw => {
            let object = object.unwrap_or_else(|| panic!("{:?} lost the response", row.name));
            assert!(object.is_tainted, "{:?}", row.name);
            assert!(
                object.attributes["combined_pem"].is_string()
                    && object.attributes["certificate_id"].is_null()
            );
            assert!(run.error(row).contains("terraform untaint"), "{:#?}", run.error(row));
        }
        Issuing::Refused(_) | Issuing::Nothing | Issuing::Lost => {
            assert_eq!(object, None, "{:?}", row.name);
        }
    }
    accounted(row, &issued, object.map(|object| &object.attributes), run);
}

/// After a re-issue with a fault; `before` is what stood in state.
pub(super) fn reissued(row: &Row, walk: &Walk, run: &Run, before: &Object) {
    let after = &walk.objects()[row.name];
    let all = walk.certificates(row);
    let (first, issued) = all.split_first().expect("the first certificate was issued");
    assert_eq!(before.attributes["certificate_id"], first.id.to_string());
    outcome(row, walk, run, issued);
    if row.issuing == Issuing::Done {
        assert!(holds(&after.attributes, &issued[0]), "{:?}", row.name);
        assert_eq!(
            after.attributes["superseded_certificates"][0]["certificate_id"],
            first.id.to_string()
        );
    } else {
        assert_eq!(after, before, "{:?}", row.name);
        assert!(holds(&after.attributes, first), "{:?}", row.name);
    }
    if row.issuing == Issuing::Raw {
        assert!(
            run.error(row).contains("The previous certificate and its key stay in place"),
            "{:#?}",
            run.error(row)
        );
    }
    accounted(row, issued, Some(&after.attributes), run);
}

/// After a refresh that could not find out.
pub(super) fn failed_to_read(row: &Row, walk: &Walk, run: &Run) {
    let Reading::Fails(summary) = row.reading else {
        unreachable!("only rows that fail are walked")
    };
    assert_eq!(walk.posts(row), 0);
    let error = run.error(row);
    assert_eq!(error.summary, summary, "{error:#?}");
    for words in row.says {
        assert!(error.contains(words), "{words:?} is missing in {error:#?}");
    }
    asked_for(row, error);
}

/// After a refresh that found out.
pub(super) fn read(row: &Row, walk: &Walk, run: &Run, before: &Object) {
    let objects = walk.objects();
    let after = objects.get(row.name);
    assert_eq!(walk.posts(row), 0);
    match row.reading {
        Reading::Quiet => {
            assert_eq!(after, Some(before), "{:?}", row.name);
            assert!(run.about(row).is_empty(), "{:#?}", run.about(row));
        }
        Reading::UserMissing => {
            let mut expected = before.clone();
            expected.attributes["status"] = "user_missing".into();
            assert_eq!(after, Some(&expected), "the key stays");
            assert!(run.about(row).is_empty(), "{:#?}", run.about(row));
        }
        Reading::ProjectMissing => {
            let mut expected = before.clone();
            expected.attributes["status"] = "project_missing".into();
            assert_eq!(after, Some(&expected), "the key stays");
            let shown = run.about(row);
            assert_eq!(shown.len(), 1, "{shown:#?}");
            assert!(
                !shown[0].is_error && shown[0].summary == "Project does not exist",
                "{shown:#?}"
            );
        }
        Reading::Fails(_) | Reading::NotAsked => unreachable!("such rows are not walked"),
    }
}

/// What a request that issues came to, as far as create and re-issue have it in common.
fn outcome(row: &Row, walk: &Walk, run: &Run, issued: &[Certificate]) {
    let expected = match row.issuing {
        Issuing::Done | Issuing::Lost | Issuing::Raw => 1,
        Issuing::Refused(_) | Issuing::Nothing => 0,
    };
    assert_eq!(issued.len(), expected, "certificates of {:?}: {:#?}", row.name, run.about(row));
    if row.issuing == Issuing::Done {
        assert!(run.about(row).is_empty(), "{:?}: {:#?}", row.name, run.about(row));
        return;
    }
    let error = run.error(row);
    let summary = match row.issuing {
        Issuing::Refused(summary) => summary,
        Issuing::Nothing => "Certificate not issued",
        Issuing::Lost => "Certificate issued, but its private key was lost",
        Issuing::Done | Issuing::Raw => "Cannot parse the issued certificate",
    };
    assert_eq!(error.summary, summary, "{:?}: {error:#?}", row.name);
    let next_step = match row.issuing {
        Issuing::Refused(_) => "No certificate was issued",
        Issuing::Nothing => "none was issued",
        Issuing::Lost => "The request was not retried",
        Issuing::Done | Issuing::Raw => "The response is",
    };
    for words in row.says.iter().chain(&[next_step]) {
        assert!(error.contains(words), "{words:?} is missing in {error:#?}");
    }
    asked_for(row, error);
    if matches!(row.issuing, Issuing::Nothing | Issuing::Lost | Issuing::Raw) {
        assert_eq!(walk.posts(row), 1, "{:?} was sent twice", row.name);
    }
}

/// Every error says whom it is about.
fn asked_for(row: &Row, error: &crate::support::diagnostics::CliDiagnostic) {
    assert!(
        error.contains(row.name) && error.contains(crate::support::atlas::PROJECT),
        "{error:#?}"
    );
}

/// Every certificate that was issued is in state with its key, or named in an error with its end.
fn accounted(row: &Row, issued: &[Certificate], state: Option<&Json>, run: &Run) {
    for certificate in issued {
        if state.is_some_and(|attributes| holds(attributes, certificate)) {
            continue;
        }
        let error = run.error(row);
        let expiry = certificate.not_after.to_string();
        assert!(
            error.contains(&certificate.id.to_string()) && error.contains(&expiry),
            "{:?}: certificate {}, valid until {expiry}, is in nobody's hands and not named in {error:#?}",
            row.name,
            certificate.id
        );
    }
}

/// Whether an object is this certificate with its key.
fn holds(attributes: &Json, certificate: &Certificate) -> bool {
    let pem = attributes["combined_pem"].as_str().unwrap_or_default().replace("\r\n", "\n");
    attributes["certificate_id"].as_str() == Some(&certificate.id.to_string())
        && pem.contains(certificate.certificate_pem.trim())
        && pem.contains(certificate.key_pem.trim())
}
