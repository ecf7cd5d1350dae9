//! The way out: the headers of every answer, and a body that may be sent badly.

use std::time::Duration;

use hyper::Response;
use hyper::header::{HeaderName, HeaderValue};
use jiff::SignedDuration;

use crate::delivery::Delivery;
use crate::faults::Outcome;
use crate::reply::Rendered;
use crate::route::Endpoint;
use crate::version::ApiVersion;
use crate::world::World;

/// Puts an answer on its way, as `outcome` wants it sent.
pub(crate) fn response(
    world: &World,
    addressed: Option<(Endpoint, Option<ApiVersion>)>,
    rendered: Rendered,
    outcome: Option<&Outcome>,
) -> Response<Delivery> {
    let Rendered {
        status,
        headers,
        body,
    } = rendered;
    let delivery = match outcome {
        Some(Outcome::CutBody { bytes }) => Delivery::cut_after(body, *bytes),
        Some(Outcome::Drip { bytes, millis }) => {
            Delivery::drip(&body, *bytes, Duration::from_millis(*millis))
        }
        Some(Outcome::Endless) => Delivery::endless(body),
        _ => Delivery::whole(body),
    };
    let mut response = Response::new(delivery);
    *response.status_mut() = status;
    let date = world.clock.http_date(SignedDuration::ZERO);
    let about = addressed.into_iter().flat_map(|(endpoint, version)| {
        let method = ("x-java-method", java_method(endpoint));
        // Only v1.0 says this.
        let protocol = (version == Some(ApiVersion::V1)).then_some(("x-xgen-up-proto", "HTTP/2"));
        [Some(method), protocol].into_iter().flatten()
    });
    let always = ALWAYS.iter().copied().chain(about);
    let always = always.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let all = always.chain([("date".to_owned(), date)]).chain(headers);
    for (name, value) in all {
        // A header that HTTP does not allow is left out.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn java_method(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::IssueCertificate => "ApiAtlasV2DatabaseUsersResource::generateCert",
        Endpoint::ListCertificates => "ApiAtlasV2DatabaseUsersResource::getValidCertsByUsername",
        Endpoint::CreateUser => "ApiAtlasV2DatabaseUsersResource::addUser",
        Endpoint::ListUsers => "ApiAtlasV2DatabaseUsersResource::getAllUsers",
        Endpoint::ReadUser => "ApiAtlasV2DatabaseUsersResource::getUser",
        Endpoint::UpdateUser => "ApiAtlasV2DatabaseUsersResource::patchUser",
        Endpoint::DeleteUser => "ApiAtlasV2DatabaseUsersResource::deleteUser",
        Endpoint::ReadSecurity => "ApiAtlasV2UserSecurityResource::getUserSecurity",
        Endpoint::IssueToken => "ApiOAuthResource::token",
        Endpoint::RevokeToken => "ApiOAuthResource::revoke",
    }
}

const ALWAYS: [(&str, &str); 9] = [
    ("server", "mdbws"),
    (
        "strict-transport-security",
        "max-age=31536000; includeSubdomains;",
    ),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-java-version", "17.0.19+10-LTS"),
    ("x-envoy-upstream-service-time", "7"),
    (
        "x-mongodb-service-version",
        "gitHash=0000000000000000000000000000000000000000; versionString=local-atlas",
    ),
];
