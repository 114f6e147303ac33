//! Made-up markets for the tests of this crate.

use atlas_regime::{Inputs, Mt19937, Series};
use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Dates and values a test can change before it borrows them.
#[derive(Debug, Clone)]
pub(crate) struct Market {
    pub(crate) dates: Vec<NaiveDate>,
    pub(crate) closes: Vec<f64>,
    pub(crate) vix: Vec<f64>,
    pub(crate) rates: Vec<f64>,
}

impl Market {
    /// Weekday sessions with calm and wild spells, a VIX that follows and a rate that drifts.
    pub(crate) fn new(sessions: usize, seed: u32) -> Self {
        let mut rng = Mt19937::new(seed);
        let mut normal = move || (0..12).map(|_| rng.next_f64()).sum::<f64>() - 6.0;
        let mut day = NaiveDate::from_ymd_opt(1999, 12, 31).unwrap_or_default();
        let (mut close, mut vix, mut rate) = (1000.0_f64, 15.0_f64, 3.0_f64);
        let mut wild = false;
        let mut out =
            Self { dates: Vec::new(), closes: Vec::new(), vix: Vec::new(), rates: Vec::new() };
        let mut spell = Mt19937::new(seed ^ 0x5eed);
        for _ in 0..sessions {
            day = day + Days::new(1);
            while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
                day = day + Days::new(1);
            }
            let u = spell.next_f64();
            wild = if wild { u > 0.012 } else { u < 0.003 };
            let (mean, sd, level) =
                if wild { (-0.001, 0.019, 30.0) } else { (0.0007, 0.007, 14.0) };
            close *= 1.0 + mean + sd * normal();
            vix *= (0.05 * (level / vix).ln() + 0.06 * normal()).exp();
            rate = (rate + 0.02 * normal()).max(0.0);
            out.dates.push(day);
            out.closes.push(close);
            out.vix.push(vix);
            out.rates.push(rate);
        }
        out
    }

    /// The first sessions only.
    pub(crate) fn truncate(&mut self, sessions: usize) {
        self.dates.truncate(sessions);
        self.closes.truncate(sessions);
        self.vix.truncate(sessions);
        self.rates.truncate(sessions);
    }

    /// Everything, judged on session `t`.
    pub(crate) fn inputs(&self, t: usize) -> Inputs<'_> {
        Inputs {
            index: Series { dates: &self.dates, values: &self.closes },
            vix: Some(Series { dates: &self.dates, values: &self.vix }),
            rate: Some(Series { dates: &self.dates, values: &self.rates }),
            as_of: self.dates[t],
        }
    }
}
