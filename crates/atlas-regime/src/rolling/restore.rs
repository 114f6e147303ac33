//! What a checkpoint must satisfy before a detector goes on from it.

use super::detector::State;
use super::params::RollingParams;
use super::refit::{Fitted, Refit};
use crate::Error;
use crate::sliding::COUNT_MAX;

impl State {
    /// Refuses a state that sessions under these settings cannot have led to, as far as going on
    /// from it could fail later.
    pub(super) fn check(&self, params: &RollingParams) -> Result<(), Error> {
        let rows = self.sessions.saturating_sub(params.warm_up).saturating_sub(1);
        let features = params.features.len();
        let sizes = [
            ("the list of features", self.stream.features().len(), features),
            ("the sessions remembered", self.row_returns.len(), rows.min(params.lookback)),
            ("the window", self.rows.len(), self.row_returns.len().saturating_mul(features)),
        ];
        for (what, found, expected) in sizes {
            if found != expected {
                return Err(Error::Shape { what, found, expected });
            }
        }
        if self.stream.features() != params.features {
            return Err(fault("stream", &"other features", "made for the same features"));
        }
        for (what, list) in
            [("the window", &self.rows), ("the window's returns", &self.row_returns)]
        {
            if let Some(row) = list.iter().position(|x| !x.is_finite()) {
                return Err(Error::NotFinite { what, row, column: 0, value: list[row] });
            }
        }
        self.check_progress()?;
        self.seen.check(features, rows)?;
        self.contest.check(params.penalties.len(), params.terms(), self.sessions)?;
        self.refit.as_ref().map_or(Ok(()), |refit| refit.check(params, self.sessions))
    }

    /// The count of sessions and the last of them.
    fn check_progress(&self) -> Result<(), Error> {
        if self.sessions >= COUNT_MAX || self.last.is_some() != (self.sessions > 0) {
            let value = self.sessions.to_string();
            return Err(Error::Parameter { name: "sessions", value, rule: "the sessions pushed" });
        }
        match self.last {
            Some((date, value)) if !(value.is_finite() && value > 0.0) => {
                let row = self.sessions - 1;
                Err(Error::BadValue { series: "index", row, date, value })
            }
            _ => Ok(()),
        }
    }
}

impl Refit {
    fn check(&self, params: &RollingParams, sessions: usize) -> Result<(), Error> {
        let (found, expected) = (self.fitted.len(), params.penalties.len());
        if found != expected {
            return Err(Error::Shape { what: "the list of models in force", found, expected });
        }
        if self.session >= sessions {
            return Err(fault("refit_session", &self.session, "a session pushed before"));
        }
        self.transform.clipper.check(params.features.len())?;
        self.transform.scaler.check(params.features.len())?;
        self.fitted.iter().zip(&params.penalties).try_for_each(|(f, p)| f.check(params, *p))
    }
}

impl Fitted {
    fn check(&self, params: &RollingParams, penalty: f64) -> Result<(), Error> {
        self.model.check()?;
        let sizes = [
            ("a model in force: its features", self.model.features, params.features.len()),
            ("a model in force: its states", self.model.states(), 2),
        ];
        for (what, found, expected) in sizes {
            if found != expected {
                return Err(Error::Shape { what, found, expected });
            }
        }
        if self.model.penalty.to_bits() != penalty.to_bits() {
            return Err(fault("penalty", &self.model.penalty, "that of the candidate"));
        }
        let whole = self.model.empty_states().next().is_none();
        let runs_on = |f: &crate::SlidingFilter| f.runs_on(&self.model, params.lookback);
        if self.filter.is_some() != whole || !self.filter.as_ref().is_none_or(runs_on) {
            return Err(fault("filter", &"another", "running on the model in force"));
        }
        Ok(())
    }
}

fn fault(name: &'static str, value: &impl ToString, rule: &'static str) -> Error {
    Error::Parameter { name, value: value.to_string(), rule }
}
