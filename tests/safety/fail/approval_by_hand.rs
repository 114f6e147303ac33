//! Only the validator makes an approval.

use atlas_tests::atlas_core::OrderRequest;
use atlas_tests::atlas_risk::Approved;

pub fn demo(request: OrderRequest) {
    let text = format!("{request:?}");
    let _ = Approved(request); //~ E0423
    drop(text);
}
