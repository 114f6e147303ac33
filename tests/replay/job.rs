//! The main job on the bundled sample, put together by hand: what `atlas rebalance` does, without
//! its program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use atlas_core::calendar::Calendar;
use atlas_core::journal::Hash;
use atlas_core::time::Mode;
use atlas_data::{BarSource, MarketData, Needs, SampleSource, Series, SeriesView, Universe};
use atlas_engine::{DecisionInputs, MarketView, Policy, PriceSeries};
use atlas_exec::sequencer::Finish;
use atlas_exec::{PlanApprover, Session, Settings, execute};
use atlas_risk::{Limits, Profile};
use atlas_tests::plans::{Disk, VenueTimer, account};
use atlas_tests::world::{Door, World};
use atlas_venue::Listing;
use chrono::{NaiveDate, TimeDelta};

/// The sample, loaded once.
static MARKET: LazyLock<MarketData> = LazyLock::new(|| {
    let source = SampleSource;
    source.load(&Universe::resolve(None, &source).unwrap()).unwrap()
});

/// One account at the venue, with its journal.
pub(crate) struct Job {
    pub(crate) world: World,
    pub(crate) session: Session,
    disk: Disk,
}

/// What a job leaves behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Remains {
    pub(crate) fills: usize,
    head: Hash,
    records: Vec<String>,
    ledger: Vec<String>,
}

impl Job {
    /// A new account whose clock stands at the close of a session.
    pub(crate) async fn open(door: Door, as_of: &str) -> Self {
        let permit = Mode::Replay.replay_permit().unwrap();
        let listings = MARKET.series.values().map(|series| match series {
            Series::Raw(bars) => Listing::raw(bars.clone()),
            Series::Adjusted(bars) => Listing::adjusted_units(bars.clone(), permit),
        });
        let start = Calendar::nyse().session(date(as_of)).unwrap().close;
        let world = World::of(door, start, listings.collect()).await;
        let disk = Disk::default();
        let session = disk.session(world.venue());
        Self { world, session, disk }
    }

    /// What a decision after the close of a session reads.
    pub(crate) async fn inputs(&mut self, as_of: &str) -> DecisionInputs {
        let broker = self.world.broker();
        self.session.reconcile(broker, &atlas_exec::reconcile::Policy::default()).await.unwrap();
        let snapshot = self.session.snapshot(broker, date(as_of)).await.unwrap();
        let id = self.session.state().next_decision_id();
        let policy = Policy::new(account(), id, Mode::Replay, "sample".to_owned(), limits());
        let needs = Needs { vix: Some(21), rate: true, ..Needs::new(policy.momentum.window, 2) };
        let view = MARKET.as_of(date(as_of), &needs).unwrap();
        let index = atlas_regime::Series { dates: view.index.dates(), values: view.index.close() };
        let levels = |levels: atlas_data::LevelsView<'static>| atlas_regime::Series {
            dates: levels.dates(),
            values: levels.values(),
        };
        let market = MarketView {
            as_of: view.session.date,
            execute_on: Calendar::nyse().next_session(view.session.date).unwrap().date,
            universe: view.series.values().map(prices).collect(),
            others: Vec::new(),
            tradability: BTreeMap::new(),
            index,
            vix: view.vix.map(levels),
            rate: view.rate.map(levels),
        };
        DecisionInputs::capture(&market, &snapshot, &policy, self.world.venue().now())
    }

    /// Decides after the close of a session and carries the plan out in the next one.
    pub(crate) async fn rebalance(&mut self, as_of: &str) {
        let close = Calendar::nyse().session(date(as_of)).unwrap().close;
        if close > self.world.venue().now() {
            self.world.venue().advance_to(close).unwrap();
        }
        let inputs = self.inputs(as_of).await;
        let plan = inputs.decide().unwrap();
        let stored = self.session.inputs().put(&serde_json::to_vec(&inputs).unwrap()).unwrap();
        let inputs = BTreeMap::from([("decision".to_owned(), stored)]);
        let id = self.session.record_plan(&plan, inputs).unwrap();

        let open = Calendar::nyse().session(plan.execute_on).unwrap().open;
        self.world.venue().advance_to(open + TimeDelta::minutes(5)).unwrap();
        self.session.begin_trading_day(open).unwrap();
        let past = self.session.past();
        let judge = PlanApprover::new(&plan, &limits(), past).unwrap();
        let timer = VenueTimer(self.world.venue().clone());
        let settings = Settings::standard("500".parse().unwrap());
        let report =
            execute(&mut self.session, id, self.world.broker(), &judge, &timer, &settings).await;
        let report = report.unwrap();
        assert!(matches!(report.finish, Finish::Complete), "{:?}", report.finish);
        assert!(report.reconciliation.is_clean(), "{:?}", report.reconciliation);
        assert!(report.signals.iter().all(|signal| signal.outcome.is_some()));
    }

    /// Everything that was written down.
    pub(crate) fn remains(&self) -> Remains {
        let ledger: Vec<String> = self.world.venue().inspect(|exchange| {
            exchange.activities().iter().map(|entry| format!("{entry:?}")).collect()
        });
        Remains {
            fills: ledger.iter().filter(|entry| entry.contains("Fill(")).count(),
            head: self.session.state().head(),
            records: self.disk.storage.records().iter().map(|r| format!("{r:?}")).collect(),
            ledger,
        }
    }
}

fn limits() -> Limits {
    Profile::Standard.limits().check().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn prices<'a>(series: &SeriesView<'a>) -> PriceSeries<'a> {
    match series {
        SeriesView::Raw(view) => PriceSeries::Raw(*view),
        SeriesView::Adjusted(view) => PriceSeries::Adjusted(*view),
    }
}
