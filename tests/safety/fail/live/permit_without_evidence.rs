//! A live permit is not granted without evidence, and spends it.

use atlas_tests::atlas_broker::alpaca::live::{Confirmation, LivePermit, ReportedAccount};
use atlas_tests::atlas_core::journal::Hash;
use atlas_tests::atlas_core::time::Timestamp;
use atlas_tests::atlas_risk::evidence::Evidence;

pub fn demo(
    reported: &ReportedAccount,
    confirmation: &Confirmation<'_>,
    evidence: Evidence,
    (config, now): (Hash, Timestamp),
) {
    drop(LivePermit::grant(reported, confirmation)); //~ E0061
    drop(LivePermit::grant(reported, confirmation, (), config, now)); //~ E0308
    drop(LivePermit::grant(reported, confirmation, evidence, config, now));
}

pub fn twice(
    reported: &ReportedAccount,
    confirmation: &Confirmation<'_>,
    evidence: Evidence,
    (config, now): (Hash, Timestamp),
) {
    drop(LivePermit::grant(reported, confirmation, evidence, config, now));
    drop(LivePermit::grant(reported, confirmation, evidence, config, now)); //~ E0382
}
