//! The broker's stream of order updates, which loses, repeats and reorders what it tells, and dies.

use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Poll;

use async_trait::async_trait;
use atlas_broker::{Error, Update, UpdateStream};

use crate::lossy::{Lossy, no_answer};

/// A stream of the venue's over a bad line.
pub(crate) struct Noisy<'a> {
    inner: Box<dyn UpdateStream + 'a>,
    lossy: Lossy,
    /// Told later, or once more.
    held: VecDeque<Update>,
    dead: bool,
}

impl<'a> Noisy<'a> {
    pub(crate) fn new(inner: Box<dyn UpdateStream + 'a>, lossy: Lossy) -> Self {
        Self { inner, lossy, held: VecDeque::new(), dead: false }
    }

    /// What the venue tells by now, if anything.
    async fn told(&mut self) -> Option<Result<Update, Error>> {
        let mut next = pin!(self.inner.next());
        poll_fn(|context| {
            Poll::Ready(match next.as_mut().poll(context) {
                Poll::Ready(told) => Some(told),
                Poll::Pending => None,
            })
        })
        .await
    }
}

#[async_trait]
impl UpdateStream for Noisy<'_> {
    async fn next(&mut self) -> Result<Update, Error> {
        loop {
            if self.dead {
                return Err(no_answer());
            }
            let fate = self.lossy.fate_of_update();
            if fate == 0 {
                self.dead = true;
                continue;
            }
            let Some(update) = self.told().await.transpose()? else {
                return match self.held.pop_front() {
                    Some(update) => Ok(update),
                    None => pending().await,
                };
            };
            match fate {
                1 => {}
                2 => self.held.push_back(update),
                3 => {
                    if let Some(again) = copy(&update) {
                        self.held.push_back(again);
                    }
                    return Ok(update);
                }
                _ => return Ok(update),
            }
        }
    }
}

fn copy(update: &Update) -> Option<Update> {
    match update {
        Update::Order(order) => Some(Update::Order(order.clone())),
        Update::Fill(fill) => Some(Update::Fill(fill.clone())),
        _ => None,
    }
}
