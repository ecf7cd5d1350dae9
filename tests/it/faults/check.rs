//! What must hold for each row after a run.

use local_atlas::Certificate;
use serde_json::Value as Json;

use super::{
    Issuing, Reading, Row,
    matrix::{FaultMatrix, Run},
};
use crate::support::{atlas::PROJECT, diagnostics::CliDiagnostic, fixture::Object};

/// After a create with a fault.
pub(super) fn created(row: &Row, matrix: &FaultMatrix, run: &Run) {
    let name = row.name;
    let objects = matrix.objects();
    let object = objects.get(name);
    let issued = matrix.certificates(row);
    outcome(row, matrix, run, &issued);
    match (row.issuing, object) {
        (Issuing::Done, Some(object)) => {
            assert!(!object.is_tainted && holds(&object.attributes, &issued[0]), "{name}");
        }
        (Issuing::Raw, Some(object)) => {
            assert!(object.is_tainted, "{name}");
            assert!(object.attributes["combined_pem"].is_string(), "{name}");
            assert!(object.attributes["certificate_id"].is_null(), "{name}");
            assert!(run.error(row).contains("terraform untaint"), "{:#?}", run.error(row));
        }
        (Issuing::Refused(_) | Issuing::Nothing | Issuing::Lost, None) => {}
        _ => panic!("{name}: {object:?}, {:#?}", run.about(row)),
    }
    every_certificate_is_known(row, &issued, object.map(|object| &object.attributes), run);
}

/// After a re-issue with a fault; `before` is the object before it.
pub(super) fn reissued(row: &Row, matrix: &FaultMatrix, run: &Run, before: &Object) {
    let after = &matrix.objects()[row.name];
    let all = matrix.certificates(row);
    let (first, issued) = all.split_first().expect("the first certificate was issued");
    outcome(row, matrix, run, issued);
    if row.issuing == Issuing::Done {
        assert!(holds(&after.attributes, &issued[0]), "{:?}", row.name);
        let superseded = &after.attributes["superseded_certificates"][0]["certificate_id"];
        assert_eq!(superseded, &first.id.to_string(), "{}", row.name);
    } else {
        assert_eq!(after, before, "{:?}", row.name);
        assert!(holds(&after.attributes, first), "{:?}", row.name);
    }
    if row.issuing == Issuing::Raw {
        let kept = "The previous certificate and its key stay in place";
        assert!(run.error(row).contains(kept), "{:#?}", run.error(row));
    }
    every_certificate_is_known(row, issued, Some(&after.attributes), run);
}

/// After a refresh with a fault; `before` is the object before it.
pub(super) fn read(row: &Row, matrix: &FaultMatrix, run: &Run, before: &Object) {
    assert_eq!(matrix.posts_of(row), 0);
    let mut expected = before.clone();
    let shown = run.about(row);
    match row.reading {
        Reading::Quiet => assert!(shown.is_empty(), "{shown:#?}"),
        Reading::UserMissing => {
            expected.attributes["status"] = "user_missing".into();
            assert!(shown.is_empty(), "{shown:#?}");
        }
        Reading::ProjectMissing => {
            expected.attributes["status"] = "project_missing".into();
            assert_eq!(shown.len(), 1, "{shown:#?}");
            assert_eq!(shown[0].summary, "Project does not exist");
            assert!(!shown[0].is_error, "{shown:#?}");
        }
        Reading::Fails(summary) => {
            let error = run.error(row);
            assert_eq!(error.summary, summary, "{error:#?}");
            names(row, error, &[]);
        }
        Reading::NotAsked => unreachable!("the fault means nothing to a list"),
    }
    assert_eq!(matrix.objects().get(row.name), Some(&expected), "the key stays");
}

/// The result of a certificate request, as far as create and re-issue have it in common.
fn outcome(row: &Row, matrix: &FaultMatrix, run: &Run, issued: &[Certificate]) {
    let (count, summary, next_step) = match row.issuing {
        Issuing::Done => (1, "", ""),
        Issuing::Refused(summary) => (0, summary, "No certificate was issued"),
        Issuing::Nothing => (0, "Certificate not issued", "none was issued"),
        Issuing::Lost => {
            (1, "Certificate issued, but its private key was lost", "The request was not retried")
        }
        Issuing::Raw => (1, "Cannot parse the issued certificate", "The response is"),
    };
    assert_eq!(issued.len(), count, "certificates of {:?}: {:#?}", row.name, run.about(row));
    if row.issuing == Issuing::Done {
        return assert!(run.about(row).is_empty(), "{:?}: {:#?}", row.name, run.about(row));
    }
    let error = run.error(row);
    assert_eq!(error.summary, summary, "{:?}: {error:#?}", row.name);
    names(row, error, &[next_step]);
    if !matches!(row.issuing, Issuing::Refused(_)) {
        assert_eq!(matrix.posts_of(row), 1, "{:?} was sent twice", row.name);
    }
}

/// Every error names the user and the project, and contains the words of its row.
fn names(row: &Row, error: &CliDiagnostic, more: &[&str]) {
    for words in row.says.iter().chain(more).chain(&[row.name, PROJECT]) {
        assert!(error.contains(words), "{words:?} is missing in {error:#?}");
    }
}

/// Every issued certificate is in state with its key, or named in an error with its expiry.
fn every_certificate_is_known(row: &Row, issued: &[Certificate], state: Option<&Json>, run: &Run) {
    let is_held = |it: &Certificate| state.is_some_and(|attributes| holds(attributes, it));
    for certificate in issued.iter().filter(|it| !is_held(it)) {
        let error = run.error(row);
        for text in [certificate.id.to_string(), certificate.not_after.to_string()] {
            assert!(error.contains(&text), "{text} is not in state and not in {error:#?}");
        }
    }
}

/// Whether an object is this certificate with its key.
fn holds(attributes: &Json, certificate: &Certificate) -> bool {
    let pem = attributes["combined_pem"].as_str().unwrap_or_default().replace("\r\n", "\n");
    attributes["certificate_id"].as_str() == Some(&certificate.id.to_string())
        && pem.contains(certificate.certificate_pem.trim())
        && pem.contains(certificate.key_pem.trim())
}
