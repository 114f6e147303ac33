//! A raw and an adjusted price are not of one kind.

use atlas_tests::atlas_core::{Adjusted, Price, Raw};

pub fn demo(raw: Price<Raw>, adjusted: Price<Adjusted>) -> bool {
    let _ = raw < adjusted; //~ E0308
    let _ = adjusted == raw; //~ E0308
    raw < raw && adjusted == adjusted
}
