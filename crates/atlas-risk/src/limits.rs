//! The limits of an account: unchecked as they are written down, checked before they are used.

use atlas_core::{Bps, Qty, Usd, Weight};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Whether fractions of a share may be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shares {
    /// Whole shares only; a fraction that is already held may be sold.
    Whole,
    /// Fractions to nine decimals.
    Fractional,
}

/// Limits as they are written down; not yet proven to make sense together.
///
/// There is no default: whoever trades states every one of them, or picks a
/// [`Profile`](crate::Profile) by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Symbols the scanner selects at most.
    pub top_n: u32,
    /// Positions held at once at most, those Atlas does not manage included.
    pub max_positions: u32,
    /// Share of equity above which a single position is warned about.
    pub position_warn: Weight,
    /// Share of equity above which a single position is denied.
    pub position_deny: Weight,
    /// Share of the regime's allocation that may be used.
    pub allocation_cap: Weight,
    /// Smallest position worth holding, USD.
    pub min_position: Usd,
    /// Share of equity lost at most when one position is stopped out.
    pub risk_per_trade: Weight,
    /// Sum of stop risks over equity that is warned about.
    pub heat_warn: Weight,
    /// Sum of stop risks over equity that is denied.
    pub heat_deny: Weight,
    /// Loss of the day, as a share of the day's opening equity, that stops entries.
    pub daily_loss: Weight,
    /// Fall from the peak, as a share of it, that is warned about.
    pub drawdown_warn: Weight,
    /// Fall from the peak, as a share of it, that stops entries.
    pub drawdown_deny: Weight,
    /// Seconds of open market an order is waited for.
    pub fill_wait_seconds: u32,
    /// Seconds between two looks at an order that is waited for.
    pub fill_poll_seconds: u32,
    /// Whole or fractional shares.
    pub shares: Shares,
    /// Largest order, USD at its worst price.
    pub max_order_notional: Usd,
    /// Largest order, shares.
    pub max_order_qty: Qty,
    /// How far a limit may be on the expensive side of the quote.
    pub collar_quote: Bps,
    /// How far a limit or a quote may be from the decision price.
    pub collar_close: Bps,
    /// Oldest quote an opening order may rest on, seconds.
    pub quote_max_age_seconds: u32,
    /// Widest spread that is warned about, of the mid price.
    pub spread_warn: Bps,
    /// Widest spread an opening order may meet, of the mid price.
    pub spread_deny: Bps,
    /// Seconds within which a second order on the same symbol and side is a duplicate.
    pub duplicate_window_seconds: u32,
    /// Orders within a minute at most, reducing ones included.
    pub orders_per_minute: u32,
    /// Orders within a trading day at most.
    pub orders_per_day: u32,
    /// Dollars traded within a trading day at most, as a multiple of equity.
    pub turnover_per_day: Decimal,
}

impl LimitsSpec {
    /// Proves the limits usable.
    ///
    /// # Errors
    /// [`Error::Limit`] naming the first limit that is zero where it must not be, or at odds with
    /// another: a warning above its denial, a poll longer than the wait, a top N above the most
    /// positions.
    pub fn check(self) -> Result<Limits, Error> {
        let ordered = |name, low: Weight, high: Weight| {
            let rule = "above 0 and at most the limit that denies";
            require(name, &low, low > Weight::ZERO && low <= high, rule)
        };
        ordered("position_warn", self.position_warn, self.position_deny)?;
        ordered("heat_warn", self.heat_warn, self.heat_deny)?;
        ordered("drawdown_warn", self.drawdown_warn, self.drawdown_deny)?;
        ordered("risk_per_trade", self.risk_per_trade, self.heat_deny)?;
        let positive = "above 0";
        require(
            "allocation_cap",
            &self.allocation_cap,
            self.allocation_cap > Weight::ZERO,
            positive,
        )?;
        require("daily_loss", &self.daily_loss, self.daily_loss > Weight::ZERO, positive)?;
        require("top_n", &self.top_n, self.top_n > 0, positive)?;
        let enough = self.max_positions >= self.top_n;
        require("max_positions", &self.max_positions, enough, "at least top_n")?;
        require("min_position", &self.min_position, !self.min_position.is_negative(), "0 or more")?;
        let polls = (1..=self.fill_wait_seconds).contains(&self.fill_poll_seconds);
        require("fill_poll_seconds", &self.fill_poll_seconds, polls, "1 to fill_wait_seconds")?;
        let room = self.max_order_notional > Usd::ZERO;
        require("max_order_notional", &self.max_order_notional, room, positive)?;
        require("max_order_qty", &self.max_order_qty, !self.max_order_qty.is_zero(), positive)?;
        for (name, bps) in [
            ("collar_quote", self.collar_quote),
            ("collar_close", self.collar_close),
            ("spread_warn", self.spread_warn),
        ] {
            require(name, &bps, bps > Bps::ZERO, positive)?;
        }
        let wider = self.spread_deny >= self.spread_warn;
        require("spread_deny", &self.spread_deny, wider, "at least spread_warn")?;
        for (name, count) in [
            ("quote_max_age_seconds", self.quote_max_age_seconds),
            ("orders_per_minute", self.orders_per_minute),
            ("orders_per_day", self.orders_per_day),
        ] {
            require(name, &count, count > 0, positive)?;
        }
        let turns = self.turnover_per_day > Decimal::ZERO;
        require("turnover_per_day", &self.turnover_per_day, turns, positive)?;
        Ok(Limits(self))
    }
}

