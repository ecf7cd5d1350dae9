//! The state of the server, shared by all connections.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;

use crate::{
    authority::Authorities,
    clock::Clock,
    credentials::{Authorization, Credentials, Login, Role},
    digest::Nonces,
    faults::Faults,
    listener::Listener,
    oauth::Token,
    route::{ApiVersion, Endpoint},
    settings::{Buckets, Settings},
    stores::{Certificate, Project},
};

#[derive(Default)]
pub(crate) struct State {
    pub(crate) clock: Arc<Clock>,
    pub(crate) authorities: Authorities,
    pub(crate) faults: Faults,
    pub(crate) listener: Listener,
    /// The certificate authority of the server's own certificate.
    pub(crate) ca_pem: String,
    pub(crate) data: Mutex<Data>,
}

/// The part of the state that requests change. A request locks it for each step, never while it signs or waits.
#[derive(Default)]
pub(crate) struct Data {
    pub(crate) settings: Settings,
    pub(crate) credentials: Credentials,
    pub(crate) roles: BTreeMap<Login, Role>,
    pub(crate) projects: BTreeMap<String, Project>,
    /// In the order of issue. None is ever removed: Atlas cannot revoke.
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) nonces: Nonces,
    pub(crate) buckets: Buckets,
    pub(crate) requests: Vec<RecordedRequest>,
}

/// A request and its outcome. The credentials in it are not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRequest {
    /// Counted from 1 in the order of arrival.
    pub number: usize,
    /// The time by the server's clock.
    pub received_at: Timestamp,
    /// The number of its connection.
    pub connection: u64,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: String,
    /// Its method.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Its endpoint; `None` if Atlas has none for its path.
    pub endpoint: Option<Endpoint>,
    /// The API version in the path.
    pub version: Option<ApiVersion>,
    /// The project in the path.
    pub project: String,
    /// The database user in the path, decoded.
    pub user: String,
    /// Its headers by lower-case name, without `authorization`.
    pub headers: BTreeMap<String, String>,
    /// The scheme of its credentials.
    pub authorization: Authorization,
    /// Its body; empty for the token endpoints.
    pub body: String,
    /// The fault that applied to it, by name, or by number if it has none.
    pub fault: Option<String>,
    /// The id of the certificate that it issued, even if the client received no response.
    pub issued: Option<u64>,
    /// The status that was sent; `None` before that, and if the connection was closed first.
    pub status: Option<u16>,
}

impl State {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock()
    }

    /// Records a request and returns its number.
    pub(crate) fn record(&self, mut request: RecordedRequest) -> usize {
        let mut data = self.lock();
        let number = data.requests.last().map_or(0, |last| last.number) + 1;
        request.number = number;
        data.requests.push(request);
        number
    }

    pub(crate) fn change_record(&self, number: usize, change: impl FnOnce(&mut RecordedRequest)) {
        let mut data = self.lock();
        let request = data.requests.iter_mut().rev().find(|request| request.number == number);
        // The record may have been emptied meanwhile.
        if let Some(request) = request {
            change(request);
        }
    }
}

impl Data {
    /// Every certificate of a user, expired and unlisted ones too.
    pub(crate) fn certificates_of(
        &self,
        project: &str,
        user: &str,
    ) -> impl Iterator<Item = &Certificate> {
        self.certificates.iter().filter(move |it| it.project == project && it.user == user)
    }

    /// The unexpired certificates of a user that appear in lists.
    pub(crate) fn listed(&self, project: &str, user: &str, now: Timestamp) -> Vec<&Certificate> {
        let certificates = self.certificates_of(project, user);
        certificates.filter(|it| !it.unlisted && now < it.not_after).collect()
    }
}
