//! What sales came to against average cost.

use std::collections::BTreeMap;

use atlas_core::{Side, Symbol};

use crate::run::RunReport;

/// Sales so far and what is held at which average cost.
#[derive(Debug, Default)]
pub(super) struct Trades {
    /// Shares and their average cost.
    held: BTreeMap<Symbol, (f64, f64)>,
    wins: u32,
    losses: u32,
    gained: f64,
    lost: f64,
}

impl Trades {
    /// Takes a day's fills; what was held before it is taken from the broker's own average where
    /// no fill told of it.
    pub(super) fn add(&mut self, report: &RunReport) {
        for position in report.account_before.positions.values() {
            let entry = (position.qty.to_f64(), position.avg_entry_price.to_f64());
            self.held.entry(position.symbol.clone()).or_insert(entry);
        }
        for fill in &report.fills {
            let (qty, price) = (fill.qty.to_f64(), fill.price.to_f64());
            let held = self.held.entry(fill.symbol.clone()).or_insert((0.0, price));
            match fill.side {
                Side::Buy => {
                    let all = held.0 + qty;
                    *held = (all, (held.0 * held.1 + qty * price) / all);
                }
                Side::Sell => {
                    let gain = (price - held.1) * qty;
                    held.0 = (held.0 - qty).max(0.0);
                    if gain > 0.0 {
                        self.wins += 1;
                        self.gained += gain;
                    } else {
                        self.losses += 1;
                        self.lost -= gain;
                    }
                }
            }
        }
    }

    pub(super) fn win_rate(&self) -> Option<f64> {
        let all = self.wins + self.losses;
        (all > 0).then(|| f64::from(self.wins) / f64::from(all))
    }

    pub(super) fn profit_factor(&self) -> Option<f64> {
        (self.lost > 0.0).then(|| self.gained / self.lost)
    }
}
