//! What nobody approved does not take the place of anything.

use atlas_tests::atlas_broker::{Broker, Submission};
use atlas_tests::atlas_core::{OrderRequest, VenueOrderId};
use atlas_tests::atlas_risk::ApprovedOrder;

pub async fn demo(
    broker: &dyn Broker,
    old: &VenueOrderId,
    bare: OrderRequest,
    order: ApprovedOrder,
) -> Submission {
    let _ = broker.replace(old, bare).await; //~ E0308
    broker.replace(old, order).await
}
