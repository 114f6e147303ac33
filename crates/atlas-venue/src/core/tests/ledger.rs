//! Properties of the exchange, checked by a second, naive ledger in decimals.

use std::collections::BTreeMap;

use atlas_core::bars::{Bars, Columns};
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_core::{Adjusted, Raw, Side};
use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::sample::Index;
use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy::AwayFromZero;

use super::order;
use crate::core::*;
use crate::{CostModel, FeeKind, VenueConfig};

/// What somebody does at the venue.
#[derive(Debug, Clone)]
enum Deed {
    Submit(NewOrder),
    Cancel(Index),
    Replace(Index, Replacement),
    Wait(i64),
    Fault(u8),
}

/// One bar in cents: the open, and how far high, low and close are from it.
type Rough = (u32, u32, u32, u32);

fn sessions(count: usize) -> Vec<NaiveDate> {
    let from = "2019-01-02".parse().unwrap();
    let all = Calendar::nyse().sessions(from, Calendar::LAST).unwrap();
    all.take(count).map(|session| session.date).collect()
}

/// A series with ranges and little volume, and one of closes.
fn market(rough: &[Rough]) -> [Listing; 2] {
    let price = |cents: u32| f64::from(cents) / 100.0;
    let mut columns = Columns { dates: sessions(rough.len()), ..Columns::default() };
    for (low, open, close, over) in rough {
        columns.low.push(price(*low));
        columns.open.push(price(low + open));
        columns.close.push(price(low + close));
        columns.high.push(price(low + open.max(close) + over));
        columns.volume.push(f64::from(400 + over * 10));
    }
    let closes = Columns {
        dates: columns.dates.clone(),
        close: columns.close.iter().map(|close| close / 3.0).collect(),
        ..Columns::default()
    };
    let raw: Bars<Raw> = Bars::new("AAPL".parse().unwrap(), columns).unwrap();
    let units: Bars<Adjusted> = Bars::new("XOM".parse().unwrap(), closes).unwrap();
    let permit = atlas_core::time::Mode::Replay.replay_permit().unwrap();
    [Listing::raw(raw), Listing::adjusted_units(units, permit)]
}

fn a_kind() -> impl Strategy<Value = Kind> {
    let px = || (9_000_i64..11_500).prop_map(|cents| Px::from_nanos(cents * 10_000_000).unwrap());
    prop_oneof![
        4 => Just(Kind::Market),
        4 => px().prop_map(Kind::Limit),
        2 => px().prop_map(Kind::Stop),
        1 => (px(), px()).prop_map(|(stop, limit)| Kind::StopLimit { stop, limit }),
        1 => (10_i64..500).prop_map(|cents| {
            Kind::Trailing(Trail::Price(Px::from_nanos(cents * 10_000_000).unwrap()))
        }),
        1 => (1_i64..9).prop_map(|percent| {
            Kind::Trailing(Trail::Percent(Px::from_nanos(percent * NANO).unwrap()))
        }),
    ]
}

fn an_order() -> impl Strategy<Value = NewOrder> {
    let tif = prop_oneof![
        6 => Just(Tif::Day), 3 => Just(Tif::Gtc), 1 => Just(Tif::Opg), 1 => Just(Tif::Cls),
        1 => Just(Tif::Ioc), 1 => Just(Tif::Fok),
    ];
    let exits = (100_i64..1_500, 100_i64..1_500, 0_u8..8);
    (any::<bool>(), any::<bool>(), 1_i64..120_000, 0_u8..10, a_kind(), tif, exits).prop_map(
        |(is_buy, is_unit, qty, fine, kind, tif, (gain, loss, class))| {
            let symbol = if is_unit { "XOM" } else { "AAPL" };
            let side = if is_buy { Side::Buy } else { Side::Sell };
            // Mostly whole shares; some fractions, some amounts of money.
            let shares = if fine == 0 { qty * NANO / 997 } else { qty / 1_000 * NANO + NANO };
            let mut order = NewOrder { tif, ..order(symbol, side, "1", kind) };
            order.size = match fine {
                1 => Size::Notional(Money::from_cents(qty)),
                _ => Size::Shares(Shares::from_nanos(shares).unwrap()),
            };
            let near = |cents: i64| Px::from_nanos((10_000 + cents) * 10_000_000).unwrap();
            order.class = match (class, side) {
                (0, Side::Buy) => Class::Bracket,
                (1, Side::Buy) => Class::Oto,
                (0, Side::Sell) => Class::Oco,
                _ => Class::Simple,
            };
            if matches!(order.class, Class::Bracket) {
                order.take_profit = Some(near(gain));
            }
            if order.class != Class::Simple {
                order.stop_loss = Some((near(-loss), None));
            }
            order
        },
    )
}

