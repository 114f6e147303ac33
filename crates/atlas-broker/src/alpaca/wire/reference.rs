//! Configuration, assets, portfolio history, and the answer to "cancel all".

use atlas_core::{Symbol, Usd, VenueOrderId};
use chrono::DateTime;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Amount, Fault, symbol};
use crate::alpaca::{Asset, Configuration, EquityPoint, PortfolioHistory};

/// One element of the answer to `DELETE /v2/orders`.
#[derive(Debug, Deserialize)]
pub(crate) struct WireCanceled {
    id: String,
    status: Option<u16>,
}

impl WireCanceled {
    /// The order that was asked for.
    pub(crate) fn id(&self) -> Result<VenueOrderId, Fault> {
        VenueOrderId::new(&self.id).map_err(|error| Fault::field("id", &error))
    }

    /// Whether the request was taken.
    pub(crate) fn taken(&self) -> bool {
        self.status.is_none_or(|status| (200..300).contains(&status))
    }
}

/// `GET /v2/account/configurations`.
#[derive(Debug, Deserialize)]
pub(crate) struct WireConfiguration {
    pub(crate) suspend_trade: Option<bool>,
    no_shorting: Option<bool>,
    fractional_trading: Option<bool>,
    max_margin_multiplier: Option<Amount>,
}

impl From<WireConfiguration> for Configuration {
    fn from(wire: WireConfiguration) -> Self {
        Self {
            suspend_trade: wire.suspend_trade,
            no_shorting: wire.no_shorting,
            fractional_trading: wire.fractional_trading,
            max_margin_multiplier: wire.max_margin_multiplier.map(|amount| amount.0),
        }
    }
}

/// One element of `GET /v2/assets`.
#[derive(Debug, Deserialize)]
pub(crate) struct WireAsset {
    symbol: String,
    class: Option<String>,
    exchange: Option<String>,
    name: Option<String>,
    status: Option<String>,
    tradable: bool,
    fractionable: Option<bool>,
    marginable: Option<bool>,
    shortable: Option<bool>,
    min_order_size: Option<Amount>,
    min_trade_increment: Option<Amount>,
    price_increment: Option<Amount>,
}

impl WireAsset {
    /// The asset in our words; `None` for one whose symbol Atlas cannot hold.
    pub(crate) fn asset(self) -> Option<Asset> {
        let number = |amount: Option<Amount>| amount.map(|amount| amount.0);
        let class = self.class.unwrap_or_default();
        let symbol: Symbol = symbol(&self.symbol, Some(&class)).ok()?;
        Some(Asset {
            symbol,
            class,
            exchange: self.exchange.unwrap_or_default(),
            name: self.name.unwrap_or_default(),
            tradable: self.tradable && self.status.is_none_or(|status| status == "active"),
            fractionable: self.fractionable.unwrap_or(false),
            marginable: self.marginable.unwrap_or(false),
            shortable: self.shortable.unwrap_or(false),
            min_order_size: number(self.min_order_size),
            min_trade_increment: number(self.min_trade_increment),
            price_increment: number(self.price_increment),
        })
    }
}

/// `GET /v2/account/portfolio/history`: parallel lists, whose elements can be null.
#[derive(Debug, Deserialize)]
pub(crate) struct WireHistory {
    timestamp: Vec<i64>,
    equity: Vec<Option<Amount>>,
    profit_loss: Option<Vec<Option<Amount>>>,
    base_value: Option<Amount>,
}

impl WireHistory {
    /// The history in our words, without the points that have no equity.
    pub(crate) fn history(self) -> Result<PortfolioHistory, Fault> {
        if self.timestamp.len() != self.equity.len() {
            return Err(Fault::Bad("timestamp and equity differ in length".to_owned()));
        }
        let usd = |field: &str, amount: Decimal| Amount(amount).usd(field);
        let gains = self.profit_loss.unwrap_or_default();
        let mut points = Vec::with_capacity(self.equity.len());
        for (index, (seconds, equity)) in self.timestamp.iter().zip(&self.equity).enumerate() {
            let Some(equity) = equity else { continue };
            let at = DateTime::from_timestamp(*seconds, 0)
                .ok_or_else(|| Fault::field("timestamp", &format!("{seconds} is no instant")))?;
            let gain = gains.get(index).copied().flatten();
            let profit_loss: Option<Usd> =
                gain.map(|gain| usd("profit_loss", gain.0)).transpose()?;
            points.push(EquityPoint { at, equity: usd("equity", equity.0)?, profit_loss });
        }
        let base_value = self.base_value.map(|amount| amount.usd("base_value")).transpose()?;
        Ok(PortfolioHistory { points, base_value })
    }
}
