//! The staged ramp: how much of an account may be put at risk, by days and results on record.
//!
//! | stage | reached by | an order | symbols | capital |
//! | --- | --- | --- | --- | --- |
//! | first | the first day | at most 100 shares and $5 000 | at most 8 | 5 % |
//! | second | 20 clean trading days in a row | – | – | 25 % |
//! | full | 40 clean trading days in a row | – | – | all |
//!
//! A day counts if it was closed with books that agree, was never PAUSED and what was due in it was
//! done. A day that was not, and mean slippage or a drawdown of the last twenty trading days beyond
//! what going live asks for, keep the account in the first stage. With real money
//! the shell holds every opening order to it, whatever the configuration says; what reduces is
//! never held back.

use std::collections::BTreeSet;
use std::fmt;

use atlas_core::time::Mode;
use atlas_core::{OrderRequest, Price, Qty, Side, SignalOutcome, Symbol, Usd, Weight};
use atlas_risk::LimitsSpec;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::approver::{Denial, FreshContext};
use crate::evidence::{DRAWDOWN_MAX_PERCENT, SLIPPAGE_MAX_BPS, consecutive, on_real_quotes};
use crate::quality::summarize;
use crate::state::{State, trading_day};

/// Clean trading days in a row that each further stage asks for.
pub const DAYS_A_STAGE: usize = 20;

/// Per cent of a stage's capital that a plan uses: what is sent is held to the stage at the worst
/// price it can fill at, which lies above the price it was decided at.
const HEADROOM: u8 = 95;

/// Where an account stands on the ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A twentieth of the capital, in small orders.
    First,
    /// A quarter of the capital.
    Second,
    /// All of it, within the limits of the profile.
    Full,
}

/// What a stage allows beyond the limits of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Allowance {
    /// Most shares of one opening order.
    pub order_qty: Option<Qty>,
    /// Most dollars of one opening order at the worst price it can fill at.
    pub order_notional: Option<Usd>,
    /// Most symbols held or being bought.
    pub symbols: Option<u32>,
    /// Share of the equity that may be invested.
    pub capital: Weight,
}

/// Where an account stands, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The stage.
    pub stage: Stage,
    /// Clean trading days in a row.
    pub days: usize,
    /// Why it stands there, in one sentence.
    pub sentence: String,
}

impl Stage {
    /// What it allows.
    ///
    /// # Errors
    /// Never in fact; the numbers are parsed.
    pub fn allowance(self) -> Result<Allowance, atlas_core::Error> {
        let open = Allowance {
            order_qty: None,
            order_notional: None,
            symbols: None,
            capital: Weight::ONE,
        };
        Ok(match self {
            Self::First => Allowance {
                order_qty: Some(Qty::from_shares(100)),
                order_notional: Some("5000".parse()?),
                symbols: Some(8),
                capital: Weight::from_percent(5)?,
            },
            Self::Second => Allowance { capital: Weight::from_percent(25)?, ..open },
            Self::Full => open,
        })
    }

    /// The limits of a profile, no wider than the stage allows: what a plan is made with, so that
    /// it fits the ramp instead of being denied order by order.
    ///
    /// # Errors
    /// As [`Stage::allowance`].
    pub fn tighten(self, limits: &LimitsSpec) -> Result<LimitsSpec, atlas_core::Error> {
        let allowed = self.allowance()?;
        let symbols = allowed.symbols.unwrap_or(u32::MAX);
        let capped = if allowed.capital < Weight::ONE {
            limits.allocation_cap.times(allowed.capital).times(Weight::from_percent(HEADROOM)?)
        } else {
            limits.allocation_cap
        };
        Ok(LimitsSpec {
            max_order_qty: allowed
                .order_qty
                .map_or(limits.max_order_qty, |qty| qty.min(limits.max_order_qty)),
            max_order_notional: allowed
                .order_notional
                .map_or(limits.max_order_notional, |most| most.min(limits.max_order_notional)),
            max_positions: symbols.min(limits.max_positions),
            top_n: symbols.min(limits.top_n),
            allocation_cap: capped,
            ..limits.clone()
        })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Full => "full",
        })
    }
}

/// Where an account stands for a decision as of a session: by the trading days before it, of the
/// same mode.
#[must_use]
pub fn standing(state: &State, mode: Mode, as_of: NaiveDate) -> Standing {
    let clean: BTreeSet<NaiveDate> = state
        .days()
        .values()
        .filter(|closed| closed.mode == mode && closed.counts() && closed.day < as_of)
        .map(|closed| closed.day)
        .collect();
    let days = consecutive(&clean, as_of);
    if let Some(sentence) = setback(state, as_of) {
        return Standing { stage: Stage::First, days, sentence };
    }
    let (stage, next) = match days / DAYS_A_STAGE {
        0 => (Stage::First, Some(DAYS_A_STAGE)),
        1 => (Stage::Second, Some(2 * DAYS_A_STAGE)),
        _ => (Stage::Full, None),
    };
    let rest = next.map_or_else(String::new, |next| format!(", the next stage asks for {next}"));
    let sentence = format!("{days} clean trading days in a row{rest}");
    Standing { stage, days, sentence }
}

