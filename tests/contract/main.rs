//! The contracts of [`Broker`](atlas_broker::Broker) and of market data (the module `market_data`),
//! each as one suite of scenarios over every implementation of it.
//!
//! A scenario is written once, over the contract alone and a clock it can move, and is played
//! through each door of the venue: by calls, by calls over a network that fails (the faults
//! alone), by the real Alpaca client over a socket, and by that client on a server that answers in
//! payloads of the real service's shapes. After each, everything the broker says is held against a
//! naive ledger of its activities. Which scenarios a door does not play, and why, is in `NOT_PLAYED`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "what does not hold, or is not what was asked for, fails the test"
)]

mod account;
mod activities;
mod cancels;
mod client;
mod faults;
mod fills;
mod hours;
mod identity;
mod many;
mod market_data;
mod money;
mod positions;
mod quotes;
mod recovery;
mod refusals;
mod replaces;
mod restart;
mod stops;
mod updates;
mod values;

use atlas_tests::block_on;
use atlas_tests::world::{Door, Ground, World};

/// Plays one scenario through one door.
fn play(door: Door, ground: Ground, scenario: impl AsyncFnOnce(&mut World)) {
    block_on(async {
        let mut world = World::open(door, ground).await;
        scenario(&mut world).await;
        world.check().await;
    });
}

/// Makes a test of each scenario for each door.
macro_rules! contract {
    (@through $suite:ident $door:ident {
        $($module:ident on $ground:ident: $($name:ident),+;)+
    }) => {
        mod $suite {
            /// What is played through this door.
            pub(crate) const SCENARIOS: &[(&str, &str)] =
                &[$($((stringify!($module), stringify!($name))),+),+];

            $(mod $module {
                use atlas_tests::world::{Door, Ground};
                $(#[test]
                fn $name() {
                    crate::play(Door::$door, Ground::$ground, crate::$module::$name);
                })+
            })+
        }
    };
    ($($suite:ident = $door:ident),+; $list:tt) => {
        $(contract! { @through $suite $door $list })+
    };
}

contract! { in_process = InProcess, alpaca_client = Alpaca, recorded_shapes = Recorded; {
    account on Memory:
        is_the_venues_own,
        starts_with_its_cash_and_nothing_else,
        a_buy_turns_cash_into_a_position,
        a_sell_turns_it_back,
        an_open_buy_holds_buying_power,
        a_queued_market_buy_holds_the_ask_and_a_collar,
        fees_owed_are_no_buying_power;
    fills on Memory:
        a_market_buy_trades_at_the_ask,
        a_market_sell_trades_at_the_bid,
        a_limit_beyond_the_market_trades_at_the_market,
        a_limit_the_price_does_not_reach_stays_open,
        a_buy_limit_trades_when_the_price_comes_down,
        a_sell_limit_trades_when_the_price_comes_up,
        volume_bounds_a_fill_and_the_rest_expires,
        a_series_of_closes_trades_at_the_close,
        adjusted_units_trade_to_six_decimals,
        fractions_of_a_share_trade,
        an_order_at_once_or_not_at_all,
        every_way_to_fill_adds_up;
    stops on Memory:
        a_sell_stop_wakes_on_the_way_down,
        a_buy_stop_wakes_on_the_way_up,
        a_stop_limit_keeps_to_its_limit,
        a_trailing_stop_follows_the_high,
        a_bracket_takes_its_profit_once,
        a_bracket_stops_its_loss_once,
        one_exit_cancels_the_other;
    hours on Memory:
        the_clock_in_a_session,
        the_clock_after_the_close,
        the_clock_over_a_long_weekend,
        the_clock_over_the_change_to_summer_time,
        a_day_order_expires_at_the_close,
        an_order_until_canceled_outlives_the_close,
        what_is_sent_when_closed_meets_the_next_open,
        a_queued_limit_waits_for_its_price,
        what_is_canceled_while_queued_never_trades;
    identity on Memory:
        the_same_order_twice_is_one_order,
        another_order_under_the_same_name_is_refused,
        a_name_is_taken_for_ever_after_a_cancel,
        a_name_is_taken_for_ever_after_a_fill,
        an_unknown_name_is_none,
        a_final_order_is_still_found,
        any_printable_name_is_kept,
        what_was_refused_left_no_name_behind;
    refusals on Memory:
        more_than_is_held_is_not_sold,
        what_is_not_held_is_not_sold,
        what_open_sells_offer_is_not_sold_again,
        more_than_there_is_money_for_is_not_bought,
        money_that_open_buys_hold_is_not_spent_again,
        an_unknown_symbol_is_refused,
        a_symbol_without_a_price_is_refused,
        a_limit_between_ticks_is_refused,
        an_order_that_could_meet_our_own_is_refused,
        nothing_is_taken_while_suspended;
    cancels on Memory:
        an_open_order_ends_canceled,
        a_cancel_gives_the_money_back,
        canceling_twice_is_no_error,
        canceling_what_is_filled_is_no_error,
        canceling_what_nobody_knows_is_refused,
        a_partly_filled_order_keeps_its_fill,
        all_of_them_at_once,
        open_orders_are_told_oldest_first;
    replaces on Memory:
        a_replaced_order_has_a_successor,
        what_is_filled_is_not_replaced,
        a_replacement_under_a_used_name_is_refused,
        a_partly_filled_order_keeps_its_fills,
        what_is_filled_is_the_least_a_replacement_asks_for,
        what_nobody_knows_is_not_replaced,
        nothing_is_replaced_while_suspended,
        a_replacement_may_come_late,
        a_replacement_that_could_meet_our_own_is_refused;
    money on Memory:
        buys_what_it_buys_and_no_more,
        sells_no_more_shares_than_were_approved,
        waits_and_is_canceled_like_any_other,
        a_market_buy_is_held_to_what_was_approved,
        beyond_the_approval_is_not_sent;
    positions on Memory:
        open_sells_take_from_what_is_available,
        a_position_remembers_what_it_cost,
        a_position_that_is_sold_is_gone,
        a_position_is_worth_the_present_price;
    quotes on Memory:
        have_two_sides,
        are_what_trades_between_ticks_too,
        follow_the_price,
        of_a_series_of_closes_know_no_close_before_it,
        of_what_nobody_quotes_are_absent,
        of_nothing_are_nothing;
    activities on Memory:
        begin_with_the_deposit,
        tell_each_fill_once_with_its_order,
        are_asked_for_from_a_bookmark,
        post_fees_at_the_close,
        of_a_quiet_day_are_none;
    many on Memory:
        more_fills_than_a_page,
        more_open_orders_than_a_page;
}}

