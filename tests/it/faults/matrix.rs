//! A workspace with one resource instance for each row of the matrix. All rows share a run, because each fault applies to the
//! requests of one user: that is fast, and it shows that the rows do not affect each other.

use std::{fs, ops::Deref};

use local_atlas::{Certificate, Endpoint, Fault, LocalAtlas, X509Type};
use serde_json::{Value as Json, json};

use super::Row;
use crate::support::{
    atlas::{PROJECT, atlas},
    diagnostics::{CliDiagnostic, diagnostics},
    fixture::{Fixture, TYPE},
    terraform::parallelism,
};

pub(super) struct FaultMatrix {
    t: Fixture,
    pub(super) rows: Vec<Row>,
}

/// The diagnostics of a run, by row.
pub(super) struct Run(Vec<CliDiagnostic>);

impl FaultMatrix {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Self::over(atlas(&[]), rows, false)
    }

    /// A matrix at this Atlas. With `first`, one more certificate is issued first, with the same credentials.
    pub(super) fn over(atlas: LocalAtlas, rows: Vec<Row>, first: bool) -> Self {
        let users = rows.iter().map(|row| row.name).chain(["first"]);
        users.for_each(|user| atlas.control().add_user(PROJECT, user, X509Type::Managed));
        let timeouts = rows.iter().map(|row| {
            let (issuing, reading) = row.within.unzip();
            (row.name.to_owned(), json!({ "issuing": issuing, "reading": reading }))
        });
        let text = CONFIGURATION
            .replace("FIRST", if first { "\"first\"" } else { "" })
            .replace("ROWS", &timeouts.collect::<Json>().to_string())
            .replace("PROJECT", PROJECT);
        let mut t = Fixture::over(atlas, "");
        t.workspace.write("rows.tf", &text).expect("it is written");
        t.set_provider("max_retries = 1\n  ca_bundle_pem = var.ca", "");
        t.set_var("months", "3");
        t.log();
        Self { t, rows }
    }

    /// Trusts these certificate authorities from now on.
    pub(super) fn trust(&mut self, ca_pem: &str) {
        self.t.set_var("ca", ca_pem);
    }

    /// Trusts the authority of its own Atlas.
    pub(super) fn trust_its_own(&mut self) {
        let ca_pem = self.t.atlas.ca_pem().to_owned();
        self.trust(&ca_pem);
    }

    /// Lets each row's fault wait for the next request of its user to this endpoint.
    pub(super) fn arm(&self, endpoint: Endpoint) {
        self.atlas.control().clear_requests();
        for row in &self.rows {
            self.fault((row.fault)(Fault::on(endpoint).user(row.name).named(row.name)));
        }
    }

    pub(super) fn set_months(&mut self, months: &str) {
        self.t.set_var("months", months);
    }

    /// Applies all rows at once. Every fault must have applied when it ends, and no key may have been printed or logged.
    pub(super) fn apply(&self, more: &[&str]) -> Run {
        let output = self.workspace.apply(&[&["-json", parallelism()], more].concat());
        self.check_log(&format!("{}{}", output.stdout, output.stderr));
        self.atlas.control().assert_all_faults_used();
        Run(diagnostics(&output))
    }

    pub(super) fn state_file(&self) -> String {
        let file = self.workspace.path().join("terraform.tfstate");
        fs::read_to_string(file).expect("there is a state file")
    }

    /// The certificates that Atlas issued to a row's user.
    pub(super) fn certificates(&self, row: &Row) -> Vec<Certificate> {
        self.atlas.control().certificates(PROJECT, row.name)
    }

    /// The number of certificate requests for a row's user.
    pub(super) fn posts_of(&self, row: &Row) -> usize {
        let requests = self.atlas.control().requests_to(Endpoint::IssueCertificate);
        requests.iter().filter(|request| request.user == row.name).count()
    }
}

impl Deref for FaultMatrix {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.t
    }
}

impl Run {
    /// The only error about a row.
    #[track_caller]
    pub(super) fn error(&self, row: &Row) -> &CliDiagnostic {
        let errors: Vec<_> = self.about(row).into_iter().filter(|shown| shown.is_error).collect();
        assert_eq!(errors.len(), 1, "one error about {:?}: {errors:#?}", row.name);
        errors[0]
    }

    /// Errors and warnings about a row.
    pub(super) fn about(&self, row: &Row) -> Vec<&CliDiagnostic> {
        let address = format!("{TYPE}.row[{:?}]", row.name);
        self.0.iter().filter(|shown| shown.address == address).collect()
    }

    #[track_caller]
    pub(super) fn is_clean(&self) {
        assert!(self.0.is_empty(), "{:#?}", self.0);
    }
}

const CONFIGURATION: &str = r#"
variable "months" {
  type = number
}

variable "ca" {
  type    = string
  default = null
}

resource "atlas_user_certificate" "first" {
  for_each                = toset([FIRST])
  project_id              = "PROJECT"
  username                = each.key
  months_until_expiration = var.months
}

resource "atlas_user_certificate" "row" {
  for_each                = ROWS
  depends_on              = [atlas_user_certificate.first]
  project_id              = "PROJECT"
  username                = each.key
  months_until_expiration = var.months

  timeouts {
    create = each.value.issuing
    update = each.value.issuing
    read   = each.value.reading
  }
}
"#;
