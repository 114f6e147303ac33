//! A network that fails: what became of an order is told truthfully, and there is never a second.

use std::time::Duration;

use atlas_broker::{Broker, Submission, UnknownOutcome};
use atlas_core::OrderStatus;
use atlas_tests::approval::approve;
use atlas_tests::faulty::Trouble;
use atlas_tests::orders::buy;
use atlas_tests::world::World;

use crate::values::qty;

/// Sends an order into trouble; its outcome has to be unknown.
async fn lose(world: &World, trouble: Trouble) -> UnknownOutcome {
    world.trouble(trouble);
    match world.submit(buy("b", "UPP", 10)).await {
        Submission::Unknown(unknown) => {
            assert_eq!(*unknown.request(), buy("b", "UPP", 10));
            unknown
        }
        other => panic!("{other:?}"),
    }
}

/// Exactly one order of ten shares, filled once.
async fn one_order(world: &World) {
    let order = world.order("b").await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::Filled, qty("10")));
    assert_eq!(world.fills().await.len(), 1);
    assert_eq!(world.position("UPP").await.unwrap().qty, qty("10"));
}

pub(crate) async fn a_lost_request_is_unknown_and_left_no_order(world: &mut World) {
    drop(lose(world, Trouble::RequestLost).await);
    assert_eq!(world.find("b").await, None);
    assert!(world.fills().await.is_empty());
}

pub(crate) async fn a_lost_answer_is_unknown_and_left_an_order(world: &mut World) {
    drop(lose(world, Trouble::AnswerLost).await);
    one_order(world).await;
}

pub(crate) async fn a_failing_gateway_is_unknown_and_left_an_order(world: &mut World) {
    drop(lose(world, Trouble::GatewayFails).await);
    one_order(world).await;
}

pub(crate) async fn a_venue_that_never_answers_is_unknown(world: &mut World) {
    world.trouble(Trouble::Silence);
    let order = approve(buy("b", "UPP", 10));
    let answer = match world.impatient(Duration::from_millis(300)) {
        Some(session) => session.submit(order).await,
        None => world.broker().submit(order).await,
    };
    let Submission::Unknown(unknown) = answer else { panic!("{answer:?}") };
    // On a very busy machine the deadline may have passed before the venue had the request.
    if world.find("b").await.is_none() {
        let answer = world.broker().resend(unknown).await;
        assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    }
    one_order(world).await;
}

pub(crate) async fn what_did_not_arrive_comes_back_unspent(world: &mut World) {
    world.trouble(Trouble::NotReached);
    let answer = world.submit(buy("b", "UPP", 10)).await;
    let Submission::NotReached { order, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(world.find("b").await, None);
    let answer = world.broker().submit(order).await;
    assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    one_order(world).await;
}

pub(crate) async fn a_refusal_is_final(world: &mut World) {
    world.trouble(Trouble::Refused);
    let (code, reason) = world.refused(buy("b", "UPP", 10)).await;
    assert_eq!((code, reason.as_str()), (Some(40_310_000), "no"));
    assert_eq!(world.find("b").await, None);
}

pub(crate) async fn a_resend_after_a_look_up_makes_one_order(world: &mut World) {
    let unknown = lose(world, Trouble::RequestLost).await;
    assert_eq!(world.find("b").await, None);
    let answer = world.broker().resend(unknown).await;
    assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    one_order(world).await;
}

pub(crate) async fn a_resend_of_what_arrived_makes_one_order(world: &mut World) {
    // Nobody should resend without a look-up; should somebody, there is still one order.
    let unknown = lose(world, Trouble::AnswerLost).await;
    let answer = world.broker().resend(unknown).await;
    assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    one_order(world).await;
}

pub(crate) async fn a_resend_that_is_lost_again_stays_unknown(world: &mut World) {
    let unknown = lose(world, Trouble::RequestLost).await;
    world.trouble(Trouble::NotReached);
    let answer = world.broker().resend(unknown).await;
    let Submission::Unknown(unknown) = answer else {
        panic!("the first attempt is still unknown: {answer:?}");
    };
    world.trouble(Trouble::AnswerLost);
    let answer = world.broker().resend(unknown).await;
    let Submission::Unknown(unknown) = answer else { panic!("{answer:?}") };
    let answer = world.broker().resend(unknown).await;
    assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    one_order(world).await;
}

pub(crate) async fn half_a_fill_is_told_as_half(world: &mut World) {
    world.trouble(Trouble::Half);
    let order = world.send(buy("b", "UPP", 10)).await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::PartiallyFilled, qty("5")));
    world.check().await;
    world.cancel("b").await;
    let order = world.order("b").await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::Canceled, qty("5")));
}
