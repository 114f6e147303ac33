//! What somebody does on an account on credit, and what must hold after each deed.

use std::collections::BTreeMap;

use atlas_core::bars::{Bars, Columns};
use atlas_core::calendar::{Calendar, Session};
use atlas_core::time::Timestamp;
use atlas_core::{Bps, Raw, Side};
use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use rust_decimal::Decimal;

use super::super::order;
use super::naive::{Books, decimal};
use crate::core::*;
use crate::{AccountRules, Slippage, VenueConfig};

/// One bar in cents: the open, and how far high, low and close are from it.
type Rough = (u32, u32, u32, u32);

/// Prices, and the account that trades at them.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    rough: Vec<Rough>,
    account: u8,
    slippage: u8,
    split: u32,
    delisting: i16,
}

/// What somebody does.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Submit(NewOrder),
    Cancel(Index),
    Replace(Index, Replacement),
    /// The replacement is accepted, and left to come.
    BeginReplace(Index, Replacement),
    EndReplace(Index),
    Wait(i64),
    Halt(bool),
    /// The venue's own made quote comes in as one of somebody's, one side of it perhaps missing.
    Quote(bool, u8),
}

impl Setup {
    pub(super) fn split(&self) -> Decimal {
        Decimal::from(self.split)
    }

    pub(super) fn left_of_delisted(&self) -> Decimal {
        Decimal::ONE + Decimal::new(i64::from(self.delisting), 4)
    }

    fn config(&self) -> VenueConfig {
        let mut config = VenueConfig::realistic("2019-01-28T14:40:00Z".parse().unwrap());
        config.cash = "9000".parse().unwrap();
        // Half of the accounts are held to it, the others trade more.
        config.refuse_wash_trades = self.slippage.is_multiple_of(2);
        config.split_fills = atlas_core::Weight::from_percent(30).unwrap();
        config.carry.idle = Bps::from_int(400);
        config.account = match self.account {
            0 => AccountRules::CASH,
            1 => AccountRules { spend_unsettled: false, ..AccountRules::CASH },
            2 => AccountRules::PAPER,
            3 => AccountRules { multiplier: Multiplier::Four, ..AccountRules::MARGIN },
            _ => AccountRules::MARGIN,
        };
        config.costs.slippage = match self.slippage {
            0 => Slippage::None,
            1 => Slippage::growing(),
            2 => Slippage::HalfSpread(Bps::from_int(4)),
            3 => Slippage::SquareRoot {
                half_spread: Bps::from_int(1),
                volatility: Bps::from_int(150),
                without_volume: Bps::from_int(100),
            },
            _ => Slippage::Fixed(Bps::from_int(5)),
        };
        config
    }

    fn sessions(&self) -> Vec<Session> {
        let from = "2019-01-28".parse().unwrap();
        let all = Calendar::nyse().sessions(from, Calendar::LAST).unwrap();
        all.take(self.rough.len()).collect()
    }

    /// A stock that splits and pays, one that is delisted, and a coin.
    fn market(&self) -> [Listing; 3] {
        let dates: Vec<NaiveDate> = self.sessions().iter().map(|session| session.date).collect();
        let series = |symbol: &str, dates: &[NaiveDate], divide: &dyn Fn(usize) -> f64| {
            let mut columns = Columns { dates: dates.to_vec(), ..Columns::default() };
            for (row, (low, open, close, over)) in
                self.rough.iter().cycle().take(dates.len()).enumerate()
            {
                let price = |cents: u32| f64::from(cents) / 100.0 / divide(row);
                columns.low.push(price(*low));
                columns.open.push(price(low + open));
                columns.close.push(price(low + close));
                columns.high.push(price(low + open.max(close) + over));
                columns.volume.push(f64::from(4_000 + over * 10));
            }
            let bars: Bars<Raw> = Bars::new(symbol.parse().unwrap(), columns).unwrap();
            bars
        };
        let split = f64::from(self.split);
        let action = |date, kind| CorporateAction { date, kind };
        let stock = Listing::raw(series("STK", &dates, &|row| if row < 2 { 1.0 } else { split }))
            .with_actions([
                action(dates[2], ActionKind::Split { new: self.split, old: 1 }),
                action(
                    dates[1],
                    ActionKind::Dividend {
                        per_share: "0.1234".parse().unwrap(),
                        pay_date: Some(dates[3]),
                    },
                ),
            ])
            .unwrap();
        let delisting_return = Bps::from_int(self.delisting);
        let end = action(dates[4], ActionKind::Delisting { delisting_return });
        let gone = Listing::raw(series("GONE", &dates, &|_| 3.0)).with_actions([end]).unwrap();
        let days: Vec<NaiveDate> = (0..12).map(|day| dates[0] + TimeDelta::days(day)).collect();
        let rules = CryptoRules {
            min_trade_increment: "0.001".parse().unwrap(),
            price_increment: "0.01".parse().unwrap(),
        };
        let coin = Listing::crypto(series("ETH/USD", &days, &|_| 1.0), rules).unwrap();
        [stock, gone, coin]
    }
}

