//! A backtest from its first session to its last.

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_core::calendar::{Calendar, Session};
use atlas_core::{Price, Regime, SignalId, Symbol, Usd};
use atlas_data::{Audit, MarketData, Needs, Series};
use atlas_engine::{Policy, RebalancePlan, Selector};
use atlas_venue::Listing;
use atlas_venue::core::{Activity, Entry};
use chrono::NaiveDate;

use crate::Error;
use crate::config::{Config, Finally};
use crate::desk::Desk;
use crate::regimes::{self, Detected};
use crate::report::{BacktestReport, Day, DecisionRecord, Ledger, Trade, assemble};
use crate::schedule::Slot;
use crate::sight;
use crate::strategies::Opinions;

/// A market to try things on: loaded once, shared by every run.
///
/// # Examples
/// ```
/// use atlas_backtest::{Backtest, Config, Schedule};
/// use atlas_core::time::Mode;
/// use atlas_core::{AccountName, DecisionId};
/// use atlas_data::{BarSource, SampleSource, Universe};
/// use atlas_engine::Policy;
/// use atlas_risk::Profile;
///
/// let source = SampleSource;
/// let market = source.load(&Universe::resolve(None, &source)?)?;
/// let limits = Profile::Standard.limits().check()?;
/// let account = AccountName::new("backtest")?;
/// let policy = Policy::new(account, DecisionId(1), Mode::Replay, "sample".into(), limits);
/// let day = |text: &str| text.parse().unwrap();
/// let config = Config::new(day("2018-08-01"), day("2018-11-15"), Schedule::Monthly, policy);
///
/// let report = Backtest::new(&market)?.run(&config)?;
/// assert_eq!(report.decisions.len(), 3);
/// assert!(report.header.costs.on);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Backtest<'a> {
    market: &'a MarketData,
    listings: Vec<Listing>,
    audit: Audit,
}

impl<'a> Backtest<'a> {
    /// Takes a market.
    ///
    /// # Errors
    /// [`Error::NoPrices`] if it has none.
    pub fn new(market: &'a MarketData) -> Result<Self, Error> {
        sight::last_session(market)?;
        // The threshold is that of every configuration; the rest of the needs does not matter here.
        let audit = market.audit(&Needs::new(0, 0));
        Ok(Self { market, listings: listings(market), audit })
    }

    /// The market.
    #[must_use]
    pub const fn market(&self) -> &'a MarketData {
        self.market
    }

    /// What is odd about its series.
    pub(crate) const fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Runs one backtest: decides on schedule, each time on what was known then, acts in the
    /// session after, and marks the account at every close.
    ///
    /// The plan is made by [`atlas_engine::plan_detected`], carried out by
    /// [`atlas_exec::execute`] over a journal in memory, approved by [`atlas_risk::Validator`] on
    /// fresh quotes before each order, and filled by the simulated venue: the way of a rebalance
    /// from the command line, without a socket and a disk.
    ///
    /// # Errors
    /// [`Error::Backwards`], [`Error::NoCash`], [`Error::Parameter`], [`Error::Empty`] and
    /// [`Error::AfterEnd`] for what was asked; [`Error::Data`] and [`Error::Plan`] for the first
    /// session that cannot be decided on; [`Error::HeldBack`], [`Error::Execution`] and
    /// [`Error::Venue`] if the simulation itself fails.
    pub fn run(&self, config: &Config) -> Result<BacktestReport, Error> {
        self.run_watched(config, &|_, _| true)
    }

    /// As [`run`](Self::run), while somebody watches: hears after each session how many of how many
    /// are done and says whether to go on. What was stopped is a whole report of the sessions until
    /// then, and says so in a warning.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_watched(
        &self,
        config: &Config,
        watch: &dyn Fn(usize, usize) -> bool,
    ) -> Result<BacktestReport, Error> {
        let prepared = self.prepare(config)?;
        self.run_until(config, &prepared, watch)
    }

    /// What runs that differ in strategy, sizing or costs alone share: when is decided, and what
    /// the detector says then.
    pub(crate) fn prepare(&self, config: &Config) -> Result<Prepared, Error> {
        config.check()?;
        let table = Timetable::new(self.market, config)?;
        let detected = regimes::detect_all(self.market, config, &table.slots)?;
        Ok(Prepared { table, detected })
    }

    /// Runs one backtest on what was prepared for one of the same dates and detector.
    pub(crate) fn run_prepared(
        &self,
        config: &Config,
        prepared: &Prepared,
    ) -> Result<BacktestReport, Error> {
        self.run_until(config, prepared, &|_, _| true)
    }

    fn run_until(
        &self,
        config: &Config,
        prepared: &Prepared,
        watch: &dyn Fn(usize, usize) -> bool,
    ) -> Result<BacktestReport, Error> {
        config.check()?;
        let config = &Config {
            policy: Policy { mode: atlas_core::time::Mode::Replay, ..config.policy.clone() },
            ..config.clone()
        };
        let table = &prepared.table;
        let selector = self.selector(config, table)?;
        let desk = Desk::open(config, self.listings_with(config)?, table.first.close)?;
        let detected = prepared.detected.clone();
        let mut course = Course::new(self, config, desk, detected, selector);
        let stopped = course.run(table, watch)?;
        course.report(table.first.date, stopped.unwrap_or(table.last.date), stopped.is_some())
    }

    /// What is listed, with what companies did to their shares.
    fn listings_with(&self, config: &Config) -> Result<Vec<Listing>, Error> {
        let mut listings = self.listings.clone();
        for listing in &mut listings {
            if let Some(actions) = config.actions.get(listing.symbol()) {
                *listing = listing.clone().with_actions(actions.iter().cloned())?;
            }
        }
        Ok(listings)
    }

    /// What chooses: the scanner of the policy, or opinions made bar by bar.
    fn selector(&self, config: &Config, table: &Timetable) -> Result<Box<dyn Selector>, Error> {
        if config.strategy.is_scanner() {
            let refused = |source| Error::Plan {
                as_of: table.first.date,
                source: Box::new(atlas_engine::Error::Strategy(source)),
            };
            return Ok(Box::new(config.policy.momentum.clone().check().map_err(refused)?));
        }
        let sessions: Vec<NaiveDate> = table.slots.iter().map(|slot| slot.as_of.date).collect();
        let top_n = config.policy.momentum.top_n;
        Ok(Box::new(Opinions::of(self.market, &config.strategy, top_n, &sessions)?))
    }
}

