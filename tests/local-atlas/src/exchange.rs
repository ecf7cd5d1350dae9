//! One request from arrival to answer: record it, apply faults, act, write.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Response, StatusCode};

use crate::api::{self, Call};
use crate::authentication::{Authorization, authenticate};
use crate::credentials::Login;
use crate::delivery::{Cut, Delivery};
use crate::error::ApiError;
use crate::faults::{Armed, Moment, Outcome, Rewrite, Sighting};
use crate::oauth;
use crate::outgoing::response;
use crate::query::Query;
use crate::recording::RecordedRequest;
use crate::reply::{Rendered, Reply};
use crate::route::Route;
use crate::world::World;

/// A request that has been read to its end.
pub(crate) struct Incoming {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) address: IpAddr,
    pub(crate) connection: u64,
    pub(crate) scheme: &'static str,
}

/// Answers a request, or says that the connection is to be closed without an answer.
pub(crate) async fn answer(
    world: Arc<World>,
    incoming: Incoming,
) -> Result<Response<Delivery>, Cut> {
    let route = Route::parse(&incoming.parts.method, incoming.parts.uri.path());
    let login = login(&world, &incoming, &route);
    let number = world
        .recording
        .enter(recorded(&world, &incoming, route.as_ref().ok()));
    let fault = world.faults.pick(&Sighting {
        endpoint: route.as_ref().ok().map(|route| route.endpoint),
        project: route.as_ref().map_or("", |route| &route.project),
        user: route.as_ref().map_or("", |route| &route.user),
        logged_in: login.is_ok(),
    });
    let outcome = fault
        .as_ref()
        .and_then(|fault| fault.fault.outcome.as_ref());
    if let Some(fault) = &fault {
        world
            .recording
            .change(number, |request| request.fault = Some(label(fault)));
        fault.hold(Moment::Before).await;
    }
    let accepts_gzip = world.settings().gzip && accepts_gzip(&incoming.parts);
    let addressed = route
        .as_ref()
        .ok()
        .map(|route| (route.endpoint, route.version));
    let mut rendered = match outcome {
        Some(Outcome::Cut {
            moment: Moment::Before,
        }) => return Err(Cut),
        Some(Outcome::Answer {
            moment: Moment::Before,
            answer,
        }) => answer.render(&world),
        _ => act(&world, incoming, route, login, number).await,
    };
    if let Some(fault) = &fault {
        fault.hold(Moment::After).await;
        match outcome {
            Some(Outcome::Cut {
                moment: Moment::After,
            }) => return Err(Cut),
            Some(Outcome::Answer {
                moment: Moment::After,
                answer,
            }) => rendered = answer.render(&world),
            Some(Outcome::Rewrite(rewrite)) => rewrite.apply(&mut rendered),
            _ => {}
        }
        rendered.headers.extend(fault.fault.headers.clone());
    }
    if accepts_gzip
        && !rendered
            .headers
            .iter()
            .any(|(name, _)| name == "content-encoding")
    {
        Rewrite::Gzip.apply(&mut rendered);
    }
    world.recording.change(number, |request| {
        request.status = Some(rendered.status.as_u16());
    });
    Ok(response(&world, addressed, rendered, outcome))
}

/// Acts as Atlas would. The work that blocks is done on a thread that may.
async fn act(
    world: &Arc<World>,
    incoming: Incoming,
    route: Result<Route, ApiError>,
    login: Result<Option<Login>, ApiError>,
    number: usize,
) -> Rendered {
    let world = Arc::clone(world);
    let work = tokio::task::spawn_blocking(move || {
        let query = incoming.parts.uri.query().unwrap_or_default();
        let known = route.as_ref().ok();
        let version = known.and_then(|route| route.version);
        let presentation = Query::presentation(known.map(|route| route.endpoint), query);
        let reply = decide(&world, &incoming, route, login);
        world
            .recording
            .change(number, |request| request.issued = reply.issued);
        reply.render(version, &presentation)
    });
    work.await.unwrap_or_else(|failure| {
        let detail = format!("local Atlas failed: {failure}");
        Reply::from(ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNEXPECTED_ERROR",
            detail,
        ))
        .render_plain()
    })
}

fn decide(
    world: &World,
    incoming: &Incoming,
    route: Result<Route, ApiError>,
    login: Result<Option<Login>, ApiError>,
) -> Reply {
    let (parts, now) = (&incoming.parts, world.clock.now());
    match (login, route) {
        (Err(refused), _) => Reply::from(refused),
        (Ok(None), Ok(route)) => {
            oauth::answer(world, route.endpoint, &parts.headers, &incoming.body, now)
        }
        (Ok(None), Err(error)) => Reply::from(error),
        (Ok(Some(login)), route) => {
            let call = Call {
                login,
                address: incoming.address,
                route,
                headers: &parts.headers,
                query: parts.uri.query().unwrap_or_default(),
                body: &incoming.body,
                base: &base(incoming),
                now,
            };
            api::answer(world, &call)
        }
    }
}

/// The login of a request; none where none is asked for.
fn login(
    world: &World,
    incoming: &Incoming,
    route: &Result<Route, ApiError>,
) -> Result<Option<Login>, ApiError> {
    let parts = &incoming.parts;
    let oauth = route.as_ref().is_ok_and(|route| route.endpoint.is_oauth());
    if oauth || !parts.uri.path().starts_with("/api/atlas/") {
        return Ok(None);
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    authenticate(
        world,
        parts.method.as_str(),
        target,
        &parts.headers,
        world.clock.now(),
    )
    .map(Some)
}

fn recorded(world: &World, incoming: &Incoming, route: Option<&Route>) -> RecordedRequest {
    let parts = &incoming.parts;
    let secret = route.is_some_and(|route| route.endpoint.is_oauth());
    let body = if secret {
        String::new()
    } else {
        String::from_utf8_lossy(&incoming.body).into_owned()
    };
    let headers = parts
        .headers
        .iter()
        .filter(|(name, _)| *name != hyper::header::AUTHORIZATION);
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: BTreeMap<_, _> = headers
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    RecordedRequest {
        number: 0,
        received_at: world.clock.now(),
        connection: incoming.connection,
        protocol: format!("{:?}", parts.version),
        method: parts.method.to_string(),
        target: parts
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        endpoint: route.map(|route| route.endpoint),
        version: route.and_then(|route| route.version),
        project: route.map(|route| route.project.clone()).unwrap_or_default(),
        user: route.map(|route| route.user.clone()).unwrap_or_default(),
        headers,
        authorization: Authorization::of(&parts.headers),
        body,
        fault: None,
        issued: None,
        status: None,
    }
}

fn base(incoming: &Incoming) -> String {
    let parts = &incoming.parts;
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(Authority::as_str));
    format!("{}://{}", incoming.scheme, host.unwrap_or("localhost"))
}

fn accepts_gzip(parts: &Parts) -> bool {
    let accepted = parts
        .headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("gzip"))
}

fn label(fault: &Armed) -> String {
    if fault.fault.name.is_empty() {
        format!("fault {}", fault.id)
    } else {
        fault.fault.name.clone()
    }
}
