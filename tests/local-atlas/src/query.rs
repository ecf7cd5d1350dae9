//! Query parameters and pages.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::route::Endpoint;

/// The query of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) pretty: bool,
    pub(crate) envelope: bool,
    include_count: bool,
    items_per_page: usize,
    page: usize,
}

impl Query {
    /// Reads the raw query; unknown names and values out of range are refused.
    pub(crate) fn parse(endpoint: Endpoint, raw: &str) -> Result<Self, ApiError> {
        let mut query = Self::default();
        for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
            let lists = endpoint.lists();
            let understood = match name.as_ref() {
                "pretty" => flag(&value).map(|it| query.pretty = it),
                "envelope" => flag(&value).map(|it| query.envelope = it),
                "includeCount" if lists => flag(&value).map(|it| query.include_count = it),
                "itemsPerPage" if lists => number(&value, 500).map(|it| query.items_per_page = it),
                "pageNum" if lists => number(&value, usize::MAX).map(|it| query.page = it),
                _ => None,
            };
            understood.ok_or_else(|| ApiError::query_invalid(&name))?;
        }
        Ok(query)
    }

    /// How an error is written when the query itself may be what is wrong.
    pub(crate) fn presentation(endpoint: Option<Endpoint>, raw: &str) -> Self {
        endpoint
            .and_then(|endpoint| Self::parse(endpoint, raw).ok())
            .unwrap_or_default()
    }

    /// One page of `items`, at most `largest` of them, with the links of the collection at `url`.
    pub(crate) fn page(&self, items: Vec<Value>, largest: usize, url: &str) -> Value {
        let total = items.len();
        let size = self.items_per_page.min(largest.max(1));
        let start = (self.page - 1).saturating_mul(size);
        let page: Vec<Value> = items.into_iter().skip(start).take(size).collect();
        let mut links = vec![self.link(url, "self", self.page)];
        if start.saturating_add(page.len()) < total && !page.is_empty() {
            links.push(self.link(url, "next", self.page + 1));
        }
        if self.page > 1 {
            links.push(self.link(url, "previous", self.page - 1));
        }
        let mut body = json!({ "links": links, "results": page });
        if self.include_count {
            body["totalCount"] = json!(total);
        }
        body
    }

    fn link(&self, url: &str, rel: &str, page: usize) -> Value {
        let (count, size) = (self.include_count, self.items_per_page);
        json!({ "href": format!("{url}?includeCount={count}&pageNum={page}&itemsPerPage={size}"), "rel": rel })
    }
}

impl Default for Query {
    fn default() -> Self {
        Self {
            pretty: false,
            envelope: false,
            include_count: true,
            items_per_page: 100,
            page: 1,
        }
    }
}

fn flag(value: &str) -> Option<bool> {
    value.parse().ok()
}

fn number(value: &str, most: usize) -> Option<usize> {
    value
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;

    fn parse(raw: &str) -> Result<Query, ApiError> {
        Query::parse(Endpoint::ListCertificates, raw)
    }

    #[test]
    fn refuses_unknown_names_and_values_out_of_range() {
        for raw in [
            "itemsPerPage=0",
            "itemsPerPage=501",
            "pageNum=0",
            "pageNum=x",
            "pretty=1",
            "page=1",
        ] {
            assert_eq!(
                &*parse(raw).unwrap_err().code,
                "INVALID_QUERY_PARAMETER",
                "{raw}"
            );
        }
        assert!(Query::parse(Endpoint::ReadUser, "pageNum=1").is_err());
        assert!(
            parse("includeCount=true&itemsPerPage=500&pageNum=1&envelope=false&pretty=false")
                .is_ok()
        );
    }

    #[test]
    fn pages_link_to_their_neighbours_and_count_everything() {
        let items: Vec<Value> = (0..5).map(Value::from).collect();
        let page = |raw: &str| {
            parse(raw)
                .unwrap()
                .page(items.clone(), 500, "http://a/certs")
        };
        let rels = |page: &Value| {
            page["links"]
                .as_array()
                .unwrap()
                .iter()
                .map(|link| link["rel"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };

        let first = page("itemsPerPage=2");
        assert_eq!(
            (&first["results"], &first["totalCount"]),
            (&json!([0, 1]), &json!(5))
        );
        assert_eq!(rels(&first), ["self", "next"]);
        assert_eq!(
            first["links"][1]["href"],
            "http://a/certs?includeCount=true&pageNum=2&itemsPerPage=2"
        );
        let last = page("itemsPerPage=2&pageNum=3&includeCount=false");
        assert_eq!(
            (&last["results"], last.get("totalCount")),
            (&json!([4]), None)
        );
        assert_eq!(rels(&last), ["self", "previous"]);
        assert_eq!(
            page("itemsPerPage=5").get("results"),
            Some(&json!([0, 1, 2, 3, 4]))
        );
        assert_eq!(rels(&page("itemsPerPage=5")), ["self"]);
        assert_eq!(page("pageNum=9")["results"], json!([]));
        let capped = parse("pageNum=2").unwrap().page(items, 2, "http://a/certs");
        assert_eq!(capped["results"], json!([2, 3]));
    }
}
