//! What was sent of late.

use atlas_core::OrderStatus;
use atlas_core::time::Timestamp;
use atlas_risk::{Activity, RecentOrder};
use chrono::TimeDelta;

use super::{State, TrackedOrder, trading_day};

/// What was sent within the last day: orders that have ended with a fill; and the counts of the
/// trading day, which begins anew with a session of the exchange and not at a weekend.
pub(crate) fn past(
    state: &State,
    now: Timestamp,
) -> Result<(Vec<RecentOrder>, Activity), atlas_core::Error> {
    let mut recent = Vec::new();
    let mut activity = Activity::default();
    let today = trading_day(now);
    let within = |tracked: &&TrackedOrder| now - tracked.intended_at <= TimeDelta::days(7);
    for tracked in state.latest_orders().take_while(within) {
        let Some(sent_at) = tracked.sent_at else { continue };
        let (order, request) = (&tracked.order, tracked.order.request());
        if order.status() == OrderStatus::NotPlaced {
            continue;
        }
        if trading_day(sent_at) == today {
            activity.orders_today += tracked.sends;
            activity.traded_today = activity.traded_today.checked_add(order.filled_notional())?;
        }
        if now - sent_at < TimeDelta::minutes(1) {
            activity.orders_last_minute += tracked.sends;
        }
        // A stop that fired is no order somebody sent: what is sold after it is no duplicate.
        let past = now - sent_at <= TimeDelta::days(1) && !tracked.protects;
        if past && order.status().is_terminal() && !order.filled_qty().is_zero() {
            recent.push(RecentOrder {
                client_order_id: request.client_order_id.clone(),
                symbol: request.symbol.clone(),
                side: request.side,
                sent_at,
            });
        }
    }
    Ok((recent, activity))
}
