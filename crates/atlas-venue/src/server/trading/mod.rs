//! The trading endpoints.

mod account;
mod assets;
mod history;
mod hours;
mod orders;
mod positions;
mod settings;
mod watchlists;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get};

use super::Server;

pub(super) use assets::find;
pub(super) use orders::each_open;

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/account", get(account::account))
        .route("/v2/account/configurations", get(settings::settings).patch(settings::set))
        .route("/v2/account/activities", get(account::activities))
        .route("/v2/account/activities/{kind}", get(account::activities_of))
        .route("/v2/account/portfolio/history", get(history::history))
        .route("/v2/positions", get(positions::all).delete(positions::close_all))
        .route("/v2/positions/{*symbol}", get(positions::one).delete(positions::close))
        .route("/v2/orders", get(orders::list).post(orders::submit).delete(orders::cancel_all))
        .route("/v2/orders/{id}", get(orders::one).patch(orders::replace).delete(orders::cancel))
        .route("/v2/orders:by_client_order_id", get(orders::by_client_id))
        .route("/v2/orders%3Aby_client_order_id", get(orders::by_client_id))
        .route("/v2/orders%3aby_client_order_id", get(orders::by_client_id))
        .merge(lists())
        .route("/v2/clock", get(hours::clock))
        .route("/v2/calendar", get(hours::calendar))
        .route("/v2/assets", get(assets::all))
        .route("/v2/assets/{*symbol}", get(assets::one))
}

/// The endpoints of watchlists.
fn lists() -> Router<Arc<Server>> {
    let named = |path: &str| {
        let by_name = get(watchlists::named)
            .put(watchlists::update_named)
            .patch(watchlists::update_named)
            .post(watchlists::add_named)
            .delete(watchlists::delete_named);
        Router::new()
            .route(path, by_name)
            .route(&format!("{path}/{{*symbol}}"), delete(watchlists::remove_named))
    };
    let one = get(watchlists::one)
        .put(watchlists::update)
        .patch(watchlists::update)
        .post(watchlists::add)
        .delete(watchlists::delete);
    Router::new()
        .route("/v2/watchlists", get(watchlists::all).post(watchlists::create))
        .route("/v2/watchlists/{id}", one)
        .route("/v2/watchlists/{id}/{*symbol}", delete(watchlists::remove))
        .merge(named("/v2/watchlists:by_name"))
        .merge(named("/v2/watchlists%3Aby_name"))
        .merge(named("/v2/watchlists%3aby_name"))
}
