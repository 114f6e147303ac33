//! One client that trades, and resolves whatever goes wrong.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use atlas_broker::alpaca::{Paper, Session};
use atlas_broker::{Broker, BrokerOrder, Submission};
use atlas_core::{ClientOrderId, OrderRequest, Side, Symbol, VenueOrderId};
use atlas_tests::approval::approve;
use atlas_tests::orders::{Change, order};
use rust_decimal::Decimal;

use crate::memory::Memory;

/// Attempts before a client gives up; faults are rare, so this is never reached.
const ATTEMPTS: usize = 50;

/// What a client holds to be true.
pub(crate) struct Tally {
    /// Which client it is.
    pub(crate) number: usize,
    /// The symbol it trades.
    pub(crate) symbol: Symbol,
    /// Names of the orders the venue has.
    pub(crate) taken: BTreeSet<String>,
    /// Names of the orders the venue refused.
    pub(crate) refused: BTreeSet<String>,
    /// Outcomes that were unknown at first.
    pub(crate) unknown: usize,
    /// Orders that were sent again.
    pub(crate) again: usize,
    /// Shares it holds, by what each of its orders filled.
    pub(crate) held: Decimal,
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {} holds {} {}", self.number, self.held, self.symbol)
    }
}

pub(crate) struct Client {
    session: Session<Paper>,
    memory: Arc<Memory>,
    tally: Tally,
    random: u64,
    count: usize,
}

impl Client {
    pub(crate) fn new(
        session: Session<Paper>,
        symbol: Symbol,
        number: usize,
        memory: Arc<Memory>,
    ) -> Self {
        let tally = Tally {
            number,
            symbol,
            taken: BTreeSet::new(),
            refused: BTreeSet::new(),
            unknown: 0,
            again: 0,
            held: Decimal::ZERO,
        };
        let random = 0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1);
        Self { session, memory, tally, random, count: 0 }
    }

    /// Sends so many orders, and leaves none of them open.
    pub(crate) async fn trade(mut self, orders: usize) -> Tally {
        while self.count < orders {
            match self.draw(20) {
                0..=6 => self.market(Side::Buy).await,
                7..=12 if self.tally.held >= Decimal::TEN => self.market(Side::Sell).await,
                7..=14 => self.limit().await,
                15..=17 => self.resting(false).await,
                18 if self.count + 2 <= orders => self.resting(true).await,
                _ => self.too_much().await,
            }
        }
        self.tally
    }

    /// Sends a single order.
    pub(crate) async fn trade_once(mut self) -> Tally {
        self.market(Side::Buy).await;
        self.tally
    }

    /// A market order, which fills, in one execution or two.
    async fn market(&mut self, side: Side) {
        let qty = (1 + self.draw(9)).to_string();
        let request = self.request(side, &qty);
        self.fills(request).await;
    }

    /// A limit order above the ask.
    async fn limit(&mut self) {
        let request = self.request(Side::Buy, "3").limit("110");
        self.fills(request).await;
    }

    /// Sends what fills at once, and counts it.
    async fn fills(&mut self, request: OrderRequest) {
        let side = request.side;
        let Some(taken) = self.place(request).await else { return };
        let done = self.look_up(&taken.client_order_id).await.expect("an order that was taken");
        let filled = done.filled_qty.value();
        assert!(!done.status.is_open(), "{done:?} has not filled");
        self.tally.held += if side == Side::Buy { filled } else { -filled };
    }

    /// A limit order far below the bid, perhaps replaced, then canceled.
    async fn resting(&mut self, replaced: bool) {
        let request = self.request(Side::Buy, "2").limit("50");
        let Some(mut order) = self.place(request).await else { return };
        if replaced {
            let request = self.request(Side::Buy, "3").limit("51");
            let name = request.client_order_id.clone();
            let sent = self.session.replace(&order.venue_order_id, approve(request)).await;
            if let Some(successor) = self.resolve(&name, sent).await {
                order = successor;
            }
        }
        self.cancel(&order.venue_order_id).await;
        let done = self.look_up(&order.client_order_id).await.expect("an order that was taken");
        assert!(!done.status.is_open(), "{done:?} is open after its cancel");
        self.tally.held += done.filled_qty.value();
    }

    /// More than the account can pay: refused.
    async fn too_much(&mut self) {
        let request = self.request(Side::Buy, "90000000");
        let taken = self.place(request).await;
        assert!(taken.is_none(), "{taken:?} was taken");
    }

    async fn cancel(&self, id: &VenueOrderId) {
        for _ in 0..ATTEMPTS {
            if self.session.cancel(id).await.is_ok() {
                return;
            }
        }
        panic!("{id} cannot be canceled");
    }

    /// Sends an order until its outcome is known; gives it if it was taken.
    async fn place(&mut self, request: OrderRequest) -> Option<BrokerOrder> {
        let name = request.client_order_id.clone();
        let sent = self.session.submit(approve(request)).await;
        self.resolve(&name, sent).await
    }

    async fn resolve(&mut self, name: &ClientOrderId, sent: Submission) -> Option<BrokerOrder> {
        let mut sent = sent;
        for _ in 0..ATTEMPTS {
            sent = match sent {
                Submission::Accepted(order) => return Some(self.taken(order)),
                Submission::Refused { .. } => {
                    self.tally.refused.insert(name.to_string());
                    return None;
                }
                Submission::NotReached { order, .. } => {
                    self.tally.again += 1;
                    self.session.submit(order).await
                }
                Submission::Unknown(unknown) => {
                    self.tally.unknown += 1;
                    if let Some(order) = self.look_up(name).await {
                        return Some(self.taken(order));
                    }
                    self.tally.again += 1;
                    self.session.resend(unknown).await
                }
            };
        }
        panic!("the outcome of {name} stays unknown");
    }

    fn taken(&mut self, order: BrokerOrder) -> BrokerOrder {
        self.tally.taken.insert(order.client_order_id.to_string());
        order
    }

    /// An order by its name; a look-up may be repeated as often as it takes.
    async fn look_up(&self, name: &ClientOrderId) -> Option<BrokerOrder> {
        for _ in 0..ATTEMPTS {
            if let Ok(found) = self.session.order(name).await {
                return found;
            }
        }
        panic!("{name} cannot be looked up");
    }

    fn request(&mut self, side: Side, qty: &str) -> OrderRequest {
        self.count += 1;
        self.memory.step();
        let name = format!("soak-{}-{}", self.tally.number, self.count);
        order(&name, side, self.tally.symbol.as_str(), qty)
    }

    /// A number below `below`, by xorshift.
    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }
}
