//! Whatever a client posts as an order, the venue's server answers, and not with a 5xx.

#![no_main]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;

use atlas_tests::market::{at, listings};
use atlas_tests::world::START;
use atlas_venue::server::{ServeOptions, serve};
use atlas_venue::{Venue, VenueConfig};

/// The server's address and the head of each request; it serves until the process ends.
fn target() -> &'static (SocketAddr, String) {
    static TARGET: OnceLock<(SocketAddr, String)> = OnceLock::new();
    TARGET.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let venue = Venue::open(None, VenueConfig::realistic(at(START)), listings()).unwrap();
        let listen = ([127, 0, 0, 1], 0).into();
        let server = runtime.block_on(serve(venue, listen, ServeOptions::default())).unwrap();
        let head = format!(
            "POST /v2/orders HTTP/1.1\r\nhost: venue\r\nconnection: close\r\n\
             apca-api-key-id: {}\r\napca-api-secret-key: {}\r\ncontent-length: ",
            server.key_id,
            server.secret.expose()
        );
        let address = server.addr;
        std::mem::forget((runtime, server));
        (address, head)
    })
}

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let (address, head) = target();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("{head}{}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 ") && answer[9] < b'5', "no answer, or a 5xx");
});
