//! What nobody approved is not sent.

use atlas_tests::atlas_broker::{Broker, Submission};
use atlas_tests::atlas_core::OrderRequest;
use atlas_tests::atlas_risk::ApprovedOrder;

pub async fn demo(broker: &dyn Broker, bare: OrderRequest, order: ApprovedOrder) -> Submission {
    let _ = broker.submit(bare).await; //~ E0308
    broker.submit(order).await
}
