//! Nor are raw and adjusted bars.

use atlas_tests::atlas_core::{Adjusted, Bars, Raw};

fn last(bars: &Bars<Raw>) -> usize {
    bars.view().len()
}

pub fn demo(raw: &Bars<Raw>, adjusted: &Bars<Adjusted>) -> usize {
    let _ = last(adjusted); //~ E0308
    last(raw) + adjusted.view().len()
}