pub(super) fn a_setup() -> impl Strategy<Value = Setup> {
    let bar = (9_500_u32..10_500, 0_u32..300, 0_u32..300, 0_u32..200);
    let rough = proptest::collection::vec(bar, 7..9);
    (rough, 0_u8..6, 0_u8..5, 2_u32..4, -10_000_i16..2_000).prop_map(
        |(rough, account, slippage, split, delisting)| Setup {
            rough,
            account,
            slippage,
            split,
            delisting,
        },
    )
}

fn cents(cents: i64) -> Px {
    Px::from_nanos(cents * 10_000_000).unwrap()
}

fn a_kind(scale: i64) -> impl Strategy<Value = Kind> {
    let px = move || (9_000_i64..11_500).prop_map(move |price| cents(price / scale));
    prop_oneof![
        5 => Just(Kind::Market),
        4 => px().prop_map(Kind::Limit),
        2 => px().prop_map(Kind::Stop),
        1 => (px(), px()).prop_map(|(stop, limit)| Kind::StopLimit { stop, limit }),
        1 => (10_i64..500).prop_map(|width| Kind::Trailing(Trail::Price(cents(width)))),
    ]
}

fn an_order() -> impl Strategy<Value = NewOrder> {
    let tif = prop_oneof![
        6 => Just(Tif::Day), 5 => Just(Tif::Gtc), 1 => Just(Tif::Cls), 1 => Just(Tif::Ioc),
        1 => Just(Tif::Fok),
    ];
    let symbol =
        prop_oneof![3 => Just(("STK", 1)), 2 => Just(("GONE", 3)), 2 => Just(("ETH/USD", 1))];
    (symbol, any::<bool>(), 1_i64..220, 0_u8..12, tif, 0_u8..8).prop_flat_map(
        |((symbol, scale), is_buy, qty, fine, tif, class)| {
            a_kind(scale).prop_map(move |kind| {
                let side = if is_buy { Side::Buy } else { Side::Sell };
                let tif = match tif {
                    Tif::Day | Tif::Gtc | Tif::Opg | Tif::Cls | Tif::Fok
                        if symbol.contains('/') =>
                    {
                        Tif::Gtc
                    }
                    Tif::Day | Tif::Gtc | Tif::Opg | Tif::Cls | Tif::Fok | Tif::Ioc => tif,
                };
                let mut order = NewOrder { tif, ..order(symbol, side, "1", kind) };
                let nanos = if fine < 2 { qty * NANO / 8 } else { qty * NANO };
                order.size = match fine {
                    2 => Size::Notional(Money::from_cents(qty * 100)),
                    _ => Size::Shares(Shares::from_nanos(nanos).unwrap()),
                };
                let (gain, loss) = if is_buy { (11_000, 9_000) } else { (9_000, 11_000) };
                if class == 0 && !symbol.contains('/') {
                    order.class = Class::Bracket;
                    order.take_profit = Some(cents(gain / scale));
                    order.stop_loss = Some((cents(loss / scale), None));
                }
                order
            })
        },
    )
}

