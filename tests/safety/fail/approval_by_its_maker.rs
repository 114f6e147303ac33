//! The maker of approvals is the validator's own.

use atlas_tests::atlas_core::OrderRequest;
use atlas_tests::atlas_risk::Approved;

pub fn demo(request: OrderRequest) -> &'static str {
    let _ = Approved::new(request); //~ E0624
    std::any::type_name::<Approved<OrderRequest>>()
}
