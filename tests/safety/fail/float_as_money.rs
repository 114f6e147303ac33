//! A float crosses into money only where the rounding is named.

use atlas_tests::atlas_core::{Price, Qty, Rounding, Usd};

pub fn demo(value: f64) -> Option<Price> {
    let _: Price = value.into(); //~ E0277
    let _ = Usd::from(value); //~ E0308
    let _: Qty = value.into(); //~ E0277
    Price::from_f64(value, 4, Rounding::HalfEven).ok()
}
