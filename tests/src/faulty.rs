//! The in-process venue behind a network that loses what a test tells it to lose.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use atlas_broker::{
    Activity, ActivityId, Broker, BrokerOrder, Error, MarketClock, Submission, Terms,
    UnknownOutcome, UpdateStream,
};
use atlas_core::time::Timestamp;
use atlas_core::{
    Account, ClientOrderId, OrderRequest, OrderType, Position, Quote, Side, Symbol, TimeInForce,
    VenueOrderId, Weight,
};
use atlas_risk::ApprovedOrder;
use atlas_venue::core::{Class, Kind, NewOrder, Px, Shares, Size, Tif};
use atlas_venue::{Fault, InProcess, Target, Venue};

/// What goes wrong with one submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// The request is lost, and nobody knows.
    RequestLost,
    /// The venue takes the order, and the answer is lost.
    AnswerLost,
    /// The venue takes the order, and a gateway answers for it with status 503.
    GatewayFails,
    /// The venue takes the order and never answers.
    Silence,
    /// The broker asks to slow down: nothing has arrived.
    NotReached,
    /// The venue refuses.
    Refused,
    /// The venue takes the order and fills at most half of it.
    Half,
}

impl Trouble {
    /// The same for the venue's server.
    #[must_use]
    pub fn on_the_wire(self) -> (Target, Fault) {
        let fault = match self {
            Self::None => Fault::Delay(std::time::Duration::ZERO),
            Self::RequestLost => Fault::DropBefore,
            Self::AnswerLost => Fault::DropAfter,
            Self::GatewayFails => Fault::FailAfter(503),
            Self::Silence => Fault::HangAfter,
            Self::NotReached => Fault::FailBefore(429),
            Self::Refused => Fault::Reject { status: 403, code: REFUSED, message: "no".to_owned() },
            Self::Half => Fault::PartialFill(half()),
        };
        (Target::Submit, fault)
    }
}

/// An order that arrived at the venue, and how things stood at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The order.
    pub request: OrderRequest,
    /// When.
    pub at: Timestamp,
    /// Sells that could still fill.
    pub open_sells: BTreeSet<String>,
    /// Whether the account was asked for since the last order arrived, or the first time ever.
    pub asked: bool,
}

#[derive(Debug, Default)]
struct Notes {
    script: VecDeque<Trouble>,
    arrivals: Vec<Arrival>,
    asked: bool,
    reads: usize,
    /// Reads that get no answer, by number.
    deaf: BTreeSet<usize>,
}

/// The in-process venue behind a network that can be told to fail.
#[derive(Debug)]
pub struct Faulty {
    broker: InProcess,
    notes: Mutex<Notes>,
}

impl Faulty {
    /// In front of a venue.
    #[must_use]
    pub fn new(venue: Venue) -> Self {
        Self { broker: InProcess::new(venue), notes: Mutex::default() }
    }

    /// Lets something go wrong with the next submit that has no trouble before it.
    pub fn script(&self, trouble: Trouble) {
        self.notes().script.push_back(trouble);
    }

    /// Forgets what was still to go wrong.
    pub fn calm(&self) {
        let mut notes = self.notes();
        notes.script.clear();
        notes.deaf.clear();
    }

    /// Lets the reads with these numbers, counted from the first read ever, get no answer.
    pub fn deafen(&self, reads: impl IntoIterator<Item = usize>) {
        self.notes().deaf.extend(reads);
    }

    /// How many reads there were.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.notes().reads
    }

    /// Every order that arrived, in order; one that arrived twice is told twice.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.notes().arrivals.clone()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<(), Error> {
        let mut notes = self.notes();
        notes.reads += 1;
        let number = notes.reads;
        if notes.deaf.contains(&number) { Err(no_answer()) } else { Ok(()) }
    }

    fn arrive(&self, request: &OrderRequest) {
        let (at, open_sells) = self.broker.venue().inspect(|exchange| {
            let sells = exchange.open_orders().filter(|order| order.side == Side::Sell);
            (exchange.now(), sells.map(|order| order.client_order_id.clone()).collect())
        });
        let mut notes = self.notes();
        let asked = std::mem::take(&mut notes.asked);
        notes.arrivals.push(Arrival { request: request.clone(), at, open_sells, asked });
    }

    /// The order goes in, and nobody hears of it.
    fn take_in_silence(&self, request: &OrderRequest) {
        self.arrive(request);
        // What the venue said to it is what gets lost.
        drop(self.broker.venue().submit(new_order(request)));
    }

    async fn send(&self, order: ApprovedOrder, terms: Terms) -> Submission {
        let trouble = self.notes().script.pop_front().unwrap_or(Trouble::None);
        match trouble {
            Trouble::None | Trouble::Half => {
                if trouble == Trouble::Half {
                    self.broker.venue().limit_next_order(half());
                }
                self.arrive(order.get());
                self.broker.submit_with(order, terms).await
            }
            Trouble::RequestLost => Submission::Unknown(UnknownOutcome::new(order, no_answer())),
            Trouble::AnswerLost | Trouble::GatewayFails | Trouble::Silence => {
                self.take_in_silence(order.get());
                Submission::Unknown(UnknownOutcome::new(order, no_answer()))
            }
            Trouble::NotReached => Submission::NotReached {
                order,
                error: Error::RateLimited { venue: VENUE.to_owned(), reset: None },
            },
            Trouble::Refused => {
                Submission::Refused { code: Some(REFUSED), reason: "no".to_owned() }
            }
        }
    }
}

