//! How the venue behaves.

use atlas_core::time::Timestamp;
use atlas_core::{Bps, Usd, Weight};
use chrono::TimeDelta;

use crate::core::{Carry, Multiplier};
use crate::costs::{CostModel, CryptoFees};
use crate::{Error, costs};

/// What the account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent rules, each on or off by itself")]
pub struct AccountRules {
    /// How often equity counts as buying power; 1, a cash account, by default.
    pub multiplier: Multiplier,
    /// Whether a margin account may sell short what can be borrowed.
    pub shorting: bool,
    /// Whether proceeds of sales can be spent before they settle; they can by default.
    pub spend_unsettled: bool,
    /// Whether a margin account keeps the day-trading rule of the day: the pattern-day-trader rule
    /// until 2026-06-03, the intraday margin from 2026-06-04.
    pub day_trading_rules: bool,
    /// Whether positions of an account below its maintenance margin are closed at the opening.
    pub liquidation: bool,
    /// Whether a buy stop becomes a limit order once it is touched, 2.5 % above its stop, or 4 %
    /// below $50 (contract §8), instead of a market order.
    pub protect_buy_stops: bool,
}

impl AccountRules {
    /// A cash account, with every rule on that it knows.
    pub const CASH: Self = Self {
        multiplier: Multiplier::One,
        shorting: false,
        spend_unsettled: true,
        day_trading_rules: true,
        liquidation: true,
        protect_buy_stops: true,
    };

    /// A margin account under Regulation T that may sell short, with every rule on.
    pub const MARGIN: Self = Self { multiplier: Multiplier::Two, shorting: true, ..Self::CASH };

    /// An account of Alpaca's paper service: four times its equity, shorting, no day-trading rules,
    /// and never closed out.
    pub const PAPER: Self = Self {
        multiplier: Multiplier::Four,
        day_trading_rules: false,
        liquidation: false,
        ..Self::MARGIN
    };
}

/// How the venue behaves.
///
/// What was decided when the account was opened is kept with it: on a venue opened again from disk
/// `cash`, `seed` and `start` have no effect, everything else has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent rules, each on or off by itself")]
pub struct VenueConfig {
    /// Paid in when the account is opened; $100 000 by default.
    pub cash: Usd,
    /// What trading costs.
    pub costs: CostModel,
    /// All identifiers, and the key pair, are a function of it.
    pub seed: u64,
    /// Where the clock stands when the account is opened.
    pub start: Timestamp,
    /// How long after the open the price stands at the open; 30 minutes by default, 0 to 60.
    pub opening: TimeDelta,
    /// Buying power a market buy reserves beyond the quote; 400 bps by default.
    pub collar: Bps,
    /// Most of a bar's volume all fills of a symbol in a session may come to; 250 bps by default.
    /// `None`, and data without volume, set no limit.
    pub participation: Option<Bps>,
    /// How often an order that trades at once does so in two executions, the first of a random size;
    /// drawn from the seed, never by default.
    pub split_fills: Weight,
    /// Whether prices are made for the hours before the opening and after the close where the data
    /// have none, so that orders for extended hours can trade; only with `alpaca-paper`. Where the
    /// data have bars outside of regular hours, those are traded in any case.
    pub made_extended_hours: bool,
    /// Whether cash dividends of what is held are paid, and charged on what is owed; on but with
    /// `alpaca-paper`, as Alpaca's paper service has none.
    pub dividends: bool,
    /// Whether an order is refused that could trade against the account's own; on by default.
    pub refuse_wash_trades: bool,
    /// What the account may do; a cash account by default.
    pub account: AccountRules,
    /// What holding costs and earns; by default debits and shorts cost, idle cash earns nothing.
    pub carry: Carry,
    /// Taken from what a crypto trade credits; Alpaca's lowest tier by default, 25 bps for what trades
    /// at once (contract §17).
    pub crypto_fees: CryptoFees,
}

impl VenueConfig {
    /// The profile for backtests, rehearsals and the embedded venue: costs on, fills limited to a
    /// share of the volume. The clock starts at `start`.
    #[must_use]
    pub fn realistic(start: Timestamp) -> Self {
        Self {
            cash: Usd::new(rust_decimal::Decimal::from(100_000)).unwrap_or(Usd::ZERO),
            costs: CostModel::realistic(),
            seed: 0,
            start,
            opening: TimeDelta::minutes(30),
            collar: Bps::from_int(400),
            participation: Some(Bps::from_int(250)),
            split_fills: Weight::ZERO,
            made_extended_hours: false,
            dividends: true,
            refuse_wash_trades: true,
            account: AccountRules::CASH,
            carry: Carry::realistic(),
            crypto_fees: CryptoFees::alpaca(1),
        }
    }

    /// The profile that behaves as Alpaca's paper service does: no costs, no limit by volume, and
    /// one order in ten trades in two executions, on a margin account that may sell short. The clock
    /// starts at `start`.
    #[must_use]
    pub fn alpaca_paper(start: Timestamp) -> Self {
        Self {
            costs: CostModel::free(),
            participation: None,
            split_fills: Weight::from_percent(10).unwrap_or(Weight::ZERO),
            made_extended_hours: true,
            dividends: false,
            account: AccountRules::PAPER,
            carry: Carry::FREE,
            ..Self::realistic(start)
        }
    }

    /// Checks what the types cannot.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.cash.is_negative() {
            return Err(Error::Setting {
                setting: "cash",
                value: self.cash.to_string(),
                range: "zero or more",
            });
        }
        if self.opening < TimeDelta::zero() || self.opening > TimeDelta::hours(1) {
            return Err(Error::Setting {
                setting: "opening",
                value: format!("{} s", self.opening.num_seconds()),
                range: "0 to 3600 seconds",
            });
        }
        let bps = |bps: Bps| costs::Slippage::Fixed(bps).rate().is_ok();
        let share = self.participation.unwrap_or(Bps::ZERO);
        if ![self.collar, share, self.crypto_fees.maker, self.crypto_fees.taker]
            .into_iter()
            .all(bps)
        {
            return Err(Error::Setting {
                setting: "collar, participation or crypto fees",
                value: format!("{}, {share} or {:?} bps", self.collar, self.crypto_fees),
                range: "0 or more and below 10000 bps",
            });
        }
        self.carry.rates()?;
        self.costs.slippage.check()
    }
}