fn a_wish() -> impl Strategy<Value = Replacement> {
    (a_kind(1), 1_i64..200, 0_u8..12).prop_map(|(kind, qty, tif)| Replacement {
        tif: [Tif::Day, Tif::Gtc, Tif::Opg, Tif::Cls, Tif::Ioc, Tif::Fok]
            .get(usize::from(tif))
            .copied(),
        qty: Shares::from_nanos(qty * NANO).filter(|_| qty % 2 == 0),
        limit: kind.limit(),
        stop: kind.stop(),
        ..Replacement::default()
    })
}

pub(super) fn a_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => an_order().prop_map(Deed::Submit),
        1 => any::<Index>().prop_map(Deed::Cancel),
        2 => (any::<Index>(), a_wish()).prop_map(|(at, wish)| Deed::Replace(at, wish)),
        1 => (any::<Index>(), a_wish()).prop_map(|(at, wish)| Deed::BeginReplace(at, wish)),
        1 => any::<Index>().prop_map(Deed::EndReplace),
        4 => (0_i64..40_000_000).prop_map(Deed::Wait),
        1 => any::<bool>().prop_map(Deed::Halt),
        2 => (any::<bool>(), 0_u8..6).prop_map(|(first, side)| Deed::Quote(first, side)),
    ]
}

/// Does everything; `cut` splits each stretch of time into so many steps.
pub(super) fn act(setup: &Setup, deeds: &[Deed], cut: i32) -> Exchange {
    let mut exchange = Exchange::new(setup.config(), setup.market()).unwrap();
    let mut books = Books::default();
    for deed in deeds {
        match deed {
            Deed::Submit(order) => drop(exchange.submit(order.clone())),
            Deed::Cancel(at) if !exchange.orders().is_empty() => {
                drop(exchange.cancel(at.get(exchange.orders()).id));
            }
            Deed::Replace(at, wish) if !exchange.orders().is_empty() => {
                drop(exchange.replace(at.get(exchange.orders()).id, wish));
            }
            Deed::BeginReplace(at, wish) if !exchange.orders().is_empty() => {
                drop(exchange.begin_replace(at.get(exchange.orders()).id, wish));
            }
            Deed::EndReplace(at) => end_replace(&mut exchange, *at),
            Deed::Cancel(_) | Deed::Replace(..) | Deed::BeginReplace(..) => {}
            Deed::Halt(halted) => exchange.halt(&"STK".parse().unwrap(), *halted).unwrap(),
            Deed::Quote(first, side) => {
                let symbol = if *first { "STK" } else { "GONE" };
                feed(&mut exchange, &mut books, symbol, *side);
            }
            Deed::Wait(wait) => walk(setup, &mut exchange, &mut books, *wait, cut),
        }
        books.catch_up(setup, &exchange);
        check(&exchange, &books);
    }
    exchange
}

/// Carries out one of the replacements that wait, if any do.
fn end_replace(exchange: &mut Exchange, at: Index) {
    let waiting: Vec<uuid::Uuid> =
        exchange.open_orders().filter(|order| order.waits()).map(|order| order.id).collect();
    if !waiting.is_empty() {
        exchange.end_replace(*at.get(&waiting)).unwrap();
    }
}

/// Hands in what the venue makes of the bar at this moment, as a quote from outside.
fn feed(exchange: &mut Exchange, books: &mut Books, name: &str, missing: u8) {
    let symbol = name.parse().unwrap();
    let view = exchange.view();
    let is_open = matches!(exchange.session(), Ok(Some(_)));
    let quote = view.quote_at(&exchange.listings()[&symbol], exchange.now()).unwrap();
    let Some((bid, ask)) = quote.filter(|_| is_open) else { return };
    let side = |price: Px, number| (missing != number).then(|| price.to_price().unwrap());
    let middle = match missing {
        0 => decimal(&ask),
        1 => decimal(&bid),
        _ => (decimal(&bid) + decimal(&ask)) / Decimal::TWO,
    };
    books.quoted.insert(name.to_owned(), middle);
    let (bid, ask) = (side(bid, 0), side(ask, 1));
    let quote = atlas_core::Quote { symbol, bid, ask, ts_event: exchange.now() };
    exchange.take_quote(&quote).unwrap();
}

