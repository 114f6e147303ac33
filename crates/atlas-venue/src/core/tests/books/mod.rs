//! Properties of accounts on credit, with shorts, companies' actions, crypto and interest: a second,
//! naive set of books in decimals must agree after every deed and at every close.

mod naive;
mod play;

use proptest::prelude::*;

use self::play::{Deed, Setup, a_deed, a_setup, act};

fn told(setup: &Setup, deeds: &[Deed], cut: i32) -> String {
    let exchange = act(setup, deeds, cut);
    let parts = (exchange.state(), exchange.orders(), exchange.activities());
    serde_json::to_string(&parts).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 400, ..ProptestConfig::default() })]

    /// Whatever anybody does, money and shares are conserved to the cent, and interest, fees,
    /// dividends and borrow fees are what the naive books come to.
    #[test]
    fn the_naive_books_agree(
        setup in a_setup(), deeds in proptest::collection::vec(a_deed(), 1..70),
    ) {
        act(&setup, &deeds, 1);
    }

    /// The same inputs give the same bytes, and what was written can be read.
    #[test]
    fn a_replay_is_the_same(
        setup in a_setup(), deeds in proptest::collection::vec(a_deed(), 1..40),
    ) {
        let first = told(&setup, &deeds, 1);
        prop_assert_eq!(&first, &told(&setup, &deeds, 1));
        let exchange = act(&setup, &deeds, 1);
        let state = serde_json::to_string(exchange.state()).unwrap();
        let read: crate::core::State = serde_json::from_str(&state).unwrap();
        prop_assert_eq!(&read, exchange.state());
    }

    /// However time is cut into steps, the same entries and orders come out.
    #[test]
    fn steps_do_not_matter(
        setup in a_setup(), deeds in proptest::collection::vec(a_deed(), 1..40), cut in 2_i32..6,
    ) {
        let (whole, cut) = (act(&setup, &deeds, 1), act(&setup, &deeds, cut));
        prop_assert_eq!(whole.activities(), cut.activities());
        prop_assert_eq!(whole.orders(), cut.orders());
        prop_assert_eq!(&whole.state().ledger, &cut.state().ledger);
    }
}
