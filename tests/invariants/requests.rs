//! Random requests, with the clock moving in between.

use std::fmt::Write;

use atlas_broker::Submission;
use atlas_core::{OrderRequest, Side, TimeInForce};
use atlas_tests::approval::approve;
use atlas_tests::block_on;
use atlas_tests::orders::{Change, order};
use atlas_tests::world::{Door, Ground, World};
use proptest::prelude::*;

const SYMBOLS: [(&str, u32); 3] = [("UPP", 100), ("DWN", 50), ("THN", 20)];

const TIMES: [TimeInForce; 4] =
    [TimeInForce::Day, TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok];

/// One thing somebody does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Sends an order: name, symbol, side, shares, kind, per cent of the price, time in force.
    Submit(u8, usize, bool, u32, u8, u32, usize),
    /// Cancels the order of this name.
    Cancel(u8),
    /// Puts an order in the place of the one of this name: name, shares, per cent of the price.
    Replace(u8, u32, u32),
    /// Lets so many minutes pass.
    Wait(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let submit = (
        any::<u8>(),
        0..SYMBOLS.len(),
        any::<bool>(),
        1_u32..600,
        0_u8..4,
        90_u32..110,
        0..TIMES.len(),
    );
    prop_oneof![
        6 => submit.prop_map(|(name, symbol, buys, shares, kind, percent, tif)| {
            Step::Submit(name, symbol, buys, shares, kind, percent, tif)
        }),
        1 => any::<u8>().prop_map(Step::Cancel),
        1 => (any::<u8>(), 1_u32..600, 90_u32..110).prop_map(|(n, s, p)| Step::Replace(n, s, p)),
        3 => (1_u32..300).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn no_sequence_of_requests_breaks_the_books(steps in prop::collection::vec(step(), 1..40)) {
        block_on(play(Door::InProcess, &steps));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn a_socket_in_between_changes_nothing(steps in prop::collection::vec(step(), 1..30)) {
        let calls = block_on(play(Door::InProcess, &steps));
        let socket = block_on(play(Door::Alpaca, &steps));
        prop_assert_eq!(calls, socket);
    }
}

/// Plays all steps, looking at the books after each; gives everything that was answered.
async fn play(door: Door, steps: &[Step]) -> String {
    let world = World::open(door, Ground::Memory).await;
    let mut told = String::new();
    for step in steps {
        match *step {
            Step::Submit(name, symbol, buys, shares, kind, percent, tif) => {
                let request = request(name, symbol, buys, shares, kind, percent).tif(TIMES[tif]);
                let answer = world.submit(request).await;
                writeln!(told, "{}", describe(answer)).unwrap();
            }
            Step::Cancel(name) => {
                if let Some(order) = world.find(&format!("o{name}")).await {
                    world.broker().cancel(&order.venue_order_id).await.unwrap();
                }
            }
            Step::Replace(name, shares, percent) => {
                replace(&world, name, shares, percent, &mut told).await;
            }
            Step::Wait(minutes) => {
                let now = world.venue().now();
                let to = now + chrono::TimeDelta::minutes(i64::from(minutes));
                world.venue().advance_to(to).unwrap();
            }
        }
        world.check().await;
    }
    let open = world.broker().open_orders().await.unwrap();
    let activities = world.activities().await;
    let account = world.account().await;
    write!(told, "{open:?}\n{activities:?}\n{account:?}").unwrap();
    told
}

fn request(
    name: u8,
    symbol: usize,
    buys: bool,
    shares: u32,
    kind: u8,
    percent: u32,
) -> OrderRequest {
    let side = if buys { Side::Buy } else { Side::Sell };
    let (symbol, base) = SYMBOLS[symbol];
    let plain = order(&format!("o{name}"), side, symbol, &shares.to_string());
    let near = price(base, percent);
    match kind {
        0 => plain,
        1 => plain.limit(&near),
        2 => plain.stop(&near),
        _ => plain.stop(&near).limit(&near),
    }
}

/// So many per cent of a price, in whole cents.
fn price(base: u32, percent: u32) -> String {
    let cents = base * percent;
    format!("{}.{:02}", cents / 100, cents % 100)
}

async fn replace(world: &World, name: u8, shares: u32, percent: u32, told: &mut String) {
    let Some(old) = world.find(&format!("o{name}")).await else { return };
    if old.limit_price.is_none() || !old.status.is_open() {
        return;
    }
    let base = SYMBOLS.iter().find(|(symbol, _)| *symbol == old.symbol.as_str()).unwrap().1;
    let wish = order(
        &format!("r{name}-{shares}-{percent}"),
        old.side,
        old.symbol.as_str(),
        &shares.to_string(),
    );
    let wish = approve(wish.limit(&price(base, percent)));
    let answer = world.broker().replace(&old.venue_order_id, wish).await;
    // Some of what the venue would refuse the client does not even send.
    let answer = match answer {
        Submission::Refused { reason, .. } => Submission::Refused { code: None, reason },
        answer => answer,
    };
    writeln!(told, "{}", describe(answer)).unwrap();
}

/// What was answered, in the words both doors share.
fn describe(answer: Submission) -> String {
    match answer {
        Submission::Accepted(order) => {
            format!("accepted {} {}", order.client_order_id, order.venue_order_id)
        }
        Submission::Refused { code, .. } => format!("refused {code:?}"),
        other => panic!("{other:?}"),
    }
}
