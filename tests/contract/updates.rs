//! The stream of what happens to orders.

use atlas_broker::{OrderNews, Submission, Update, UpdateStream};
use atlas_core::{Fill, OrderStatus};
use atlas_tests::approval::approve;
use atlas_tests::orders::{Change, buy};
use atlas_tests::world::World;

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