/// What is listed at the venue: every series, raw or as total-return units.
fn listings(market: &MarketData) -> Vec<Listing> {
    let Some(permit) = atlas_core::time::Mode::Replay.replay_permit() else { return Vec::new() };
    let list = |series: &Series| match series {
        Series::Raw(bars) => Listing::raw(Arc::new(bars.clone())),
        Series::Adjusted(bars) => Listing::adjusted_units(Arc::new(bars.clone()), permit),
    };
    market.series.values().map(list).collect()
}

/// What several runs share.
#[derive(Debug)]
pub(crate) struct Prepared {
    table: Timetable,
    detected: BTreeMap<NaiveDate, Detected>,
}

/// When is decided, and which sessions are marked.
#[derive(Debug)]
struct Timetable {
    slots: Vec<Slot>,
    /// The session of the first decision, in which the account is opened.
    first: Session,
    last: Session,
    /// As-of session of the decision that sells everything.
    closing: Option<NaiveDate>,
}

impl Timetable {
    fn new(market: &MarketData, config: &Config) -> Result<Self, Error> {
        let (from, to, schedule) = (config.from, config.to, config.schedule);
        let mut slots = schedule.slots(from, to, config.delay_sessions.into())?;
        let last = Calendar::nyse().sessions(from, to)?.last();
        let (Some(first), Some(last)) = (slots.first().map(|slot| slot.as_of), last) else {
            return Err(Error::Empty { schedule, from, to });
        };
        let data_end = sight::last_session(market)?;
        if last.date > data_end {
            let place = market.source.name.clone();
            return Err(Error::AfterEnd { place, last: data_end, to });
        }
        let mut closing = None;
        if config.finally == Finally::Sold {
            let as_of = Calendar::nyse().previous_session(last.date)?;
            // A decision that would act with the last session or wait for it makes room.
            slots.retain(|slot| slot.execute_on < last && slot.as_of < as_of);
            slots.push(Slot { as_of, execute_on: last });
            closing = slots.last().map(|slot| slot.as_of.date);
        }
        Ok(Self { slots, first, last, closing })
    }
}

/// A backtest under way.
struct Course<'a> {
    market: &'a MarketData,
    audit: &'a Audit,
    config: &'a Config,
    desk: Desk,
    detected: BTreeMap<NaiveDate, Detected>,
    selector: Box<dyn Selector>,
    peak: Usd,
    days: Vec<Day>,
    decisions: Vec<DecisionRecord>,
    trades: Vec<Trade>,
    ledger: Ledger,
    booked: usize,
}

/// A plan that acts in the next session.
struct Pending {
    slot: Slot,
    plan: RebalancePlan,
    warnings: Vec<atlas_data::Warning>,
}

impl<'a> Course<'a> {
    fn new(
        backtest: &'a Backtest<'_>,
        config: &'a Config,
        desk: Desk,
        detected: BTreeMap<NaiveDate, Detected>,
        selector: Box<dyn Selector>,
    ) -> Self {
        Self {
            market: backtest.market,
            audit: &backtest.audit,
            config,
            desk,
            detected,
            selector,
            peak: Usd::ZERO,
            days: Vec::new(),
            decisions: Vec::new(),
            trades: Vec::new(),
            ledger: Ledger::default(),
            booked: 0,
        }
    }

