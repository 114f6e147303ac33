//! Plans, approver and timer for tests of execution.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atlas_core::calendar::Calendar;
use atlas_core::signal::Direction;
use atlas_core::time::Mode;
use atlas_core::{
    AccountName, ClientOrderId, DecisionId, OrderRequest, Price, Qty, Regime, Side, Signal,
    SignalId, Usd, Weight,
};
use atlas_engine::plan::{
    PlannedOrder, PlannedSignal, Preview, RebalancePlan, RegimeDecision, Target,
};
use atlas_exec::approver::{Gates, Heard};
use atlas_exec::folder::{Fence, InputStore};
use atlas_exec::journal::{MemoryStorage, Storage};
use atlas_exec::sequencer::Leg;
use atlas_exec::session::Ground;
use atlas_exec::{Approver, Denial, FreshContext, Session, Timer};
use atlas_risk::{
    ApprovedOrder, Authority, BreakerStance, Context, Effect, Entries, Performance, Phase,
    SymbolMarket, Tradability, Validator,
};
use atlas_venue::Venue;

use crate::approval::wide_limits;
use crate::market::symbol;

/// The account of every test.
///
/// # Panics
/// Never: it is a name.
#[must_use]
pub fn account() -> AccountName {
    "test".parse().expect("a name")
}

/// Waits by moving the venue's clock on, at most to the close of the session it stands in.
#[derive(Debug, Clone)]
pub struct VenueTimer(pub Venue);

#[async_trait]
impl Timer for VenueTimer {
    async fn sleep(&self, duration: Duration) {
        let now = self.0.now();
        let session = Calendar::nyse().session_at(now).expect("within the calendar");
        let target = session.map_or(now + duration, |open| (now + duration).min(open.close));
        self.0.advance_to(target).expect("a moment to come");
    }
}

/// What outlives a process: journal, inputs and fence in memory.
#[derive(Debug, Clone)]
pub struct Disk {
    /// The journal's records.
    pub storage: MemoryStorage,
    inputs: InputStore,
    fence: Fence,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            storage: MemoryStorage::new(),
            inputs: InputStore::in_memory(),
            fence: Fence::in_memory(),
        }
    }
}

impl Disk {
    /// A session over what is there, on the venue's clock.
    ///
    /// # Panics
    /// If the journal cannot be read.
    #[must_use]
    pub fn session(&self, venue: &Venue) -> Session {
        let storage: Box<dyn Storage> = Box::new(self.storage.clone());
        let ground = Ground { inputs: self.inputs.clone(), fence: self.fence.clone() };
        Session::over(&account(), storage, ground, Arc::new(venue.clone())).expect("a session")
    }
}

/// The real validator under limits so wide that only sense is checked.
#[derive(Debug)]
pub struct Wide(Validator);

impl Default for Wide {
    fn default() -> Self {
        Self(Validator::new(&wide_limits()))
    }
}

impl Approver for Wide {
    fn approve(
        &self,
        leg: &Leg,
        request: &OrderRequest,
        fresh: &FreshContext,
    ) -> Result<ApprovedOrder, Denial> {
        self.hear(leg, request, fresh).word
    }

    fn hear(&self, leg: &Leg, request: &OrderRequest, fresh: &FreshContext) -> Heard {
        let session = AS_OF.parse().expect("a date");
        let mut market = BTreeMap::new();
        for (name, quote) in &fresh.quotes {
            let own = *name == request.symbol;
            let decision_price = if own { leg.decision_price } else { quote.ask.expect("an ask") };
            let (quote, tradability) = (Some(quote.clone()), Tradability::Tradable);
            let known = SymbolMarket { decision_price, session, quote, tradability };
            market.insert(name.clone(), known);
        }
        let rich: Usd = "100000000".parse().expect("an amount");
        let context = Context {
            now: fresh.now,
            phase: Phase::Send,
            mode: Mode::Replay,
            state: fresh.state,
            authority: Authority::Engine,
            hours: fresh.hours,
            regime: Regime::Bull,
            entries: Entries::Allowed,
            equity: rich,
            budget: rich,
            account: &fresh.account,
            positions: &fresh.positions,
            open_orders: &fresh.open_orders,
            recent_orders: &fresh.recent_orders,
            market: &market,
            decision_session: session,
            activity: fresh.activity,
            performance: Performance::NEW,
            breaker: BreakerStance::Closed,
        };
        match self.0.approve_heard(request.clone(), &context, None) {
            Ok((approved, said)) => Heard { verdicts: said.verdicts, word: Ok(approved) },
            Err(denial) => {
                let word = Err(Denial::from(&denial));
                Heard { verdicts: denial.judgement.verdicts, word }
            }
        }
    }

    fn gates(&self) -> Option<Gates> {
        let limits = wide_limits().get().clone();
        Some(Gates { limits, tradability: BTreeMap::new(), past: atlas_exec::Past::default() })
    }
}

/// A plan of market orders for the day: side, symbol, shares, decision price; sells come first.
///
/// # Panics
/// If a text is not what it should be.
#[must_use]
pub fn plan(id: u64, orders: &[(Side, &str, u32, &str)]) -> RebalancePlan {
    let decision_id = DecisionId(id);
    let mut orders = orders.to_vec();
    orders.sort_by_key(|(side, ..)| *side == Side::Buy);
    let (mut planned, mut signals, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for (side, name, shares, price) in orders {
        let name = symbol(name);
        let decision_price: Price = price.parse().expect("a price");
        let signal_id = SignalId::new(&format!("{id}-{side}-{name}")).expect("a signal id");
        let leg = ClientOrderId::for_leg(&account(), decision_id, side, &name, 0).expect("an id");
        planned.push(PlannedOrder {
            request: crate::orders::order(leg.as_str(), side, name.as_str(), &shares.to_string()),
            effect: if side == Side::Sell { Effect::Reducing } else { Effect::Opening },
            decision_price,
            signal_id: signal_id.clone(),
            reason: "a test".to_owned(),
            verdicts: Vec::new(),
        });
        signals.push(PlannedSignal {
            signal: Signal {
                id: signal_id,
                strategy: "test".to_owned(),
                symbol: name.clone(),
                direction: if side == Side::Buy { Direction::Long } else { Direction::Exit },
                strength: 1.0,
                as_of: AS_OF.parse().expect("a date"),
                evidence: Vec::new(),
            },
            outcome: None,
            reason: String::new(),
        });
        targets.push(Target { symbol: name, decision_price, held: Qty::ZERO, target: Qty::ZERO });
    }
    let nothing = Usd::ZERO;
    RebalancePlan {
        account: account(),
        decision_id,
        as_of: AS_OF.parse().expect("a date"),
        execute_on: "2019-01-03".parse().expect("a date"),
        decided_at: "2019-01-02T22:00:00Z".parse().expect("a moment"),
        mode: Mode::Replay,
        regime: RegimeDecision {
            regime: Regime::Bull,
            allocation: Weight::ONE,
            overridden: true,
            estimate: None,
        },
        equity: nothing,
        budget: nothing,
        signals,
        targets,
        orders: planned,
        denied: Vec::new(),
        preview: Preview {
            costs: nothing,
            loss_if_stopped: nothing,
            exposure_all: nothing,
            exposure_sells_only: nothing,
            exposure_none: nothing,
            exposure_worst: nothing,
        },
        falls: None,
        desk: None,
        notes: Vec::new(),
    }
}

/// The session every plan was decided on.
const AS_OF: &str = "2019-01-02";
