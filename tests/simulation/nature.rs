//! What kind of an account a seed is about.

use atlas_core::Weight;
use atlas_exec::day::Losses;
use atlas_risk::{BreakerRules, LimitsSpec};

use crate::approver::limits;
use crate::rng::Rng;

/// What kind of an account a seed is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nature {
    /// Others trade on the account.
    pub(crate) strangers: bool,
    /// What others have is left alone; otherwise it PAUSES, and an operator adopts it.
    pub(crate) ignores: bool,
    /// Nobody adopts what others have.
    pub(crate) is_hostile: bool,
    /// Others cancel and replace orders of ours.
    pub(crate) meddlers: bool,
    /// Positions are protected by stops at the broker.
    pub(crate) protects: bool,
    daily_pct: u64,
    drawdown_pct: u64,
    pub(crate) orders_per_day: u32,
    /// The breaker's rules, where there is one.
    pub(crate) breaker: Option<BreakerRules>,
}

impl Nature {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let strangers = rng.percent(40);
        let rules = BreakerRules {
            failures: u32::try_from(rng.between(2, 4)).unwrap(),
            window_seconds: 900,
            losses: u32::try_from(rng.between(1, 3)).unwrap(),
            cooldown_seconds: u32::try_from(rng.between(600, 3_600)).unwrap(),
            trials: 1,
        };
        let ignores = strangers && rng.percent(60);
        let tight = rng.percent(35);
        let mut some = |low, high| if tight { rng.between(low, high) } else { 100 };
        let (daily_pct, drawdown_pct) = (some(1, 3), some(3, 8));
        Self {
            strangers,
            ignores,
            is_hostile: strangers && !ignores && rng.percent(25),
            meddlers: rng.percent(25),
            protects: rng.percent(33),
            daily_pct,
            drawdown_pct,
            orders_per_day: if rng.percent(30) {
                u32::try_from(rng.between(2, 8)).unwrap()
            } else {
                10_000
            },
            breaker: rng.percent(40).then_some(rules),
        }
    }

    /// The limits it has.
    pub(crate) fn limits(&self) -> LimitsSpec {
        let share = |pct: u64| {
            let text = format!("{}.{:02}", pct / 100, pct % 100);
            text.parse::<Weight>().unwrap()
        };
        limits(share(self.daily_pct), share(self.drawdown_pct), self.orders_per_day)
    }

    /// Whether limits of loss can be reached.
    pub(crate) const fn is_tight(&self) -> bool {
        self.daily_pct < 100
    }

    /// The losses that stop entries.
    pub(crate) fn losses(&self) -> Losses {
        let limits = self.limits();
        Losses { daily: limits.daily_loss, drawdown: limits.drawdown_deny }
    }

    /// The daily loss and the drawdown that stop entries, as shares.
    pub(crate) fn loss_shares(&self) -> (rust_decimal::Decimal, rust_decimal::Decimal) {
        let limits = self.limits();
        (limits.daily_loss.value(), limits.drawdown_deny.value())
    }
}

/// Rules of a breaker that never opens.
pub(crate) const NEVER: BreakerRules = BreakerRules {
    failures: u32::MAX,
    window_seconds: 1,
    losses: u32::MAX,
    cooldown_seconds: 1,
    trials: 1,
};
