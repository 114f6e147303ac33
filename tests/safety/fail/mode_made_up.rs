//! A session is paper or live, and nothing else.

use atlas_tests::atlas_broker::alpaca::{Mode, Session};

pub enum Mine {}

impl Mode for Mine { const NAME: &'static str = "mine"; type Authority = (); } //~ E0277

pub fn demo<M: Mode>(session: &Session<M>) -> &str {
    session.venue()
}
