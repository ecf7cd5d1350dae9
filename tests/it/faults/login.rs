//! The row of a login that has ended. It walks alone, because the others' logins would be renewed with its own.

use local_atlas::{Answer, Endpoint};

use super::{Issuing, Reading, Row, check, walk::Walk};

#[test]
fn a_401_gets_one_new_login_and_one_repeat() {
    let mut walk = Walk::logged_in(vec![Row {
        name: "401 once",
        fault: |fault| fault.refuse(Answer::unauthorized(false)),
        issuing: Issuing::Done,
        reading: Reading::Quiet,
        says: &[],
        within: None,
    }]);
    walk.strike(Endpoint::IssueCertificate);
    let told = walk.run("apply", &[]);
    check::created(&walk.rows()[0], &walk, &told);

    walk.strike(Endpoint::ListCertificates);
    let before = walk.objects();
    let told = walk.run("apply", &["-refresh-only"]);
    let row = &walk.rows()[0];
    check::read(row, &walk, &told, &before[row.name]);

    walk.strike(Endpoint::IssueCertificate);
    walk.set_months(6);
    let told = walk.run("apply", &["-refresh=false"]);
    let row = &walk.rows()[0];
    check::reissued(row, &walk, &told, &before[row.name]);
    assert_eq!(walk.posts(row), 2);
}
