//! The simulated venue behind one of its doors, with a clock that a test moves.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use atlas_broker::alpaca::{Credentials, Endpoint, Options, Paper, Session};
use atlas_broker::{Activity, Broker, BrokerOrder, MarketData, Submission, Terms};
use atlas_core::time::Timestamp;
use atlas_core::{Account, Fill, OrderRequest, Position, Price};
use atlas_venue::server::{ServeOptions, ServerHandle, serve};
use atlas_venue::{Fault, InProcess, Listing, Target, Venue, VenueConfig};
use tempfile::TempDir;

use crate::approval::approve;
use crate::faulty::{Faulty, Trouble};
use crate::glitch::Glitch;
use crate::ledger::check_books;
use crate::market::{at, listings, symbol};
use crate::recorded::{self, Recorded};

/// How a venue is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// By calls.
    InProcess,
    /// By calls, through a network that can be told to fail.
    Faulty,
    /// By the real Alpaca client, over a socket.
    Alpaca,
    /// By the real Alpaca client, on a server that answers in recorded shapes.
    Recorded,
}

/// What a venue is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Memory, until it is dropped.
    Memory,
    /// A folder, so that it can be opened again.
    Disk,
}

/// Behind the door.
enum Way {
    InProcess(InProcess),
    Faulty(Box<Faulty>),
    Alpaca { session: Box<Session<Paper>>, server: ServerHandle },
    Recorded { session: Box<Session<Paper>>, server: Recorded },
}

/// One account at a venue, reached through one door.
///
/// The clock stands at five minutes past the open of 2019-01-03 to begin with, which is in the
/// opening phase: market orders fill at that open. $100 000 are there, costs are the realistic
/// ones.
pub struct World {
    door: Door,
    venue: Option<Venue>,
    way: Option<Way>,
    dir: Option<TempDir>,
    start: Timestamp,
    listings: Vec<Listing>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("door", &self.door).finish_non_exhaustive()
    }
}

impl World {
    /// Opens a new account.
    ///
    /// # Panics
    /// If the venue cannot be opened.
    pub async fn open(door: Door, ground: Ground) -> Self {
        let dir = (ground == Ground::Disk).then(|| tempfile::tempdir().expect("a folder"));
        Self::begin(door, dir, at(START), listings()).await
    }

    /// Opens a new account in memory, with its clock and its listings given.
    ///
    /// # Panics
    /// If the venue cannot be opened.
    pub async fn of(door: Door, start: Timestamp, listings: Vec<Listing>) -> Self {
        Self::begin(door, None, start, listings).await
    }

    async fn begin(
        door: Door,
        dir: Option<TempDir>,
        start: Timestamp,
        listings: Vec<Listing>,
    ) -> Self {
        let mut world = Self { door, venue: None, way: None, dir, start, listings };
        world.enter().await;
        world
    }

    /// Ends the venue and its server as a crash between two requests would, and opens them again
    /// from disk.
    ///
    /// # Panics
    /// If there is no disk, or the venue cannot be opened.
    pub async fn restart(&mut self) {
        assert!(self.dir.is_some(), "only what is on disk comes back");
        if let Some(Way::Alpaca { session, server }) = self.way.take() {
            drop(session);
            server.stop().await;
        }
        self.venue = None;
        self.enter().await;
    }

    async fn enter(&mut self) {
        let config = VenueConfig::realistic(self.start);
        let dir = self.dir.as_ref().map(TempDir::path);
        let venue = Venue::open(dir, config, self.listings.clone()).expect("a venue");
        self.way = Some(match self.door {
            Door::InProcess => Way::InProcess(InProcess::new(venue.clone())),
            Door::Faulty => Way::Faulty(Box::new(Faulty::new(venue.clone()))),
            Door::Alpaca => {
                let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let server = serve(venue.clone(), listen, ServeOptions::default()).await;
                let server = server.expect("a server");
                let session = Box::new(connect(&server, PATIENCE));
                Way::Alpaca { session, server }
            }
            Door::Recorded => {
                let server = Recorded::start(venue.clone()).await;
                let session = Box::new(connect_recorded(&server, PATIENCE));
                Way::Recorded { session, server }
            }
        });
        self.venue = Some(venue);
    }

    fn way(&self) -> &Way {
        self.way.as_ref().expect("a world that is open")
    }

