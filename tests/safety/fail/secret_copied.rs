//! A secret has one owner, and is not written down.

use atlas_tests::atlas_broker::alpaca::Secret;
use atlas_tests::serde::Serialize;

fn writable<T: Serialize>() {}

pub fn demo(secret: Secret) -> String {
    let _ = secret.clone(); //~ E0599
    writable::<Secret>(); //~ E0277
    let _ = format!("{secret}"); //~ E0277
    format!("{secret:?}")
}
