//! The client against a scripted server on this machine.

mod data_streaming;
mod discretion;
mod mutation_cases;
mod mutations;
mod payloads;
mod placing;
mod queries;
mod reading;
pub(crate) mod server;
mod streaming;
mod terms;

use std::time::Duration;

use super::{Credentials, Endpoint, Options, Paper, Session};
use server::Server;

/// A session with a scripted server.
fn session(server: &Server) -> Session<Paper> {
    session_within(server, Duration::from_secs(10))
}

/// A session that waits no longer than told.
fn session_within(server: &Server, timeout: Duration) -> Session<Paper> {
    session_with(server, &Options { timeout, ..Options::default() })
}

/// A session with choices of its own.
fn session_with(server: &Server, options: &Options) -> Session<Paper> {
    let keys = Credentials::new("KEY".to_owned(), "SECRET".to_owned()).expect("keys");
    Session::connect(&Endpoint::loopback(server.address), &keys, options).expect("a session")
}
