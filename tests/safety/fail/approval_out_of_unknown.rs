//! The approval inside an unknown outcome does not come out again.

use atlas_tests::atlas_broker::UnknownOutcome;

pub fn demo(unknown: UnknownOutcome) -> UnknownOutcome {
    let _: &dyn Fn(UnknownOutcome) -> _ = &|lost| lost.into_order(); //~ E0599
    unknown
}
