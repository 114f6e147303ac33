//! What a broker can be told about an order beyond the order itself.

use atlas_core::{OrderRequest, OrderType, Price, Side, TimeInForce, Usd};
use atlas_risk::ApprovedOrder;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How an approved order is sent.
///
/// Exits exist only inside the variant that makes the broker honour them, so that a take-profit
/// which the broker would silently ignore cannot be written down. They reduce what the approved
/// entry opens, so they need no approval of their own.
///
/// # Examples
/// ```
/// use atlas_broker::{StopLoss, Terms};
///
/// let terms = Terms::Bracket {
///     take_profit: "110".parse()?,
///     stop_loss: StopLoss { stop_price: "95".parse()?, limit_price: None },
/// };
/// assert_eq!(terms.order_class(), "bracket");
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "terms", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Terms {
    /// As it is.
    #[default]
    Simple,
    /// Also outside of regular hours: a limit order, for the day or until canceled.
    ExtendedHours,
    /// The stop follows the market at a distance; the order is a stop, whose price is where the
    /// stop stands at first.
    Trailing(Trail),
    /// Once the entry is completely filled, two exits of which one cancels the other.
    Bracket {
        /// Where the position is closed with a gain.
        take_profit: Price,
        /// Where it is closed with a loss.
        stop_loss: StopLoss,
    },
    /// Once the entry is completely filled, an exit with a gain.
    TakeProfit {
        /// Where the position is closed.
        take_profit: Price,
    },
    /// Once the entry is completely filled, an exit with a loss.
    StopLoss(StopLoss),
    /// Two exits of a position that is held; the order is the limit that takes the gain.
    OneCancelsOther(StopLoss),
    /// Instead of the quantity the broker is asked for an amount of money, to nine decimals. The
    /// approval is its ceiling: with a limit the amount is at most the approved quantity at it, so
    /// a buy never costs more than was approved, and a sell never moves more shares.
    ///
    /// A market buy is held to [`ApprovedOrder::ceiling`](atlas_risk::Approved::ceiling), the
    /// dollars it was approved by. A market sell of an amount is not sent, although Alpaca takes it:
    /// below the price of the approval it would move more shares than were approved. Nor is a stop
    /// without a limit, whose price nobody knows.
    Notional(Usd),
}

/// How far a trailing stop stays behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trail {
    /// So many dollars.
    Price(Price),
    /// So many per cent, above 0 and below 100.
    Percent(Decimal),
}

/// An exit with a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopLoss {
    /// The price that wakes the order.
    pub stop_price: Price,
    /// The limit it has then; without one it is a market order.
    pub limit_price: Option<Price>,
}

