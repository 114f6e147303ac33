//! A live permit needs the number the venue itself reported.

use atlas_tests::atlas_broker::alpaca::live::{Confirmation, LivePermit, ReportedAccount};
use atlas_tests::atlas_core::journal::Hash;
use atlas_tests::atlas_core::time::Timestamp;
use atlas_tests::atlas_risk::evidence::Evidence;

pub fn demo(
    reported: &ReportedAccount,
    confirmation: &Confirmation<'_>,
    evidence: Evidence,
    (config, now): (Hash, Timestamp),
) -> Option<LivePermit> {
    let _ = LivePermit::default(); //~ E0599
    let _ = ReportedAccount(String::new()); //~ E0423
    let _ = LivePermit::to_wind_down(confirmation.configured, "1"); //~ E0308
    LivePermit::grant(reported, confirmation, evidence, config, now).ok()
}
