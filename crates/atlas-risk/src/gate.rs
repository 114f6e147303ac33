//! What a gate is, and the case it judges.

use std::cell::OnceCell;
use std::fmt;

use atlas_core::{OrderRequest, Price, Qty, Side, Usd};

use crate::context::{Context, Phase, SymbolMarket};
use crate::desk::Desk;
use crate::ledger::{Alike, Amounts, Ledger};
use crate::verdict::{Effect, Finding, GateName};

/// One rule an order is held against.
///
/// A gate speaks on every order, opening or reducing. Its [`name`](Self::name) declares whether it
/// may deny a reducing one ([`GateName::may_deny_reducing`]); the validator turns every other
/// denial of a reducing order into a warning, so that no gate can trap an exit by mistake.
pub trait Gate: fmt::Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> GateName;

    /// The unit of its value and limit, such as `USD`.
    fn unit(&self) -> &'static str;

    /// What it holds orders to, with its limits, in one sentence.
    fn explain(&self) -> String;

    /// What it finds. Missing numbers are a denial.
    fn judge(&self, case: &Case<'_>) -> Finding;
}

/// One order as a gate sees it.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    pub(crate) request: &'a OrderRequest,
    pub(crate) effect: Effect,
    pub(crate) market: Option<&'a SymbolMarket>,
    pub(crate) context: &'a Context<'a>,
    pub(crate) ledger: &'a Ledger<'a>,
    pub(crate) desk: Option<&'a Desk>,
    /// The decision price, for what is held without one the broker's.
    pub(crate) price: Option<Price>,
    /// Shares × that price.
    pub(crate) notional: Option<Usd>,
    /// Shares × the worst price it can fill at.
    pub(crate) worst: Option<Usd>,
    /// Shares of the symbol that can be sold without a short.
    pub(crate) free: Qty,
    /// Shares of the symbol before it, open buys and the batch so far included.
    pub(crate) before: Option<Qty>,
    /// Shares of the symbol if it fills.
    pub(crate) after: Option<Qty>,
    /// Those shares at the decision price.
    pub(crate) position: Option<Usd>,
    /// Whether the batch trades the symbol this way already.
    pub(crate) repeated: bool,
    /// The symbol's line in the ledger.
    pub(crate) line: usize,
    alike: OnceCell<Option<Alike>>,
}

impl<'a> Case<'a> {
    /// `None` for an order that is not of the ledger's batch.
    pub(crate) fn new(
        request: &'a OrderRequest,
        context: &'a Context<'a>,
        ledger: &'a Ledger<'a>,
        desk: Option<&'a Desk>,
    ) -> Option<Self> {
        let at = ledger.find(&request.symbol)?;
        let line = ledger.line(at)?;
        let reduces = request.side == Side::Sell && request.qty <= line.free;
        let (market, price, before) = (line.market, line.price, line.after);
        let after = before.and_then(|held| match request.side {
            Side::Buy => held.checked_add(request.qty).ok(),
            Side::Sell => Some(held.saturating_sub(request.qty)),
        });
        Some(Self {
            request,
            effect: if reduces { Effect::Reducing } else { Effect::Opening },
            market,
            context,
            ledger,
            desk,
            price,
            notional: price.and_then(|price| price.notional(request.qty).ok()),
            worst: worst_price(request, context, market, price)
                .and_then(|price| price.notional(request.qty).ok()),
            free: line.free,
            before,
            after,
            position: after.and_then(|qty| price?.notional(qty).ok()),
            repeated: match request.side {
                Side::Buy => line.bought,
                Side::Sell => line.sold,
            },
            line: at,
            alike: OnceCell::new(),
        })
    }

    /// How alike the symbol and the other positions move; looked up once, for all gates that ask.
    pub(crate) fn alike(&self) -> Option<Alike> {
        *self.alike.get_or_init(|| self.ledger.alike(self.line))
    }

    /// What the ledger takes in.
    pub(crate) const fn amounts(&self) -> Amounts {
        Amounts { notional: self.notional, worst: self.worst }
    }

    pub(crate) const fn is_reducing(&self) -> bool {
        matches!(self.effect, Effect::Reducing)
    }
}

/// The worst price an order can fill at: its limit; for a market order the larger of the quote it
/// would meet and the decision price, as no bound exists.
fn worst_price(
    request: &OrderRequest,
    context: &Context<'_>,
    market: Option<&SymbolMarket>,
    decided: Option<Price>,
) -> Option<Price> {
    if let Some(limit) = request.limit_price() {
        return Some(limit);
    }
    let decided = decided?;
    let quoted = market?.quote.as_ref().and_then(|quote| quote.touch(request.side));
    match context.phase {
        Phase::Plan => Some(decided),
        Phase::Send => quoted.map(|price| price.max(decided)),
    }
}

/// Whether an amount keeps to a limit: compared unrounded, with half a cent of tolerance.
pub(crate) fn within(amount: Usd, limit: Usd) -> bool {
    limit.checked_add(Usd::HALF_CENT).is_ok_and(|limit| amount <= limit)
}
