//! Account, positions, clock and calendar.

use atlas_core::calendar::{Session, from_eastern};
use atlas_core::time::Timestamp;
use atlas_core::{Account, Position};
use chrono::{NaiveDate, NaiveTime};
use serde::Deserialize;

use super::{Amount, Fault, symbol};
use crate::MarketClock;

/// `GET /v2/account`. Of the identifiers one is needed, of the flags none: what is gone one day
/// from Alpaca's answer and only describes must not stop the client.
#[derive(Debug, Deserialize)]
pub(crate) struct WireAccount {
    id: Option<String>,
    account_number: Option<String>,
    status: Option<String>,
    cash: Amount,
    equity: Amount,
    buying_power: Amount,
    trading_blocked: Option<bool>,
    account_blocked: Option<bool>,
    trade_suspended_by_user: Option<bool>,
}

impl WireAccount {
    /// The account in our words; blocked if any flag says so or the status is not `ACTIVE`.
    pub(crate) fn account(self) -> Result<Account, Fault> {
        let active = self.status.is_none_or(|status| status == "ACTIVE");
        let flags = [self.trading_blocked, self.account_blocked, self.trade_suspended_by_user];
        Ok(Account {
            account_number: self
                .account_number
                .or(self.id)
                .filter(|number| !number.is_empty())
                .ok_or_else(|| Fault::missing("account_number"))?,
            cash: self.cash.usd("cash")?,
            equity: self.equity.usd("equity")?,
            buying_power: self.buying_power.usd("buying_power")?,
            trading_blocked: !active || flags.contains(&Some(true)),
        })
    }
}

/// One element of `GET /v2/positions`.
#[derive(Debug, Deserialize)]
pub(crate) struct WirePosition {
    symbol: String,
    asset_class: Option<String>,
    side: Option<String>,
    qty: Amount,
    qty_available: Option<Amount>,
    avg_entry_price: Option<Amount>,
    current_price: Option<Amount>,
    lastday_price: Option<Amount>,
}

impl WirePosition {
    /// The position in our words. The last price may be yesterday's; the average price paid is
    /// advisory, so that of shares that cost nothing is the last price.
    pub(crate) fn position(self) -> Result<Position, Fault> {
        if self.qty.0.is_sign_negative() || self.side.as_deref() == Some("short") {
            return Err(Fault::Unsupported {
                what: format!("a short position in {}", self.symbol),
                remedy: "close it at the broker, or keep it on another account",
            });
        }
        let mean = |amount: Option<Amount>| amount.and_then(Amount::mean);
        let current_price = mean(self.current_price)
            .or_else(|| mean(self.lastday_price))
            .ok_or_else(|| Fault::missing(&format!("current_price of {}", self.symbol)))?;
        let qty = self.qty.qty("qty")?;
        let free = self.qty_available.map(|amount| amount.qty("qty_available")).transpose()?;
        Ok(Position {
            symbol: symbol(&self.symbol, self.asset_class.as_deref())?,
            qty,
            qty_available: free.unwrap_or(qty),
            avg_entry_price: mean(self.avg_entry_price).unwrap_or(current_price),
            current_price,
        })
    }
}

/// `GET /v2/clock`.
#[derive(Debug, Deserialize)]
pub(crate) struct WireClock {
    timestamp: Timestamp,
    is_open: bool,
    next_open: Timestamp,
    next_close: Timestamp,
}

impl From<WireClock> for MarketClock {
    fn from(wire: WireClock) -> Self {
        Self {
            timestamp: wire.timestamp,
            is_open: wire.is_open,
            next_open: wire.next_open,
            next_close: wire.next_close,
        }
    }
}

/// One element of `GET /v2/calendar`: times are New York's, as `09:30`.
#[derive(Debug, Deserialize)]
pub(crate) struct WireCalendarDay {
    date: NaiveDate,
    open: String,
    close: String,
}

impl WireCalendarDay {
    /// The session in our words.
    pub(crate) fn session(&self) -> Result<Session, Fault> {
        let time = |field: &str, text: &str| {
            NaiveTime::parse_from_str(text, "%H:%M")
                .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S"))
                .map_err(|_| Fault::field(field, &format!("{text:?} is not a time of day")))
        };
        let instant = |field: &str, time: NaiveTime| {
            from_eastern(self.date, time).map_err(|error| Fault::field(field, &error))
        };
        let (open, close) = (time("open", &self.open)?, time("close", &self.close)?);
        let regular = NaiveTime::from_hms_opt(16, 0, 0).unwrap_or(NaiveTime::MIN);
        Ok(Session {
            date: self.date,
            open: instant("open", open)?,
            close: instant("close", close)?,
            early_close: close < regular,
        })
    }
}
