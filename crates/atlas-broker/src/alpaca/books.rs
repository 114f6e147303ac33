//! What a stream of order updates has told so far, so that nothing is told twice or out of order.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{OrderStatus, Qty, VenueOrderId};
use chrono::TimeDelta;

use crate::{BrokerOrder, OrderNews};

/// What was told of each order.
///
/// Memory stays flat by one rule: an order is [forgotten](Self::forget) once it has ended, the ledger
/// was read to beyond its last execution, and it was submitted [`KEPT`] before the newest order known.
/// The ledger is then never read for it again, and whatever else the stream says of an order that old
/// and unknown is [an old story](Self::is_old): every order of that age that is not among these had
/// ended and was told. So nothing that was told can be told twice.
#[derive(Debug, Default, Clone)]
pub(crate) struct Books {
    orders: BTreeMap<VenueOrderId, Told>,
    /// Orders that ended since the last time any were forgotten.
    ended: usize,
    /// When the newest order was submitted.
    newest: Option<Timestamp>,
    /// Orders submitted up to here that are unknown were forgotten.
    horizon: Option<Timestamp>,
}

/// How much older than the newest order another one must be to be forgotten: no message is on its way
/// for so long.
pub(crate) const KEPT: TimeDelta = TimeDelta::minutes(10);

/// Orders that have to end before it is worth reading the ledger to forget them.
pub(crate) const ENDED: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    /// Shares told as fills, cumulative.
    filled: Qty,
    /// The order as it was last told, if it was.
    order: Option<(OrderStatus, Qty)>,
    /// When the broker took the order, if it was told.
    submitted_at: Option<Timestamp>,
}

/// Whether an execution continues what was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is the next one.
    Next,
    /// It was told before.
    Known,
    /// One before it is missing.
    Gap,
}

impl Books {
    /// Takes an execution in: so many shares, after which so many were filled.
    pub(crate) fn fill(&mut self, id: &VenueOrderId, qty: Qty, cumulative: Qty) -> Step {
        let told = self.orders.get(id).map_or(Qty::ZERO, |told| told.filled);
        if cumulative <= told {
            return Step::Known;
        }
        if cumulative.saturating_sub(qty) != told || qty.is_zero() || qty > cumulative {
            return Step::Gap;
        }
        self.entry(id).filled = cumulative;
        Step::Next
    }

    /// Says that nothing before an execution of an order that is new here is to be told.
    pub(crate) fn start(&mut self, id: &VenueOrderId, filled: Qty) {
        let told = Told { filled, order: None, submitted_at: None };
        self.orders.entry(id.clone()).or_insert(told);
    }

    /// Whether the order is known.
    pub(crate) fn knows(&self, id: &VenueOrderId) -> bool {
        self.orders.contains_key(id)
    }

    /// Shares of the order told as fills.
    pub(crate) fn filled(&self, id: &VenueOrderId) -> Qty {
        self.orders.get(id).map_or(Qty::ZERO, |told| told.filled)
    }

    /// Takes an order in; whether it is news.
    pub(crate) fn order(&mut self, order: &BrokerOrder, news: &OrderNews) -> bool {
        let entry = self.entry(&order.venue_order_id);
        let now = (order.status, order.filled_qty);
        let fresh = entry.order.is_none_or(|before| advances(before, now, news));
        if fresh {
            let had_ended = entry.order.is_some_and(|(status, _)| status.is_terminal());
            entry.order = Some(now);
            entry.submitted_at = Some(order.submitted_at);
            self.ended += usize::from(order.status.is_terminal() && !had_ended);
            self.newest = self.newest.max(Some(order.submitted_at));
        }
        fresh
    }

    /// Whether an order is one of those that were forgotten: all there is to tell of it was told.
    pub(crate) fn is_old(&self, order: &BrokerOrder) -> bool {
        !self.knows(&order.venue_order_id) && Some(order.submitted_at) <= self.horizon
    }

    /// Whether so many orders have ended that some should be forgotten.
    pub(crate) const fn is_full(&self) -> bool {
        self.ended >= ENDED
    }

    /// Forgets what can be forgotten; only right after the ledger was read to its end, and agreed
    /// with what orders said.
    pub(crate) fn forget(&mut self) {
        self.ended = 0;
        let Some(until) = self.newest.and_then(|newest| newest.checked_sub_signed(KEPT)) else {
            return;
        };
        self.horizon = self.horizon.max(Some(until));
        self.orders.retain(|_, told| {
            let is_open = told.order.is_none_or(|(status, _)| !status.is_terminal());
            is_open || told.submitted_at.is_none_or(|at| at > until)
        });
    }

    /// When the newest order that is known of was submitted, or when the telling began.
    pub(crate) const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// Says that what was submitted up to here, and has ended, is nobody's news.
    pub(crate) fn begin(&mut self, newest: Timestamp) {
        self.newest = self.newest.max(Some(newest));
    }

    /// Number of orders remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.orders.len()
    }

    /// Orders that were last told to be open, and when they were submitted.
    pub(crate) fn open(&self) -> Vec<(VenueOrderId, Timestamp)> {
        let open =
            |told: &Told| told.order.filter(|(status, _)| status.is_open()).and(told.submitted_at);
        self.orders.iter().filter_map(|(id, told)| open(told).map(|at| (id.clone(), at))).collect()
    }

    fn entry(&mut self, id: &VenueOrderId) -> &mut Told {
        self.orders.entry(id.clone()).or_insert(Told {
            filled: Qty::ZERO,
            order: None,
            submitted_at: None,
        })
    }
}

