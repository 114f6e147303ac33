//! What a client may send over a WebSocket: commands in JSON and in msgpack, whole, broken and in
//! pieces, and frames that are none.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Target, run, value};

/// One frame, as it goes over the wire.
#[derive(Debug, Clone)]
struct Frame {
    /// One bit, whether it ends its message, above four bits of which the protocol knows six values.
    head: u8,
    masked: bool,
    payload: Vec<u8>,
    /// A length that is told instead of the true one.
    lie: Option<u64>,
}

impl Frame {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.head];
        let mask = u8::from(self.masked) << 7;
        let length = self.lie.unwrap_or(self.payload.len() as u64);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..126), _) => bytes.push(mask | short),
            (_, Ok(middle)) => {
                bytes.push(mask | 0x7e);
                bytes.extend(middle.to_be_bytes());
            }
            _ => {
                bytes.push(mask | 0x7f);
                bytes.extend(length.to_be_bytes());
            }
        }
        if self.masked {
            // A mask of zeros leaves the payload as it is.
            bytes.extend([0; 4]);
        }
        bytes.extend(&self.payload);
        bytes
    }
}

/// What a command consists of besides its action. Boxed, as are the others: so many choices within
/// choices do not fit on a test's stack.
fn command() -> BoxedStrategy<Value> {
    let actions = ["auth", "authenticate", "listen", "subscribe", "unsubscribe", "error", ""];
    let symbols = prop_oneof![
        3 => Just(json!(["UPP"])),
        1 => Just(json!(["*"])),
        1 => Just(json!(["UPP", "NOPE", "", "BTC/USD", 1, null])),
        1 => value(),
    ]
    .boxed();
    let names = ["trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "orderbooks"];
    let lists =
        proptest::collection::vec((proptest::sample::select(names.to_vec()), symbols), 0..4);
    let data = prop_oneof![
        3 => Just(json!({"streams": ["trade_updates"]})),
        1 => value().prop_map(|value| json!({"streams": value})),
        1 => value().prop_map(|value| json!({"key_id": value, "secret_key": "x"})),
        1 => value(),
    ]
    .boxed();
    let odd = (".{0,12}", value());
    (proptest::sample::select(actions.to_vec()), lists, data, odd)
        .prop_map(|(action, lists, data, (name, value))| {
            let mut command = json!({"action": action, "data": data, "key": "x", "secret": "y"});
            for (name, symbols) in lists {
                command[name] = symbols;
            }
            command[name] = value;
            command
        })
        .boxed()
}

/// A value in msgpack.
fn packed(value: &Value, into: &mut Vec<u8>) {
    let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    match value {
        Value::Null => into.push(0xc0),
        Value::Bool(truth) => into.push(0xc2 + u8::from(*truth)),
        Value::Number(number) => {
            into.push(0xcb);
            into.extend(number.as_f64().unwrap_or_default().to_be_bytes());
        }
        Value::String(text) => {
            into.push(0xda);
            into.extend(count(text.len()));
            into.extend(text.as_bytes());
        }
        Value::Array(items) => {
            into.push(0xdc);
            into.extend(count(items.len()));
            for item in items {
                packed(item, into);
            }
        }
        Value::Object(members) => {
            into.push(0xde);
            into.extend(count(members.len()));
            for (name, member) in members {
                packed(&Value::from(name.as_str()), into);
                packed(member, into);
            }
        }
    }
}

/// A message: a command in either encoding, perhaps cut short, or bytes.
fn payload() -> BoxedStrategy<Vec<u8>> {
    let text = command().prop_map(|command| command.to_string().into_bytes());
    let binary = command().prop_map(|command| {
        let mut bytes = Vec::new();
        packed(&command, &mut bytes);
        bytes
    });
    let whole = prop_oneof![text, binary].boxed();
    let cut = (whole.clone(), any::<prop::sample::Index>()).prop_map(|(mut bytes, at)| {
        bytes.truncate(at.index(bytes.len().max(1)));
        bytes
    });
    // Lists within lists, and lengths that nothing comes after.
    let deep = (0_usize..2_000).prop_map(|depth| vec![0x91; depth]);
    let brackets = (0_usize..2_000).prop_map(|depth| vec![b'['; depth]);
    let empty =
        proptest::sample::select(vec![vec![0xdf, 255, 255, 255, 255], vec![0xdb, 127, 255]]);
    prop_oneof![
        8 => whole,
        2 => cut,
        2 => proptest::collection::vec(any::<u8>(), 0..80),
        1 => deep,
        1 => brackets,
        1 => empty,
    ]
    .boxed()
}

fn frame() -> BoxedStrategy<Frame> {
    let opcode = prop_oneof![8 => Just(1_u8), 6 => Just(2), 2 => Just(0), 1 => 0_u8..16];
    let lie = prop_oneof![20 => Just(None), 1 => any::<u64>().prop_map(Some)];
    let often = |weight| proptest::bool::weighted(weight);
    (often(0.9), opcode, often(0.97), payload(), lie)
        .prop_map(|(ends, opcode, masked, payload, lie)| {
            let head = (u8::from(ends) << 7) | (opcode & 15);
            Frame { head, masked, payload, lie }
        })
        .boxed()
}

/// How a connection begins: the stream, the encoding asked for, and whether the keys are told first.
fn opening() -> impl Strategy<Value = (&'static str, &'static str, u8)> {
    let paths = ["/stream", "/v2/iex", "/v2/test", "/v1beta3/crypto/us"];
    let types = ["", "content-type: application/msgpack\r\n", "content-type: application/json\r\n"];
    (proptest::sample::select(paths.to_vec()), proptest::sample::select(types.to_vec()), 0_u8..3)
}

impl Target {
    /// Opens a stream, sends frames and no more, and reads what comes to its end.
    fn converse(&self, path: &str, kind: &str, frames: &[Frame]) -> Result<(), TestCaseError> {
        let mut stream = TcpStream::connect(self.address).expect("a server that listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: venue\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{kind}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        prop_assert_eq!(&status, b"HTTP/1.1 101");
        for frame in frames {
            // A server may hang up on what it does not like.
            if stream.write_all(&frame.bytes()).is_err() {
                break;
            }
        }
        drop(stream.shutdown(std::net::Shutdown::Write));
        let mut rest = Vec::new();
        let ended = stream.take(8 << 20).read_to_end(&mut rest);
        let waits = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        prop_assert!(!waits, "the server does not notice that nothing more comes");
        Ok(())
    }

    /// The message that authenticates.
    fn auth(&self, binary: bool) -> Frame {
        let (key, secret) = (&self.server.key_id, self.server.secret.expose());
        let command = json!({"action": "auth", "key": key, "secret": secret});
        let mut payload = command.to_string().into_bytes();
        if binary {
            payload.clear();
            packed(&command, &mut payload);
        }
        Frame { head: if binary { 0x82 } else { 0x81 }, masked: true, payload, lie: None }
    }
}

#[test]
fn frames_of_any_shape_harm_nobody() {
    let strategy = (opening(), proptest::collection::vec(frame(), 0..8));
    run(400, &strategy, |venue, ((path, kind, known), frames)| {
        let greeting = (known > 0).then(|| venue.auth(known == 2 || kind.contains("msgpack")));
        let frames: Vec<Frame> = greeting.into_iter().chain(frames).collect();
        venue.converse(path, kind, &frames)
    });
}

#[test]
fn whole_commands_of_any_content_harm_nobody() {
    let strategy = (opening(), proptest::collection::vec(command(), 1..8));
    run(300, &strategy, |venue, ((path, kind, _), commands)| {
        let binary = kind.contains("msgpack");
        let frames = commands.iter().map(|command| {
            let mut payload = command.to_string().into_bytes();
            if binary {
                payload.clear();
                packed(command, &mut payload);
            }
            Frame { head: if binary { 0x82 } else { 0x81 }, masked: true, payload, lie: None }
        });
        let frames: Vec<Frame> = std::iter::once(venue.auth(binary)).chain(frames).collect();
        venue.converse(path, kind, &frames)
    });
}
