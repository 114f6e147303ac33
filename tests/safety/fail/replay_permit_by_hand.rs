//! A replay permit is given by the mode of the run.

use atlas_tests::atlas_core::time::{Mode, ReplayPermit};

pub fn demo(mode: Mode) -> Option<ReplayPermit> {
    let _ = ReplayPermit(()); //~ E0423
    let _ = ReplayPermit::default(); //~ E0599
    mode.replay_permit()
}
