//! Without the feature `live` there is no way to real money to be named.

use atlas_tests::atlas_broker::alpaca::live::LivePermit; //~ E0432
use atlas_tests::atlas_broker::alpaca::live::Live; //~ E0432
use atlas_tests::atlas_broker::alpaca::{Endpoint, Paper, Session};

pub fn demo(session: &Session<Paper>) -> (Endpoint, &str) {
    (Endpoint::paper(), session.venue())
}
