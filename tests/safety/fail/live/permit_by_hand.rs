//! A live permit cannot be made up.

use atlas_tests::atlas_broker::alpaca::live::{LivePermit, ReportedAccount};

pub fn demo(reported: &ReportedAccount) -> Option<LivePermit> {
    let _ = LivePermit { account_number: String::new(), evidence: None }; //~ E0451
    LivePermit::to_wind_down(reported, "1").ok()
}