    /// The venue itself.
    ///
    /// # Panics
    /// Never between calls.
    #[must_use]
    pub fn venue(&self) -> &Venue {
        self.venue.as_ref().expect("a world that is open")
    }

    /// The broker that is tried.
    #[must_use]
    pub fn broker(&self) -> &dyn Broker {
        match self.way() {
            Way::InProcess(broker) => broker,
            Way::Faulty(broker) => broker.as_ref(),
            Way::Alpaca { session, .. } | Way::Recorded { session, .. } => session.as_ref(),
        }
    }

    /// The market data that are tried.
    ///
    /// # Panics
    /// Behind the failing network, which carries orders alone.
    #[must_use]
    pub fn market_data(&self) -> &dyn MarketData {
        match self.way() {
            Way::InProcess(data) => data,
            Way::Faulty(_) => panic!("no market data come over the failing network"),
            Way::Alpaca { session, .. } | Way::Recorded { session, .. } => session.as_ref(),
        }
    }

    /// Lets something go wrong with the next submit.
    ///
    /// # Panics
    /// Behind a door that cannot fail.
    pub fn trouble(&self, trouble: Trouble) {
        match self.way() {
            Way::InProcess(_) => panic!("it does not fail"),
            Way::Faulty(broker) => broker.script(trouble),
            Way::Recorded { server, .. } => server.trouble(trouble),
            Way::Alpaca { server, .. } => {
                let (target, fault) = trouble.on_the_wire();
                server.faults().script(target, fault);
            }
        }
    }

    /// Lets something go wrong with the next message of the order updates.
    ///
    /// # Panics
    /// Behind a door without messages.
    pub fn glitch(&self, glitch: Glitch) {
        match self.way() {
            Way::InProcess(_) | Way::Faulty(_) => panic!("it sends no messages"),
            Way::Recorded { server, .. } => server.glitch(glitch),
            Way::Alpaca { server, .. } => {
                server.faults().script(Target::Update, glitch.on_the_wire());
            }
        }
    }

    /// From now on the next replacement is accepted, and left to [`carry_out`](Self::carry_out).
    ///
    /// # Panics
    /// Behind the failing network.
    pub fn delay_replacement(&self) {
        match self.way() {
            Way::InProcess(broker) => broker.delay_replacements(true),
            Way::Faulty(_) => panic!("its replacements are never late"),
            Way::Recorded { server, .. } => server.delay_replacements(true),
            Way::Alpaca { server, .. } => {
                // Not by itself: the clock is not moved so far.
                server.faults().script(Target::Change, Fault::LateReplace(u32::MAX));
            }
        }
    }

