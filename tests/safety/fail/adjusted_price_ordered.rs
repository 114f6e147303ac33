//! An adjusted price is no price of the day: it can be ordered on in a replay only.

use atlas_tests::atlas_core::time::ReplayPermit;
use atlas_tests::atlas_core::{Adjusted, OrderType, Price};

pub fn demo(price: Price<Adjusted>, permit: ReplayPermit) -> OrderType {
    let _ = OrderType::Limit { limit_price: price }; //~ E0308
    let _ = OrderType::Limit { limit_price: price.as_replay_unit() }; //~ E0061
    OrderType::Limit { limit_price: price.as_replay_unit(permit) }
}
