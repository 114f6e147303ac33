//! Limits run only after they were checked, and nobody gets them by default.

use atlas_tests::atlas_risk::{Limits, LimitsSpec, Profile, Validator};

pub fn demo(spec: LimitsSpec) -> Option<Validator> {
    let _ = Validator::new(&Profile::Standard.limits()); //~ E0308
    let _ = Limits(spec.clone()); //~ E0423
    let _ = LimitsSpec::default(); //~ E0599
    let limits: Limits = spec.check().ok()?;
    Some(Validator::new(&limits))
}
