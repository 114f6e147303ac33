//! An approval is not written down either.

use atlas_tests::atlas_core::OrderRequest;
use atlas_tests::atlas_risk::ApprovedOrder;
use atlas_tests::serde::Serialize;

fn writable<T: Serialize>() {}

pub fn demo(order: ApprovedOrder) -> OrderRequest {
    writable::<OrderRequest>();
    writable::<ApprovedOrder>(); //~ E0277
    order.into_inner()
}
