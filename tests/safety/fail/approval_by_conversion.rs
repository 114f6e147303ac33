//! No conversion makes an approval.

use atlas_tests::atlas_core::OrderRequest;
use atlas_tests::atlas_risk::ApprovedOrder;

pub fn demo(request: OrderRequest, order: ApprovedOrder) -> (OrderRequest, OrderRequest) {
    let _: ApprovedOrder = request.clone().into(); //~ E0277
    (request, order.into_inner())
}
