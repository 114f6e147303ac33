//! A server that answers by script and can misbehave on the wire.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Such as `GET /v2/orders?limit=500`.
    pub(crate) line: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Request {
    /// The method and the path without parameters.
    pub(crate) fn target(&self) -> &str {
        self.line.split('?').next().unwrap_or_default()
    }

    /// One parameter, still escaped.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let query = self.line.split_once('?')?.1;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers.
    Reply(u16, String),
    /// Answers with further header lines.
    ReplyWith(u16, String, &'static str),
    /// Closes the connection without an answer.
    Cut,
    /// Closes the connection in the middle of the body.
    CutBody(String),
    /// Never answers.
    Stall,
    /// Becomes a WebSocket that takes the keys and a subscription, and then plays these.
    Stream(Vec<Frame>),
    /// The same for market data.
    Data(Vec<Frame>),
}

/// What a stream does next.
#[derive(Debug, Clone)]
pub(crate) enum Frame {
    /// Sends a binary message.
    Binary(String),
    /// Waits until the test says go.
    Wait,
    /// Cuts the connection.
    Drop,
    /// Keeps the connection, and neither reads nor writes any more.
    Silence,
}

impl Act {
    /// An answer with status 200.
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::Reply(200, body.into())
    }

    /// Alpaca's answer to what does not exist.
    pub(crate) fn not_found() -> Self {
        Self::Reply(404, r#"{"code":40410000,"message":"not found"}"#.to_owned())
    }
}

type Script = dyn Fn(&Request) -> Act + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Request>>>,
    gate: Arc<Notify>,
}

impl Server {
    /// Starts on a free port and serves until the test ends.
    pub(crate) async fn start(script: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&log));
        let gate = Arc::new(Notify::new());
        let waiting = Arc::clone(&gate);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = (Arc::clone(&script), Arc::clone(&seen), Arc::clone(&waiting));
                tokio::spawn(serve(stream, shared));
            }
        });
        Self { address, log, gate }
    }

    /// The same server, looked for where it is not.
    pub(crate) fn at(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Lets a stream that waits go on.
    pub(crate) fn go(&self) {
        self.gate.notify_one();
    }

    /// Every request so far.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.log.lock().expect("the log").clone()
    }

    /// How many requests began like this.
    pub(crate) fn count(&self, start: &str) -> usize {
        self.log().iter().filter(|request| request.line.starts_with(start)).count()
    }
}

type Shared = (Arc<Script>, Arc<Mutex<Vec<Request>>>, Arc<Notify>);

async fn serve(stream: TcpStream, (script, log, gate): Shared) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = receive(&mut stream).await {
        log.lock().expect("the log").push(request.clone());
        let (status, body, headers, cut) = match script(&request) {
            Act::Reply(status, body) => (status, body, "", false),
            Act::ReplyWith(status, body, headers) => (status, body, headers, false),
            Act::CutBody(body) => (200, body, "", true),
            Act::Cut => return,
            Act::Stall => return std::future::pending().await,
            Act::Stream(frames) => {
                return play(stream.into_inner(), &request, &ORDERS, frames, &gate).await;
            }
            Act::Data(frames) => {
                return play(stream.into_inner(), &request, &DATA, frames, &gate).await;
            }
        };
        let length = body.len();
        let sent = if cut { &body[..length / 2] } else { &body };
        let answer = format!(
            "HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\n{headers}\r\n{sent}"
        );
        if stream.write_all(answer.as_bytes()).await.is_err() || cut {
            return;
        }
    }
}

/// What the order stream answers to the keys and to the request to listen.
const ORDERS: [&str; 2] = [
    r#"{"stream":"authorization","data":{"status":"authorized","action":"authenticate"}}"#,
    r#"{"stream":"listening","data":{"streams":["trade_updates"]}}"#,
];

/// What the data stream answers to the keys and to the subscription.
const DATA: [&str; 2] = [
    r#"[{"T":"success","msg":"connected"},{"T":"success","msg":"authenticated"}]"#,
    r#"[{"T":"subscription","trades":["AAPL"],"quotes":["AAPL"],"bars":[]}]"#,
];

/// Plays a stream; afterwards the connection stays open and pings are answered.
async fn play(
    mut stream: TcpStream,
    request: &Request,
    hello: &[&'static str],
    frames: Vec<Frame>,
    gate: &Notify,
) {
    let key = request.headers.iter().find_map(|line| line.strip_prefix("sec-websocket-key: "));
    let accept = derive_accept_key(key.expect("a key").as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("a client");
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    for answer in hello.iter().copied() {
        let Some(Ok(_)) = socket.next().await else { return };
        if socket.send(Message::binary(answer)).await.is_err() {
            return;
        }
    }
    for frame in frames {
        match frame {
            Frame::Binary(text) => socket.send(Message::binary(text)).await.expect("a client"),
            Frame::Wait => gate.notified().await,
            Frame::Drop => return,
            Frame::Silence => return std::future::pending().await,
        }
    }
    while let Some(Ok(_)) = socket.next().await {}
}

async fn receive(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let line = lines.first()?.trim_end_matches(" HTTP/1.1").to_owned();
    let length = lines.iter().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).expect("text");
    Some(Request { line, headers: lines.split_off(1), body })
}
