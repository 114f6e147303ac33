//! One approval sends at most one order, so there is no second copy of it.

use atlas_tests::atlas_risk::ApprovedOrder;

pub fn demo(order: ApprovedOrder) -> ApprovedOrder {
    let _ = order.clone(); //~ E0599
    order
}
