//! The gates, grouped by what they look at.

mod desk;
mod loss;
mod market;
mod order;
mod portfolio;
mod price;

use crate::desk::DeskRules;
use crate::gate::Gate;
use crate::limits::Limits;

/// Every gate with its limits and those of the desk after them, in the order of
/// [`GateName::ALL`](crate::GateName::ALL).
pub(crate) fn with_desk(limits: &Limits, rules: &DeskRules) -> Vec<Box<dyn Gate>> {
    let mut gates = with_heat(limits);
    gates.extend(desk::all(rules));
    gates
}

/// Every gate whose limits are the profile's, heat included.
pub(crate) fn with_heat(limits: &Limits) -> Vec<Box<dyn Gate>> {
    let mut gates = all(limits);
    gates.push(desk::heat(limits));
    gates
}

/// Every gate but heat and those of the desk, with its limits.
pub(crate) fn all(limits: &Limits) -> Vec<Box<dyn Gate>> {
    let limits = limits.get();
    vec![
        Box::new(order::Symbol),
        Box::new(market::SymbolHalt),
        Box::new(market::State),
        Box::new(order::Quantity { shares: limits.shares, max: limits.max_order_qty }),
        Box::new(order::Duplicate { window_seconds: limits.duplicate_window_seconds }),
        Box::new(order::MessageRate { max: limits.orders_per_minute }),
        Box::new(order::Restricted),
        Box::new(order::LongOnly),
        Box::new(market::MarketHours),
        Box::new(price::DataAge),
        Box::new(price::QuoteQuality {
            max_age_seconds: limits.quote_max_age_seconds,
            spread_warn: limits.spread_warn,
            spread_deny: limits.spread_deny,
        }),
        Box::new(price::PriceCollar { quote: limits.collar_quote, close: limits.collar_close }),
        Box::new(market::RegimeEntries),
        Box::new(order::OrderNotional { max: limits.max_order_notional }),
        Box::new(portfolio::MinPosition { min: limits.min_position }),
        Box::new(portfolio::PositionSize {
            warn: limits.position_warn,
            deny: limits.position_deny,
        }),
        Box::new(portfolio::MaxPositions { max: limits.max_positions }),
        Box::new(portfolio::TotalAllocation),
        Box::new(portfolio::BuyingPower),
        Box::new(order::OrdersPerDay { max: limits.orders_per_day }),
        Box::new(loss::Turnover { multiple: limits.turnover_per_day }),
        Box::new(loss::DailyLoss { max: limits.daily_loss }),
        Box::new(loss::Drawdown { warn: limits.drawdown_warn, deny: limits.drawdown_deny }),
        Box::new(loss::Breaker),
    ]
}

#[cfg(test)]
mod tests;
