//! What every test of the shell stands on: a session over memory, a plan, an approver.

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_core::signal::Direction;
use atlas_core::time::Mode;
use atlas_core::{
    AccountName, ClientOrderId, DecisionId, OrderRequest, OrderType, Price, Qty, Regime, Side,
    Signal, SignalId, Symbol, TimeInForce, Usd, Weight,
};
use atlas_engine::plan::{
    PlannedOrder, PlannedSignal, Preview, RebalancePlan, RegimeDecision, Target,
};
use atlas_risk::{
    ApprovedOrder, Authority, Context, Effect, Entries, Limits, LimitsSpec, Performance, Phase,
    Profile, SymbolMarket, Tradability, Validator,
};

use super::world::World;
use crate::approver::{Approver, Denial, FreshContext};
use crate::error::Error;
use crate::folder::{Fence, InputStore};
use crate::journal::{MemoryStorage, Storage};
use crate::reconcile::Policy;
use crate::sequencer::Leg;
use crate::session::{Ground, Session};
use crate::shell::{ExecutionReport, Settings, execute};

/// The real validator, with limits so wide that only sense is checked.
pub(super) struct Wide(Validator);

impl Wide {
    pub(super) fn new() -> Self {
        Self(Validator::new(&Self::limits()))
    }

    pub(super) fn limits() -> Limits {
        LimitsSpec {
            position_warn: Weight::ONE,
            position_deny: Weight::ONE,
            heat_warn: Weight::ONE,
            heat_deny: Weight::ONE,
            max_order_notional: "100000000".parse().unwrap(),
            max_order_qty: Qty::from_shares(1_000_000),
            collar_close: atlas_core::Bps::from_int(9_000),
            collar_quote: atlas_core::Bps::from_int(9_000),
            quote_max_age_seconds: 100_000,
            orders_per_minute: 1_000,
            orders_per_day: 10_000,
            turnover_per_day: 1_000.into(),
            min_position: Usd::ZERO,
            ..Profile::Standard.limits()
        }
        .check()
        .unwrap()
    }
}

impl Approver for Wide {
    fn approve(
        &self,
        leg: &Leg,
        request: &OrderRequest,
        fresh: &FreshContext,
    ) -> Result<ApprovedOrder, Denial> {
        let session = "2019-01-02".parse().unwrap();
        let mut market = BTreeMap::new();
        for (symbol, quote) in &fresh.quotes {
            let own = *symbol == request.symbol;
            let decision_price = if own { leg.decision_price } else { quote.ask.unwrap() };
            let (quote, tradability) = (Some(quote.clone()), Tradability::Tradable);
            let known = SymbolMarket { decision_price, session, quote, tradability };
            market.insert(symbol.clone(), known);
        }
        let context = Context {
            now: fresh.now,
            phase: Phase::Send,
            mode: Mode::Paper,
            state: fresh.state,
            authority: Authority::Engine,
            hours: fresh.hours,
            regime: Regime::Bull,
            entries: Entries::Allowed,
            equity: "100000000".parse().unwrap(),
            budget: "100000000".parse().unwrap(),
            account: &fresh.account,
            positions: &fresh.positions,
            open_orders: &fresh.open_orders,
            recent_orders: &fresh.recent_orders,
            market: &market,
            decision_session: session,
            activity: fresh.activity,
            performance: Performance::NEW,
            breaker: fresh.breaker,
        };
        Ok(self.0.approve(request.clone(), &context)?)
    }
}

pub(super) fn account() -> AccountName {
    "test".parse().unwrap()
}