/// Whether an order moved on: fills never shrink, an end is final but for late fills, and what is
/// being canceled or replaced goes back to work only if the broker says so.
fn advances(before: (OrderStatus, Qty), now: (OrderStatus, Qty), news: &OrderNews) -> bool {
    let ((status, filled), (new_status, new_filled)) = (before, now);
    if new_filled < filled {
        return false;
    }
    if status.is_terminal() {
        return new_status == status && new_filled > filled;
    }
    let pending = matches!(status, OrderStatus::PendingCancel | OrderStatus::PendingReplace);
    let working = matches!(new_status, OrderStatus::Accepted | OrderStatus::PartiallyFilled);
    let told =
        matches!(news, OrderNews::CancelRejected | OrderNews::ReplaceRejected | OrderNews::Found);
    if pending && working && new_filled == filled {
        return told;
    }
    now != before || matches!(news, OrderNews::Unknown(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> VenueOrderId {
        "order".parse().expect("an id")
    }

    fn shares(n: u32) -> Qty {
        Qty::from_shares(n)
    }

    #[test]
    fn an_execution_is_next_known_or_beyond_a_gap() {
        let mut books = Books::default();
        for (qty, cumulative, step) in [
            (3, 3, Step::Next),
            (3, 3, Step::Known),
            (2, 7, Step::Gap),
            (2, 5, Step::Next),
            (2, 7, Step::Next),
            (0, 8, Step::Gap),
            (9, 8, Step::Gap),
            (3, 3, Step::Known),
        ] {
            assert_eq!(books.fill(&id(), shares(qty), shares(cumulative)), step, "{cumulative}");
        }
        assert_eq!(books.filled(&id()), shares(7));
    }

    #[test]
    fn what_has_ended_long_ago_is_forgotten_and_not_told_again() {
        let mut books = Books::default();
        let order = |n: u32, minutes: i64, status: OrderStatus| BrokerOrder {
            venue_order_id: format!("v{n}").parse().unwrap(),
            client_order_id: format!("c{n}").parse().unwrap(),
            symbol: "AAPL".parse().unwrap(),
            side: atlas_core::Side::Buy,
            qty: shares(5),
            notional: None,
            filled_qty: if status == OrderStatus::Filled { shares(5) } else { Qty::ZERO },
            avg_fill_price: None,
            status,
            limit_price: None,
            submitted_at: Timestamp::UNIX_EPOCH + TimeDelta::minutes(minutes),
            replaces: None,
        };
        for minute in 0..60_u32 {
            let status = if minute == 3 { OrderStatus::Accepted } else { OrderStatus::Filled };
            let order = order(minute, minute.into(), status);
            if status == OrderStatus::Filled {
                assert_eq!(books.fill(&order.venue_order_id, shares(5), shares(5)), Step::Next);
            }
            assert!(books.order(&order, &OrderNews::Fill));
        }
        books.forget();
        // The one that is open, and those of the last ten minutes.
        assert_eq!(books.len(), 11);
        for minute in 0..60_u32 {
            let again = order(minute, minute.into(), OrderStatus::Filled);
            let again_told = !books.is_old(&again)
                && books.fill(&again.venue_order_id, shares(5), shares(5)) == Step::Next;
            assert_eq!(again_told, minute == 3, "{minute}");
        }
        // An order that is new is never old.
        assert!(!books.is_old(&order(99, 60, OrderStatus::Filled)));
    }

    #[test]
    fn an_order_never_goes_back() {
        use OrderNews as N;
        use OrderStatus as S;
        for (before, now, news, fresh) in [
            ((S::Accepted, 0), (S::PartiallyFilled, 2), N::PartialFill, true),
            ((S::PartiallyFilled, 2), (S::Accepted, 0), N::Accepted, false),
            ((S::PartiallyFilled, 2), (S::PartiallyFilled, 2), N::PartialFill, false),
            ((S::Filled, 2), (S::PartiallyFilled, 1), N::PartialFill, false),
            ((S::Canceled, 2), (S::PendingCancel, 2), N::PendingCancel, false),
            ((S::Canceled, 2), (S::Canceled, 3), N::Fill, true),
            ((S::PendingCancel, 0), (S::Accepted, 0), N::Accepted, false),
            ((S::PendingCancel, 0), (S::Accepted, 0), N::CancelRejected, true),
            ((S::PendingCancel, 0), (S::PartiallyFilled, 1), N::PartialFill, true),
            ((S::PendingCancel, 0), (S::Filled, 1), N::Fill, true),
            ((S::PendingReplace, 0), (S::Replaced, 0), N::Replaced, true),
            ((S::Accepted, 0), (S::Accepted, 0), N::Unknown("restated".into()), true),
        ] {
            let [before, now] = [before, now].map(|(status, n)| (status, shares(n)));
            assert_eq!(advances(before, now, &news), fresh, "{before:?} {now:?} {news:?}");
        }
    }

    proptest! {
        /// However executions are repeated and shuffled, what is told adds up and never repeats.
        #[test]
        fn what_is_told_adds_up(
            parts in proptest::collection::vec(1_u32..50, 1..8),
            order in proptest::collection::vec(proptest::num::usize::ANY, 0..64),
        ) {
            let mut total = 0;
            let after = |qty: &u32| {
                total += qty;
                (*qty, total)
            };
            let fills: Vec<(u32, u32)> = parts.iter().map(after).collect();
            let mut books = Books::default();
            let mut told = 0;
            for pick in order {
                let (qty, cumulative) = fills[pick % fills.len()];
                if books.fill(&id(), shares(qty), shares(cumulative)) == Step::Next {
                    told += qty;
                    prop_assert_eq!(told, cumulative);
                }
            }
            for (qty, cumulative) in fills {
                if books.fill(&id(), shares(qty), shares(cumulative)) == Step::Next {
                    told += qty;
                }
            }
            prop_assert_eq!(told, total);
        }
    }
}