#[async_trait]
impl Broker for Faulty {
    async fn account(&self) -> Result<Account, Error> {
        self.read()?;
        self.notes().asked = true;
        self.broker.account().await
    }

    async fn positions(&self) -> Result<BTreeMap<Symbol, Position>, Error> {
        self.read()?;
        self.broker.positions().await
    }

    async fn open_orders(&self) -> Result<Vec<BrokerOrder>, Error> {
        self.read()?;
        self.broker.open_orders().await
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error> {
        self.read()?;
        self.broker.order(id).await
    }

    async fn submit(&self, order: ApprovedOrder) -> Submission {
        self.send(order, Terms::Simple).await
    }

    async fn submit_with(&self, order: ApprovedOrder, terms: Terms) -> Submission {
        self.send(order, terms).await
    }

    async fn resend(&self, unknown: UnknownOutcome) -> Submission {
        let trouble = self.notes().script.pop_front().unwrap_or(Trouble::None);
        match trouble {
            Trouble::RequestLost | Trouble::NotReached => Submission::Unknown(unknown),
            Trouble::AnswerLost | Trouble::GatewayFails | Trouble::Silence => {
                self.take_in_silence(unknown.request());
                Submission::Unknown(unknown)
            }
            Trouble::None | Trouble::Half | Trouble::Refused => {
                self.arrive(unknown.request());
                self.broker.resend(unknown).await
            }
        }
    }

    async fn replace(&self, old: &VenueOrderId, order: ApprovedOrder) -> Submission {
        self.broker.replace(old, order).await
    }

    async fn suspend(&self, suspended: bool) -> Result<(), Error> {
        self.broker.suspend(suspended).await
    }

    fn updates(&self, after: Option<ActivityId>) -> Result<Box<dyn UpdateStream + '_>, Error> {
        self.broker.updates(after)
    }

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        self.read()?;
        self.broker.cancel(id).await
    }

    async fn activities(&self, after: Option<&ActivityId>) -> Result<Vec<Activity>, Error> {
        self.read()?;
        self.broker.activities(after).await
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        self.read()?;
        self.broker.clock().await
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        self.read()?;
        self.broker.quotes(symbols).await
    }
}

/// A market or limit order in the venue's own terms, for the way past the broker.
fn new_order(request: &OrderRequest) -> NewOrder {
    let kind = match request.order_type {
        OrderType::Market => Kind::Market,
        OrderType::Limit { limit_price } => {
            Kind::Limit(Px::try_from(limit_price).expect("a price"))
        }
        other => panic!("orders of type {other:?} do not get lost here"),
    };
    NewOrder {
        client_order_id: Some(request.client_order_id.to_string()),
        symbol: request.symbol.clone(),
        side: request.side,
        size: Size::Shares(Shares::try_from(request.qty).expect("a quantity")),
        kind,
        tif: match request.time_in_force {
            TimeInForce::Day => Tif::Day,
            TimeInForce::Gtc => Tif::Gtc,
            TimeInForce::Opg => Tif::Opg,
            TimeInForce::Cls => Tif::Cls,
            TimeInForce::Ioc => Tif::Ioc,
            TimeInForce::Fok => Tif::Fok,
        },
        extended_hours: false,
        class: Class::Simple,
        take_profit: None,
        stop_loss: None,
    }
}

fn no_answer() -> Error {
    Error::NoAnswer {
        venue: VENUE.to_owned(),
        request: "an order".to_owned(),
        reason: "the connection was lost".to_owned(),
    }
}

fn half() -> Weight {
    "0.5".parse().expect("a weight")
}

const VENUE: &str = "the faulty venue";
const REFUSED: i64 = 40_310_000;
