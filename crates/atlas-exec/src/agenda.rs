//! The ordering of the day: what is due when, as a pure function of the journal and the clock.
//!
//! Pre-open checks, the window in which a plan is carried out, the comparison after the close, and
//! where it is asked for the decision that follows.

use atlas_core::calendar::{Calendar, Session};
use atlas_core::time::Timestamp;
use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;

use crate::shell::bare;
use crate::state::{Decision, State};
use crate::states::{Deed, Permission, permits};
use crate::window::Window;

/// One thing to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Look whether everything is right for the pending plan, before the opening.
    Check,
    /// Carry the pending plan out.
    Execute,
    /// Compare books and broker within the session.
    Compare,
    /// Place the protective orders that are missing.
    Protect,
    /// Compare books and broker after the close, and close the day.
    EndOfDay,
    /// Decide, approve, journal.
    Decide,
}

/// When things are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Hours {
    /// Minutes before the opening at which is checked.
    pub check_before_open_min: u16,
    /// Minutes after the opening at which sending starts.
    pub start_after_open_min: u16,
    /// Minutes before the close from which on no plan begins.
    pub stop_before_close_min: u16,
    /// Minutes after the close at which books and broker are compared.
    pub end_after_close_min: u16,
    /// Whether a decision is made after each close.
    pub decide: bool,
    /// Whether positions have protective orders.
    pub protect: bool,
}

/// What was done already and leaves no mark in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// The session whose plan was checked before its opening.
    pub checked: Option<NaiveDate>,
    /// The session after whose close a decision was tried.
    pub decided: Option<NaiveDate>,
    /// When missing protective orders were placed last, or were to be.
    pub protected: Option<Timestamp>,
}

/// What is due now, or when to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// This, now.
    Now(Task),
    /// Nothing before this instant.
    At(Timestamp),
}

/// Says what is due.
///
/// # Errors
/// [`atlas_core::Error::CalendarRange`] outside of the calendar's years.
pub fn due(
    state: &State,
    now: Timestamp,
    hours: Hours,
    done: Done,
) -> Result<Due, atlas_core::Error> {
    let nyse = Calendar::nyse();
    let last = nyse.last_closed(now)?;
    let next = nyse.next_session(last.date)?;
    let plan = state.pending().filter(|plan| plan.approval.is_some() || plan.started.is_some());
    if now >= next.open {
        return Ok(in_session(state, plan, now, &next, (hours, done)));
    }
    let compare_at = last.close + TimeDelta::minutes(hours.end_after_close_min.into());
    if state.account().is_some() && !state.days().contains_key(&last.date) {
        return Ok(if now >= compare_at { Due::Now(Task::EndOfDay) } else { Due::At(compare_at) });
    }
    let tried = done.decided == Some(last.date) || state.decision_on(last.date).is_some();
    if hours.decide && !tried {
        return Ok(if now >= compare_at { Due::Now(Task::Decide) } else { Due::At(compare_at) });
    }
    let check_at = next.open - TimeDelta::minutes(hours.check_before_open_min.into());
    let planned = plan.is_some_and(|plan| plan.planned.execute_on == next.date);
    if planned && done.checked != Some(next.date) {
        return Ok(if now >= check_at { Due::Now(Task::Check) } else { Due::At(check_at) });
    }
    Ok(Due::At(next.open))
}

/// Longest time between two comparisons within a session.
const COMPARE_EVERY: TimeDelta = TimeDelta::hours(1);

/// While a session is under way: its plan once its window has begun, a comparison every hour, then
/// nothing until the close.
fn in_session(
    state: &State,
    plan: Option<&Decision>,
    now: Timestamp,
    session: &Session,
    (hours, done): (Hours, Done),
) -> Due {
    let after_close = session.close + TimeDelta::minutes(hours.end_after_close_min.into());
    let compare = compare_at(state, session).filter(|at| *at < session.close);
    let otherwise = match compare {
        Some(at) if now >= at => Due::Now(Task::Compare),
        Some(at) => Due::At(at),
        None => Due::At(after_close),
    };
    let Some(plan) = plan.filter(|plan| plan.planned.execute_on == session.date) else {
        return if is_bare(state, now, (hours, done)) {
            Due::Now(Task::Protect)
        } else {
            otherwise
        };
    };
    let window = Window::of(session, hours.start_after_open_min, hours.stop_before_close_min);
    match (window.check(now, plan.started.is_some()), otherwise) {
        (Ok(()), _) => Due::Now(Task::Execute),
        (Err(_), Due::At(at)) if now < window.from => Due::At(at.min(window.from)),
        (Err(_), otherwise) => otherwise,
    }
}

/// Time between two tries to place what could not be placed.
const PROTECT_EVERY: TimeDelta = TimeDelta::minutes(15);

/// Whether protective orders are missing that may be placed, and nobody tried it lately. A plan
/// that is to be carried out in the session places them once it is over.
fn is_bare(state: &State, now: Timestamp, (hours, done): (Hours, Done)) -> bool {
    let tried = done.protected.is_some_and(|tried| now - tried < PROTECT_EVERY);
    let may = permits(state.trading().state(), Deed::Reduce) == Permission::Yes;
    let begun = state.pending().is_some_and(|plan| plan.started.is_some());
    hours.protect && may && !tried && !begun && !bare(state).is_empty()
}

