//! Gates that look at prices: their age, the quote, the distance between them.

use atlas_core::{Bps, Price, Quote, Side};
use rust_decimal::Decimal;

use crate::context::Phase;
use crate::gate::{Case, Gate};
use crate::verdict::{Finding, GateName};

/// The decision price is of the session the decision is about.
#[derive(Debug)]
pub(super) struct DataAge;

impl Gate for DataAge {
    fn name(&self) -> GateName {
        GateName::DataAge
    }

    fn unit(&self) -> &'static str {
        ""
    }

    fn explain(&self) -> String {
        "the decision price is the close of the session the decision is about".into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let Some(market) = case.market else {
            return Finding::missing("there is no decision price");
        };
        let expected = case.context.decision_session;
        if market.session == expected {
            return Finding::pass("the decision price is of the expected session");
        }
        Finding::deny(format!(
            "the last close is of {}, the decision is about {expected}",
            market.session
        ))
    }
}

/// Before a send: the quote is there, fresh, two-sided, not crossed and not too wide.
#[derive(Debug)]
pub(super) struct QuoteQuality {
    pub(super) max_age_seconds: u32,
    pub(super) spread_warn: Bps,
    pub(super) spread_deny: Bps,
}

impl Gate for QuoteQuality {
    fn name(&self) -> GateName {
        GateName::Quote
    }

    fn unit(&self) -> &'static str {
        "bps"
    }

    fn explain(&self) -> String {
        format!(
            "before a send the quote has both sides, is at most {} s old, is not crossed, and its \
             spread is at most {} bps of the mid price (warning above {} bps)",
            self.max_age_seconds, self.spread_deny, self.spread_warn
        )
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        if case.context.phase == Phase::Plan {
            return Finding::pass("quotes are looked at before sending");
        }
        let Some(quote) = case.market.and_then(|market| market.quote.as_ref()) else {
            return Finding::missing("there is no quote");
        };
        let age = (case.context.now - quote.ts_event).num_seconds();
        if age.abs() > i64::from(self.max_age_seconds) {
            return Finding::deny(format!("the quote is {age} s old"))
                .with(Decimal::from(age), Decimal::from(self.max_age_seconds));
        }
        let Some(spread) = spread_bps(quote) else {
            return Finding::missing("the quote has one side only");
        };
        let finding = if spread < Decimal::ZERO {
            Finding::deny("the quote is crossed: its bid is above its ask".into())
        } else if spread > self.spread_deny.value() {
            Finding::deny(format!("the spread is {spread} bps"))
        } else if spread > self.spread_warn.value() {
            Finding::warn(format!("the spread is {spread} bps"))
        } else {
            Finding::pass("the quote is fresh and tight")
        };
        finding.with(spread, self.spread_deny.value())
    }
}

/// (ask − bid) over the mid price in basis points, rounded half to even at two decimals.
fn spread_bps(quote: &Quote) -> Option<Decimal> {
    let (bid, ask) = (quote.bid?.value(), quote.ask?.value());
    let mid = (bid + ask) / Decimal::TWO;
    Some(((ask - bid) / mid * Decimal::from(10_000)).round_dp(2))
}

/// The price is near the quote it would meet and near the decision price.
#[derive(Debug)]
pub(super) struct PriceCollar {
    pub(super) quote: Bps,
    pub(super) close: Bps,
}

impl Gate for PriceCollar {
    fn name(&self) -> GateName {
        GateName::PriceCollar
    }

    fn unit(&self) -> &'static str {
        "USD/share"
    }

    fn explain(&self) -> String {
        format!(
            "a buy pays at most {} bps above the decision price and {} bps above the ask, a sale \
             takes at most as much below close and bid",
            self.close, self.quote
        )
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let side = case.request.side;
        let Some(close) = case.price else {
            return Finding::missing("there is no decision price");
        };
        let quote = case.market.and_then(|market| market.quote.as_ref()?.touch(side));
        let price = match (case.request.limit_price(), quote, case.context.phase) {
            (Some(limit), ..) => limit,
            (None, Some(quote), _) => quote,
            (None, None, Phase::Plan) => {
                return Finding::pass("a market order's price is looked at before sending");
            }
            (None, None, Phase::Send) => return Finding::missing("there is no quote"),
        };
        let Some(bound) = self.bound(side, close, quote) else {
            return Finding::missing("the collar cannot be computed");
        };
        let finding = match side {
            Side::Buy if price > bound => {
                Finding::deny(format!("it may pay {price}, which is more than {bound}"))
            }
            Side::Sell if price < bound => {
                Finding::deny(format!("it may sell at {price}, which is less than {bound}"))
            }
            Side::Buy | Side::Sell => Finding::pass("the price is near quote and close"),
        };
        finding.with(price.value(), bound.value())
    }
}

impl PriceCollar {
    /// The tighter of the two bounds.
    fn bound(&self, side: Side, close: Price, quote: Option<Price>) -> Option<Price> {
        let sign = match side {
            Side::Buy => Decimal::ONE,
            Side::Sell => Decimal::NEGATIVE_ONE,
        };
        let by_close = close.moved(sign * self.close.fraction()).ok()?;
        let Some(quote) = quote else { return Some(by_close) };
        let by_quote = quote.moved(sign * self.quote.fraction()).ok()?;
        Some(match side {
            Side::Buy => by_close.min(by_quote),
            Side::Sell => by_close.max(by_quote),
        })
    }
}
