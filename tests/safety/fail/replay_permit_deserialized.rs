//! A replay permit does not come out of a file.

use atlas_tests::atlas_core::time::{Mode, ReplayPermit};
use atlas_tests::serde::de::DeserializeOwned;

fn readable<T: DeserializeOwned>() {}

pub fn demo(mode: Mode) -> Option<ReplayPermit> {
    readable::<Mode>();
    readable::<ReplayPermit>(); //~ E0277
    mode.replay_permit()
}
