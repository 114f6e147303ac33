//! There is no "close position": flattening is approved sells.

use atlas_tests::atlas_broker::Broker;
use atlas_tests::atlas_core::Symbol;

pub async fn demo(broker: &dyn Broker, symbol: &Symbol) -> bool {
    let _ = broker.close_position(symbol).await; //~ E0599
    let _ = broker.close_all_positions().await; //~ E0599
    broker.positions().await.is_ok_and(|positions| positions.contains_key(symbol))
}
