//! Alpaca's shapes: what comes in, and what goes out.

mod activity;
mod amount;
mod object;
mod order;
mod request;

pub(super) use activity::{activity, activity_id};
pub(super) use amount::{Amount, dollars, number};
pub(super) use object::{Object, object};
pub(super) use order::{OrderBody, moment, stamp};
pub(super) use request::{OrderWish, ReplaceWish};
