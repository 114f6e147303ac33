//! Evidence for going live cannot be made up.

use atlas_tests::atlas_core::AccountName;
use atlas_tests::atlas_core::journal::Hash;
use atlas_tests::atlas_core::time::Timestamp;
use atlas_tests::atlas_risk::evidence::Evidence;

pub fn demo(account: AccountName, config: Hash, heard_at: Timestamp, one: Evidence) -> Evidence {
    let _ = Evidence { account, config, heard_at }; //~ E0451
    one
}
