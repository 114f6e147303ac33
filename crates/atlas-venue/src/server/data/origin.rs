//! Which data are given and which are made, said with every answer.

use std::collections::BTreeMap;

use atlas_core::Symbol;
use axum::extract::{Query as Pairs, Request};
use axum::http::header::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;

use super::super::Ctx;
use super::super::query::Query;
use super::super::trading::find;
use crate::core::{Exchange, Listing, Origin};

/// Tells what of an answer is given and what is made.
pub(super) async fn says_so(Ctx(shared): Ctx, request: Request, next: Next) -> Response {
    let names = names(&request);
    let view = shared.venue.inspect(Exchange::view);
    let mut answer = next.run(request).await;
    let found = names.iter().filter_map(|name| find(view.listings(), name));
    let listings = found.filter_map(|symbol| view.listings().get(&symbol));
    if let Ok(words) = HeaderValue::from_str(&words(listings, view.seed())) {
        answer.headers_mut().insert(HEADER, words);
    }
    answer
}

/// The symbols a request is about.
fn names(request: &Request) -> Vec<String> {
    let query = Pairs::<Vec<(String, String)>>::try_from_uri(request.uri());
    let query = Query::new(query.map(|Pairs(pairs)| pairs).unwrap_or_default());
    let mut names: Vec<String> = query.list("symbols").into_iter().map(str::to_owned).collect();
    // A symbol in the path, as in `/v2/stocks/AAPL/bars`.
    names.extend(request.uri().path().split('/').nth(3).map(str::to_owned));
    names
}

/// Where the bars of some listings come from, in a line without anything but ASCII.
pub(crate) fn words<'a>(listings: impl Iterator<Item = &'a Listing>, seed: u64) -> String {
    let mut groups: BTreeMap<(Origin, bool), Vec<&Symbol>> = BTreeMap::new();
    for listing in listings {
        let symbols = groups.entry((listing.origin(), listing.has_intraday())).or_default();
        if !symbols.contains(&listing.symbol()) {
            symbols.push(listing.symbol());
        }
    }
    let mut parts: Vec<String> = groups
        .into_iter()
        .map(|((origin, has_intraday), symbols)| {
            let days = match origin {
                Origin::Given => "daily bars given",
                Origin::Completed => "closes given, open, high and low made",
                Origin::Made => "made",
            };
            let within =
                if has_intraday { ", bars within days given where there are any" } else { "" };
            format!("{}: {days}{within}", list(&symbols))
        })
        .collect();
    parts.push(format!("what is finer, quotes and trades: made by rule 1, seed {seed}"));
    parts.join("; ")
}

/// Some symbols by name, and the number of the others.
fn list(symbols: &[&Symbol]) -> String {
    let named: Vec<&str> = symbols.iter().take(NAMED).map(|symbol| symbol.as_str()).collect();
    match symbols.len().saturating_sub(NAMED) {
        0 => named.join(" "),
        more => format!("{} and {more} more", named.join(" ")),
    }
}

/// The header that says it.
pub(crate) const HEADER: &str = "Atlas-Data";
/// Symbols that are named.
const NAMED: usize = 8;

#[cfg(test)]
mod tests {
    use atlas_core::bars::{Bars, Columns};

    use super::*;

    #[test]
    fn each_kind_is_named_apart() {
        let of = |name: &str, origin| {
            let empty = Bars::new(name.parse().unwrap(), Columns::default()).unwrap();
            Listing::raw(empty).with_origin(origin)
        };
        let all = [of("B", Origin::Made), of("A", Origin::Given), of("C", Origin::Completed)];
        assert_eq!(
            words(all.iter().chain(&all), 7),
            "A: daily bars given; C: closes given, open, high and low made; B: made; what is finer, \
             quotes and trades: made by rule 1, seed 7"
        );
        let many: Vec<Listing> =
            ('A'..='J').map(|name| of(&name.to_string(), Origin::Given)).collect();
        assert!(words(many.iter(), 0).starts_with("A B C D E F G H and 2 more: daily"));
    }
}