fn a_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => an_order().prop_map(Deed::Submit),
        1 => any::<Index>().prop_map(Deed::Cancel),
        1 => (any::<Index>(), a_kind(), 1_i64..200).prop_map(|(at, kind, qty)| {
            Deed::Replace(at, Replacement {
                qty: Shares::from_nanos(qty * NANO).filter(|_| qty % 2 == 0),
                limit: kind.limit(),
                stop: kind.stop(),
                ..Replacement::default()
            })
        }),
        4 => (0_i64..30_000_000).prop_map(Deed::Wait),
        1 => any::<u8>().prop_map(Deed::Fault),
    ]
}

fn open(rough: &[Rough]) -> Exchange {
    let mut config = VenueConfig::realistic("2019-01-02T15:00:00Z".parse().unwrap());
    config.refuse_wash_trades = false;
    config.split_fills = atlas_core::Weight::from_percent(30).unwrap();
    config.cash = "30000".parse().unwrap();
    Exchange::new(config, market(rough)).unwrap()
}

fn last_moment(rough: &[Rough]) -> Timestamp {
    let last = *sessions(rough.len()).last().unwrap();
    Calendar::nyse().session(last).unwrap().close
}

/// Does everything; `cut` splits each stretch of time into so many steps.
fn act(rough: &[Rough], deeds: &[Deed], cut: i32) -> Exchange {
    let mut exchange = open(rough);
    let end = last_moment(rough);
    for deed in deeds {
        match deed {
            Deed::Submit(order) => drop(exchange.submit(order.clone())),
            Deed::Cancel(at) => {
                if !exchange.orders().is_empty() {
                    let id = at.get(exchange.orders()).id;
                    drop(exchange.cancel(id));
                }
            }
            Deed::Replace(at, wish) => {
                if !exchange.orders().is_empty() {
                    let id = at.get(exchange.orders()).id;
                    drop(exchange.replace(id, wish));
                }
            }
            Deed::Wait(wait) => {
                let start = exchange.state().clock;
                for step in 1..=cut {
                    let to =
                        start + TimeDelta::milliseconds(wait * i64::from(step) / i64::from(cut));
                    exchange.advance_to(to.min(end).max(exchange.state().clock)).unwrap();
                }
            }
            Deed::Fault(share) => {
                let share = Decimal::from(*share) / Decimal::from(256);
                exchange.limit_next_order(atlas_core::Weight::new(share).unwrap());
            }
        }
        check(&exchange);
    }
    exchange
}