impl Terms {
    /// Alpaca's word for the class of the order.
    #[must_use]
    pub const fn order_class(&self) -> &'static str {
        match self {
            Self::Simple | Self::ExtendedHours | Self::Trailing(_) | Self::Notional(_) => "simple",
            Self::Bracket { .. } => "bracket",
            Self::TakeProfit { .. } | Self::StopLoss(_) => "oto",
            Self::OneCancelsOther(_) => "oco",
        }
    }

    /// The amount of money asked for instead of a quantity, if one is.
    #[must_use]
    pub const fn notional(&self) -> Option<Usd> {
        match self {
            Self::Notional(amount) => Some(*amount),
            Self::Simple
            | Self::ExtendedHours
            | Self::Trailing(_)
            | Self::Bracket { .. }
            | Self::TakeProfit { .. }
            | Self::StopLoss(_)
            | Self::OneCancelsOther(_) => None,
        }
    }

    /// How far the stop stays behind, if it follows the market.
    #[must_use]
    pub const fn trail(&self) -> Option<Trail> {
        match self {
            Self::Trailing(trail) => Some(*trail),
            Self::Simple
            | Self::ExtendedHours
            | Self::Bracket { .. }
            | Self::TakeProfit { .. }
            | Self::StopLoss(_)
            | Self::OneCancelsOther(_)
            | Self::Notional(_) => None,
        }
    }

    /// The exit with a gain that is sent beside the order.
    #[must_use]
    pub const fn take_profit(&self) -> Option<Price> {
        match self {
            Self::Bracket { take_profit, .. } | Self::TakeProfit { take_profit } => {
                Some(*take_profit)
            }
            Self::Simple
            | Self::ExtendedHours
            | Self::Trailing(_)
            | Self::StopLoss(_)
            | Self::OneCancelsOther(_)
            | Self::Notional(_) => None,
        }
    }

    /// The exit with a loss that is sent beside the order.
    #[must_use]
    pub const fn stop_loss(&self) -> Option<&StopLoss> {
        match self {
            Self::Bracket { stop_loss, .. }
            | Self::StopLoss(stop_loss)
            | Self::OneCancelsOther(stop_loss) => Some(stop_loss),
            Self::Simple
            | Self::ExtendedHours
            | Self::Trailing(_)
            | Self::TakeProfit { .. }
            | Self::Notional(_) => None,
        }
    }

    /// Why these terms ask for more than the approval covers, if they do. What the order itself
    /// bounds is [`conflict`](Self::conflict)'s part.
    #[must_use]
    pub fn excess(&self, order: &ApprovedOrder) -> Option<&'static str> {
        let amount = self.notional().filter(|_| order.get().limit_price().is_none())?;
        match order.ceiling() {
            None => Some("an approval without a price does not cover an amount of money"),
            Some(ceiling) if amount > ceiling => {
                Some("the amount of money is more than was approved")
            }
            Some(_) => None,
        }
    }

    /// Why the order and its terms do not go together, if they do not.
    #[must_use]
    pub fn conflict(&self, order: &OrderRequest) -> Option<&'static str> {
        if let Self::Notional(amount) = self {
            return unpayable(*amount, order);
        }
        let lasting = matches!(order.time_in_force, TimeInForce::Day | TimeInForce::Gtc);
        let limit = matches!(order.order_type, OrderType::Limit { .. });
        let entry = limit || matches!(order.order_type, OrderType::Market);
        let stop = matches!(order.order_type, OrderType::Stop { .. });
        let simple = matches!(self, Self::Simple);
        let class = self.order_class() != "simple";
        let exits = [
            (!simple && !lasting, "orders with terms are for the day or until canceled"),
            (!simple && order.symbol.is_crypto(), "crypto orders have no terms"),
            (class && !order.qty.is_whole(), "orders with exits are for whole shares"),
            (
                matches!(self, Self::ExtendedHours) && !limit,
                "extended hours take limit orders only",
            ),
            (
                matches!(self, Self::OneCancelsOther(_)) && !limit,
                "of two exits the order itself is the limit that takes the gain",
            ),
            (class && !entry, "an entry with exits is a market or a limit order"),
            (
                matches!(self, Self::Trailing(_)) && !stop,
                "a trailing stop is a stop order, with the price it stands at first",
            ),
            (
                matches!(self, Self::Trailing(Trail::Percent(p)) if !percent(*p)),
                "a trailing stop stays more than 0 and less than 100 per cent behind",
            ),
        ];
        let found = exits.into_iter().find_map(|(conflict, words)| conflict.then_some(words));
        found.or_else(|| self.misplaced(order))
    }

    /// Whether the exits lie on the sides of the entry, and of each other, they belong to.
    fn misplaced(&self, order: &OrderRequest) -> Option<&'static str> {
        let own = order.limit_price();
        let pair = match self {
            Self::OneCancelsOther(_) => order.side,
            // Exits of a bracket trade the other way.
            Self::Simple
            | Self::ExtendedHours
            | Self::Trailing(_)
            | Self::Bracket { .. }
            | Self::TakeProfit { .. }
            | Self::Notional(_)
            | Self::StopLoss(_) => opposite(order.side),
        };
        let gain = self.take_profit();
        let loss = self.stop_loss().map(|exit| exit.stop_price);
        let above = |high: Option<Price>, low: Option<Price>| {
            let (high, low) = if pair == Side::Sell { (high, low) } else { (low, high) };
            high.zip(low).is_none_or(|(high, low)| high > low)
        };
        if !above(gain, loss) || !above(gain, own) || !above(own, loss) {
            return Some("the gain must lie beyond the entry, and the entry beyond the loss");
        }
        None
    }
}

/// Why an order cannot be sent for an amount of money, if it cannot.
fn unpayable(amount: Usd, order: &OrderRequest) -> Option<&'static str> {
    let crypto = order.symbol.is_crypto();
    let ceiling = order.limit_price().and_then(|limit| limit.notional(order.qty).ok());
    let fits = match order.time_in_force {
        TimeInForce::Day => !crypto,
        TimeInForce::Gtc | TimeInForce::Ioc => crypto,
        TimeInForce::Opg | TimeInForce::Cls | TimeInForce::Fok => false,
    };
    let bought = order.side == Side::Buy && matches!(order.order_type, OrderType::Market);
    [
        (!fits, "orders for an amount of money are for the day, crypto ones gtc or ioc"),
        (
            ceiling.is_none() && !bought,
            "an order for an amount of money is a market buy, or has a limit, which is its ceiling",
        ),
        (
            ceiling.is_some_and(|ceiling| amount > ceiling),
            "the amount of money is more than the approved quantity at its limit",
        ),
        (amount.value() < Decimal::ONE, "an amount of money is 1 US dollar or more"),
        (amount.value().normalize().scale() > 9, "an amount of money has nine decimals at most"),
    ]
    .into_iter()
    .find_map(|(conflict, words)| conflict.then_some(words))
}

const fn opposite(side: Side) -> Side {
    match side {
        Side::Buy => Side::Sell,
        Side::Sell => Side::Buy,
    }
}

