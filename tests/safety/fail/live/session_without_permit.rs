//! A live session does not come without a permit, and live keys open no paper session.

use atlas_tests::atlas_broker::alpaca::live::{Live, LivePermit, Probe};
use atlas_tests::atlas_broker::alpaca::{Credentials, Endpoint, Options, Paper, Session};
use atlas_tests::atlas_broker::{Broker, Error};

fn trade(_: &dyn Broker) {}

pub fn demo(keys: &Credentials<Live>, permit: LivePermit) -> Result<Session<Live>, Error> {
    let options = Options::default();
    let _ = Session::<Live>::connect(&Endpoint::paper(), keys, &options); //~ E0599
    let _ = Session::<Paper>::connect(&Endpoint::paper(), keys, &options); //~ E0308
    let probe = Probe::connect(keys, &options)?;
    trade(&probe); //~ E0277
    probe.into_session(permit)
}