/// Calendar days a setback is looked for in: about twenty trading days.
const SETBACK_DAYS: i64 = 28;

/// What keeps an account in the first stage whatever its days: mean slippage, or a fall from the
/// highest equity, of the last twenty trading days. Older ones were made up for.
fn setback(state: &State, as_of: NaiveDate) -> Option<String> {
    let recent = |day: NaiveDate| (as_of - day).num_days() <= SETBACK_DAYS;
    let mut fills = on_real_quotes(state);
    fills.retain(|fill| recent(trading_day(fill.at)));
    let slippage = summarize(&fills).all.slippage_bps;
    if let Some(bps) = slippage.filter(|bps| *bps >= SLIPPAGE_MAX_BPS) {
        return Some(format!("mean slippage is {bps:.2} bps, {SLIPPAGE_MAX_BPS} or more"));
    }
    let percent = state.track().deepest_since(recent)? * Decimal::ONE_HUNDRED;
    (percent >= Decimal::from(DRAWDOWN_MAX_PERCENT))
        .then(|| format!("the deepest drawdown is {percent:.2} %, {DRAWDOWN_MAX_PERCENT} or more"))
}

/// Whether a stage lets an opening order through.
///
/// # Errors
/// [`Denial`] with what is too much.
pub fn check(
    stage: Stage,
    request: &OrderRequest,
    worst: Price,
    context: &FreshContext,
) -> Result<(), Denial> {
    judge(stage, request, worst, context).map_err(|reason| Denial {
        outcome: SignalOutcome::RejectedByLimit,
        reason: format!("the {stage} stage of the ramp: {reason}"),
    })
}

fn judge(
    stage: Stage,
    request: &OrderRequest,
    worst: Price,
    context: &FreshContext,
) -> Result<(), String> {
    let told = |error: atlas_core::Error| error.to_string();
    let allowed = stage.allowance().map_err(told)?;
    if let Some(most) = allowed.order_qty.filter(|most| request.qty > *most) {
        return Err(format!("{} shares are more than {most}", request.qty));
    }
    let own = worst.notional(request.qty).map_err(told)?;
    if let Some(most) = allowed.order_notional.filter(|most| own > *most) {
        return Err(format!("an order of {own} USD is more than {most} USD"));
    }
    let (symbols, invested) = exposure(context).map_err(told)?;
    let count = symbols.iter().chain([&request.symbol]).collect::<BTreeSet<_>>().len();
    if let Some(most) = allowed.symbols.filter(|most| count > *most as usize) {
        return Err(format!("{count} symbols would be held, {most} at most"));
    }
    let limit = context.account.equity.share(allowed.capital).map_err(told)?;
    let all = invested.checked_add(own).map_err(told)?;
    if allowed.capital < Weight::ONE && all > limit {
        return Err(format!("{all} USD would be invested, {limit} USD at most"));
    }
    Ok(())
}

