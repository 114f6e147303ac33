//! The stream of what happens to orders.

use atlas_broker::{OrderNews, Submission, Update, UpdateStream};
use atlas_core::{Fill, OrderStatus, Qty};
use atlas_tests::approval::approve;
use atlas_tests::orders::{Change, buy};
use atlas_tests::world::World;

/// Reads until an order is told to be rejected; gives what was told of orders and not of fills, by
/// our names for them.
async fn until_rejected(stream: &mut dyn UpdateStream) -> Vec<(String, OrderNews, OrderStatus)> {
    let mut told = Vec::new();
    loop {
        if let Update::Order(update) = stream.next().await.unwrap() {
            let name = update.order.client_order_id.to_string();
            let is_last = update.order.status == OrderStatus::Rejected;
            told.push((name, update.news, update.order.status));
            if is_last {
                return told;
            }
        }
    }
}

/// Asks for a replacement of an order that is accepted and not carried out yet.
async fn replaced_late(world: &World, old: &str, new: atlas_core::OrderRequest) {
    world.delay_replacement();
    let old = world.order(old).await;
    let answer = world.broker().replace(&old.venue_order_id, approve(new)).await;
    assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    let old = world.order(old.client_order_id.as_str()).await;
    assert_eq!(old.status, OrderStatus::PendingReplace);
}

pub(crate) async fn tell_a_replacement_that_came_too_late(world: &mut World) {
    let mut stream = world.broker().updates(None).unwrap();
    catch_up(stream.as_mut()).await;
    world.send(buy("old", "UPP", 10).limit("99")).await;
    replaced_late(world, "old", buy("new", "UPP", 5).limit("95")).await;
    // The price comes down to it first.
    world.advance("2019-01-03T20:59:00Z");
    let told = until_rejected(stream.as_mut()).await;
    assert_eq!(told.last().unwrap().0, "new");
    let fills = world.fills().await;
    assert_eq!(fills.len(), 1, "the old one is what filled");
    assert_eq!(fills[0].client_order_id.as_str(), "old");
    assert_eq!(world.order("old").await.status, OrderStatus::Filled);
    let new = world.order("new").await;
    assert_eq!((new.status, new.filled_qty), (OrderStatus::Rejected, Qty::ZERO));
    world.carry_out("new");
    assert!(world.open_orders().await.is_empty());
}

pub(crate) async fn tell_that_an_order_works_on_as_it_was(world: &mut World) {
    let mut stream = world.broker().updates(None).unwrap();
    catch_up(stream.as_mut()).await;
    world.send(buy("old", "THN", 1_000).limit("21")).await;
    replaced_late(world, "old", buy("new", "THN", 600).limit("19.5")).await;
    world.broker().suspend(true).await.unwrap();
    world.carry_out("new");
    world.broker().suspend(false).await.unwrap();
    let told = until_rejected(stream.as_mut()).await;
    let back = ("old".to_owned(), OrderNews::ReplaceRejected, OrderStatus::PartiallyFilled);
    assert!(told.contains(&back), "{told:?}");
    assert_eq!(world.open_orders().await, ["old"]);
    // It can be canceled as if nobody had asked.
    world.cancel("old").await;
    assert_eq!(world.order("old").await.filled_qty, Qty::from_shares(250));
}

/// Reads to the end of what lies before; gives the fills on the way.
async fn catch_up(stream: &mut dyn UpdateStream) -> Vec<Fill> {
    let mut fills = Vec::new();
    loop {
        match stream.next().await.unwrap() {
            Update::Fill(fill) => fills.push(fill),
            Update::CaughtUp => return fills,
            Update::Order(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn catch_up_then_tell_a_fill_once(world: &mut World) {
    world.send(buy("before", "UPP", 10)).await;
    let mut stream = world.broker().updates(None).unwrap();
    let told = catch_up(stream.as_mut()).await;
    assert_eq!(told, world.fills().await);

    world.send(buy("after", "UPP", 5)).await;
    let fill = loop {
        if let Update::Fill(fill) = stream.next().await.unwrap() {
            break fill;
        }
    };
    assert_eq!(fill, world.fills().await[1]);

    let bookmark = world.activities().await[1].id.clone();
    let mut stream = world.broker().updates(Some(bookmark)).unwrap();
    let told = catch_up(stream.as_mut()).await;
    assert_eq!(told, [fill], "only what is after the bookmark");
}

pub(crate) async fn tell_a_cancel(world: &mut World) {
    let mut stream = world.broker().updates(None).unwrap();
    catch_up(stream.as_mut()).await;
    world.send(buy("b", "UPP", 10).limit("90")).await;
    world.cancel("b").await;
    loop {
        if let Update::Order(update) = stream.next().await.unwrap()
            && update.news == OrderNews::Canceled
        {
            assert_eq!(update.order.client_order_id.as_str(), "b");
            break;
        }
    }
}

pub(crate) async fn tell_a_replacement_with_what_was_filled_before(world: &mut World) {
    let mut stream = world.broker().updates(None).unwrap();
    catch_up(stream.as_mut()).await;
    let old = world.send(buy("old", "THN", 1_000).limit("21")).await;
    let wish = approve(buy("new", "THN", 600).limit("19.5"));
    let answer = world.broker().replace(&old.venue_order_id, wish).await;
    assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    world.cancel("new").await;
    let mut fills = Vec::new();
    loop {
        match stream.next().await.unwrap() {
            Update::Fill(fill) => fills.push(fill),
            Update::Order(update)
                if update.order.client_order_id.as_str() == "new"
                    && update.order.status == OrderStatus::Canceled =>
            {
                assert_eq!(update.order.filled_qty, old.filled_qty);
                break;
            }
            Update::Order(_) | Update::CaughtUp => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fills, world.fills().await, "each fill once, under the name it was made under");
}