contract! { in_process_streamed = InProcess, alpaca_client_streamed = Alpaca, recorded_streamed = Recorded; {
    updates on Memory:
        catch_up_then_tell_a_fill_once,
        tell_a_cancel,
        tell_a_replacement_with_what_was_filled_before,
        tell_a_replacement_that_came_too_late,
        tell_that_an_order_works_on_as_it_was;
}}

contract! { alpaca_client_cut = Alpaca, recorded_cut = Recorded; {
    recovery on Memory:
        of_a_cut_between_two_fills,
        of_a_cut_before_anything_was_told,
        of_a_message_that_got_lost,
        of_a_message_that_came_twice;
}}

contract! { in_process_kept = InProcess, alpaca_client_kept = Alpaca; {
    restart on Disk:
        keeps_account_positions_and_ledger,
        goes_on_with_the_ledger,
        keeps_open_orders_and_their_money,
        keeps_every_name,
        keeps_what_is_owed,
        keeps_what_was_queued,
        keeps_a_suspension;
}}

contract! { faulty_network = Faulty, faulty_socket = Alpaca, recorded_faulty = Recorded; {
    faults on Memory:
        a_lost_request_is_unknown_and_left_no_order,
        a_lost_answer_is_unknown_and_left_an_order,
        a_failing_gateway_is_unknown_and_left_an_order,
        a_venue_that_never_answers_is_unknown,
        what_did_not_arrive_comes_back_unspent,
        a_refusal_is_final,
        a_resend_after_a_look_up_makes_one_order,
        a_resend_of_what_arrived_makes_one_order,
        a_resend_that_is_lost_again_stays_unknown,
        half_a_fill_is_told_as_half;
}}

/// Scenarios that a door does not play.
const NOT_PLAYED: &[(&str, &str, &str)] = &[
    ("recorded_shapes", "restart", "a recorded service keeps nothing on disk"),
    ("in_process", "faults", "calls do not get lost; the faulty network in front of them does"),
    ("in_process", "recovery", "without messages none is lost, and nothing can be cut"),
];

/// Scenarios each door has to play at least.
const LEAST: usize = 60;

#[test]
fn each_implementation_plays_at_least_sixty_scenarios() {
    let doors = [
        (
            "in process",
            [in_process::SCENARIOS, in_process_streamed::SCENARIOS, in_process_kept::SCENARIOS]
                .concat(),
        ),
        ("faulty network", faulty_network::SCENARIOS.to_vec()),
        (
            "alpaca client",
            [
                alpaca_client::SCENARIOS,
                alpaca_client_streamed::SCENARIOS,
                alpaca_client_cut::SCENARIOS,
                alpaca_client_kept::SCENARIOS,
                faulty_socket::SCENARIOS,
            ]
            .concat(),
        ),
        (
            "recorded shapes",
            [
                recorded_shapes::SCENARIOS,
                recorded_streamed::SCENARIOS,
                recorded_cut::SCENARIOS,
                recorded_faulty::SCENARIOS,
            ]
            .concat(),
        ),
    ];
    let mut all: Vec<(&str, &str)> = doors.iter().flat_map(|(_, played)| played.clone()).collect();
    println!("{} plays", all.len());
    for (door, played) in &doors {
        println!("{door}: {} scenarios", played.len());
        assert!(*door == "faulty network" || played.len() >= LEAST, "{door}");
    }
    all.sort_unstable();
    all.dedup();
    println!("{} scenarios in all", all.len());
    for (door, group, reason) in NOT_PLAYED {
        println!("{door} does not play {group}: {reason}");
        assert!(all.iter().any(|(module, _)| module == group), "{group} is a group");
    }
}