    /// Goes through every session; gives the last one if it was stopped before the end.
    fn run(
        &mut self,
        table: &Timetable,
        watch: &dyn Fn(usize, usize) -> bool,
    ) -> Result<Option<NaiveDate>, Error> {
        let mut slots = table.slots.iter().peekable();
        let mut pending: Option<Pending> = None;
        let total = 1 + Calendar::nyse().sessions_between(table.first.date, table.last.date)?;
        for (done, session) in
            Calendar::nyse().sessions(table.first.date, table.last.date)?.enumerate()
        {
            if let Some(pending) = pending.take_if(|p| p.slot.execute_on == session) {
                self.carry_out(pending)?;
            }
            self.desk.advance_to(session.close)?;
            self.mark(session.date)?;
            if !watch(done + 1, total) && session != table.last {
                return Ok(Some(session.date));
            }
            if let Some(slot) = slots.next_if(|slot| slot.as_of == session) {
                pending = Some(self.decide(*slot, table.closing)?);
            }
        }
        Ok(None)
    }

    fn decide(&mut self, slot: Slot, closing: Option<NaiveDate>) -> Result<Pending, Error> {
        let as_of = slot.as_of.date;
        let sight = sight::look(self.market, self.config, &slot, self.audit)?;
        let mut policy = self.config.policy.clone();
        if closing == Some(as_of) {
            policy.regime_override = Some(Regime::Crash);
        }
        let none = Err(atlas_regime::Error::NoIndexClose { as_of, last: None });
        let detected = self.detected.remove(&as_of).unwrap_or(none);
        let plan = self.desk.decide(&slot, &sight, &policy, detected, self.selector.as_ref())?;
        Ok(Pending { slot, plan, warnings: sight.warnings })
    }

    fn carry_out(&mut self, pending: Pending) -> Result<(), Error> {
        let done = self.desk.carry_out(&pending.slot, pending.plan)?;
        let causes = done.plan.orders.iter().map(|order| {
            let id = order.request.client_order_id.as_str();
            (id, (&order.signal_id, order.decision_price))
        });
        let causes: BTreeMap<&str, (&SignalId, Price)> = causes.collect();
        let fresh: Vec<Activity> =
            self.desk.inspect(|exchange| exchange.activities()[self.booked..].to_vec());
        self.booked += fresh.len();
        for activity in fresh {
            let fill = match &activity.entry {
                Entry::Fill(fill) => fill,
                Entry::Posting(posting) => {
                    self.ledger.post(posting)?;
                    continue;
                }
                Entry::Fee { .. } | Entry::Deposit(_) => continue,
            };
            let Some((signal_id, decision_price)) = causes.get(fill.client_order_id.as_str())
            else {
                let why = format!("order {} is no order of the plan", fill.client_order_id);
                return Err(Error::HeldBack { as_of: done.plan.as_of, why });
            };
            let cause = crate::report::Cause {
                date: done.plan.execute_on,
                decision_id: done.plan.decision_id,
                regime: done.plan.regime.regime,
                signal_id: (*signal_id).clone(),
                decision_price: *decision_price,
            };
            self.trades.push(self.ledger.book(fill, cause)?);
        }
        self.decisions.push(DecisionRecord::of(&done, &pending.warnings));
        Ok(())
    }

    fn mark(&mut self, date: NaiveDate) -> Result<(), Error> {
        let (equity, cash) = self.desk.money()?;
        let positions = equity.checked_sub(cash)?;
        let day = Day::after(self.days.last(), self.peak, date, (equity, cash, positions));
        self.peak = self.peak.max(equity);
        self.days.push(day);
        Ok(())
    }

    fn report(
        mut self,
        first: NaiveDate,
        last: NaiveDate,
        stopped: bool,
    ) -> Result<BacktestReport, Error> {
        // What came after the last orders, such as a dividend.
        let rest = self.desk.inspect(|exchange| exchange.activities()[self.booked..].to_vec());
        for activity in rest {
            if let Entry::Posting(posting) = &activity.entry {
                self.ledger.post(posting)?;
            }
        }
        let (_, positions) = self.desk.books()?;
        let mut marks: BTreeMap<Symbol, Usd> = BTreeMap::new();
        for (symbol, position) in positions {
            marks.insert(symbol, position.market_value()?);
        }
        let round_trips = self.ledger.close(last, &marks)?;
        let activities = self.desk.inspect(|exchange| exchange.activities().to_vec());
        let made = assemble::Made {
            sessions: (first, last),
            days: self.days,
            decisions: self.decisions,
            trades: self.trades,
            round_trips,
            activities,
        };
        let mut report = made.into_report(self.market, self.config)?;
        if stopped {
            let asked = self.config.to;
            report.warnings.insert(
                0,
                format!("STOPPED after {last}, before {asked}: this is the part until then"),
            );
        }
        Ok(report)
    }
}
