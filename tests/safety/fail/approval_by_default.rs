//! There is no approval of nothing.

use atlas_tests::atlas_risk::ApprovedOrder;

pub fn demo(order: ApprovedOrder) -> ApprovedOrder {
    let _ = ApprovedOrder::default(); //~ E0599
    order
}
