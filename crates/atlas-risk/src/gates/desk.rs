//! The further gates: heat, correlation, sector, exposure, liquidity, day trades, cooldown.

use atlas_core::{Price, Symbol, Usd, Weight};
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
        Box::new(PairCorrelation { max: rules.pair_correlation }),
        Box::new(MeanCorrelation { max: rules.mean_correlation }),
        Box::new(Sector { max: rules.sector }),
        Box::new(Exposure { multiple: rules.exposure }),
        Box::new(Liquidity { volume: rules.min_volume, price: rules.min_price }),
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
        let mut heat = Some(Usd::ZERO);
        for (symbol, shares, price) in case.after() {
            let stop = case.desk.and_then(|desk| desk.of(symbol)?.stop);
            let risk = stop.zip(price).and_then(|(stop, price): (Price, Price)| {
                let distance = (price.value() - stop.value()).max(Decimal::ZERO);
                Usd::new(distance.checked_mul(shares.value())?).ok()
            });
            heat = heat.zip(risk).and_then(|(sum, risk)| sum.checked_add(risk).ok());
        }
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

/// Correlation with the most alike position.
#[derive(Debug)]
struct PairCorrelation {
    max: f64,
}

impl Gate for PairCorrelation {
    fn name(&self) -> GateName {
        GateName::PairCorrelation
    }

    fn unit(&self) -> &'static str {
        "correlation"
    }

    fn explain(&self) -> String {
        format!("returns correlate with those of any one position by at most {}", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let Some(correlations) = correlations(case) else {
            return Finding::missing("a correlation with a position is not known");
        };
        let highest = correlations.into_iter().reduce(f64::max).unwrap_or(0.0);
        compared(highest, self.max, "the correlation with one position")
    }
}

/// Mean correlation with all positions.
#[derive(Debug)]
struct MeanCorrelation {
    max: f64,
}

impl Gate for MeanCorrelation {
    fn name(&self) -> GateName {
        GateName::MeanCorrelation
    }

    fn unit(&self) -> &'static str {
        "correlation"
    }

    fn explain(&self) -> String {
        format!("returns correlate with those of all positions by at most {} on average", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let Some(correlations) = correlations(case) else {
            return Finding::missing("a correlation with a position is not known");
        };
        let count = f64::from(u32::try_from(correlations.len()).unwrap_or(u32::MAX));
        let mean =
            if correlations.is_empty() { 0.0 } else { correlations.iter().sum::<f64>() / count };
        compared(mean, self.max, "the mean correlation with the positions")
    }
}

/// Correlations of the order's symbol with every other one held after the order.
fn correlations(case: &Case<'_>) -> Option<Vec<f64>> {
    let own: &Symbol = &case.request.symbol;
    let others = case.after().filter(|(symbol, ..)| *symbol != own);
    others.map(|(other, ..)| case.desk?.correlation(own, other)).collect()
}

fn compared(value: f64, max: f64, what: &str) -> Finding {
    let numbers = Decimal::try_from(value).ok().zip(Decimal::try_from(max).ok());
    let Some((shown, limit)) = numbers else {
        return Finding::missing("a correlation is no number");
    };
    let finding = if value > max {
        Finding::deny(format!("{what} is {shown}; the most is {limit}"))
    } else {
        Finding::pass("the correlation keeps to its limit")
    };
    finding.with(shown.round_dp(6), limit)
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
        format!("positions of one sector are at most {} of equity at decision prices", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let sector =
            |symbol: &Symbol| case.desk.and_then(|desk| desk.of(symbol)?.sector.as_deref());
        let Some(own) = sector(&case.request.symbol) else {
            return Finding::missing("the sector is not known");
        };
        let mut sum = Some(Usd::ZERO);
        for (symbol, shares, price) in case.after() {
            // A position of an unknown sector might be of this one.
            if sector(symbol).is_none_or(|other| other == own) {
                let worth = price.and_then(|price| price.notional(shares).ok());
                sum = sum.zip(worth).and_then(|(sum, worth)| sum.checked_add(worth).ok());
            }
        }
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

/// Least volume and price.
#[derive(Debug)]
struct Liquidity {
    volume: f64,
    price: Price,
}

impl Gate for Liquidity {
    fn name(&self) -> GateName {
        GateName::Liquidity
    }

    fn unit(&self) -> &'static str {
        "shares a session"
    }

    fn explain(&self) -> String {
        format!(
            "a mean of at least {} shares is traded a session, at a raw price of at least {} USD",
            self.volume, self.price
        )
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let known = case.desk.and_then(|desk| desk.of(&case.request.symbol));
        let volume = known.and_then(|known| known.mean_volume).filter(|volume| volume.is_finite());
        let price = known.and_then(|known| known.raw_price);
        let (Some(volume), Some(price)) = (volume, price) else {
            return Finding::missing("the volume or the raw price is not known");
        };
        let finding = if volume < self.volume {
            Finding::deny(format!(
                "{volume} shares are traded a session; the least is {}",
                self.volume
            ))
        } else if price < self.price {
            Finding::deny(format!("the raw price is {price} USD; the least is {} USD", self.price))
        } else {
            Finding::pass("enough is traded, at a price that is not too low")
        };
        match Decimal::try_from(volume).ok().zip(Decimal::try_from(self.volume).ok()) {
            Some((volume, limit)) => finding.with(volume, limit),
            None => finding,
        }
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
        format!("a symbol left with a loss is not entered again for {} s", self.seconds)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
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
