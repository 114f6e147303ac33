//! Market data that waits for its reader.

use std::collections::{BTreeMap, VecDeque};

use atlas_core::Symbol;

use crate::market_data::DataEvent;

/// Events in the order they came; of the quotes of a symbol only the latest waits.
///
/// A quote that another one takes the place of leaves an empty slot behind, so that a message of
/// many quotes costs no walk of the queue for each of them.
#[derive(Debug, Default)]
pub(crate) struct QuoteQueue {
    slots: VecDeque<Option<DataEvent>>,
    /// How many slots have left the front.
    gone: usize,
    /// The slot of each symbol's quote, counted from the first there ever was.
    quotes: BTreeMap<Symbol, usize>,
}

impl QuoteQueue {
    /// Queues an event; a quote takes the place of an older one of its symbol, at the end.
    pub(crate) fn push(&mut self, event: DataEvent) {
        if let DataEvent::Quote(quote) = &event {
            let slot = self.gone.wrapping_add(self.slots.len());
            if let Some(older) = self.quotes.insert(quote.symbol.clone(), slot)
                && let Some(waiting) = self.slots.get_mut(older.wrapping_sub(self.gone))
            {
                *waiting = None;
            }
        }
        self.slots.push_back(Some(event));
    }

    /// The next event.
    pub(crate) fn pop(&mut self) -> Option<DataEvent> {
        while let Some(slot) = self.slots.pop_front() {
            self.gone = self.gone.wrapping_add(1);
            let Some(event) = slot else { continue };
            if let DataEvent::Quote(quote) = &event {
                self.quotes.remove(&quote.symbol);
            }
            return Some(event);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use atlas_core::Quote;
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    fn quote(symbol: u8, cents: u32) -> DataEvent {
        DataEvent::Quote(Quote {
            symbol: ["AAPL", "MSFT", "IBM"][usize::from(symbol)].parse().expect("a symbol"),
            bid: Some(format!("1.{:02}", cents % 100).parse().expect("a price")),
            ask: None,
            ts_event: "2026-01-05T14:30:00Z".parse().expect("an instant"),
        })
    }

    fn other() -> DataEvent {
        DataEvent::Lost(Error::Setup { problem: String::new() })
    }

    proptest! {
        /// The queue does what dropping the older quote and appending the newer one does.
        #[test]
        fn it_is_a_queue_without_the_older_quotes(
            steps in proptest::collection::vec((0_u8..6, 0_u32..100), 0..80),
        ) {
            let mut queue = QuoteQueue::default();
            let mut model: Vec<DataEvent> = Vec::new();
            for (kind, cents) in steps {
                if kind == 5 {
                    let wanted = (!model.is_empty()).then(|| model.remove(0));
                    prop_assert_eq!(format!("{:?}", queue.pop()), format!("{wanted:?}"));
                    continue;
                }
                let event = |kind| if kind < 3 { quote(kind, cents) } else { other() };
                if let DataEvent::Quote(new) = event(kind) {
                    model.retain(|waiting| {
                        !matches!(waiting, DataEvent::Quote(old) if old.symbol == new.symbol)
                    });
                }
                model.push(event(kind));
                queue.push(event(kind));
            }
            for wanted in model {
                prop_assert_eq!(format!("{:?}", queue.pop()), format!("{:?}", Some(wanted)));
            }
            prop_assert!(queue.pop().is_none());
        }
    }
}
