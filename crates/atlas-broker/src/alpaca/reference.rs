//! What Alpaca knows besides orders and positions: configuration and assets.

use atlas_core::Symbol;
use reqwest::{Method, StatusCode};
use rust_decimal::Decimal;
use serde::Serialize;

use super::http::{Call, path};
use super::pace::Lane;
use super::wire::{WireAsset, WireConfiguration};
use super::{Mode, Session};
use crate::Error;

/// The account's settings at Alpaca; `None` for what it does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// Whether new orders are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend_trade: Option<bool>,
    /// Whether short sales are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_shorting: Option<bool>,
    /// Whether fractions of shares may be traded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fractional_trading: Option<bool>,
    /// Largest multiple of equity that may be invested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_margin_multiplier: Option<Decimal>,
}

impl Configuration {
    /// Whether every setting that is `Some` here is the same there.
    fn holds_in(&self, now: &Self) -> bool {
        fn same<T: PartialEq>(wish: Option<&T>, now: Option<&T>) -> bool {
            wish.is_none() || wish == now
        }
        same(self.suspend_trade.as_ref(), now.suspend_trade.as_ref())
            && same(self.no_shorting.as_ref(), now.no_shorting.as_ref())
            && same(self.fractional_trading.as_ref(), now.fractional_trading.as_ref())
            && same(self.max_margin_multiplier.as_ref(), now.max_margin_multiplier.as_ref())
    }
}

/// Something that can be traded.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent properties, as Alpaca lists them"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its symbol.
    pub symbol: Symbol,
    /// Alpaca's word for its class, such as `us_equity` or `crypto`.
    pub class: String,
    /// Alpaca's word for its exchange.
    pub exchange: String,
    /// Its name.
    pub name: String,
    /// Whether it is active and may be traded.
    pub tradable: bool,
    /// Whether fractions of it may be traded.
    pub fractionable: bool,
    /// Whether it may be bought on margin.
    pub marginable: bool,
    /// Whether it may be sold short.
    pub shortable: bool,
    /// Smallest quantity of an order; told for crypto.
    pub min_order_size: Option<Decimal>,
    /// Smallest step between quantities; told for crypto.
    pub min_trade_increment: Option<Decimal>,
    /// Smallest step between prices; told for crypto.
    pub price_increment: Option<Decimal>,
}

impl<M: Mode> Session<M> {
    /// The account's settings.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn configuration(&self) -> Result<Configuration, Error> {
        let call = Call::get("/v2/account/configurations");
        self.trading.ask::<WireConfiguration>(&call).await.map(Configuration::from)
    }

    /// Changes the settings that are `Some`, and leaves the others alone; gives all of them as they
    /// are afterwards.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::BadAnswer`] if a setting is not what was asked for.
    pub async fn configure(&self, wish: &Configuration) -> Result<Configuration, Error> {
        let body = serde_json::to_vec(wish)
            .map_err(|error| Error::Setup { problem: format!("settings: {error}") })?;
        let call = Call {
            lane: Lane::Order,
            method: Method::PATCH,
            body: Some(body),
            ..Call::get("/v2/account/configurations")
        };
        let now = self.trading.ask::<WireConfiguration>(&call).await.map(Configuration::from)?;
        if wish.holds_in(&now) {
            return Ok(now);
        }
        let problem = "a setting is not what was asked for".to_owned();
        Err(self.trading.bad_answer(&call, problem))
    }

    /// One asset, `None` if Alpaca has none under this symbol.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, Error> {
        self.asset_in(symbol, Lane::Read).await
    }

    /// The same in another lane.
    pub(crate) async fn asset_in(
        &self,
        symbol: &Symbol,
        lane: Lane,
    ) -> Result<Option<Asset>, Error> {
        let call = Call { lane, ..Call::get(path(&["v2", "assets", symbol.as_str()])) };
        let answer = self.trading.send(&call).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return self.absent(&call, &answer).map(|()| None);
        }
        if !answer.status.is_success() {
            return Err(self.trading.error(&call, &answer));
        }
        self.trading.read::<WireAsset>(&call, &answer.body).map(WireAsset::asset)
    }

    /// Every active asset of a class, such as `us_equity` or `crypto`, by symbol. Assets whose
    /// symbols Atlas cannot hold are left out.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn assets(&self, class: &str) -> Result<Vec<Asset>, Error> {
        let call = Call::get("/v2/assets").with("status", "active").with("asset_class", class);
        let wire: Vec<WireAsset> = self.trading.ask(&call).await?;
        let mut assets: Vec<Asset> = wire.into_iter().filter_map(WireAsset::asset).collect();
        assets.sort_by(|left, right| left.symbol.cmp(&right.symbol));
        Ok(assets)
    }
}