/// A plan of orders `(side, symbol, shares, decision price)`.
pub(super) fn plan(id: u64, orders: &[(Side, &str, u32, &str)]) -> RebalancePlan {
    let decision_id = DecisionId(id);
    let (mut planned, mut signals, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for (side, symbol, shares, price) in orders {
        let symbol: Symbol = symbol.parse().unwrap();
        let price: Price = price.parse().unwrap();
        let signal_id = SignalId::new(&format!("{id}-{side}-{symbol}")).unwrap();
        planned.push(PlannedOrder {
            request: OrderRequest {
                client_order_id: ClientOrderId::for_leg(&account(), decision_id, *side, &symbol, 0)
                    .unwrap(),
                symbol: symbol.clone(),
                side: *side,
                qty: Qty::from_shares(*shares),
                order_type: OrderType::Market,
                time_in_force: TimeInForce::Day,
            },
            effect: if *side == Side::Sell { Effect::Reducing } else { Effect::Opening },
            decision_price: price,
            signal_id: signal_id.clone(),
            reason: "a test".to_owned(),
            verdicts: Vec::new(),
        });
        signals.push(PlannedSignal {
            signal: Signal {
                id: signal_id,
                strategy: "test".to_owned(),
                symbol: symbol.clone(),
                direction: if *side == Side::Buy { Direction::Long } else { Direction::Exit },
                strength: 1.0,
                as_of: "2019-01-02".parse().unwrap(),
                evidence: Vec::new(),
            },
            outcome: None,
            reason: String::new(),
        });
        let none = Qty::ZERO;
        targets.push(Target { symbol, decision_price: price, held: none, target: none });
    }
    RebalancePlan {
        account: account(),
        decision_id,
        as_of: "2019-01-02".parse().unwrap(),
        execute_on: "2019-01-03".parse().unwrap(),
        decided_at: "2019-01-02T22:00:00Z".parse().unwrap(),
        mode: Mode::Paper,
        regime: RegimeDecision {
            regime: Regime::Bull,
            allocation: Weight::ONE,
            overridden: true,
            estimate: None,
        },
        equity: Usd::ZERO,
        budget: Usd::ZERO,
        signals,
        targets,
        orders: planned,
        denied: Vec::new(),
        preview: Preview {
            costs: Usd::ZERO,
            loss_if_stopped: Usd::ZERO,
            exposure_all: Usd::ZERO,
            exposure_sells_only: Usd::ZERO,
            exposure_none: Usd::ZERO,
            exposure_worst: Usd::ZERO,
        },
        falls: None,
        desk: None,
        notes: Vec::new(),
    }
}

/// What outlives a process.
#[derive(Clone)]
pub(super) struct Disk {
    pub(super) storage: MemoryStorage,
    pub(super) inputs: InputStore,
    pub(super) fence: Fence,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self {
            storage: MemoryStorage::new(),
            inputs: InputStore::in_memory(),
            fence: Fence::in_memory(),
        }
    }

    pub(super) fn session(&self, world: &World) -> Session {
        self.session_over(world, Box::new(self.storage.clone()))
    }

    pub(super) fn session_over(&self, world: &World, storage: Box<dyn Storage>) -> Session {
        let ground = Ground { inputs: self.inputs.clone(), fence: self.fence.clone() };
        Session::over(&account(), storage, ground, Arc::new(world.clone())).unwrap()
    }
}

pub(super) fn settings() -> Settings {
    Settings::standard("500".parse().unwrap())
}

/// Runs a future to its end; the world's timer never really waits.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// What an application does: open, reconcile, journal the plan unless it is there, execute.
pub(super) fn rebalance(
    session: &mut Session,
    world: &World,
    plan: &RebalancePlan,
) -> Result<ExecutionReport, Error> {
    rebalance_with(session, world, plan, &settings())
}

/// The same under other settings.
pub(super) fn rebalance_with(
    session: &mut Session,
    world: &World,
    plan: &RebalancePlan,
    settings: &Settings,
) -> Result<ExecutionReport, Error> {
    block_on(async {
        session.reconcile(world, &Policy::default()).await?;
        let id = plan.decision_id;
        if !session.state().decisions().contains_key(&id) {
            session.record_plan(plan, BTreeMap::new())?;
        }
        execute(session, id, world, &Wide::new(), world, settings).await
    })
}

/// Lets a process work until the first order of a symbol is at the broker, and then no further.
pub(super) fn leave_hanging(
    session: &mut Session,
    world: &World,
    plan: &RebalancePlan,
    symbol: &str,
) {
    block_on(async {
        session.reconcile(world, &Policy::default()).await.unwrap();
        session.record_plan(plan, BTreeMap::new()).unwrap();
    });
    world.hang_at(symbol);
    let (wide, settings) = (Wide::new(), settings());
    let id = plan.decision_id;
    let work = std::pin::pin!(execute(session, id, world, &wide, world, &settings));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(work.poll(&mut context).is_pending());
}

/// Fills the books by a first decision, so that there is something to sell.
pub(super) fn own(session: &mut Session, world: &World, holdings: &[(&str, u32, &str)]) {
    for (symbol, _, price) in holdings {
        world.price(symbol, price);
    }
    let orders: Vec<_> =
        holdings.iter().map(|(symbol, qty, price)| (Side::Buy, *symbol, *qty, *price)).collect();
    let report = rebalance(session, world, &plan(1, &orders)).unwrap();
    assert!(report.reconciliation.is_clean(), "{:?}", report.reconciliation);
    assert_eq!(session.state().books().all_owned().len(), holdings.len(), "{:?}", report.signals);
    let mut inner = world.inner();
    inner.seen.clear();
    inner.now += chrono::TimeDelta::days(1);
}
