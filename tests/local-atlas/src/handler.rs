//! One request from arrival to response: record it, apply a fault, act, write the response.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use hyper::{
    HeaderMap, Response,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HOST},
    http::{request::Parts, uri::Authority},
};

use crate::{
    api::{self, Call},
    credentials::{Authorization, Login, authenticate},
    error::{Refusal, error},
    faults::{Outcome, RequestInfo, Rewrite, When},
    faulty_body::{Disconnect, FaultyBody},
    oauth,
    response::{Rendered, Reply, finish, set_header},
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

type RouteResult = Result<Route, Refusal>;
type LoginResult = Result<Option<Login>, Refusal>;

/// The response to a request, or the instruction to close the connection without one.
pub(crate) async fn handle(
    state: Arc<State>,
    received: Received,
) -> Result<Response<FaultyBody>, Disconnect> {
    let route = Route::parse(&received.parts.method, received.parts.uri.path());
    let login = login(&state, &received, &route);
    let known = route.as_ref().ok();
    let endpoint = known.map(|route| (route.endpoint, route.version));
    let number = state.record(recorded(&state, &received, known));
    let fault = state.faults.pick(&RequestInfo {
        endpoint: known.map(|route| route.endpoint),
        project: known.map_or("", |route| &route.project),
        user: known.map_or("", |route| &route.user),
        authenticated: login.is_ok(),
    });
    let outcome = fault.as_ref().and_then(|it| it.fault.outcome.clone());
    if let Some(fault) = &fault {
        state.change_record(number, |request| request.fault = Some(fault.label()));
        fault.hold(When::Before).await;
    }
    let gzip = state.lock().settings.gzip && accepts_gzip(&received.parts.headers);
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
    route: RouteResult,
    login: LoginResult,
    number: usize,
) -> Rendered {
    let state = Arc::clone(state);
    let work = tokio::task::spawn_blocking(move || {
        let query = received.parts.uri.query().unwrap_or_default();
        let version = route.as_ref().ok().and_then(|route| route.version);
        // An error is written in the requested form even if the query itself is wrong.
        let form = route.as_ref().ok();
        let form = form.and_then(|route| Query::parse(route.endpoint, query).ok());
        let reply = decide(&state, &received, route, login);
        state.change_record(number, |request| request.issued = reply.issued);
        reply.render(version, &form.unwrap_or_default())
    });
    let failed = |_| error("UNEXPECTED_ERROR", &[]).render(None, &Query::default());
    work.await.unwrap_or_else(failed)
}

fn decide(state: &State, received: &Received, route: RouteResult, login: LoginResult) -> Reply {
    let (parts, now) = (&received.parts, state.clock.now());
    let result = match (login, route) {
        (Err(refusal), _) | (Ok(None), Err(refusal)) => Err(refusal),
        (Ok(None), Ok(route)) => {
            oauth::respond(state, route.endpoint, &parts.headers, &received.body, now)
        }
        (Ok(Some(login)), route) => api::respond(
            state,
            &Call {
                login,
                address: received.address,
                headers: &parts.headers,
                query: parts.uri.query().unwrap_or_default(),
                body: &received.body,
                base: &base(received),
                now,
            },
            route,
        ),
    };
    result.unwrap_or_else(|refusal| refusal)
}

/// The credentials of a request; `None` where the API requires none.
fn login(state: &State, received: &Received, route: &RouteResult) -> LoginResult {
    let parts = &received.parts;
    let oauth = route.as_ref().is_ok_and(|route| route.endpoint.is_oauth());
    if oauth || !parts.uri.path().starts_with("/api/atlas/") {
        return Ok(None);
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    authenticate(state, parts.method.as_str(), target, &parts.headers).map(Some)
}

fn recorded(state: &State, received: &Received, route: Option<&Route>) -> RecordedRequest {
    let parts = &received.parts;
    let body = String::from_utf8_lossy(&received.body).into_owned();
    let headers = parts.headers.iter().filter(|(name, _)| *name != AUTHORIZATION);
    let headers = headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    });
    RecordedRequest {
        number: 0,
        received_at: state.clock.now(),
        connection: received.connection,
        protocol: format!("{:?}", parts.version),
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        endpoint: route.map(|route| route.endpoint),
        version: route.and_then(|route| route.version),
        project: route.map(|route| route.project.clone()).unwrap_or_default(),
        user: route.map(|route| route.user.clone()).unwrap_or_default(),
        headers: headers.collect(),
        authorization: Authorization::of(&parts.headers),
        body: if route.is_some_and(|route| route.endpoint.is_oauth()) {
            String::new()
        } else {
            body
        },
        fault: None,
        issued: None,
        status: None,
    }
}

/// Scheme and authority of the request, for links.
fn base(received: &Received) -> String {
    let Received { parts, scheme, .. } = received;
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(Authority::as_str));
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("gzip"))
}
