//! Evidence for going live is neither copied nor read from anywhere.

use atlas_tests::atlas_risk::evidence::Evidence;
use atlas_tests::serde::Deserialize;

fn read<T: for<'de> Deserialize<'de>>() {}

pub fn demo(one: Evidence) -> Evidence {
    read::<u32>();
    let _ = Evidence::default(); //~ E0599
    read::<Evidence>(); //~ E0277
    let _ = one.clone(); //~ E0599
    one
}
