//! What becomes of the messages of a stream on their way: the faults scripted for them.

use chrono::TimeDelta;
use serde_json::Value;

use super::super::account::Server;
use super::super::faulty::{distort, skew};
use crate::faults::{Fault, Target};

/// The way of one stream's messages.
#[derive(Debug)]
pub(super) struct Lane {
    target: Target,
    /// A message that is to come after the next one.
    held: Option<Value>,
}

/// What becomes of a message.
#[derive(Debug, PartialEq)]
pub(super) enum Passed {
    /// These are sent; perhaps none.
    Send(Vec<Value>),
    /// The connection is cut instead.
    Cut,
    /// From now on nothing is said.
    Silence,
}

impl Lane {
    pub(super) const fn new(target: Target) -> Self {
        Self { target, held: None }
    }

    /// What becomes of a message, after the wait that is scripted for it.
    pub(super) async fn pass(&mut self, server: &Server, mut message: Value) -> Passed {
        // What prices a message tells is decided when it is made.
        let fits = |fault: &Fault| !matches!(fault, Fault::Stale(_));
        let fault = server.faults.take_if(self.target, fits);
        if let Some(fault) = &fault {
            tracing::debug!(?fault, "committing a scripted fault");
        }
        let mut count = 1;
        match fault {
            Some(Fault::DropBefore | Fault::DropAfter) => return Passed::Cut,
            Some(Fault::HangBefore | Fault::HangAfter) => return Passed::Silence,
            Some(Fault::Skip) => return Passed::Send(Vec::new()),
            Some(Fault::Swap) => match self.held.replace(message) {
                Some(earlier) => message = earlier,
                None => return Passed::Send(Vec::new()),
            },
            Some(Fault::Repeat) => count = 2,
            Some(Fault::Delay(wait)) => tokio::time::sleep(wait).await,
            Some(fault @ (Fault::Without(_) | Fault::Instead { .. } | Fault::With { .. })) => {
                distort(&mut message, &fault);
            }
            Some(Fault::Skew(millis)) => {
                skew(&mut message, TimeDelta::try_milliseconds(millis).unwrap_or_default());
            }
            // These do not suit messages, and are never taken.
            Some(
                Fault::FailBefore(_)
                | Fault::FailAfter(_)
                | Fault::Reject { .. }
                | Fault::DelayAfter(_)
                | Fault::PartialFill(_)
                | Fault::Stale(_)
                | Fault::LateCancel(_)
                | Fault::LateReplace(_),
            )
            | None => {}
        }
        let mut sent = vec![message; count];
        sent.extend(self.held.take());
        Passed::Send(sent)
    }
}
