//! Prices are raw or adjusted, and nothing else.

use atlas_tests::atlas_core::Basis;

#[derive(Clone, Copy)]
pub enum Mine {}

impl Basis for Mine { const NAME: &'static str = "mine"; } //~ E0277

pub fn demo<B: Basis>() -> &'static str {
    B::NAME
}
