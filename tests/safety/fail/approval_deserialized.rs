//! An approval is given moments before a send; none comes out of a file.

use atlas_tests::atlas_core::OrderRequest;
use atlas_tests::atlas_risk::ApprovedOrder;
use atlas_tests::serde::de::DeserializeOwned;

fn readable<T: DeserializeOwned>() {}

pub fn demo() {
    readable::<OrderRequest>();
    readable::<ApprovedOrder>(); //~ E0277
}

pub fn known(order: ApprovedOrder) -> OrderRequest {
    order.into_inner()
}
