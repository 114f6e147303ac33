//! The further gates: heat, correlation, sector, exposure, liquidity, day trades, cooldown.

use atlas_core::{Usd, Weight};
use chrono::TimeDelta;
use rust_decimal::Decimal;

use crate::desk::{DayTradeRule, DeskRules};
use crate::gate::{Case, Gate, within};
use crate::limits::Limits;
use crate::verdict::{Finding, GateName};

/// The gate of heat, whose limits are the profile's.
pub(super) fn heat(limits: &Limits) -> Box<dyn Gate> {
    let limits = limits.get();
    Box::new(Heat { warn: limits.heat_warn, deny: limits.heat_deny })
}

/// The gates after it with their limits, in the order of their names.
pub(super) fn all(rules: &DeskRules) -> Vec<Box<dyn Gate>> {
    vec![
        Box::new(PairCorrelation { max: Most::of(rules.pair_correlation) }),
        Box::new(MeanCorrelation { max: Most::of(rules.mean_correlation) }),
        Box::new(Sector { max: rules.sector }),
        Box::new(Exposure { multiple: rules.exposure }),
        Box::new(Liquidity {
            volume: rules.min_volume,
            shown: Decimal::try_from(rules.min_volume).unwrap_or_default(),
            price: rules.min_price,
        }),
        Box::new(DayTrades { rule: rules.day_trades }),
        Box::new(Cooldown { seconds: rules.cooldown_seconds }),
    ]
}

/// The sum of stop risks.
#[derive(Debug)]
struct Heat {
    warn: Weight,
    deny: Weight,
}

impl Gate for Heat {
    fn name(&self) -> GateName {
        GateName::Heat
    }

    fn unit(&self) -> &'static str {
        "USD"
    }

    fn explain(&self) -> String {
        format!(
            "if every position fell from its decision price to its stop, at most {} of equity would \
             be lost (warning above {})",
            self.deny, self.warn
        )
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let heat = case.ledger.heat_with(case.line, case.after).filter(|_| case.desk.is_some());
        let equity = case.context.equity;
        let (Some(heat), Ok(warn), Ok(deny)) =
            (heat, equity.share(self.warn), equity.share(self.deny))
        else {
            return Finding::missing("a position has no stop, so the heat is not known");
        };
        let text = || format!("{heat} USD would be lost at the stops; the limit is {deny} USD");
        let finding = if !within(heat, deny) {
            Finding::deny(text())
        } else if !within(heat, warn) {
            Finding::warn(text())
        } else {
            Finding::pass("the heat keeps to its limit")
        };
        finding.with(heat.value(), deny.value())
    }
}

/// The highest a correlation may be; one is not exceeded by any, so that nothing has to be known.
#[derive(Debug)]
struct Most {
    value: f64,
    shown: Decimal,
}

impl Most {
    fn of(value: f64) -> Self {
        Self { value, shown: Decimal::try_from(value).unwrap_or_default() }
    }

    fn is_off(&self) -> bool {
        self.value >= 1.0
    }

    fn hold(&self, value: f64, what: &str) -> Finding {
        let shown = decimal(value, 6);
        let finding = if value > self.value {
            Finding::deny(format!("{what} is {shown}; the most is {}", self.shown))
        } else {
            Finding::pass("the correlation keeps to its limit")
        };
        finding.with(shown, self.shown)
    }
}

/// A number of statistics rounded for the reader.
fn decimal(value: f64, decimals: u32) -> Decimal {
    let scaled = (value * 10_f64.powi(decimals.cast_signed())).round();
    #[expect(clippy::cast_possible_truncation, reason = "a number beyond 2^63 is shown as 2^63")]
    let digits = scaled as i64;
    Decimal::new(digits, decimals)
}

/// Correlation with the most alike position.
#[derive(Debug)]
struct PairCorrelation {
    max: Most,
}

impl Gate for PairCorrelation {
    fn name(&self) -> GateName {
        GateName::PairCorrelation
    }

