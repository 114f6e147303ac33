//! A live permit needs the number the venue itself reported.

use atlas_tests::atlas_broker::alpaca::live::{Confirmation, LivePermit, ReportedAccount};

pub fn demo(reported: &ReportedAccount, confirmation: &Confirmation<'_>) -> Option<LivePermit> {
    let _ = LivePermit::default(); //~ E0599
    let _ = ReportedAccount(String::new()); //~ E0423
    let _ = LivePermit::grant(confirmation.configured, confirmation); //~ E0308
    LivePermit::grant(reported, confirmation).ok()
}
