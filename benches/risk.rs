//! The validator: a batch of a hundred orders through every gate.

use std::collections::BTreeMap;
use std::hint::black_box;

use atlas_core::time::Mode;
use atlas_core::{
    Account, OrderRequest, OrderType, Position, Price, Qty, Quote, Regime, Side, Symbol,
    TimeInForce, Usd, Weight,
};
use atlas_risk::{
    Activity, Authority, BreakerStance, Context, Desk, DeskRules, Entries, Hours, Performance,
    Phase, Profile, SymbolDesk, SymbolMarket, Tradability, TradingState, Validator,
};
use chrono::{DateTime, Utc};
use criterion::Criterion;
use rust_decimal::Decimal;

/// What may fail in setting up.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let book = Book::new()?;
    let mut limits = Profile::Standard.limits();
    limits.max_positions = 200;
    let limits = limits.check()?;
    let core = Validator::new(&limits);
    let all = Validator::with_desk(&limits, &rules()?)?;
    let context = book.context();
    let passed = |validator: &Validator, desk: Option<&Desk>| {
        let judged = validator.judge_with(&book.orders, &context, desk);
        judged.iter().filter(|judgement| !judgement.is_denied()).count()
    };
    let more = all.gates().count();
    assert_eq!((passed(&core, None), passed(&all, Some(&book.desk))), (100, 100));
    let mut group = criterion.benchmark_group("risk");
    group.bench_function("validate_batch_100", |b| {
        b.iter(|| core.judge(black_box(&book.orders), &context));
    });
    group.bench_function(format!("validate_batch_100/{more}_gates"), |b| {
        b.iter(|| all.judge_with(black_box(&book.orders), &context, Some(&book.desk)));
    });
    group.bench_function("approve", |b| {
        b.iter(|| core.approve(black_box(book.orders[99].clone()), &context));
    });
    group.finish();
    criterion.final_summary();
    Ok(())
}

/// An account of fifty positions that sells half of each and buys fifty others.
struct Book {
    now: DateTime<Utc>,
    account: Account,
    positions: BTreeMap<Symbol, Position>,
    market: BTreeMap<Symbol, SymbolMarket>,
    desk: Desk,
    orders: Vec<OrderRequest>,
}

impl Book {
    fn new() -> Result<Self> {
        let now = DateTime::from_timestamp(1_546_527_600, 0).unwrap_or_default();
        let cash: Usd = "1000000".parse()?;
        let mut book = Self {
            now,
            account: Account {
                account_number: "BENCH".into(),
                cash,
                equity: cash,
                buying_power: cash,
                trading_blocked: false,
            },
            positions: BTreeMap::new(),
            market: BTreeMap::new(),
            desk: Desk { day_trades: Some(0), ..Desk::default() },
            orders: Vec::new(),
        };
        for number in 0..100_u32 {
            book.add(number)?;
        }
        Ok(book)
    }

    fn add(&mut self, number: u32) -> Result<()> {
        let symbol: Symbol = format!("S{number:02}").parse()?;
        let price = Price::new(Decimal::new(i64::from(2_000 + 37 * number), 2))?;
        let edge = Decimal::new(2, 4);
        let quote = Quote {
            symbol: symbol.clone(),
            bid: Some(price.moved(-edge)?),
            ask: Some(price.moved(edge)?),
            ts_event: self.now,
        };
        let known = SymbolMarket {
            decision_price: price,
            session: self.session(),
            quote: Some(quote),
            tradability: Tradability::Tradable,
        };
        self.market.insert(symbol.clone(), known);
        let sells = number < 50;
        let side = if sells { Side::Sell } else { Side::Buy };
        if sells {
            let qty = Qty::from_shares(200);
            let position = Position {
                symbol: symbol.clone(),
                qty,
                qty_available: qty,
                avg_entry_price: price,
                current_price: price,
            };
            self.positions.insert(symbol.clone(), position);
        }
        self.orders.push(OrderRequest {
            client_order_id: format!("atlas-bench-1-{side}-{symbol}-0").parse()?,
            symbol: symbol.clone(),
            side,
            qty: Qty::from_shares(100),
            order_type: OrderType::Limit { limit_price: price.to_limit_tick(side)? },
            time_in_force: TimeInForce::Day,
        });
        self.equip(symbol, price);
        Ok(())
    }

    fn equip(&mut self, symbol: Symbol, price: Price) {
        let earlier = |other: &Symbol| (other.clone(), symbol.clone());
        let pairs: Vec<(Symbol, Symbol)> = self.desk.symbols.keys().map(earlier).collect();
        for (first, second) in pairs {
            self.desk.correlations.set(&first, &second, 0.3);
        }
        let known = SymbolDesk {
            stop: Some(price),
            sector: Some(symbol.to_string()),
            mean_volume: Some(2e6),
            raw_price: Some(price),
            last_loss: None,
        };
        self.desk.symbols.insert(symbol, known);
    }

    fn session(&self) -> chrono::NaiveDate {
        self.now.date_naive()
    }

    fn context(&self) -> Context<'_> {
        Context {
            now: self.now,
            phase: Phase::Send,
            mode: Mode::Live,
            state: TradingState::Active,
            authority: Authority::Engine,
            hours: Hours::Open,
            regime: Regime::Bull,
            entries: Entries::Allowed,
            equity: self.account.equity,
            budget: self.account.equity,
            account: &self.account,
            positions: &self.positions,
            open_orders: &[],
            recent_orders: &[],
            market: &self.market,
            decision_session: self.session(),
            activity: Activity::NONE,
            performance: Performance::NEW,
            breaker: BreakerStance::Closed,
        }
    }
}

fn rules() -> Result<DeskRules> {
    Ok(DeskRules {
        pair_correlation: 0.8,
        mean_correlation: 0.6,
        sector: Weight::from_percent(40)?,
        exposure: Decimal::ONE,
        min_volume: 1e6,
        min_price: "5".parse()?,
        day_trades: None,
        cooldown_seconds: 3_600,
    })
}