    fn unit(&self) -> &'static str {
        "correlation"
    }

    fn explain(&self) -> String {
        if self.max.is_off() {
            return "off: returns may correlate with those of any one position".into();
        }
        format!("returns correlate with those of any one position by at most {}", self.max.shown)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        if self.max.is_off() {
            return Finding::pass("the correlation with one position has no limit");
        }
        let Some(alike) = case.alike() else {
            return Finding::missing("a correlation with a position is not known");
        };
        self.max.hold(alike.highest, "the correlation with one position")
    }
}

/// Mean correlation with all positions.
#[derive(Debug)]
struct MeanCorrelation {
    max: Most,
}

impl Gate for MeanCorrelation {
    fn name(&self) -> GateName {
        GateName::MeanCorrelation
    }

    fn unit(&self) -> &'static str {
        "correlation"
    }

    fn explain(&self) -> String {
        if self.max.is_off() {
            return "off: returns may correlate with those of all positions".into();
        }
        let max = self.max.shown;
        format!("returns correlate with those of all positions by at most {max} on average")
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        if self.max.is_off() {
            return Finding::pass("the mean correlation has no limit");
        }
        let Some(alike) = case.alike() else {
            return Finding::missing("a correlation with a position is not known");
        };
        self.max.hold(alike.mean, "the mean correlation with the positions")
    }
}

/// Share of equity in one sector.
#[derive(Debug)]
struct Sector {
    max: Weight,
}

impl Gate for Sector {
    fn name(&self) -> GateName {
        GateName::Sector
    }

    fn unit(&self) -> &'static str {
        "USD"
    }

    fn explain(&self) -> String {
        if self.is_off() {
            return "off: positions of one sector may be all of equity".into();
        }
        format!("positions of one sector are at most {} of equity at decision prices", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        if self.is_off() {
            return Finding::pass("sectors have no limit");
        }
        let own = case.desk.and_then(|desk| desk.of(&case.request.symbol)?.sector.as_deref());
        let Some(own) = own else {
            return Finding::missing("the sector is not known");
        };
        let sum = case.ledger.sector_with(case.line, case.after);
        let (Some(sum), Ok(limit)) = (sum, case.context.equity.share(self.max)) else {
            return Finding::missing("the sector cannot be added up");
        };
        let finding = if within(sum, limit) {
            Finding::pass("the sector keeps to its limit")
        } else {
            Finding::deny(format!("{sum} USD would be in sector {own}; the most is {limit} USD"))
        };
        finding.with(sum.value(), limit.value())
    }
}

impl Sector {
    /// A long-only account without margin holds no more than its equity: nothing has to be known.
    fn is_off(&self) -> bool {
        self.max == Weight::ONE
    }
}

/// Exposure over equity: gross and net of a long-only account.
#[derive(Debug)]
struct Exposure {
    multiple: Decimal,
}

impl Gate for Exposure {
    fn name(&self) -> GateName {
        GateName::Exposure
    }

    fn unit(&self) -> &'static str {
        "USD"
    }

    fn explain(&self) -> String {
        format!("positions are at most {} × equity, whatever the regime allows", self.multiple)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let exposure = case.ledger.exposure().and_then(|sum| sum.checked_add(case.notional?).ok());
        let limit = case.context.equity.value().checked_mul(self.multiple).map(Usd::new);
        let (Some(exposure), Some(Ok(limit))) = (exposure, limit) else {
            return Finding::missing("the exposure cannot be added up");
        };
        let finding = if case.is_reducing() || within(exposure, limit) {
            Finding::pass("the exposure keeps to its limit")
        } else {
            Finding::deny(format!("{exposure} USD would be held; the most is {limit} USD"))
        };
        finding.with(exposure.value(), limit.value())
    }
}

/// Least volume and price; a least of zero has nothing to be known.
#[derive(Debug)]
struct Liquidity {
    volume: f64,
    shown: Decimal,
    price: Usd,
}

impl Gate for Liquidity {
    fn name(&self) -> GateName {
        GateName::Liquidity
    }

