//! Events on their way to the engine.
//!
//! **Back-pressure.** What concerns orders, the day and commands goes first and is never dropped;
//! bars and trades wait in order and are never dropped; of the quotes of a symbol only the latest
//! waits. While the engine works nothing is read from the data stream, so that what a slow strategy
//! holds up waits at the socket, where quotes are conflated likewise.

use std::collections::{BTreeMap, VecDeque};

use atlas_core::Symbol;
use atlas_engine::Event;

/// Events that wait for the engine.
#[derive(Debug, Default)]
pub(super) struct Queue {
    first: VecDeque<Event>,
    slots: VecDeque<Option<Event>>,
    /// How many slots have left the front.
    gone: usize,
    /// The slot of each symbol's quote, counted from the first there ever was.
    quotes: BTreeMap<Symbol, usize>,
    /// Quotes that a newer one took the place of.
    pub(super) conflated: u64,
}

impl Queue {
    /// Of orders, the day, commands.
    pub(super) fn first(&mut self, event: Event) {
        self.first.push_back(event);
    }

    /// Of the market.
    pub(super) fn market(&mut self, event: Event) {
        if let Event::Quote(quote) = &event {
            let slot = self.gone.wrapping_add(self.slots.len());
            if let Some(older) = self.quotes.insert(quote.symbol.clone(), slot)
                && let Some(waiting) = self.slots.get_mut(older.wrapping_sub(self.gone))
            {
                *waiting = None;
                self.conflated += 1;
            }
        }
        self.slots.push_back(Some(event));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.slots.is_empty()
    }

    /// The next events, at most so many; what concerns orders alone if there is any.
    pub(super) fn take(&mut self, most: usize) -> Vec<Event> {
        if !self.first.is_empty() {
            return self.first.drain(..).collect();
        }
        let mut batch = Vec::new();
        while batch.len() < most.max(1) {
            let Some(slot) = self.slots.pop_front() else { break };
            self.gone = self.gone.wrapping_add(1);
            if let Some(event) = slot {
                if let Event::Quote(quote) = &event {
                    self.quotes.remove(&quote.symbol);
                }
                batch.push(event);
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use atlas_core::Quote;

    use super::*;

    fn quote(symbol: &str, bid: &str) -> Event {
        let (symbol, ts_event) = (symbol.parse().unwrap(), "2024-02-20T15:00:00Z".parse().unwrap());
        Event::Quote(Quote { symbol, bid: Some(bid.parse().unwrap()), ask: None, ts_event })
    }

    fn trade(price: &str) -> Event {
        Event::Trade { symbol: "SPY".parse().unwrap(), price: price.parse().unwrap() }
    }

    #[test]
    fn quotes_are_conflated_and_nothing_else_is() {
        let mut queue = Queue::default();
        for cents in 1..=50 {
            queue.market(quote("SPY", &format!("1.{cents:02}")));
            queue.market(trade(&format!("2.{cents:02}")));
            queue.market(quote("QQQ", "3"));
        }
        queue.first(Event::Timer);
        assert_eq!(queue.take(9), [Event::Timer]);
        let mut rest = Vec::new();
        while !queue.is_empty() {
            rest.extend(queue.take(9));
        }
        let trades: Vec<Event> = (1..=50).map(|cents| trade(&format!("2.{cents:02}"))).collect();
        let (quotes, others): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|event| matches!(event, Event::Quote(_)));
        assert_eq!(others, trades);
        assert_eq!(quotes, [quote("SPY", "1.50"), quote("QQQ", "3")]);
        assert_eq!(queue.conflated, 98);
    }
}