/// The account recomputed from the fills, in decimals, by the rules as they are written down.
#[derive(Default)]
struct Naive {
    cash: Decimal,
    held: BTreeMap<String, Decimal>,
    sold: BTreeMap<NaiveDate, Decimal>,
    taf: BTreeMap<NaiveDate, Decimal>,
    fees: BTreeMap<(NaiveDate, &'static str), Decimal>,
}

impl Naive {
    fn read(&mut self, activity: &Activity) {
        match &activity.entry {
            Entry::Deposit(amount) => self.cash += amount.to_string().parse::<Decimal>().unwrap(),
            Entry::Fee { kind, date, amount } => {
                let amount: Decimal = amount.to_string().parse().unwrap();
                self.cash -= amount;
                let name = if *kind == FeeKind::Sec31 { "sec" } else { "taf" };
                assert!(self.fees.insert((*date, name), amount).is_none(), "posted twice");
            }
            Entry::Posting(posting) => self.cash += decimal(posting.amount),
            Entry::Fill(fill) => {
                let qty: Decimal = fill.qty.to_string().parse().unwrap();
                let price: Decimal = fill.price.to_string().parse().unwrap();
                let held = self.held.entry(fill.symbol.to_string()).or_default();
                let date = date_of(activity.stamp);
                if fill.side == Side::Buy {
                    self.cash -= price * qty;
                    *held += qty;
                } else {
                    self.cash += price * qty;
                    *held -= qty;
                    *self.sold.entry(date).or_default() += price * qty;
                    let fee = (qty * Decimal::new(119, 6)).min(Decimal::new(595, 2));
                    *self.taf.entry(date).or_default() += fee;
                }
                assert!(*held >= Decimal::ZERO, "sold short");
            }
        }
    }

    /// Fees of a day as they are to be posted: SEC at $13 a million, TAF per share.
    fn owed(&self, date: NaiveDate) -> [(&'static str, Decimal); 2] {
        let sold = self.sold.get(&date).copied().unwrap_or_default();
        let sec = sold * Decimal::from(13) / Decimal::from(1_000_000);
        let taf = self.taf.get(&date).copied().unwrap_or_default();
        [("sec", sec), ("taf", taf)]
            .map(|(n, fee)| (n, fee.round_dp_with_strategy(2, AwayFromZero)))
    }
}

fn decimal(money: Money) -> Decimal {
    money.to_string().parse().unwrap()
}

/// Everything that must hold at any moment.
fn check(exchange: &Exchange) {
    let mut naive = Naive::default();
    let mut filled: BTreeMap<u64, Shares> = BTreeMap::new();
    let mut last = None;
    for activity in exchange.activities() {
        naive.read(activity);
        assert!(last.is_none_or(|last: (&str, Timestamp)| {
            last.0 < activity.id.as_str() && last.1 < activity.stamp
        }));
        last = Some((activity.id.as_str(), activity.stamp));
        if let Entry::Fill(fill) = &activity.entry {
            check_fill(exchange, activity, fill);
            let sum = filled.entry(fill.order_seq).or_default();
            *sum = sum.plus(fill.qty).unwrap();
        }
    }
    let cash: Decimal = exchange.state().ledger.cash.to_string().parse().unwrap();
    assert_eq!(naive.cash, cash, "cash is the sum of the ledger");
    assert!(cash >= Decimal::ZERO, "a cash account does not owe");
    for (symbol, holding) in &exchange.state().ledger.holdings {
        let held = naive.held[symbol.as_str()].normalize();
        assert_eq!(held.to_string(), holding.qty.to_string());
    }
    let clock = date_of(exchange.state().clock);
    for date in naive.sold.keys().filter(|date| **date < clock) {
        for (name, owed) in naive.owed(*date) {
            let posted = naive.fees.get(&(*date, name)).copied().unwrap_or_default();
            assert_eq!(posted, owed, "{name} of {date}");
        }
    }
    check_orders(exchange, &filled);
}

fn check_fill(exchange: &Exchange, activity: &Activity, fill: &Execution) {
    let listing = &exchange.listings()[&fill.symbol];
    let row = listing.row_of(date_of(activity.stamp)).unwrap();
    let columns = listing.columns();
    let bar = |column: &Vec<f64>| Px::from_bar(*column.get(row).unwrap_or(&columns.close[row]));
    assert!(fill.reference >= bar(&columns.low).unwrap(), "below the bar");
    assert!(fill.reference <= bar(&columns.high).unwrap(), "above the bar");
    let order = exchange.order(fill.order_seq).unwrap();
    let improved = match fill.side {
        Side::Buy => fill.price < fill.reference,
        Side::Sell => fill.price > fill.reference,
    };
    assert!(!improved, "price improvement");
    let beyond = order.kind.limit().is_some_and(|limit| match fill.side {
        Side::Buy => fill.price > limit,
        Side::Sell => fill.price < limit,
    });
    assert!(!beyond, "beyond the limit");
}

fn check_orders(exchange: &Exchange, filled: &BTreeMap<u64, Shares>) {
    let (mut reserved, mut before) = (Money::ZERO, BTreeMap::new());
    for order in exchange.orders() {
        // A successor counts what the order it replaced had filled.
        let taken_over = order.replaces.and_then(|id| before.get(&id).copied()).unwrap_or_default();
        let own = filled.get(&order.seq).copied().unwrap_or_default();
        assert_eq!(own.plus(taken_over).unwrap(), order.filled, "fills of {}", order.seq);
        before.insert(order.id, order.filled);
        if let Some(qty) = order.qty() {
            assert!(order.filled <= qty, "more than asked for");
            assert_eq!(order.filled == qty && own > Shares::ZERO, order.status == Status::Filled);
        }
        assert_eq!(order.status.is_final(), order.times.ended.is_some());
        reserved = reserved.plus(order.reserved()).unwrap();
    }
    assert_eq!(reserved, exchange.reserved, "reserved");
    for symbol in exchange.listings().keys() {
        let (for_sells, _) = exchange.held_for_sells(symbol).unwrap();
        assert!(for_sells <= exchange.state().ledger.held(symbol), "sells beyond what is held");
    }
}

fn rough() -> impl Strategy<Value = Vec<Rough>> {
    let bar = (9_500_u32..10_500, 0_u32..300, 0_u32..300, 0_u32..200);
    proptest::collection::vec(bar, 2..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 300, ..ProptestConfig::default() })]

