//! One request from arrival to response: record it, apply a fault, act, write the response.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use hyper::{
    Response,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HOST, HeaderName},
    http::{request::Parts, uri::Authority},
};

use crate::{
    api,
    credentials::{Authorization, Login, authenticate},
    error::{Refusal, error},
    faults::{Outcome, Rewrite, When},
    faulty_body::{Disconnect, FaultyBody},
    oauth,
    response::{Rendered, finish, set_header},
    route::{Query, Route},
    state::{RecordedRequest, State},
};

/// A request that was read to its end.
pub(crate) struct Received {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) address: IpAddr,
    pub(crate) connection: u64,
    pub(crate) scheme: &'static str,
}

impl Received {
    /// The text of a header; empty if there is none.
    pub(crate) fn header(&self, name: HeaderName) -> &str {
        let value = self.parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    pub(crate) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// Path and query as sent.
    pub(crate) fn target(&self) -> &str {
        self.parts.uri.path_and_query().map_or("", |target| target.as_str())
    }

    /// Scheme and authority, for links.
    pub(crate) fn base(&self) -> String {
        let host = match self.header(HOST) {
            "" => self.parts.uri.authority().map_or("localhost", Authority::as_str),
            host => host,
        };
        format!("{}://{host}", self.scheme)
    }
}

/// The response to a request, or the instruction to close the connection without one.
pub(crate) async fn handle(
    state: Arc<State>,
    received: Received,
) -> Result<Response<FaultyBody>, Disconnect> {
    let route = Route::parse(&received.parts.method, received.parts.uri.path());
    // Nothing else requires the credentials of the API.
    let is_api = received.target().starts_with("/api/atlas/");
    let login = is_api.then(|| authenticate(&state, &received)).transpose();
    let known = route.as_ref().ok();
    let endpoint = known.map(|route| (route.endpoint, route.version));
    let number = state.record(recorded(&state, &received, known));
    let fault = state.faults.pick(known, login.is_ok());
    let outcome = fault.as_ref().and_then(|it| it.fault.outcome.clone());
    if let Some(fault) = &fault {
        state.change_record(number, |request| request.fault = Some(fault.label()));
        fault.hold(When::Before).await;
    }
    let gzip = state.lock().settings.gzip && received.header(ACCEPT_ENCODING).contains("gzip");
    let mut rendered = match &outcome {
        Some(Outcome::Cut { moment: When::Before }) => return Err(Disconnect),
        Some(Outcome::Answer { moment: When::Before, answer }) => answer.render(&state),
        _ => act(&state, received, route, login, number).await,
    };
    if let Some(fault) = &fault {
        fault.hold(When::After).await;
        match &outcome {
            Some(Outcome::Cut { moment: When::After }) => return Err(Disconnect),
            Some(Outcome::Answer { moment: When::After, answer }) => {
                rendered = answer.render(&state);
            }
            Some(Outcome::Rewrite(rewrite)) => rewrite.apply(&mut rendered),
            _ => {}
        }
        for (name, value) in &fault.fault.headers {
            set_header(&mut rendered, name, value);
        }
    }
    if gzip && !rendered.headers().contains_key(CONTENT_ENCODING) {
        Rewrite::Gzip.apply(&mut rendered);
    }
    let status = rendered.status().as_u16();
    state.change_record(number, |request| request.status = Some(status));
    Ok(finish(&state, endpoint, rendered, outcome.as_ref()))
}

/// Acts as Atlas would, on a thread that may block.
async fn act(
    state: &Arc<State>,
    received: Received,
    route: Result<Route, Refusal>,
    login: Result<Option<Login>, Refusal>,
    number: usize,
) -> Rendered {
    let state = Arc::clone(state);
    let work = tokio::task::spawn_blocking(move || {
        let known = route.as_ref().ok();
        let version = known.and_then(|route| route.version);
        // An error is written in the requested form even if the query itself is wrong.
        let form = known.and_then(|route| Query::parse(route.endpoint, received.query()).ok());
        let result = match (login, route) {
            (Err(refusal), _) | (Ok(None), Err(refusal)) => Err(refusal),
            (Ok(None), Ok(route)) => oauth::respond(&state, &received, route.endpoint),
            (Ok(Some(login)), route) => api::respond(&state, &received, login, route),
        };
        let reply = result.unwrap_or_else(|refusal| refusal);
        state.change_record(number, |request| request.issued = reply.issued);
        reply.render(version, &form.unwrap_or_default())
    });
    let failed = |_| error("UNEXPECTED_ERROR", &[]).render(None, &Query::default());
    work.await.unwrap_or_else(failed)
}

fn recorded(state: &State, received: &Received, route: Option<&Route>) -> RecordedRequest {
    let parts = &received.parts;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = parts.headers.iter().filter(|(name, _)| *name != AUTHORIZATION);
    let is_oauth = route.is_some_and(|route| route.version.is_none());
    RecordedRequest {
        number: 0,
        received_at: state.clock.now(),
        connection: received.connection,
        protocol: format!("{:?}", parts.version),
        method: parts.method.to_string(),
        target: received.target().to_owned(),
        endpoint: route.map(|route| route.endpoint),
        version: route.and_then(|route| route.version),
        project: route.map(|route| route.project.clone()).unwrap_or_default(),
        user: route.map(|route| route.user.clone()).unwrap_or_default(),
        headers: headers.map(|(name, it)| (name.to_string(), text(it.as_bytes()))).collect(),
        authorization: Authorization::of(received),
        body: if is_oauth { String::new() } else { text(&received.body) },
        fault: None,
        issued: None,
        status: None,
    }
}
