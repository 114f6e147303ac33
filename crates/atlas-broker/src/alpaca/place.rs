//! Sending an order: once, and telling the truth about what became of it.

use atlas_core::{OrderRequest, Side, VenueOrderId};
use atlas_risk::ApprovedOrder;
use reqwest::Method;

use super::http::{Answer, Call, path};
use super::pace::Lane;
use super::reply::Refusal;
use super::wire::{OrderBody, PatchBody, SMALL_CRYPTO, WireOrder, is_small_crypto};
use super::{Mode, Session};
use crate::market_data::MarketData;
use crate::{BrokerOrder, Error, Sent, Submission, Terms, Trail, UnknownOutcome};

/// What became of an order, before the approval is put back.
#[derive(Debug)]
pub(crate) enum Placement {
    Accepted(BrokerOrder),
    Refused(Refusal),
    NotReached(Error),
    Unknown(Error),
}

/// Why an order was not sent.
#[derive(Debug)]
enum KeptBack {
    /// It cannot be, now or later.
    Refused(Refusal),
    /// What has to be read first could not be.
    Unread(Error),
}

/// Whether the order may be at the broker already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    First,
    /// An earlier attempt ended unknown: nothing that happens to this one says what became of it.
    Again,
}

/// Alpaca's code for an id that was used before, and for much else.
const INVALID: i64 = 40_010_001;

impl Placement {
    /// The outcome with the approval where it belongs.
    pub(crate) fn submission(self, order: ApprovedOrder, sent: Sent) -> Submission {
        match self {
            Self::Accepted(order) => Submission::Accepted(order),
            Self::Refused(Refusal { code, reason }) => Submission::Refused { code, reason },
            Self::NotReached(error) => Submission::NotReached { order, error },
            Self::Unknown(error) => {
                Submission::Unknown(UnknownOutcome::sent_as(order, error, sent))
            }
        }
    }
}

impl<M: Mode> Session<M> {
    /// Sends an order, once.
    pub(crate) async fn place(
        &self,
        request: &OrderRequest,
        sent: &Sent,
        attempt: Attempt,
    ) -> Placement {
        let call = match self.prepare(request, sent, attempt).await {
            Ok(call) => call,
            Err(unsent) => return self.kept_back(request, sent, attempt, unsent).await,
        };
        match self.trading.send_past(&call, self.gate()).await {
            Ok(answer) => self.judge(&call, &answer, request, sent, attempt).await,
            Err(error) => unsent(error, attempt),
        }
    }

    /// The call that makes the order, or why there is none; nothing is changed by asking.
    async fn prepare(
        &self,
        request: &OrderRequest,
        sent: &Sent,
        attempt: Attempt,
    ) -> Result<Call, KeptBack> {
        if let Some(reason) = M::forbids(self.authority(), request) {
            return Err(KeptBack::Refused(Refusal { code: None, reason: reason.to_owned() }));
        }
        let call = match sent {
            Sent::Submitted(terms) => submit_call(request, *terms),
            Sent::Replacing(old) => self.replace_call(request, old, None).await?,
            Sent::ReplacingTrail(old, trail) => {
                self.replace_call(request, old, Some(*trail)).await?
            }
        };
        let refuse = |reason| KeptBack::Refused(Refusal { code: None, reason });
        let call = call.map_err(refuse)?;
        if attempt == Attempt::First {
            // Without a price nobody can tell whether it is too small, and nothing was sent.
            let small = self.too_small(request, sent).await.map_err(KeptBack::Unread)?;
            small.map_or(Ok(()), |reason| Err(refuse(reason)))?;
            let terms = match sent {
                Sent::Submitted(terms) => *terms,
                Sent::Replacing(_) | Sent::ReplacingTrail(..) => Terms::Simple,
            };
            let misfit = self.misfit(request, terms).await.map_err(KeptBack::Unread)?;
            misfit.map_or(Ok(()), |reason| Err(refuse(reason)))?;
        }
        Ok(call)
    }

    /// What became of an order that was not sent now: an earlier attempt may have been.
    async fn kept_back(
        &self,
        request: &OrderRequest,
        sent: &Sent,
        attempt: Attempt,
        why: KeptBack,
    ) -> Placement {
        match (why, attempt) {
            (KeptBack::Refused(refusal), Attempt::First) => Placement::Refused(refusal),
            (KeptBack::Refused(refusal), Attempt::Again) => {
                self.adopt(request, sent, refusal).await
            }
            (KeptBack::Unread(error), Attempt::First) => Placement::NotReached(error),
            (KeptBack::Unread(error), Attempt::Again) => Placement::Unknown(error),
        }
    }

