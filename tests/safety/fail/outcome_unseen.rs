//! What became of an order is looked at.
#![deny(unused_must_use)]

use atlas_tests::atlas_broker::{Broker, Submission};
use atlas_tests::atlas_risk::ApprovedOrder;

pub async fn demo(broker: &dyn Broker, first: ApprovedOrder, second: ApprovedOrder) -> Submission {
    broker.submit(first).await; //~ unused_must_use
    broker.submit(second).await
}
