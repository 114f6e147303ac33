//! Whatever a client sends, the venue's server answers, and not with a 5xx; whatever it says over a
//! stream, the server stays. The first byte chooses what the others are: an order, a change of one,
//! a question, or frames of a stream.

#![no_main]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use atlas_tests::market::{at, listings};
use atlas_tests::world::START;
use atlas_venue::server::{ServeOptions, serve};
use atlas_venue::{Venue, VenueConfig};

/// The server's address and the keys; it serves until the process ends.
fn target() -> &'static (SocketAddr, String, String) {
    static TARGET: OnceLock<(SocketAddr, String, String)> = OnceLock::new();
    TARGET.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let venue = Venue::open(None, VenueConfig::realistic(at(START)), listings()).unwrap();
        let listen = ([127, 0, 0, 1], 0).into();
        let server = runtime.block_on(serve(venue, listen, ServeOptions::default())).unwrap();
        let (key, secret) = (&server.key_id, server.secret.expose());
        let keys = format!("apca-api-key-id: {key}\r\napca-api-secret-key: {secret}\r\n");
        let auth = format!(r#"{{"action":"auth","key":"{key}","secret":"{secret}"}}"#);
        let address = server.addr;
        std::mem::forget((runtime, server));
        (address, keys, auth)
    })
}

fn connect(address: &SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Bytes as a path and parameters: what cannot stand there is escaped.
fn address_of(bytes: &[u8]) -> String {
    const FIRST: [&str; 12] = [
        "account/activities",
        "account/portfolio/history",
        "orders",
        "orders:by_client_order_id",
        "positions",
        "assets",
        "calendar",
        "stocks/bars",
        "stocks/trades",
        "stocks/quotes",
        "stocks/auctions",
        "stocks/snapshots",
    ];
    let (choice, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let mut text = match usize::from(*choice) {
        word @ 0..12 => format!("/v2/{}?symbols=UPP&", FIRST[word]),
        12 => "/v1/corporate-actions?".to_owned(),
        13 => "/v1beta3/crypto/us/bars?".to_owned(),
        _ => "/".to_owned(),
    };
    for byte in rest.iter().take(2_000) {
        match byte {
            b'!'..=b'~' => text.push(char::from(*byte)),
            other => text.push_str(&format!("%{other:02x}")),
        }
    }
    text
}

fn ask(method: &str, path: &str, body: &[u8]) {
    let (address, keys, _) = target();
    let mut stream = connect(address);
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: venue\r\nconnection: close\r\n{keys}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 ") && answer[9] < b'5', "no answer, or a 5xx");
}

/// Sends bytes as frames after the greeting: of each frame the first byte is its head, the second
/// its length.
fn converse(bytes: &[u8]) {
    let (address, _, auth) = target();
    let (choice, mut rest) = bytes.split_first().unwrap_or((&0, &[]));
    let path = ["/stream", "/v2/iex", "/v1beta3/crypto/us"][usize::from(choice % 3)];
    let kind = if choice & 0x40 == 0 { "" } else { "content-type: application/msgpack\r\n" };
    let mut stream = connect(address);
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: venue\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{kind}\r\n"
    );
    let mut sent = head.into_bytes();
    let mut frame = |head: u8, payload: &[u8]| {
        sent.push(head);
        // Masked with zeros, which leave the payload as it is.
        match u8::try_from(payload.len()) {
            Ok(short @ 0..126) => sent.push(0x80 | short),
            _ => {
                sent.push(0x80 | 126);
                sent.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
            }
        }
        sent.extend([0; 4]);
        sent.extend(payload);
    };
    if choice & 0x80 == 0 {
        frame(0x81, auth.as_bytes());
    }
    while let [head, length, tail @ ..] = rest {
        let (payload, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        // Most frames end a message of text or bytes.
        frame(if head & 8 == 0 { 0x81 + (head & 1) } else { *head }, payload);
        rest = tail;
    }
    // A server may hang up on what it does not like.
    if stream.write_all(&sent).is_err() {
        return;
    }
    drop(stream.shutdown(std::net::Shutdown::Write));
    let mut answer = Vec::new();
    let ended = stream.take(8 << 20).read_to_end(&mut answer);
    let waits = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!waits, "the server does not notice that nothing more comes");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 101"), "the stream is not opened");
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // What panics on a thread of the server has to end the run too.
    static HOOK: OnceLock<()> = OnceLock::new();
    HOOK.get_or_init(|| {
        std::panic::set_hook(Box::new(|info| {
            eprintln!("{info}");
            std::process::abort();
        }));
    });
    let (choice, rest) = bytes.split_first().unwrap_or((&0, &[]));
    match choice % 4 {
        0 => ask("POST", "/v2/orders", rest),
        1 => ask("PATCH", "/v2/orders/00000000-0000-4000-8000-000000000000", rest),
        2 => ask("GET", &address_of(rest), b""),
        _ => converse(rest),
    }
});
