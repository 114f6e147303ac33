//! A server that answers in payloads of the real service's shapes.
//!
//! What happens is decided by the venue's core, through the broker contract alone; what is said
//! about it is taken from the payloads of `golden/alpaca`, which hold what the service sends and the
//! venue's server may not: further fields, other ways to write numbers and times, states of the
//! moment. So the client is tried on a second wire, which shares no code with the first.

mod market;
mod request;
mod shapes;
mod stream;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use atlas_broker::{Broker, BrokerOrder, Entry, Error, Submission, Terms};
use atlas_core::{ClientOrderId, OrderRequest, VenueOrderId};
use atlas_venue::{InProcess, Venue};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::approval::approve;
use crate::faulty::Trouble;
use crate::glitch::Glitch;
use crate::market::at;

/// The server at work; it ends when it is dropped.
pub struct Recorded {
    /// Where it listens.
    pub address: SocketAddr,
    service: Arc<Service>,
    task: JoinHandle<()>,
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The key pair it asks for.
pub const KEYS: [&str; 2] = ["PKRECORDED", "secret-of-the-recorded-service"];

/// What the server knows besides what the contract tells.
struct Service {
    broker: InProcess,
    books: Mutex<Books>,
    /// What goes wrong with the orders to come.
    troubles: Mutex<VecDeque<Trouble>>,
    /// What goes wrong with the messages to come.
    glitches: Mutex<VecDeque<Glitch>>,
}

#[derive(Default)]
struct Books {
    names: BTreeMap<VenueOrderId, ClientOrderId>,
    asked: BTreeMap<ClientOrderId, (OrderRequest, Terms)>,
}

/// An answer: its status and its body.
type Answer = (u16, Value);

impl Recorded {
    /// Starts a server over a venue.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(venue: Venue) -> Self {
        let service = Arc::new(Service {
            broker: InProcess::new(venue),
            books: Mutex::default(),
            troubles: Mutex::default(),
            glitches: Mutex::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/stream", any(stream))
            .fallback(answer)
            .with_state(Arc::clone(&service));
        let serve = async move { axum::serve(listener, router).await.expect("a server") };
        Self { address, service, task: tokio::spawn(serve) }
    }

    /// Lets something go wrong with the next order that has no trouble before it.
    ///
    /// # Panics
    /// Never between calls.
    pub fn trouble(&self, trouble: Trouble) {
        self.service.troubles.lock().expect("the troubles").push_back(trouble);
    }

    /// From now on replacements are accepted and not carried out, or they are again.
    pub fn delay_replacements(&self, is_late: bool) {
        self.service.broker.delay_replacements(is_late);
    }

    /// Lets something go wrong with the next message of the stream.
    ///
    /// # Panics
    /// Never between calls.
    pub fn glitch(&self, glitch: Glitch) {
        self.service.glitches.lock().expect("the glitches").push_back(glitch);
    }
}

async fn stream(State(service): State<Arc<Service>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| stream::serve(service, socket))
}

async fn answer(
    State(service): State<Arc<Service>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if [key("apca-api-key-id"), key("apca-api-secret-key")] != KEYS.map(Some) {
        // Gateways answer in pages.
        return (StatusCode::UNAUTHORIZED, "<html><h1>401</h1></html>").into_response();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_order = (&method, uri.path()) == (&Method::POST, "/v2/orders");
    let scripted = || service.troubles.lock().expect("the troubles").pop_front();
    let trouble = is_order.then(scripted).flatten().unwrap_or(Trouble::None);
    let (status, payload) = match trouble {
        Trouble::RequestLost => return broken_off(),
        Trouble::NotReached => (429, json!({ "code": 42_910_000, "message": "slow down" })),
        Trouble::Refused => refusal(40_310_000, "no"),
        Trouble::Half => {
            service.broker.venue().limit_next_order("0.5".parse().expect("a share"));
            service.route(&method, &uri, &body).await
        }
        Trouble::None | Trouble::AnswerLost | Trouble::GatewayFails | Trouble::Silence => {
            service.route(&method, &uri, &body).await
        }
    };
    match trouble {
        Trouble::AnswerLost => return broken_off(),
        Trouble::GatewayFails => {
            return (StatusCode::SERVICE_UNAVAILABLE, "<html><h1>503</h1></html>").into_response();
        }
        Trouble::Silence => return std::future::pending().await,
        _ => {}
    }
    let status = StatusCode::from_u16(status).expect("a status");
    let extra = [
        ("x-request-id", "0f1c4a3e6a7d5d1c9d0b"),
        ("x-ratelimit-limit", "200"),
        ("x-ratelimit-remaining", "199"),
        ("x-ratelimit-reset", "1546526100"),
        ("date", "Thu, 03 Jan 2019 14:35:00 GMT"),
        ("content-type", "application/json; charset=UTF-8"),
    ];
    let text = if payload.is_null() { String::new() } else { payload.to_string() };
    (status, extra, text).into_response()
}

/// An answer of which nothing comes but its head, before the connection is cut.
fn broken_off() -> Response {
    let cut = futures_util::stream::once(async { Err::<Bytes, _>(io::Error::other("cut")) });
    ([("content-length", "100")], Body::from_stream(cut)).into_response()
}

fn refusal(code: i64, message: &str) -> Answer {
    let status = match code {
        40_310_000 => 403,
        40_410_000 => 404,
        _ => 422,
    };
    (status, json!({ "code": code, "message": message, "request_id": "0f1c4a3e" }))
}

fn failure(error: &Error) -> Answer {
    match error {
        Error::Refused { status, code, reason, .. } => {
            (*status, json!({ "code": code, "message": reason }))
        }
        other => panic!("the venue itself failed: {other}"),
    }
}

fn not_found() -> Answer {
    refusal(40_410_000, "order not found")
}

impl Service {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("the books")
    }

    async fn route(&self, method: &Method, uri: &Uri, body: &Value) -> Answer {
        let query = query(uri);
        let get = |name: &str| query.get(name).map(String::as_str);
        let path = unescaped(uri.path());
        let parts: Vec<&str> = path.trim_start_matches('/').splitn(3, '/').collect();
        match (method.as_str(), parts.as_slice()) {
            ("GET", ["v2", "account"]) => {
                let account = self.broker.account().await.expect("the account");
                (200, shapes::account(&account))
            }
            ("PATCH", ["v2", "account", "configurations"]) => {
                let suspended = body["suspend_trade"].as_bool().expect("a wish");
                self.broker.suspend(suspended).await.expect("a suspension");
                (200, shapes::configuration(suspended))
            }
            ("GET", ["v2", "account", "activities"]) => self.activities(&query).await,
            ("GET", ["v2", "positions"]) => {
                let positions = self.broker.positions().await.expect("positions");
                (200, positions.values().map(shapes::position).collect())
            }
            ("GET", ["v2", "clock"]) => {
                let clock = self.broker.clock().await.expect("the clock");
                (200, shapes::clock(&clock))
            }
            ("GET", ["v2", "orders"]) => self.list(&query).await,
            ("POST", ["v2", "orders"]) => self.submit(body).await,
            ("DELETE", ["v2", "orders"]) => self.cancel_all().await,
            ("GET", ["v2", "orders:by_client_order_id"]) => {
                let id = get("client_order_id").expect("a name").parse().expect("a name");
                self.shown(&id).await.map_or_else(not_found, |order| (200, order))
            }
            (_, ["v2", "orders", id]) => self.one(method, id, body).await,
            ("GET", ["v2", "calendar"]) => market::calendar(&self.broker, &query).await,
            other => {
                let data = market::answer(&self.broker, path.trim_start_matches('/'), &query).await;
                data.unwrap_or_else(|| panic!("the recorded service does not know {other:?}"))
            }
        }
    }

    /// One order as it is now.
    async fn shown(&self, id: &ClientOrderId) -> Option<Value> {
        let order = self.broker.order(id).await.expect("an answer")?;
        Some(self.noted(&order))
    }

    /// An order in the service's shape; its names are kept.
    fn noted(&self, order: &BrokerOrder) -> Value {
        let mut books = self.books();
        books.names.insert(order.venue_order_id.clone(), order.client_order_id.clone());
        shapes::order(order, books.asked.get(&order.client_order_id))
    }

    /// A page of the open orders, or of all that were ever shown here.
    async fn list(&self, query: &BTreeMap<String, String>) -> Answer {
        let get = |name: &str| query.get(name).map(String::as_str);
        let mut orders = self.broker.open_orders().await.expect("open orders");
        if get("status") == Some("all") {
            let names: Vec<ClientOrderId> = self.books().names.values().cloned().collect();
            for name in names {
                let order = self.broker.order(&name).await.expect("an answer");
                orders.retain(|open| open.client_order_id != name);
                orders.extend(order);
            }
            orders.sort_by_key(|order| order.submitted_at);
        }
        if let Some(after) = get("after") {
            let after = at(after);
            orders.retain(|order| order.submitted_at > after);
        }
        if get("direction") == Some("desc") {
            orders.reverse();
        }
        let first = get("after_order_id").map_or(0, |id| {
            let last = orders.iter().position(|order| order.venue_order_id.as_str() == id);
            last.map_or(0, |last| last + 1)
        });
        let size = get("limit").map_or(50, |size| size.parse().expect("a number"));
        (200, orders.iter().skip(first).take(size).map(|order| self.noted(order)).collect())
    }

    async fn submit(&self, body: &Value) -> Answer {
        let (order, terms) = request::order(body);
        let id = order.client_order_id.clone();
        if self.broker.order(&id).await.expect("an answer").is_some() {
            return refusal(40_010_001, "client_order_id must be unique");
        }
        let answer = self.broker.submit_with(approve(order.clone()), terms).await;
        self.took(answer, id, (order, terms))
    }

    fn took(&self, answer: Submission, id: ClientOrderId, asked: (OrderRequest, Terms)) -> Answer {
        match answer {
            Submission::Accepted(order) => {
                self.books().asked.insert(id, asked);
                // The service answers before anything has happened to the order.
                let mut shown = self.noted(&order);
                shown["status"] = "pending_new".into();
                shown["filled_qty"] = "0".into();
                shown["filled_avg_price"] = Value::Null;
                (200, shown)
            }
            Submission::Refused { code, reason } => refusal(code.unwrap_or(42_210_000), &reason),
            other => panic!("the venue itself failed: {other:?}"),
        }
    }

    async fn cancel_all(&self) -> Answer {
        let asked = self.broker.cancel_all().await.expect("cancels");
        let entry = |id: &VenueOrderId| json!({ "id": id, "status": 200, "body": null });
        (207, asked.iter().map(entry).collect())
    }

    /// What is asked of one order by the service's name for it.
    async fn one(&self, method: &Method, id: &str, body: &Value) -> Answer {
        let id: VenueOrderId = id.parse().expect("an id");
        let name = self.books().names.get(&id).cloned();
        match (method.as_str(), name) {
            ("DELETE", _) => match self.broker.cancel(&id).await {
                Ok(()) => (204, Value::Null),
                Err(error) => failure(&error),
            },
            (_, None) => not_found(),
            ("GET", Some(name)) => {
                self.shown(&name).await.map_or_else(not_found, |order| (200, order))
            }
            ("PATCH", Some(name)) => {
                let old = self.books().asked.get(&name).cloned().expect("an order sent here");
                let order = request::replacement(&old.0, body);
                let new = order.client_order_id.clone();
                if self.broker.order(&new).await.expect("an answer").is_some() {
                    return refusal(40_010_001, "client_order_id must be unique");
                }
                let answer = self.broker.replace(&id, approve(order.clone())).await;
                self.took(answer, new, (order, old.1))
            }
            (other, _) => panic!("the recorded service does not {other} orders"),
        }
    }

    async fn activities(&self, query: &BTreeMap<String, String>) -> Answer {
        let token = query.get("page_token").map(|id| atlas_broker::ActivityId(id.clone()));
        let all = self.broker.activities(token.as_ref()).await.expect("activities");
        let size = query.get("page_size").map_or(100, |size| size.parse().expect("a number"));
        let about = |entry: &Entry| match (entry, query.get("order_id")) {
            (_, None) => true,
            (Entry::Fill(fill), Some(id)) => fill.venue_order_id.as_str() == id,
            (_, Some(_)) => false,
        };
        for activity in &all {
            if let Entry::Fill(fill) = &activity.entry {
                let names = (fill.venue_order_id.clone(), fill.client_order_id.clone());
                self.books().names.insert(names.0, names.1);
            }
        }
        let page = all.iter().filter(|activity| about(&activity.entry)).take(size);
        (200, page.map(shapes::activity).collect())
    }
}

fn query(uri: &Uri) -> BTreeMap<String, String> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (unescaped(name), unescaped(&value.replace('+', " ")))).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).filter(|_| *first == b'%');
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).expect("text")
}
