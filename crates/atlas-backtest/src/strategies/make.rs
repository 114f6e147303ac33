//! Making a strategy of its name and parameters.

use atlas_strategy::Bundled;
use atlas_strategy::ensemble::{Conflict, Vote};
use atlas_strategy::momentum::{High52, High52Params};
use atlas_strategy::reversion::{RsiReversion, ZScoreReversion};
use atlas_strategy::strat::Strat;
use atlas_strategy::trend::{AdaptiveSma, MacdTrend, SmaCross, SmaSet, TimeSeriesMomentum};

use super::{Kind, StrategySpec};
use crate::Error;

/// A strategy on one symbol, in its initial state.
pub(super) type Watcher = Bundled;

/// The strategy of a spec that watches symbols one by one.
pub(super) fn strategy(spec: &StrategySpec) -> Result<Watcher, Error> {
    let kind = Kind::named(&spec.name)?;
    let refused = |error: atlas_strategy::Error| Error::Strategy {
        strategy: kind.name,
        problem: format!("cannot be made: {error}"),
    };
    let whole = |param: &'static str| whole(spec, kind, param);
    let level = |param: &str| spec.value(param).unwrap_or(f64::NAN);
    Ok(match kind.name {
        "sma" => SmaCross::new(SmaSet { fast: whole("fast")?, slow: whole("slow")? })
            .map_err(refused)?
            .into(),
        "adaptive-sma" => AdaptiveSma::new().map_err(refused)?.into(),
        "macd" => MacdTrend::new(whole("fast")?, whole("slow")?, whole("signal")?)
            .map_err(refused)?
            .into(),
        "ts-momentum" => {
            TimeSeriesMomentum::new(whole("lookback")?, whole("skip")?).map_err(refused)?.into()
        }
        "rsi" => {
            RsiReversion::new(whole("n")?, level("enter"), level("leave")).map_err(refused)?.into()
        }
        "z-score" => ZScoreReversion::new(whole("n")?, level("enter"), level("leave"))
            .map_err(refused)?
            .into(),
        "strat" => Strat::default().into(),
        "ensemble" => {
            let members = ["sma", "macd", "ts-momentum"];
            let members: Vec<Watcher> = members
                .iter()
                .map(|name| strategy(&StrategySpec::new(name, [])?))
                .collect::<Result<_, _>>()?;
            let vote = Vote::Consensus { needed: whole("needed")? };
            Bundled::ensemble(members, vote, Conflict::Reduce).map_err(refused)?
        }
        _ => {
            return Err(Error::Strategy {
                strategy: kind.name,
                problem: "ranks symbols against each other and cannot watch one".to_owned(),
            });
        }
    })
}

/// The scanner of a spec, selecting at most `top_n`.
pub(super) fn high52(spec: &StrategySpec, top_n: usize) -> Result<High52, Error> {
    let kind = Kind::named(&spec.name)?;
    params(spec, kind, top_n)?.check().map_err(|error| Error::Strategy {
        strategy: kind.name,
        problem: format!("cannot be made: {error}"),
    })
}

fn params(spec: &StrategySpec, kind: &Kind, top_n: usize) -> Result<High52Params, Error> {
    let level = |param: &str| spec.value(param).unwrap_or(f64::NAN);
    Ok(High52Params {
        window: whole(spec, kind, "window")?,
        entry: level("entry"),
        exit: level("exit"),
        top_n,
        volume: None,
    })
}

/// A parameter that counts bars or members.
fn whole(spec: &StrategySpec, kind: &Kind, param: &'static str) -> Result<usize, Error> {
    let value = spec.value(param).unwrap_or(f64::NAN);
    if value.fract() != 0.0 || !(0.0..=WHOLE_MAX).contains(&value) {
        return Err(Error::Strategy {
            strategy: kind.name,
            problem: format!("has {param} = {value}: it must be a whole number, at most 10000"),
        });
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok(value as usize)
}

/// Longer windows than forty years of sessions are a slip of the hand.
const WHOLE_MAX: f64 = 10_000.0;