    /// Carries out a replacement that was delayed, by our name for the successor.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn carry_out(&self, id: &str) {
        let of = |exchange: &atlas_venue::core::Exchange| Some(exchange.order_by_client_id(id)?.id);
        let successor = self.venue().inspect(of).expect("a successor of that name");
        self.venue().end_replace(successor).expect("a replacement that was accepted");
    }

    /// Another connection to the same account, which waits for answers no longer than `timeout`;
    /// `None` behind a door without timeouts.
    #[must_use]
    pub fn impatient(&self, timeout: Duration) -> Option<Session<Paper>> {
        match self.way() {
            Way::InProcess(_) | Way::Faulty(_) => None,
            Way::Recorded { server, .. } => Some(connect_recorded(server, timeout)),
            Way::Alpaca { server, .. } => Some(connect(server, timeout)),
        }
    }

    /// Moves the venue's clock.
    ///
    /// # Panics
    /// If it would go back.
    pub fn advance(&self, to: &str) {
        self.venue().advance_to(at(to)).expect("a moment to come");
    }

    /// Sends an order.
    pub async fn submit(&self, request: OrderRequest) -> Submission {
        self.broker().submit(approve(request)).await
    }

    /// Sends an order that has to be taken; gives it as it is afterwards.
    ///
    /// # Panics
    /// If it is not taken.
    pub async fn send(&self, request: OrderRequest) -> BrokerOrder {
        self.send_with(request, Terms::Simple).await
    }

    /// Sends an order with terms that has to be taken; gives it as it is afterwards.
    ///
    /// # Panics
    /// If it is not taken.
    pub async fn send_with(&self, request: OrderRequest, terms: Terms) -> BrokerOrder {
        let id = request.client_order_id.to_string();
        match self.broker().submit_with(approve(request), terms).await {
            Submission::Accepted(taken) => assert_eq!(taken.client_order_id.as_str(), id),
            other => panic!("{id} was not taken: {other:?}"),
        }
        self.order(&id).await
    }

    /// Sends an order that has to be refused; gives code and reason.
    ///
    /// # Panics
    /// If it is not refused.
    pub async fn refused(&self, request: OrderRequest) -> (Option<i64>, String) {
        let id = request.client_order_id.clone();
        match self.submit(request).await {
            Submission::Refused { code, reason } => (code, reason),
            other => panic!("{id} was not refused: {other:?}"),
        }
    }

    /// An order that has to be there.
    ///
    /// # Panics
    /// If it is not.
    pub async fn order(&self, id: &str) -> BrokerOrder {
        self.find(id).await.unwrap_or_else(|| panic!("{id} is not there"))
    }

    /// An order, if it is there.
    ///
    /// # Panics
    /// If the broker does not answer.
    pub async fn find(&self, id: &str) -> Option<BrokerOrder> {
        let id = id.parse().expect("a client order id");
        self.broker().order(&id).await.expect("an answer")
    }

    /// Cancels an order by our name for it.
    ///
    /// # Panics
    /// If the broker refuses.
    pub async fn cancel(&self, id: &str) {
        let order = self.order(id).await;
        self.broker().cancel(&order.venue_order_id).await.expect("a cancel");
    }

    /// The account.
    ///
    /// # Panics
    /// If the broker does not answer.
    pub async fn account(&self) -> Account {
        self.broker().account().await.expect("the account")
    }

    /// A position, if it is there.
    ///
    /// # Panics
    /// If the broker does not answer.
    pub async fn position(&self, name: &str) -> Option<Position> {
        self.broker().positions().await.expect("positions").remove(&symbol(name))
    }

    /// Every entry of the ledger.
    ///
    /// # Panics
    /// If the broker does not answer.
    pub async fn activities(&self) -> Vec<Activity> {
        self.broker().activities(None).await.expect("activities")
    }

    /// Every execution.
    ///
    /// # Panics
    /// If the broker does not answer.
    pub async fn fills(&self) -> Vec<Fill> {
        let fill = |activity: Activity| match activity.entry {
            atlas_broker::Entry::Fill(fill) => Some(fill),
            _ => None,
        };
        self.activities().await.into_iter().filter_map(fill).collect()
    }

    /// Names of the open orders, in the broker's order.
    ///
    /// # Panics
    /// If the broker does not answer.
    pub async fn open_orders(&self) -> Vec<String> {
        let open = self.broker().open_orders().await.expect("open orders");
        open.into_iter().map(|order| order.client_order_id.to_string()).collect()
    }

    /// Bid and ask, if both are there.
    ///
    /// # Panics
    /// If the broker does not answer.
    pub async fn quote(&self, name: &str) -> Option<(Price, Price)> {
        let quotes = self.broker().quotes(&[symbol(name)]).await.expect("quotes");
        quotes.get(&symbol(name)).and_then(|quote| Some((quote.bid?, quote.ask?)))
    }

    /// Holds everything the broker says against the naive ledger.
    pub async fn check(&self) {
        check_books(self.broker()).await;
    }
}

/// A session of the real client on the venue's server.
fn connect(server: &ServerHandle, timeout: Duration) -> Session<Paper> {
    let (key_id, secret) = (server.key_id.clone(), server.secret.expose().to_owned());
    let credentials = Credentials::<Paper>::new(key_id, secret).expect("credentials");
    let options = Options { timeout, ..Options::default() };
    Session::connect(&Endpoint::loopback(server.addr), &credentials, &options).expect("a session")
}

/// A session of the real client on the server of recorded shapes.
fn connect_recorded(server: &Recorded, timeout: Duration) -> Session<Paper> {
    let [key_id, secret] = recorded::KEYS.map(str::to_owned);
    let credentials = Credentials::<Paper>::new(key_id, secret).expect("credentials");
    let options = Options { timeout, ..Options::default() };
    Session::connect(&Endpoint::loopback(server.address), &credentials, &options)
        .expect("a session")
}

/// Where the clock of a world stands at first.
pub const START: &str = "2019-01-03T14:35:00Z";

/// How long the client waits for an answer that is to come, on however busy a machine.
const PATIENCE: Duration = Duration::from_mins(1);