    /// Why a crypto order without a limit is too small to be sent, by the latest quote; what the
    /// body itself shows is checked there.
    async fn too_small(
        &self,
        request: &OrderRequest,
        sent: &Sent,
    ) -> Result<Option<String>, Error> {
        let told =
            request.limit_price().is_some() || matches!(sent, Sent::Submitted(Terms::Notional(_)));
        if !request.symbol.is_crypto() || told {
            return Ok(None);
        }
        let mut quotes = self.latest_quotes(std::slice::from_ref(&request.symbol)).await?;
        let quote = quotes.remove(&request.symbol);
        let price = quote.as_ref().and_then(|quote| match request.side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        });
        Ok(match price {
            Some(price) if is_small_crypto(request, price) => {
                Some(format!("{SMALL_CRYPTO}: {} {} at {price}", request.qty, request.symbol))
            }
            Some(_) => None,
            None => Some(format!(
                "nobody quotes {}, so the order's value cannot be told: give it a limit",
                request.symbol
            )),
        })
    }

    /// The PATCH that makes the order of `old`; the inner error says why there is none.
    async fn replace_call(
        &self,
        request: &OrderRequest,
        old: &VenueOrderId,
        trail: Option<Trail>,
    ) -> Result<Result<Call, String>, KeptBack> {
        let read = Call { lane: Lane::Order, ..Call::get(path(&["v2", "orders", old.as_str()])) };
        let wire: WireOrder = self.trading.ask(&read).await.map_err(|error| {
            // An order the broker does not know is replaced neither now nor later.
            if let Error::Refused { code, reason, .. } = error {
                KeptBack::Refused(Refusal { code, reason })
            } else {
                KeptBack::Unread(error)
            }
        })?;
        let body = PatchBody::new(&wire, request, trail)
            .and_then(|body| serde_json::to_vec(&body).map_err(|error| error.to_string()));
        Ok(body.map(|body| Call { method: Method::PATCH, body: Some(body), ..read }))
    }

    /// Classifies an answer to the POST: on the status first, then on the code.
    async fn judge(
        &self,
        call: &Call,
        answer: &Answer,
        request: &OrderRequest,
        sent: &Sent,
        attempt: Attempt,
    ) -> Placement {
        let refusal = Refusal::read(answer);
        match answer.status.as_u16() {
            200..300 => self.accepted(call, answer, request, sent),
            429 => unsent(self.trading.error(call, answer), attempt),
            408 => Placement::Unknown(self.trading.error(call, answer)),
            status @ 400..500 => {
                // A resend can be refused because the first one went through: it holds the money,
                // or the shares, or the id.
                let existing = status == 409 || refusal.code == Some(INVALID);
                if existing || attempt == Attempt::Again {
                    self.adopt(request, sent, refusal).await
                } else {
                    Placement::Refused(refusal)
                }
            }
            _ => Placement::Unknown(self.trading.error(call, answer)),
        }
    }

    /// Reads the order an answer shows. What cannot be read, or is another one, may still be an
    /// order.
    fn accepted(
        &self,
        call: &Call,
        answer: &Answer,
        request: &OrderRequest,
        sent: &Sent,
    ) -> Placement {
        let wire = match self.trading.read::<WireOrder>(call, &answer.body) {
            Ok(wire) => wire,
            Err(error) => return Placement::Unknown(error),
        };
        self.compared(call, &wire, (request, sent), |problem| {
            Placement::Unknown(self.trading.bad_answer(call, format!("another order: {problem}")))
        })
    }

    /// Looks whether the order is there after all; if it is and is the same, it counts as
    /// accepted, so that submitting twice makes one order.
    async fn adopt(&self, request: &OrderRequest, sent: &Sent, refusal: Refusal) -> Placement {
        let wire = match self.find(&request.client_order_id, Lane::Order).await {
            Ok(Some(wire)) => wire,
            Ok(None) => return Placement::Refused(refusal),
            Err(error) => return Placement::Unknown(error),
        };
        self.compared(&by_client_id(), &wire, (request, sent), |problem| {
            let id = &request.client_order_id;
            Placement::Refused(Refusal {
                code: refusal.code,
                reason: format!(
                    "another order exists under {id}, and {problem} ({}): stop and compare the \
                     books with the broker's",
                    refusal.reason
                ),
            })
        })
    }

    /// The order as accepted if it is the one that was asked for; else what `other` makes of the
    /// difference.
    fn compared(
        &self,
        call: &Call,
        wire: &WireOrder,
        (request, sent): (&OrderRequest, &Sent),
        other: impl FnOnce(String) -> Placement,
    ) -> Placement {
        let order = match wire.order() {
            Ok(order) => order,
            Err(fault) => return Placement::Unknown(self.trading.fault(call, fault)),
        };
        if let Some(problem) = wire.mismatch(&order, request, sent) {
            return other(problem);
        }
        self.remember(&order);
        Placement::Accepted(order)
    }
}

/// The POST of an order; the error says why there is none.
fn submit_call(request: &OrderRequest, terms: Terms) -> Result<Call, String> {
    let body = OrderBody::new(request, terms)?;
    let body = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
    Ok(Call {
        lane: Lane::Order,
        method: Method::POST,
        body: Some(body),
        ..Call::get("/v2/orders")
    })
}

/// The call that finds an order by its client order id, without the id.
pub(crate) fn by_client_id() -> Call {
    Call::get(path(&["v2", "orders:by_client_order_id"]))
}

/// The outcome of a request that got no usable answer.
fn unsent(error: Error, attempt: Attempt) -> Placement {
    let nothing_sent = matches!(
        error,
        Error::NotReached { .. }
            | Error::RateLimited { .. }
            | Error::HeldBack { .. }
            | Error::Setup { .. }
    );
    if nothing_sent && attempt == Attempt::First {
        Placement::NotReached(error)
    } else {
        Placement::Unknown(error)
    }
}
