//! A live permit cannot be made up.

use atlas_tests::atlas_broker::alpaca::live::{Confirmation, LivePermit, ReportedAccount};

pub fn demo(reported: &ReportedAccount, confirmation: &Confirmation<'_>) -> Option<LivePermit> {
    let _ = LivePermit { account_number: String::new() }; //~ E0451
    LivePermit::grant(reported, confirmation).ok()
}
