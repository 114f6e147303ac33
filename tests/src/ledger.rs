//! A second, naive set of books: decimals, added up one entry after the other.

use std::collections::{BTreeMap, BTreeSet};

use atlas_broker::{Activity, Broker, BrokerOrder, CashKind, Entry};
use atlas_core::{Account, Position, Side, Symbol};
use rust_decimal::Decimal;

/// Cash and shares as the broker's ledger alone has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NaiveLedger {
    /// Dollars.
    pub cash: Decimal,
    /// Shares, by symbol; none where none are held.
    pub shares: BTreeMap<Symbol, Decimal>,
    /// Shares traded, by client order id.
    pub traded: BTreeMap<String, Decimal>,
    /// Dollars paid in, less those paid out.
    pub paid_in: Decimal,
    /// Dollars of fees, above zero.
    pub fees: Decimal,
    /// Least dollars there ever were.
    pub lowest_cash: Decimal,
    seen: BTreeSet<String>,
}

impl NaiveLedger {
    /// Adds entries up.
    ///
    /// # Panics
    /// If an entry comes out of order, an execution twice, or more is sold than was there.
    #[must_use]
    pub fn of(activities: &[Activity]) -> Self {
        let mut ledger = Self::default();
        for pair in activities.windows(2) {
            assert!(pair[0].id < pair[1].id, "{:?} comes before {:?}", pair[0].id, pair[1].id);
        }
        for activity in activities {
            ledger.take(&activity.entry);
            ledger.lowest_cash = ledger.lowest_cash.min(ledger.cash);
        }
        ledger
    }

    fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Fill(fill) => {
                let fresh = self.seen.insert(fill.execution_id.to_string());
                assert!(fresh, "execution {} is told twice", fill.execution_id);
                let (qty, price) = (fill.qty.value(), fill.price.value());
                let held = self.shares.entry(fill.symbol.clone()).or_default();
                match fill.side {
                    Side::Buy => {
                        self.cash -= qty * price;
                        *held += qty;
                    }
                    Side::Sell => {
                        self.cash += qty * price;
                        *held -= qty;
                    }
                }
                assert!(*held >= Decimal::ZERO, "{} was sold short", fill.symbol);
                self.shares.retain(|_, held| !held.is_zero());
                *self.traded.entry(fill.client_order_id.to_string()).or_default() += qty;
            }
            Entry::Cash(cash) => {
                let amount = cash.net_amount.value();
                self.cash += amount;
                match cash.kind {
                    CashKind::Fee => self.fees -= amount,
                    _ => self.paid_in += amount,
                }
            }
            Entry::Shares(moved) => {
                self.cash += moved.net_amount.value();
                self.paid_in += moved.net_amount.value();
                let held = self.shares.entry(moved.symbol.clone()).or_default();
                *held += moved.change;
                assert!(*held >= Decimal::ZERO, "{} has fewer shares than none", moved.symbol);
                self.shares.retain(|_, held| !held.is_zero());
            }
            other => panic!("an entry nobody knows: {other:?}"),
        }
    }
}

/// Holds what a broker says of account, positions and orders against its own ledger.
///
/// # Panics
/// If they disagree.
pub async fn check_books(broker: &dyn Broker) {
    let activities = broker.activities(None).await.expect("activities");
    let ledger = NaiveLedger::of(&activities);
    let account = broker.account().await.expect("the account");
    let positions = broker.positions().await.expect("positions");
    let open = broker.open_orders().await.expect("open orders");

    assert_eq!(account.cash.value(), ledger.cash, "cash is the sum of the ledger");
    assert!(ledger.lowest_cash >= Decimal::ZERO, "cash was {} once", ledger.lowest_cash);
    let held: BTreeMap<Symbol, Decimal> =
        positions.iter().map(|(symbol, held)| (symbol.clone(), held.qty.value())).collect();
    assert_eq!(held, ledger.shares, "positions are the sum of the fills");
    let worth: Decimal =
        positions.values().map(|held| held.qty.value() * held.current_price.value()).sum();
    assert_eq!(account.equity.value(), ledger.cash + worth, "equity is cash and positions");

    check_held_back(positions.values(), &open);
    check_buying_power(&account, &open);
    check_orders(broker, &ledger).await;
}

/// No more shares are held back than open sells are for.
fn check_held_back<'a>(positions: impl Iterator<Item = &'a Position>, open: &[BrokerOrder]) {
    for held in positions {
        let symbol = &held.symbol;
        let sells = open.iter().filter(|order| order.side == Side::Sell && order.symbol == *symbol);
        let offered: Decimal = sells.map(leaves).sum();
        let back = held.qty.value() - held.qty_available.value();
        assert!(
            Decimal::ZERO <= back && back <= offered,
            "{symbol}: {back} shares are held back, open sells are for {offered}"
        );
    }
}

/// What open limit buys may cost is not offered again.
fn check_buying_power(account: &Account, open: &[BrokerOrder]) {
    let buys = open.iter().filter(|order| order.side == Side::Buy);
    let reserved: Decimal =
        buys.filter_map(|order| Some(leaves(order) * order.limit_price?.value())).sum();
    let buying_power = account.buying_power.value();
    assert!(buying_power >= Decimal::ZERO, "buying power is {buying_power}");
    let free = (account.cash.value() - reserved).max(Decimal::ZERO);
    assert!(buying_power <= free, "buying power is {buying_power}, {free} is free");
}

/// Every order that traded is there, and filled by the sum of its fills and of those of the order
/// it took the place of.
async fn check_orders(broker: &dyn Broker, ledger: &NaiveLedger) {
    let mut orders = Vec::new();
    for id in ledger.traded.keys() {
        let id = id.parse().expect("a client order id");
        orders.push(broker.order(&id).await.expect("an answer").expect("the order of a fill"));
    }
    for order in &orders {
        let id = &order.client_order_id;
        let before = orders.iter().find(|old| Some(&old.venue_order_id) == order.replaces.as_ref());
        let before = before.map_or(Decimal::ZERO, |old| old.filled_qty.value());
        let traded = ledger.traded[id.as_str()] + before;
        assert_eq!(order.filled_qty.value(), traded, "{id} is filled by the sum of its fills");
        assert!(order.filled_qty <= order.qty, "{id} is filled beyond its quantity");
    }
}

fn leaves(order: &BrokerOrder) -> Decimal {
    order.qty.value() - order.filled_qty.value()
}
