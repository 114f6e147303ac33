//! An approval is spent by the submit.

use atlas_tests::atlas_broker::{Broker, Submission};
use atlas_tests::atlas_risk::ApprovedOrder;

pub async fn demo(broker: &dyn Broker, order: ApprovedOrder) -> Submission {
    let first = broker.submit(order).await;
    let _ = broker.submit(order).await; //~ E0382
    first
}
