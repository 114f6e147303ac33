//! What a detector said on every session, and what is counted about it.

use atlas_core::Regime;
use atlas_regime::{
    Detector, DetectorParams, Inputs, RateQuote, RegimeEstimate, VixPolicy, accrued_interest,
};
use chrono::NaiveDate;

use super::{Dated, Figures, Outcome, YEAR, data_folder, float};

pub fn day(year: i32, month: u32, day: u32) -> Outcome<NaiveDate> {
    Ok(NaiveDate::from_ymd_opt(year, month, day).ok_or("a date")?)
}

/// The share of equity a regime allows.
pub const fn budget(regime: Regime) -> f64 {
    match regime {
        Regime::Bull => 1.0,
        Regime::Neutral => 0.7,
        Regime::Bear => 0.3,
        Regime::Crash => 0.0,
    }
}

pub const fn defensive(regime: Regime) -> bool {
    matches!(regime, Regime::Bear | Regime::Crash)
}

/// A way of reading a label off an estimate.
pub type Reading = fn(&RegimeEstimate) -> Regime;

/// The label a user acts on.
pub fn full(e: &RegimeEstimate) -> Regime {
    e.regime
}

/// The label before the shock override.
pub fn model(e: &RegimeEstimate) -> Regime {
    e.evidence.model_regime
}

/// Both, with what they are called in tables.
pub const WAYS: [(&str, Reading); 2] = [("model alone", model), ("override included", full)];

/// Market data, and the interest of each session of the index.
pub struct Market {
    pub index: Dated,
    vix: Dated,
    bill: Dated,
    interest: Vec<f64>,
    pub last: NaiveDate,
}

/// One configuration and what it said on every session.
pub struct Run {
    pub name: String,
    pub said: Vec<RegimeEstimate>,
}

impl Market {
    pub fn read() -> Outcome<Self> {
        let root = data_folder();
        let index = Dated::read(&root.join("daily/SPX.csv.gz"), "close")?.since(day(1990, 1, 2)?);
        let vix = Dated::read(&root.join("daily/VIX.csv.gz"), "close")?;
        let bill = Dated::read(&root.join("rates/DTB3.csv.gz"), "rate_pct")?;
        let interest =
            accrued_interest(&index.dates, &bill.dates, &bill.values, RateQuote::Discount)?;
        let last = *index.dates.last().ok_or("an empty index")?;
        Ok(Self { index, vix, bill, interest, last })
    }

    /// What a detector says from 1996 on, on raw returns or in excess of the bill.
    pub fn judge(&self, params: DetectorParams, excess: bool) -> Outcome<Vec<RegimeEstimate>> {
        // A few VIX closes are missing; a shock in force then stays, a new one cannot be seen.
        let params = DetectorParams {
            vix_missing: VixPolicy::CarryOn,
            rate_quote: RateQuote::Discount,
            ..params
        };
        let detector = Detector::new(params.check()?);
        let inputs = Inputs {
            index: self.index.series(),
            vix: Some(self.vix.series()),
            rate: excess.then(|| self.bill.series()),
            as_of: self.last,
        };
        Ok(detector.history(&inputs, day(1996, 1, 2)?)?)
    }

    /// The close on which something was said.
    pub fn level(&self, e: &RegimeEstimate) -> f64 {
        self.index.values[e.evidence.session]
    }

    /// A budget held from the next session but one, 10 basis points a side, the rest at the bill.
    pub fn allocation(
        &self,
        said: &[RegimeEstimate],
        budget: impl Fn(&RegimeEstimate) -> f64,
    ) -> Figures {
        let held: Vec<f64> = said[..said.len() - 2].iter().map(budget).collect();
        let sessions = || said[2..].iter().map(|e| e.evidence.session);
        let closes = &self.index.values;
        let returns: Vec<f64> = sessions().map(|t| closes[t] / closes[t - 1] - 1.0).collect();
        let interest: Vec<f64> = sessions().map(|t| self.interest[t]).collect();
        Figures::of(&held, &returns, &interest, 0.001)
    }

    /// Defensive spells, and those during which the index did not fall.
    pub fn false_alarms(&self, said: &[RegimeEstimate], label: Reading) -> (usize, usize) {
        let (mut spells, mut alarms, mut start) = (0, 0, None);
        for e in said {
            match (defensive(label(e)), start) {
                (true, None) => start = Some(e),
                (false, Some(first)) => {
                    spells += 1;
                    alarms += usize::from(self.level(e) >= self.level(first));
                    start = None;
                }
                _ => {}
            }
        }
        (spells, alarms)
    }
}

/// What was said between two dates.
pub fn between(said: &[RegimeEstimate], first: NaiveDate, last: NaiveDate) -> &[RegimeEstimate] {
    let from = said.partition_point(|e| e.as_of < first);
    &said[from..said.partition_point(|e| e.as_of <= last)]
}

/// Changes of label a year.
pub fn changes(said: &[RegimeEstimate], label: Reading) -> f64 {
    let changed = said.windows(2).filter(|p| label(&p[0]) != label(&p[1])).count();
    float(changed) * YEAR / float(said.len())
}