/// Moves time, stopping at every close for the naive books.
fn walk(setup: &Setup, exchange: &mut Exchange, books: &mut Books, wait: i64, cut: i32) {
    let start = exchange.state().clock;
    let sessions = setup.sessions();
    let end = sessions.last().unwrap().close;
    for step in 1..=cut {
        let to = start + TimeDelta::milliseconds(wait * i64::from(step) / i64::from(cut));
        let to: Timestamp = to.min(end);
        for session in &sessions {
            if session.close > exchange.state().clock && session.close <= to {
                exchange.advance_to(session.close).unwrap();
                books.close(setup, exchange, session);
            }
        }
        exchange.advance_to(to.max(exchange.state().clock)).unwrap();
        books.catch_up(setup, exchange);
    }
}

/// Everything that must hold at any moment.
fn check(exchange: &Exchange, books: &Books) {
    if exchange.rules().multiplier == Multiplier::One {
        assert!(!books.cash.is_sign_negative() || books.cash.is_zero(), "a cash account owes");
        assert!(books.held.values().all(|qty| !qty.is_sign_negative()), "sold short");
    }
    let standing = exchange.standing().unwrap();
    let sum = standing.cash.plus(standing.long).unwrap().plus(standing.short).unwrap();
    assert_eq!(standing.equity, sum);
    assert!(
        standing.buying_power >= Money::ZERO
            && standing.initial_margin >= standing.maintenance_margin
    );
    check_orders(exchange, books);
    for (symbol, listing) in exchange.listings() {
        let (sells, _) = exchange.held_back(symbol, Side::Sell).unwrap();
        let (covers, _) = exchange.held_back(symbol, Side::Buy).unwrap();
        assert!(
            sells <= exchange.state().ledger.held(symbol),
            "{symbol}: sells beyond what is held"
        );
        assert!(
            covers <= exchange.state().ledger.owed(symbol),
            "{symbol}: buys beyond what is owed"
        );
        let short = exchange.state().ledger.owed(symbol);
        assert!(short.is_zero() || listing.is_shortable());
    }
}

fn check_orders(exchange: &Exchange, books: &Books) {
    let (mut reserved, mut before) = (Money::ZERO, BTreeMap::new());
    for order in exchange.orders() {
        // A successor counts what the order it replaced had filled; one that waits, or never came
        // to work, nothing.
        let taken_over = order.replaces.and_then(|id| before.get(&id).copied()).unwrap_or_default();
        let own = books.filled.get(&order.seq).copied().unwrap_or_default();
        let old = order.replaces.and_then(|id| exchange.order_by_id(id));
        if old.is_none_or(|old| old.replaced_by == Some(order.id)) {
            assert_eq!(own + taken_over, decimal(&order.filled), "fills of {}", order.seq);
        } else {
            assert!(own.is_zero() && order.filled.is_zero(), "{order:?}");
        }
        check_waiting(exchange, order);
        before.insert(order.id, decimal(&order.filled));
        if let Some(qty) = order.qty() {
            assert!(order.filled <= qty, "more than asked for");
        }
        assert_eq!(order.status.is_final(), order.times.ended.is_some());
        reserved = reserved.plus(order.reserved()).unwrap();
    }
    assert_eq!(reserved, exchange.reserved, "reserved");
    check_rules(exchange);
    for activity in exchange.activities() {
        if let Entry::Fill(fill) = &activity.entry {
            check_bar(exchange, activity, fill);
        }
    }
}

/// An order that is to be replaced has one successor that waits, and nobody waits for nothing.
fn check_waiting(exchange: &Exchange, order: &OrderRecord) {
    if order.replacing {
        assert!(!order.status.is_final());
        let waits = |other: &&OrderRecord| other.waits() && other.replaces == Some(order.id);
        assert_eq!(exchange.open_orders().filter(waits).count(), 1, "{order:?}");
    }
    if order.waits() {
        let old = order.replaces.and_then(|id| exchange.order_by_id(id)).unwrap();
        assert!(old.replacing && old.replaced_by.is_none(), "{order:?}");
    }
    assert!(order.status != Status::PendingNew || order.waits(), "{order:?}");
}

