//! The longest period a backtest can cover.

use atlas_core::calendar::Calendar;
use chrono::NaiveDate;

use crate::Error;
use crate::config::Config;
use crate::run::Backtest;
use crate::schedule::Slot;
use crate::{regimes, sight};

/// First and last day of a period.
pub type Period = (NaiveDate, NaiveDate);

impl Backtest<'_> {
    /// The longest period in which every decision of the schedule can be made: with enough history,
    /// the index, a VIX where it is asked for, and a regime. The dates of `config` count as limits.
    ///
    /// # Errors
    /// [`Error::Empty`] if no decision can be made; otherwise what keeps the first one from being
    /// made.
    pub fn longest_period(&self, config: &Config) -> Result<Period, Error> {
        let first = self.market().index.columns().dates.first().copied();
        let last = sight::last_session(self.market())?;
        let from = first.unwrap_or(config.from).max(Calendar::FIRST).max(config.from);
        let to = last.min(config.to);
        if to < from {
            return Err(Error::Backwards { from, to });
        }
        let slots = config.schedule.slots(from, to, config.delay_sessions.into())?;
        let fits = self.decidable(config, &slots)?;
        let Some((start, end)) = longest_run(&fits) else {
            let reason =
                slots.first().map(|slot| sight::look(self.market(), config, slot, self.audit()));
            if let Some(Err(error)) = reason {
                return Err(error);
            }
            return Err(Error::Empty { schedule: config.schedule, from, to });
        };
        let day = |at: usize| slots.get(at).map_or(to, |slot| slot.as_of.date);
        // Up to the session of the first decision that cannot be made, which then is none.
        Ok((day(start), if end == slots.len() { to } else { day(end) }))
    }

    /// For each slot whether it can be decided on.
    fn decidable(&self, config: &Config, slots: &[Slot]) -> Result<Vec<bool>, Error> {
        let seen: Vec<bool> = slots
            .iter()
            .map(|slot| sight::look(self.market(), config, slot, self.audit()).is_ok())
            .collect();
        if config.policy.regime_override.is_some() {
            return Ok(seen);
        }
        let some: Vec<Slot> =
            slots.iter().zip(&seen).filter(|(_, ok)| **ok).map(|(slot, _)| *slot).collect();
        let detected = regimes::detect_all(self.market(), config, &some)?;
        let known = |slot: &Slot| detected.get(&slot.as_of.date).is_some_and(Result::is_ok);
        Ok(slots.iter().zip(seen).map(|(slot, ok)| ok && known(slot)).collect())
    }
}

/// The longest stretch of `true`, the later of equal ones, as a range of places.
fn longest_run(fits: &[bool]) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    let mut start = None;
    for at in 0..=fits.len() {
        match (fits.get(at).copied().unwrap_or(false), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                if best.is_none_or(|(a, b)| at - from >= b - a) {
                    best = Some((from, at));
                }
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_stretch_is_found() {
        let check = |text: &str, found| {
            let fits: Vec<bool> = text.chars().map(|c| c == '1').collect();
            assert_eq!(longest_run(&fits), found, "{text}");
        };
        check("", None);
        check("000", None);
        check("0110", Some((1, 3)));
        check("1101110", Some((3, 6)));
        check("11011", Some((3, 5)));
        check("111", Some((0, 3)));
    }
}
