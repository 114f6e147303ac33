//! Order requests in one line.

use atlas_core::{OrderRequest, OrderType, Price, Qty, Side, TimeInForce};

use crate::market::symbol;

/// A market order for the day, under a name of its own.
///
/// # Panics
/// If a text is not what it should be.
#[must_use]
pub fn order(id: &str, side: Side, name: &str, qty: &str) -> OrderRequest {
    OrderRequest {
        client_order_id: id.parse().expect("a client order id"),
        symbol: symbol(name),
        side,
        qty: qty.parse::<Qty>().expect("a quantity"),
        order_type: OrderType::Market,
        time_in_force: TimeInForce::Day,
    }
}

/// A market buy for the day.
///
/// # Panics
/// If a text is not what it should be.
#[must_use]
pub fn buy(id: &str, name: &str, qty: u32) -> OrderRequest {
    order(id, Side::Buy, name, &qty.to_string())
}

/// A market sell for the day.
///
/// # Panics
/// If a text is not what it should be.
#[must_use]
pub fn sell(id: &str, name: &str, qty: u32) -> OrderRequest {
    order(id, Side::Sell, name, &qty.to_string())
}

/// Changes to a request.
pub trait Change {
    /// With a limit.
    #[must_use]
    fn limit(self, price: &str) -> Self;
    /// With a stop.
    #[must_use]
    fn stop(self, price: &str) -> Self;
    /// With another time in force.
    #[must_use]
    fn tif(self, tif: TimeInForce) -> Self;
}

impl Change for OrderRequest {
    fn limit(self, price: &str) -> Self {
        let limit_price: Price = price.parse().expect("a price");
        let order_type = match self.order_type {
            OrderType::Stop { stop_price } => OrderType::StopLimit { stop_price, limit_price },
            _ => OrderType::Limit { limit_price },
        };
        Self { order_type, ..self }
    }

    fn stop(self, price: &str) -> Self {
        Self { order_type: OrderType::Stop { stop_price: price.parse().expect("a price") }, ..self }
    }

    fn tif(self, tif: TimeInForce) -> Self {
        Self { time_in_force: tif, ..self }
    }
}