/// Limits that were proven usable; the only ones a validator takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LimitsSpec", into = "LimitsSpec")]
pub struct Limits(LimitsSpec);

impl Limits {
    /// The limits themselves.
    #[must_use]
    pub const fn get(&self) -> &LimitsSpec {
        &self.0
    }
}

impl TryFrom<LimitsSpec> for Limits {
    type Error = Error;

    fn try_from(spec: LimitsSpec) -> Result<Self, Error> {
        spec.check()
    }
}

impl From<Limits> for LimitsSpec {
    fn from(limits: Limits) -> Self {
        limits.0
    }
}

fn require(
    name: &'static str,
    value: &impl ToString,
    holds: bool,
    rule: &'static str,
) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Limit { name, value: value.to_string(), rule }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    fn checked(change: impl Fn(&mut LimitsSpec)) -> Result<Limits, Error> {
        let mut spec = Profile::Standard.limits();
        change(&mut spec);
        spec.check()
    }

    fn refused(change: Change) -> &'static str {
        match checked(change) {
            Err(Error::Limit { name, .. }) => name,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn limits_at_their_bounds_are_taken() {
        let weight = Weight::from_percent(20).unwrap();
        for limits in [
            checked(|l| (l.position_warn, l.position_deny) = (weight, weight)),
            checked(|l| (l.heat_warn, l.heat_deny) = (weight, weight)),
            checked(|l| l.risk_per_trade = l.heat_deny),
            checked(|l| l.max_positions = l.top_n),
            checked(|l| l.min_position = Usd::ZERO),
            checked(|l| l.fill_poll_seconds = l.fill_wait_seconds),
            checked(|l| l.spread_warn = l.spread_deny),
        ] {
            assert!(limits.is_ok(), "{limits:?}");
        }
    }

    type Change = fn(&mut LimitsSpec);

    #[test]
    fn limits_beyond_their_bounds_are_named() {
        let rows: [(&str, Change); 22] = [
            ("position_warn", |l| l.position_warn = Weight::ZERO),
            ("position_warn", |l| l.position_warn = Weight::ONE),
            ("heat_warn", |l| l.heat_warn = Weight::ONE),
            ("drawdown_warn", |l| l.drawdown_warn = Weight::ONE),
            ("risk_per_trade", |l| l.risk_per_trade = Weight::ONE),
            ("allocation_cap", |l| l.allocation_cap = Weight::ZERO),
            ("daily_loss", |l| l.daily_loss = Weight::ZERO),
            ("top_n", |l| l.top_n = 0),
            ("max_positions", |l| l.max_positions = 4),
            ("min_position", |l| l.min_position = -Usd::HALF_CENT),
            ("fill_poll_seconds", |l| l.fill_poll_seconds = 0),
            ("fill_poll_seconds", |l| l.fill_poll_seconds = 301),
            ("max_order_notional", |l| l.max_order_notional = Usd::ZERO),
            ("max_order_qty", |l| l.max_order_qty = Qty::ZERO),
            ("collar_quote", |l| l.collar_quote = Bps::ZERO),
            ("collar_close", |l| l.collar_close = Bps::ZERO),
            ("spread_warn", |l| l.spread_warn = Bps::ZERO),
            ("spread_deny", |l| l.spread_deny = Bps::ZERO),
            ("quote_max_age_seconds", |l| l.quote_max_age_seconds = 0),
            ("orders_per_minute", |l| l.orders_per_minute = 0),
            ("orders_per_day", |l| l.orders_per_day = 0),
            ("turnover_per_day", |l| l.turnover_per_day = Decimal::ZERO),
        ];
        for (name, change) in rows {
            assert_eq!(refused(change), name);
        }
    }
}