/// However an order came to its terms, they are such as a new order could have, and no two of the
/// account's own could meet.
fn check_rules(exchange: &Exchange) {
    let alone = |order: &&OrderRecord| order.class == Class::Simple;
    let open: Vec<&OrderRecord> = exchange.open_orders().filter(alone).collect();
    for order in &open {
        let listing = &exchange.listings()[&order.symbol];
        let asked = NewOrder { class: order.class, ..change::asked(order) };
        let checked = rules::check(&asked, listing);
        assert_eq!(checked, Ok(()), "{order:?}");
        let replaces = order.replaces.filter(|_| !order.waits());
        if let (Some(_), Some(price), Some(qty)) = (replaces, order.reserve, order.qty()) {
            let least = Money::from_cents(if listing.is_crypto() { 1_000 } else { 100 });
            assert!(price.times(qty) >= least, "too small: {order:?}");
        }
    }
    if !exchange.config.refuse_wash_trades {
        return;
    }
    let sent = |order: &&&OrderRecord| !matches!(order.kind, Kind::Trailing(_) | Kind::Market);
    for buy in open.iter().filter(sent).filter(|order| order.side == Side::Buy) {
        let of = |sell: &&&OrderRecord| sell.side == Side::Sell && sell.symbol == buy.symbol;
        for sell in open.iter().filter(sent).filter(of) {
            let crosses = rules::could_cross(Side::Buy, buy.kind, sell.kind);
            assert!(!crosses, "{buy:?} could meet {sell:?}");
        }
    }
}

/// No fill outside of its bar, whatever the slippage.
fn check_bar(exchange: &Exchange, activity: &Activity, fill: &Execution) {
    let listing = &exchange.listings()[&fill.symbol];
    let crypto = listing.is_crypto();
    let date = if crypto { activity.stamp.date_naive() } else { date_of(activity.stamp) };
    let row = listing.row_of(date).unwrap();
    let columns = listing.columns();
    let (low, high) =
        (Px::from_bar(columns.low[row]).unwrap(), Px::from_bar(columns.high[row]).unwrap());
    // Where the bar's own prices are finer than what can be traded or quoted, the range is rounded
    // outwards.
    let tick = listing.trade_tick();
    let (low, high) = (low.nanos() / tick * tick, (high.nanos() + tick - 1) / tick * tick);
    for price in [fill.reference, fill.price] {
        assert!(price.nanos() >= low, "{price} is below the bar: {fill:?}");
        assert!(price.nanos() <= high, "{price} is above the bar: {fill:?}");
    }
    let volume = columns.volume[row] * 0.025;
    assert!(decimal(&fill.qty) <= Decimal::try_from(volume).unwrap(), "beyond the volume");
}

#[test]
fn the_setup_trades_every_way() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let deeds = proptest::collection::vec(a_deed(), 60..61);
        let setup = a_setup().new_tree(&mut runner).unwrap().current();
        let deeds = deeds.new_tree(&mut runner).unwrap().current();
        for activity in act(&setup, &deeds, 1).activities() {
            seen.insert(match &activity.entry {
                Entry::Fill(fill) => format!("{:?} {}", fill.side, fill.symbol),
                Entry::Posting(posting) => format!("{:?}", posting.kind),
                Entry::Deposit(_) => "deposit".to_owned(),
                Entry::Fee { kind, .. } => format!("{kind:?}"),
            });
        }
    }
    let text = seen.iter().cloned().collect::<Vec<_>>().join(", ");
    for wanted in [
        "Sell STK",
        "Buy ETH/USD",
        "Sell ETH/USD",
        "Split",
        "Delisting",
        "Dividend",
        "CryptoFee",
        "MarginInterest",
        "BorrowFee",
        "CashInterest",
        "Sec31",
    ] {
        assert!(seen.contains(wanted), "{wanted} never happened: {text}");
    }
}