    fn unit(&self) -> &'static str {
        "shares a session"
    }

    fn explain(&self) -> String {
        match (self.volume > 0.0, self.price > Usd::ZERO) {
            (false, false) => "off: there is no least volume nor raw price".into(),
            (true, false) => {
                format!("a mean of at least {} shares is traded a session", self.shown)
            }
            (false, true) => format!("the raw price is at least {} USD", self.price),
            (true, true) => format!(
                "a mean of at least {} shares is traded a session, at a raw price of at least {} USD",
                self.shown, self.price
            ),
        }
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let known = case.desk.and_then(|desk| desk.of(&case.request.symbol));
        let price = known.and_then(|known| known.raw_price);
        if self.price > Usd::ZERO {
            let Some(price) = price else {
                return Finding::missing("the raw price is not known");
            };
            if price.value() < self.price.value() {
                let text = format!("the raw price is {price} USD; the least is {} USD", self.price);
                return Finding::deny(text).with(price.value(), self.price.value());
            }
        }
        if self.volume <= 0.0 {
            return Finding::pass("there is no least volume");
        }
        let volume = known.and_then(|known| known.mean_volume).filter(|volume| volume.is_finite());
        let Some(volume) = volume else {
            return Finding::missing("the volume is not known");
        };
        let traded = decimal(volume, 2);
        let finding = if volume < self.volume {
            Finding::deny(format!(
                "{traded} shares are traded a session; the least is {}",
                self.shown
            ))
        } else {
            Finding::pass("enough is traded, at a price that is not too low")
        };
        finding.with(traded, self.shown)
    }
}

/// The day-trade rule, while it lasts.
#[derive(Debug)]
struct DayTrades {
    rule: Option<DayTradeRule>,
}

impl Gate for DayTrades {
    fn name(&self) -> GateName {
        GateName::DayTrades
    }

    fn unit(&self) -> &'static str {
        "day trades"
    }

    fn explain(&self) -> String {
        match self.rule {
            None => "the account is under no day-trade rule".into(),
            Some(rule) => format!(
                "until {} and below {} USD of equity nothing is opened after {} day trades within \
                 five sessions, so that an exit on the same day stays possible",
                rule.last_day, rule.equity, rule.count
            ),
        }
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let Some(rule) = self.rule else { return Finding::pass("there is no day-trade rule") };
        let today = case.context.now.date_naive();
        if today > rule.last_day || case.context.equity >= rule.equity {
            return Finding::pass("the day-trade rule does not apply");
        }
        let Some(count) = case.desk.and_then(|desk| desk.day_trades) else {
            return Finding::missing("the number of day trades is not known");
        };
        let finding = if count >= rule.count {
            Finding::deny(format!("{count} day trades were made within five sessions"))
        } else {
            Finding::pass("an exit on the same day stays possible")
        };
        finding.with(Decimal::from(count), Decimal::from(rule.count))
    }
}

/// Time after a loss.
#[derive(Debug)]
struct Cooldown {
    seconds: u32,
}

impl Gate for Cooldown {
    fn name(&self) -> GateName {
        GateName::Cooldown
    }

    fn unit(&self) -> &'static str {
        "s"
    }

    fn explain(&self) -> String {
        if self.seconds == 0 {
            return "off: a symbol left with a loss may be entered again at once".into();
        }
        format!("a symbol left with a loss is not entered again for {} s", self.seconds)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        if self.seconds == 0 {
            return Finding::pass("there is no time after a loss");
        }
        let Some(known) = case.desk.and_then(|desk| desk.of(&case.request.symbol)) else {
            return Finding::missing("it is not known when the symbol was left with a loss");
        };
        let Some(loss) = known.last_loss else {
            return Finding::pass("the symbol was not left with a loss");
        };
        let past = case.context.now - loss;
        let wait = TimeDelta::seconds(i64::from(self.seconds));
        let finding = if past < wait {
            Finding::deny(format!("the symbol was left with a loss {} s ago", past.num_seconds()))
        } else {
            Finding::pass("the loss is long enough ago")
        };
        finding.with(Decimal::from(past.num_seconds()), Decimal::from(self.seconds))
    }
}