/// When books and broker are to be compared next within a session: an hour after the last time, or
/// after the opening; never on an account that was never used.
fn compare_at(state: &State, session: &Session) -> Option<Timestamp> {
    state.account()?;
    let last = state.reconciled().map_or(session.open, |last| last.at.max(session.open));
    Some(last + COMPARE_EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(decide: bool) -> Hours {
        Hours {
            check_before_open_min: 10,
            start_after_open_min: 5,
            stop_before_close_min: 5,
            end_after_close_min: 15,
            decide,
            protect: false,
        }
    }

    #[test]
    fn an_account_without_a_plan_is_compared_after_the_close_and_decided_on_where_asked() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let state = State::new();
        let told = |now: &str, decide| due(&state, at(now), hours(decide), Done::default());
        // Never used: there is nothing to compare; a decision is due if asked for.
        assert_eq!(
            told("2019-01-03T21:10:00Z", true).unwrap(),
            Due::At(at("2019-01-03T21:15:00Z"))
        );
        assert_eq!(told("2019-01-03T21:15:00Z", true).unwrap(), Due::Now(Task::Decide));
        assert_eq!(
            told("2019-01-03T21:15:00Z", false).unwrap(),
            Due::At(at("2019-01-04T14:30:00Z"))
        );
        // In a session without a plan the close is waited for; over a weekend the next opening.
        assert_eq!(
            told("2019-01-03T15:00:00Z", true).unwrap(),
            Due::At(at("2019-01-03T21:15:00Z"))
        );
        assert_eq!(
            told("2019-01-05T15:00:00Z", false).unwrap(),
            Due::At(at("2019-01-07T14:30:00Z"))
        );
    }

    #[test]
    fn books_and_broker_are_compared_every_hour_of_a_session() {
        use crate::event::{AccountOpened, Event, Reconciled};
        use crate::journal::{Draft, Journal, MemoryStorage};
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let account = atlas_core::Account {
            account_number: "1".to_owned(),
            cash: atlas_core::Usd::ZERO,
            equity: atlas_core::Usd::ZERO,
            buying_power: atlas_core::Usd::ZERO,
            trading_blocked: false,
        };
        let opened = AccountOpened {
            account_number: "1".to_owned(),
            cash: atlas_core::Usd::ZERO,
            positions: std::collections::BTreeMap::new(),
            bookmark: None,
        };
        let seen = Reconciled {
            account,
            positions: std::collections::BTreeMap::new(),
            discrepancies: Vec::new(),
        };
        let mut journal = Journal::open(Box::new(MemoryStorage::new())).unwrap();
        let mut note = |text: &str, event: Event| {
            let draft = Draft { ts_event: at(text), decision_id: None, event };
            journal.append(at(text), vec![draft]).unwrap();
        };
        note("2019-01-02T21:30:00Z", Event::AccountOpened(opened));
        note("2019-01-03T15:00:00Z", Event::Reconciled(Box::new(seen)));
        let told =
            |now: &str| due(journal.state(), at(now), hours(false), Done::default()).unwrap();
        assert_eq!(told("2019-01-03T15:30:00Z"), Due::At(at("2019-01-03T16:00:00Z")));
        assert_eq!(told("2019-01-03T16:00:00Z"), Due::Now(Task::Compare));
        // The next day counts from its opening.
        assert_eq!(told("2019-01-04T15:00:00Z"), Due::At(at("2019-01-04T15:30:00Z")));
    }

    #[test]
    fn a_stop_that_is_missing_is_placed_within_the_session_and_tried_again() {
        use crate::event::{AccountOpened, Adopted, Event, Subject};
        use crate::journal::{Draft, Journal, MemoryStorage};
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (symbol, qty): (atlas_core::Symbol, _) =
            ("AAPL".parse().unwrap(), atlas_core::Qty::from_shares(10));
        let opened = AccountOpened {
            account_number: "1".to_owned(),
            cash: atlas_core::Usd::ZERO,
            positions: [(symbol.clone(), qty)].into(),
            bookmark: None,
        };
        let subject = Subject::Position { symbol, qty, price: "100".parse().unwrap() };
        let adopted = Adopted { subject, by: "ann".to_owned(), why: "a test".to_owned() };
        let mut journal = Journal::open(Box::new(MemoryStorage::new())).unwrap();
        let then = at("2019-01-02T21:30:00Z");
        for event in [Event::AccountOpened(opened), Event::Adopted(adopted)] {
            let draft = Draft { ts_event: then, decision_id: None, event };
            journal.append(then, vec![draft]).unwrap();
        }
        let told = |now: &str, protect, tried: Option<&str>| {
            let done = Done { protected: tried.map(at), ..Done::default() };
            let hours = Hours { protect, ..hours(false) };
            due(journal.state(), at(now), hours, done).unwrap()
        };
        let (now, next) = ("2019-01-03T14:40:00Z", Due::At(at("2019-01-03T15:30:00Z")));
        assert_eq!(told(now, true, None), Due::Now(Task::Protect));
        assert_eq!(told(now, false, None), next);
        assert_eq!(told(now, true, Some("2019-01-03T14:26:00Z")), next);
        assert_eq!(told(now, true, Some("2019-01-03T14:25:00Z")), Due::Now(Task::Protect));
        // After the close the comparison comes first, which sees to it as well.
        assert_eq!(told("2019-01-03T21:15:00Z", true, None), Due::Now(Task::EndOfDay));
    }

    #[test]
    fn what_was_tried_is_not_tried_again_the_same_evening() {
        let now = "2019-01-03T22:00:00Z".parse().unwrap();
        let done = Done { decided: Some("2019-01-03".parse().unwrap()), ..Done::default() };
        let found = due(&State::new(), now, hours(true), done).unwrap();
        assert_eq!(found, Due::At("2019-01-04T14:30:00Z".parse().unwrap()));
    }
}
