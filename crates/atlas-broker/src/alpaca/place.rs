//! Sending an order: once, and telling the truth about what became of it.

use atlas_core::OrderRequest;
use atlas_risk::ApprovedOrder;
use reqwest::Method;

use super::http::{Answer, Call, path};
use super::pace::Lane;
use super::reply::Refusal;
use super::wire::{OrderBody, WireOrder};
use super::{Mode, Session};
use crate::{BrokerOrder, Error, Submission, UnknownOutcome};

/// What became of an order, before the approval is put back.
#[derive(Debug)]
pub(crate) enum Placement {
    Accepted(BrokerOrder),
    Refused(Refusal),
    NotReached(Error),
    Unknown(Error),
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
    pub(crate) fn submission(self, order: ApprovedOrder) -> Submission {
        match self {
            Self::Accepted(order) => Submission::Accepted(order),
            Self::Refused(Refusal { code, reason }) => Submission::Refused { code, reason },
            Self::NotReached(error) => Submission::NotReached { order, error },
            Self::Unknown(error) => Submission::Unknown(UnknownOutcome::new(order, error)),
        }
    }
}

impl<M: Mode> Session<M> {
    /// Sends an order, once.
    pub(crate) async fn place(&self, request: &OrderRequest, attempt: Attempt) -> Placement {
        let refused = |reason| Placement::Refused(Refusal { code: None, reason });
        let body = match OrderBody::new(request) {
            Ok(body) => serde_json::to_vec(&body),
            Err(reason) => return refused(reason),
        };
        let body = match body {
            Ok(body) => body,
            Err(error) => return refused(error.to_string()),
        };
        let call = Call {
            lane: Lane::Order,
            method: Method::POST,
            body: Some(body),
            ..Call::get("/v2/orders")
        };
        match self.trading.send(&call).await {
            Ok(answer) => self.judge(&call, &answer, request, attempt).await,
            Err(error) => unsent(error, attempt),
        }
    }

    /// Classifies an answer to the POST: on the status first, then on the code.
    async fn judge(
        &self,
        call: &Call,
        answer: &Answer,
        request: &OrderRequest,
        attempt: Attempt,
    ) -> Placement {
        let refusal = Refusal::read(answer);
        match answer.status.as_u16() {
            200..300 => self.accepted(call, answer, request),
            429 => unsent(self.trading.error(call, answer), attempt),
            408 => Placement::Unknown(self.trading.error(call, answer)),
            status @ 400..500 => {
                // A resend can be refused because the first one went through: it holds the money,
                // or the shares, or the id.
                let existing = status == 409 || refusal.code == Some(INVALID);
                if existing || attempt == Attempt::Again {
                    self.adopt(request, refusal).await
                } else {
                    Placement::Refused(refusal)
                }
            }
            _ => Placement::Unknown(self.trading.error(call, answer)),
        }
    }

    /// Reads the order an answer shows. What cannot be read may still be an order.
    fn accepted(&self, call: &Call, answer: &Answer, request: &OrderRequest) -> Placement {
        let order = self.trading.read::<WireOrder>(call, &answer.body).and_then(|wire| {
            if let Some(problem) = wire.mismatch(request) {
                return Err(self.trading.bad_answer(call, format!("another order: {problem}")));
            }
            wire.order().map_err(|fault| self.trading.fault(call, fault))
        });
        match order {
            Ok(order) => {
                self.remember(&order);
                Placement::Accepted(order)
            }
            Err(error) => Placement::Unknown(error),
        }
    }

    /// Looks whether the order is there after all; if it is and is the same, it counts as
    /// accepted, so that submitting twice makes one order.
    async fn adopt(&self, request: &OrderRequest, refusal: Refusal) -> Placement {
        let wire = match self.find(&request.client_order_id, Lane::Order).await {
            Ok(Some(wire)) => wire,
            Ok(None) => return Placement::Refused(refusal),
            Err(error) => return Placement::Unknown(error),
        };
        if let Some(problem) = wire.mismatch(request) {
            let id = &request.client_order_id;
            return Placement::Refused(Refusal {
                code: refusal.code,
                reason: format!(
                    "another order exists under {id}, and {problem} ({}): stop and compare the \
                     books with the broker's",
                    refusal.reason
                ),
            });
        }
        match wire.order() {
            Ok(order) => {
                self.remember(&order);
                Placement::Accepted(order)
            }
            Err(fault) => Placement::Unknown(self.trading.fault(&by_client_id(), fault)),
        }
    }
}

/// The call that finds an order by its client order id, without the id.
pub(crate) fn by_client_id() -> Call {
    Call::get(path(&["v2", "orders:by_client_order_id"]))
}

/// The outcome of a request that got no usable answer.
fn unsent(error: Error, attempt: Attempt) -> Placement {
    let nothing_sent =
        matches!(error, Error::NotReached { .. } | Error::RateLimited { .. } | Error::Setup { .. });
    if nothing_sent && attempt == Attempt::First {
        Placement::NotReached(error)
    } else {
        Placement::Unknown(error)
    }
}
