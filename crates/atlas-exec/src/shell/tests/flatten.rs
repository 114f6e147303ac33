//! Flattening past a process, with a broker that answers in part.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_core::time::Mode;
use atlas_core::{Qty, Side, Symbol};
use atlas_risk::TradingState;

use super::bench::{self, Disk, Wide, own, plan};
use super::world::{Fault, Habit, Seen, World};
use crate::folder::Inbox;
use crate::kill::{Flatten, Flattened, Sold, flatten};

const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(1)];

fn owned() -> (World, BTreeMap<Symbol, Qty>) {
    let (world, disk) = (World::new("20000"), Disk::new());
    let mut session = disk.session(&world);
    own(&mut session, &world, &[("AAPL", 50, "100"), ("IBM", 50, "100")]);
    (world, session.state().books().all_owned())
}

fn sell(
    world: &World,
    owned: &BTreeMap<Symbol, Qty>,
    inbox: &Inbox,
) -> Result<Flattened, crate::Error> {
    let entry = world.inner().ledger.last().map(|activity| activity.id.clone());
    let order = Flatten {
        account: &bench::account(),
        mode: Mode::Paper,
        state: TradingState::Halted,
        owned,
        entry: entry.as_ref(),
        limits: &Wide::limits(),
        inbox,
        timer: world,
        waits: &WAITS,
        by: "ann",
        why: "a test",
        now: world.inner().now,
    };
    bench::block_on(flatten(world, order))
}

fn held(world: &World) -> usize {
    world.inner().held.values().filter(|qty| !qty.is_zero()).count()
}

#[test]
fn a_sale_needs_neither_quotes_nor_hours() {
    let (world, owned) = owned();
    let reads = world.inner().reads;
    // Account, positions and open orders answer; quotes and the clock do not.
    world.inner().read_faults = [reads + 4, reads + 5].into();
    let done = sell(&world, &owned, &Inbox::in_memory()).unwrap();
    assert_eq!((done.sales.len(), done.left.len(), held(&world)), (2, 0, 0), "{done:?}");
}

#[test]
fn nothing_is_canceled_while_the_broker_does_not_say_what_is_there() {
    let (world, owned) = owned();
    world.inner().seen.clear();
    let mut inner = world.inner();
    let reads = inner.reads;
    inner.read_faults = [reads + 1, reads + 3].into();
    drop(inner);
    for _ in 0..2 {
        sell(&world, &owned, &Inbox::in_memory()).unwrap_err();
    }
    let canceled = world.inner().seen.iter().any(|seen| matches!(seen, Seen::Cancel(_)));
    assert!(!canceled && world.submits().is_empty());
    assert_eq!(held(&world), 2);
}

#[test]
fn what_the_broker_refuses_to_sell_is_told_as_bare() {
    let (world, owned) = owned();
    world.habit("AAPL", Habit::Refuse);
    let done = sell(&world, &owned, &Inbox::in_memory()).unwrap();
    let left: Vec<_> = done.left.iter().map(|(s, l)| (s.as_str(), l.on_offer)).collect();
    assert_eq!(left, [("AAPL", false)], "{done:?}");
    assert!(done.sales.iter().any(|sale| matches!(sale.sold, Sold::Refused(_))));
}

#[test]
fn the_same_shares_are_never_sold_under_two_names() {
    let (world, owned) = owned();
    world.habit("AAPL", Habit::Half);
    let inbox = Inbox::in_memory();
    let entry = world.inner().ledger.last().map(|activity| activity.id.clone());
    let first = sell(&world, &owned, &inbox).unwrap();
    assert_eq!((first.sales.len(), held(&world)), (2, 1), "{first:?}");
    // One that still sees the account as it was before: the broker tells positions late.
    let mut inner = world.inner();
    inner.held.insert("IBM".parse().unwrap(), Qty::from_shares(50));
    while inner.ledger.last().map(|activity| &activity.id) != entry.as_ref() {
        inner.ledger.pop();
    }
    drop(inner);
    let before = world.submits().len();
    let second = sell(&world, &owned, &inbox).unwrap();
    let again = second.sales.iter().find(|sale| sale.request.symbol.as_str() == "IBM").unwrap();
    let sold = first.sales.iter().find(|sale| sale.request.symbol.as_str() == "IBM").unwrap();
    assert_eq!(again, sold);
    let ibm = |name: &String| name.ends_with("-IBM");
    assert_eq!(world.submits()[before..].iter().filter(|name| ibm(name)).count(), 0);
}

#[test]
fn an_answer_that_is_lost_does_not_sell_twice() {
    let (world, owned) = owned();
    world.inner().submit_faults = vec![Some(Fault::AnswerLost), Some(Fault::RequestLost)];
    let done = sell(&world, &owned, &Inbox::in_memory()).unwrap();
    assert!(done.sales.iter().all(|sale| matches!(sale.sold, Sold::Taken { .. })), "{done:?}");
    assert_eq!((world.submits().len(), held(&world)), (2, 0));
}

#[test]
fn a_copy_of_the_books_knows_what_the_hanging_process_has_not_noted() {
    use crate::kill::Copy;
    let dir = tempfile::tempdir().unwrap();
    let world = World::new("20000");
    world.price("MSFT", "100");
    let clock = || std::sync::Arc::new(world.clone());
    let mut hanging = crate::Session::open(dir.path(), &bench::account(), clock()).unwrap();
    bench::leave_hanging(
        &mut hanging,
        &world,
        &plan(1, &[(Side::Buy, "MSFT", 100, "100")]),
        "MSFT",
    );
    assert!(hanging.state().books().all_owned().is_empty());
    world.hang_at("NONE");
    let folder = hanging.folder().unwrap().clone();
    let mut copy = Copy::of(&folder, &bench::account(), clock()).unwrap();
    bench::block_on(copy.update(&world)).unwrap();
    let owned = copy.owned();
    assert_eq!(owned.get(&"MSFT".parse().unwrap()), Some(&Qty::from_shares(100)));
    let done = sell(&world, &owned, &Inbox::of(&folder)).unwrap();
    assert_eq!((done.sales.len(), held(&world)), (1, 0), "{done:?}");
    // A second one learns of the first from the inbox, though nobody journaled it.
    let mut again = Copy::of(&folder, &bench::account(), clock()).unwrap();
    bench::block_on(again.update(&world)).unwrap();
    assert!(again.owned().is_empty());
}
