//! A live permit is held by one session.

use atlas_tests::atlas_broker::alpaca::live::LivePermit;
use atlas_tests::serde::de::DeserializeOwned;

fn readable<T: DeserializeOwned>() {}

pub fn demo(permit: LivePermit) -> LivePermit {
    let _ = permit.clone(); //~ E0599
    readable::<LivePermit>(); //~ E0277
    permit
}