    /// Whatever anybody does, money and shares are conserved, and every order keeps its word.
    #[test]
    fn the_naive_ledger_agrees(rough in rough(), deeds in proptest::collection::vec(a_deed(), 1..60)) {
        act(&rough, &deeds, 1);
    }

    /// The same inputs give the same bytes.
    #[test]
    fn a_replay_is_the_same(rough in rough(), deeds in proptest::collection::vec(a_deed(), 1..40)) {
        let told = |exchange: &Exchange| {
            serde_json::to_string(&(exchange.state(), exchange.orders(), exchange.activities()))
        };
        let first = told(&act(&rough, &deeds, 1)).unwrap();
        prop_assert_eq!(first, told(&act(&rough, &deeds, 1)).unwrap());
    }

    /// However time is cut into steps, the same fills come out.
    #[test]
    fn steps_do_not_matter(rough in rough(), deeds in proptest::collection::vec(a_deed(), 1..40), cut in 2_i32..7) {
        let whole = act(&rough, &deeds, 1);
        let cut = act(&rough, &deeds, cut);
        prop_assert_eq!(whole.activities(), cut.activities());
        prop_assert_eq!(whole.orders(), cut.orders());
    }

    /// Costs as the venue charges them are never above what the preview said.
    #[test]
    fn the_estimate_is_the_worst_case(qty in 1_u32..5_000, cents in 100_u32..50_000) {
        let costs = CostModel::realistic();
        let price = atlas_core::Price::new(Decimal::new(i64::from(cents), 2)).unwrap();
        let date = "2019-01-03".parse().unwrap();
        let qty = atlas_core::Qty::from_shares(qty);
        let whole = costs.estimate(Side::Sell, qty, price, date).unwrap();
        let half = atlas_core::Qty::new((qty.value() / Decimal::TWO).trunc()).unwrap();
        prop_assume!(!half.is_zero());
        let part = costs.estimate(Side::Sell, half, price, date).unwrap();
        prop_assert!(part.total().unwrap() <= whole.total().unwrap());
    }
}
