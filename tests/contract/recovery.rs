//! What a stream of order updates makes up for: a connection that was cut, messages that were lost,
//! and messages that came twice.

use atlas_broker::{Update, UpdateStream};
use atlas_core::{Fill, OrderStatus, TimeInForce};
use atlas_tests::faulty::Trouble;
use atlas_tests::glitch::Glitch;
use atlas_tests::orders::{Change, buy};
use atlas_tests::world::World;

use crate::values::qty;

/// What was told up to the next moment at which nothing is missing.
#[derive(Default)]
struct Told {
    fills: Vec<Fill>,
    /// The orders that were told of, and where they were then.
    orders: Vec<(String, OrderStatus)>,
    /// How often the connection was gone.
    lost: usize,
}

impl Told {
    /// Each of these orders was last told in this state.
    fn ends<const N: usize>(&self, names: [&str; N], expected: OrderStatus) {
        for name in names {
            let last = self.orders.iter().rev().find(|(order, _)| order == name);
            assert_eq!(last.map(|(_, status)| *status), Some(expected), "{name}");
        }
    }
}

async fn until_caught_up(stream: &mut dyn UpdateStream) -> Told {
    let mut told = Told::default();
    loop {
        match stream.next().await.unwrap() {
            Update::CaughtUp => return told,
            Update::Lost(_) => told.lost += 1,
            Update::Fill(fill) => told.fills.push(fill),
            Update::Order(update) => {
                let order = update.order;
                told.orders.push((order.client_order_id.to_string(), order.status));
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn next_fill(stream: &mut dyn UpdateStream) -> Fill {
    loop {
        match stream.next().await.unwrap() {
            Update::Fill(fill) => return fill,
            Update::Order(_) | Update::CaughtUp => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A stream that has caught up, and the first half of an order of ten shares, told by it.
async fn half_told(world: &World) -> (Box<dyn UpdateStream + '_>, Fill) {
    let mut stream = world.broker().updates(None).unwrap();
    until_caught_up(stream.as_mut()).await;
    world.trouble(Trouble::Half);
    world.send(buy("half", "UPP", 10).limit("120").tif(TimeInForce::Gtc)).await;
    let first = next_fill(stream.as_mut()).await;
    assert_eq!((first.client_order_id.as_str(), first.qty), ("half", qty("5")));
    (stream, first)
}

pub(crate) async fn of_a_cut_between_two_fills(world: &mut World) {
    let (mut stream, first) = half_told(world).await;
    world.glitch(Glitch::Cut);
    // The other half fills, and others come and go, while nobody is told.
    world.advance("2019-01-04T14:35:00Z");
    world.send(buy("during", "UPP", 3)).await;
    world.send(buy("gone", "UPP", 1).limit("50")).await;
    world.cancel("gone").await;

    let told = until_caught_up(stream.as_mut()).await;
    assert_eq!(told.lost, 1, "the cut is told");
    told.ends(["half", "during"], OrderStatus::Filled);
    told.ends(["gone"], OrderStatus::Canceled);
    let fills = [vec![first], told.fills].concat();
    assert_eq!(fills, world.fills().await, "every execution once, in order");
    assert_eq!(fills.iter().map(|fill| fill.qty).collect::<Vec<_>>(), ["5", "5", "3"].map(qty));

    world.send(buy("after", "UPP", 2)).await;
    let fill = next_fill(stream.as_mut()).await;
    assert_eq!(Some(&fill), world.fills().await.last(), "and it goes on");
}

pub(crate) async fn of_a_cut_before_anything_was_told(world: &mut World) {
    let mut stream = world.broker().updates(None).unwrap();
    until_caught_up(stream.as_mut()).await;
    world.glitch(Glitch::Cut);
    world.send(buy("b", "UPP", 10)).await;
    let told = until_caught_up(stream.as_mut()).await;
    assert_eq!((told.lost, told.fills), (1, world.fills().await));
}

pub(crate) async fn of_a_message_that_got_lost(world: &mut World) {
    let (mut stream, first) = half_told(world).await;
    drop(stream);
    // A second stream, from a bookmark after the first half, to which the second half is not told.
    let bookmark = world.activities().await.last().unwrap().id.clone();
    stream = world.broker().updates(Some(bookmark)).unwrap();
    until_caught_up(stream.as_mut()).await;
    world.glitch(Glitch::Lost);
    world.trouble(Trouble::Half);
    world.send(buy("more", "UPP", 10).limit("120").tif(TimeInForce::Gtc)).await;
    // What comes after it tells more shares than were told, so that the ledger is read.
    world.advance("2019-01-04T14:35:00Z");
    let mut fills = vec![first];
    while fills.len() < 4 {
        fills.push(next_fill(stream.as_mut()).await);
    }
    let expected = world.fills().await;
    let of = |fills: &[Fill], name: &str| -> Vec<Fill> {
        fills.iter().filter(|fill| fill.client_order_id.as_str() == name).cloned().collect()
    };
    assert_eq!(fills.len(), expected.len());
    for name in ["half", "more"] {
        assert_eq!(of(&fills, name), of(&expected, name), "each once, and in its order's order");
    }
}

pub(crate) async fn of_a_message_that_came_twice(world: &mut World) {
    let mut stream = world.broker().updates(None).unwrap();
    until_caught_up(stream.as_mut()).await;
    for _ in 0..4 {
        world.glitch(Glitch::Twice);
    }
    world.send(buy("twice", "UPP", 10)).await;
    world.send(buy("once", "UPP", 1)).await;
    let told = [next_fill(stream.as_mut()).await, next_fill(stream.as_mut()).await];
    assert_eq!(told.as_slice(), world.fills().await, "what is told twice is one execution");
}
