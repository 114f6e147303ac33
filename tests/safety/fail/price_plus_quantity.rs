//! Only arithmetic that means something exists.

use atlas_tests::atlas_core::{Price, Qty, Usd};

pub fn demo(price: Price, qty: Qty, cash: Usd) -> Option<Usd> {
    let _ = price + qty; //~ E0369
    let _ = cash + qty; //~ E0369
    let _ = cash.checked_add(price); //~ E0308
    let _ = price < cash; //~ E0308
    cash.checked_add(price.notional(qty).ok()?).ok()
}
