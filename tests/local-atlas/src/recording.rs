//! A record of every request.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::authentication::Authorization;
use crate::route::Endpoint;
use crate::shared::Shared;
use crate::version::ApiVersion;

/// All requests in the order in which they arrived.
#[derive(Debug, Default)]
pub(crate) struct Recording(Shared<Vec<RecordedRequest>>);

/// A request and what became of it. The credentials in it are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRequest {
    /// Counted from 1 in the order of arrival.
    pub number: usize,
    /// When, by the server's clock.
    pub received_at: Timestamp,
    /// The connection it came on.
    pub connection: u64,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: String,
    /// Its method.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent.
    pub query: String,
    /// What it asked for, if that is something Atlas has.
    pub endpoint: Option<Endpoint>,
    /// The API version in the path.
    pub version: Option<ApiVersion>,
    /// The project in the path.
    pub project: String,
    /// The database user in the path, decoded.
    pub user: String,
    /// Its headers by lower-case name, without `authorization`.
    pub headers: BTreeMap<String, String>,
    /// How it was authorized.
    pub authorization: Authorization,
    /// Its body; nothing of the token endpoints.
    pub body: String,
    /// The fault that hit it, by name, or by number where it has no name.
    pub fault: Option<String>,
    /// The id of the certificate it brought about, even if the client never learned of it.
    pub issued: Option<u64>,
    /// The status that was sent; none while it is worked on and where the connection was cut first.
    pub status: Option<u16>,
}

impl Recording {
    /// Enters a request and gives the number under which it can be changed.
    pub(crate) fn enter(&self, mut request: RecordedRequest) -> usize {
        let mut requests = self.0.lock();
        request.number = requests.last().map_or(0, |last| last.number) + 1;
        let number = request.number;
        requests.push(request);
        number
    }

    pub(crate) fn change(&self, number: usize, change: impl FnOnce(&mut RecordedRequest)) {
        if let Some(request) = self
            .0
            .lock()
            .iter_mut()
            .rev()
            .find(|request| request.number == number)
        {
            change(request);
        }
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.0.lock().clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}