fn percent(value: Decimal) -> bool {
    value > Decimal::ZERO && value < Decimal::ONE_HUNDRED
}

#[cfg(test)]
mod tests {
    use atlas_core::Qty;

    use super::*;

    fn price(text: &str) -> Price {
        text.parse().expect("a price")
    }

    fn order(side: Side, order_type: OrderType) -> OrderRequest {
        OrderRequest {
            client_order_id: "atlas-demo-1-buy-AAPL-0".parse().expect("an id"),
            symbol: "AAPL".parse().expect("a symbol"),
            side,
            qty: Qty::from_shares(10),
            order_type,
            time_in_force: TimeInForce::Day,
        }
    }

    fn bracket(gain: &str, loss: &str) -> Terms {
        let stop_loss = StopLoss { stop_price: price(loss), limit_price: None };
        Terms::Bracket { take_profit: price(gain), stop_loss }
    }

    #[test]
    fn terms_and_orders_go_together_or_not() {
        let limit = OrderType::Limit { limit_price: price("100") };
        let stop = OrderType::Stop { stop_price: price("95") };
        let loss = StopLoss { stop_price: price("95"), limit_price: None };
        let trail = |text: &str| Terms::Trailing(Trail::Percent(text.parse().expect("a number")));
        for (side, order_type, terms, fine) in [
            (Side::Buy, OrderType::Market, Terms::Simple, true),
            (Side::Buy, limit, bracket("110", "95"), true),
            (Side::Buy, OrderType::Market, bracket("110", "95"), true),
            (Side::Buy, limit, bracket("95", "110"), false),
            (Side::Buy, limit, bracket("99", "95"), false),
            (Side::Buy, limit, bracket("110", "100"), false),
            (Side::Buy, stop, bracket("110", "95"), false),
            (Side::Sell, limit, bracket("95", "110"), true),
            (Side::Sell, limit, bracket("110", "95"), false),
            (Side::Sell, limit, Terms::OneCancelsOther(loss), true),
            (Side::Buy, limit, Terms::OneCancelsOther(loss), false),
            (Side::Sell, OrderType::Market, Terms::OneCancelsOther(loss), false),
            (Side::Buy, limit, Terms::StopLoss(loss), true),
            (Side::Buy, limit, Terms::TakeProfit { take_profit: price("101") }, true),
            (Side::Buy, limit, Terms::TakeProfit { take_profit: price("100") }, false),
            (Side::Buy, limit, Terms::ExtendedHours, true),
            (Side::Buy, OrderType::Market, Terms::ExtendedHours, false),
            (Side::Sell, stop, trail("2.5"), true),
            (Side::Sell, stop, trail("100"), false),
            (Side::Sell, stop, trail("0"), false),
            (Side::Sell, limit, trail("2.5"), false),
        ] {
            let conflict = terms.conflict(&order(side, order_type));
            assert_eq!(conflict.is_none(), fine, "{side} {order_type:?} {terms:?}: {conflict:?}");
        }
    }

    #[test]
    fn an_amount_of_money_has_the_approval_as_its_ceiling() {
        let limit = OrderType::Limit { limit_price: price("100") };
        let crypto = OrderRequest {
            symbol: "BTC/USD".parse().expect("a symbol"),
            time_in_force: TimeInForce::Gtc,
            ..order(Side::Buy, limit)
        };
        for (order, amount, fine) in [
            (order(Side::Buy, limit), "1000", true),
            (order(Side::Sell, limit), "999.99", true),
            (order(Side::Buy, limit), "1000.01", false),
            (order(Side::Buy, limit), "0.99", false),
            (order(Side::Buy, limit), "10.123456789", true),
            (order(Side::Buy, limit), "10.1234567891", false),
            (order(Side::Buy, OrderType::Market), "10", true),
            (order(Side::Sell, OrderType::Market), "10", false),
            (order(Side::Buy, OrderType::Stop { stop_price: price("100") }), "10", false),
            (crypto.clone(), "10", true),
            (OrderRequest { time_in_force: TimeInForce::Day, ..crypto }, "10", false),
        ] {
            let terms = Terms::Notional(amount.parse().expect("an amount"));
            let conflict = terms.conflict(&order);
            assert_eq!(conflict.is_none(), fine, "{order:?} {amount}: {conflict:?}");
        }
    }

    #[test]
    fn fractions_crypto_and_auctions_take_no_terms() {
        let plain = order(Side::Buy, OrderType::Market);
        for odd in [
            OrderRequest { qty: "0.5".parse().expect("a quantity"), ..plain.clone() },
            OrderRequest { symbol: "BTC/USD".parse().expect("a symbol"), ..plain.clone() },
            OrderRequest { time_in_force: TimeInForce::Opg, ..plain },
        ] {
            assert!(bracket("110", "95").conflict(&odd).is_some());
            assert!(Terms::Simple.conflict(&odd).is_none());
        }
    }
}