/// Symbols Atlas holds or is buying, and dollars in them at current prices and limits.
fn exposure(context: &FreshContext) -> Result<(BTreeSet<Symbol>, Usd), atlas_core::Error> {
    let mut symbols = BTreeSet::new();
    let mut invested = Usd::ZERO;
    for (symbol, qty) in &context.owned {
        symbols.insert(symbol.clone());
        let Some(position) = context.positions.get(symbol) else { continue };
        invested = invested.checked_add(position.current_price.notional(*qty)?)?;
    }
    let buys = context.open_orders.iter().filter(|open| open.side == Side::Buy);
    for open in buys.filter(|open| open.client_order_id.is_ours()) {
        symbols.insert(open.symbol.clone());
        let ask = context.quotes.get(&open.symbol).and_then(|quote| quote.ask);
        if let Some(price) = open.limit_price.or(ask) {
            invested = invested.checked_add(price.notional(open.leaves_qty)?)?;
        }
    }
    Ok((symbols, invested))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::DayClosed;
    use crate::event::Event;
    use crate::journal::{Draft, Journal, MemoryStorage};
    use atlas_core::calendar::Calendar;

    /// A journal with clean live days from the first session of 2019 on.
    fn after(days: usize, spoilt: Option<usize>) -> (State, NaiveDate) {
        let mut journal = Journal::open(Box::new(MemoryStorage::new())).unwrap();
        let nyse = Calendar::nyse();
        let mut session = nyse.session("2019-01-02".parse().unwrap()).unwrap();
        for number in 0..days {
            let account = atlas_core::Account {
                account_number: "1".to_owned(),
                cash: Usd::ZERO,
                equity: Usd::ZERO,
                buying_power: Usd::ZERO,
                trading_blocked: false,
            };
            let closed = DayClosed {
                day: session.date,
                mode: Mode::Live,
                compared_at: session.close,
                clean: spoilt != Some(number),
                account,
                positions: std::collections::BTreeMap::new(),
                orders: 0,
                fills: 0,
                traded: Usd::ZERO,
                realised: Usd::ZERO,
                fees: Usd::ZERO,
                regime: None,
                open_signals: Vec::new(),
                breaker: crate::day::BreakerSeen::NotObserved,
                quiet: None,
                strictest: Some(atlas_risk::TradingState::Active),
                schedule: Some(crate::day::Schedule::NothingDue),
            };
            let (at, event) = (session.close, Event::DayClosed(Box::new(closed)));
            let draft = Draft { ts_event: at, decision_id: None, event };
            journal.append(at, vec![draft]).unwrap();
            session = nyse.next_session(session.date).unwrap();
        }
        (journal.into_state(), session.date)
    }

    #[test]
    fn old_setbacks_are_made_up_for() {
        let mut journal = Journal::open(Box::new(MemoryStorage::new())).unwrap();
        let mut see = |at: &str, equity: &str| {
            let usd: Usd = equity.parse().unwrap();
            let account = atlas_core::Account {
                account_number: "1".to_owned(),
                cash: usd,
                equity: usd,
                buying_power: usd,
                trading_blocked: false,
            };
            let seen = crate::event::Reconciled {
                account,
                positions: std::collections::BTreeMap::new(),
                discrepancies: Vec::new(),
            };
            let (at, event) = (at.parse().unwrap(), Event::Reconciled(Box::new(seen)));
            journal.append(at, vec![Draft { ts_event: at, decision_id: None, event }]).unwrap();
        };
        see("2019-01-02T21:00:00Z", "100");
        see("2019-01-03T21:00:00Z", "89");
        see("2019-01-04T21:00:00Z", "99");
        let told = |as_of: &str| standing(journal.state(), Mode::Live, as_of.parse().unwrap());
        assert!(told("2019-01-07").sentence.contains("11.00 %"), "{:?}", told("2019-01-07"));
        assert!(told("2019-01-31").sentence.contains("11.00 %"));
        assert!(told("2019-02-01").sentence.contains("in a row"), "{:?}", told("2019-02-01"));
    }

    #[test]
    fn stages_follow_clean_days_in_a_row_of_the_same_mode() {
        for (days, spoilt, mode, stage) in [
            (0, None, Mode::Live, Stage::First),
            (19, None, Mode::Live, Stage::First),
            (20, None, Mode::Live, Stage::Second),
            (39, None, Mode::Live, Stage::Second),
            (40, None, Mode::Live, Stage::Full),
            (40, Some(10), Mode::Live, Stage::Second),
            (40, Some(39), Mode::Live, Stage::First),
            (40, None, Mode::Paper, Stage::First),
        ] {
            let (state, today) = after(days, spoilt);
            let found = standing(&state, mode, today);
            assert_eq!(found.stage, stage, "{days} days, {spoilt:?}, {mode}: {found:?}");
        }
        // A session that nobody closed begins the count anew.
        let (state, today) = after(40, None);
        let later = Calendar::nyse().next_session(today).unwrap().date;
        assert_eq!(standing(&state, Mode::Live, later).stage, Stage::First);
    }

    #[test]
    fn a_stage_only_ever_tightens() {
        let limits = atlas_risk::Profile::Standard.limits();
        for stage in [Stage::First, Stage::Second, Stage::Full] {
            let tightened = stage.tighten(&limits).unwrap();
            assert!(tightened.max_order_qty <= limits.max_order_qty);
            assert!(tightened.max_order_notional <= limits.max_order_notional);
            assert!(tightened.allocation_cap <= limits.allocation_cap);
            assert!(tightened.max_positions <= limits.max_positions);
            tightened.check().unwrap();
        }
        assert_eq!(Stage::Full.tighten(&limits).unwrap(), limits);
    }

    /// The controls' own test must not hold a small account back.
    #[test]
    fn the_controls_hold_at_every_stage() {
        for profile in atlas_risk::Profile::ALL {
            for stage in [Stage::First, Stage::Second, Stage::Full] {
                let limits = stage.tighten(&profile.limits()).unwrap().check().unwrap();
                for tried in atlas_risk::controls::test(&limits).unwrap() {
                    assert!(tried.holds, "{profile} {stage}: {tried:?}");
                }
            }
        }
    }
}
