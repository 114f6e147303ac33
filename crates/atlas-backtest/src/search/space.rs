//! Which parameters are tried.

use crate::honesty::Random;
use crate::strategies::param;
use crate::{Error, StrategySpec};

/// One parameter and the values that are tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The parameter.
    pub name: String,
    /// Its values, in the order given.
    pub values: Vec<f64>,
}

/// `fast=5,10,20`, or `fast=5..50:5` for 5, 10, … up to 50.
impl std::str::FromStr for Axis {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Parameter {
            what: "a range of parameters",
            value: text.to_owned(),
            range: "NAME=A,B,C or NAME=FROM..TO:STEP with a step above zero and at most 10000 values",
        };
        let (name, values) = text.split_once('=').ok_or_else(wrong)?;
        let number = |text: &str| param(&format!("x={text}")).map(|(_, value)| value);
        let values = match values.split_once("..") {
            None => values.split(',').map(number).collect::<Result<Vec<f64>, _>>()?,
            Some((from, rest)) => {
                let (to, step) = rest.split_once(':').ok_or_else(wrong)?;
                let (from, to, step) = (number(from)?, number(to)?, number(step)?);
                let steps = ((to - from) / step + 1e-9).floor();
                if !(step > 0.0 && (0.0..VALUES_MAX).contains(&steps)) {
                    return Err(wrong());
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "checked above"
                )]
                let steps = steps as u32;
                (0..=steps).map(|at| from + f64::from(at) * step).collect()
            }
        };
        if name.trim().is_empty() || values.is_empty() {
            return Err(wrong());
        }
        Ok(Self { name: name.trim().to_owned(), values })
    }
}

/// Every combination of the axes, the last one changing fastest. Combinations that make no
/// strategy, such as a fast average that is the slower one, are left out; their number is given.
///
/// # Errors
/// [`Error::NoStrategy`], and [`Error::Strategy`] if not one combination can be made or a parameter
/// does not exist; [`Error::Parameter`] for more than a million.
pub fn grid(name: &str, axes: &[Axis]) -> Result<(Vec<StrategySpec>, usize), Error> {
    let count = axes.iter().try_fold(1_usize, |all, axis| all.checked_mul(axis.values.len()));
    let count = count.filter(|count| *count <= COMBINATIONS_MAX).ok_or(Error::Parameter {
        what: "the number of combinations",
        value: "more than 1000000".to_owned(),
        range: "at most 1000000: take fewer values, or a random search",
    })?;
    let pick = |at: usize| {
        let mut rest = at;
        let mut values: Vec<(&str, f64)> = Vec::with_capacity(axes.len());
        for axis in axes.iter().rev() {
            let value = axis.values.get(rest % axis.values.len()).copied().unwrap_or(f64::NAN);
            values.push((&axis.name, value));
            rest /= axis.values.len();
        }
        StrategySpec::new(name, values)
    };
    usable((0..count).map(pick))
}

/// As many combinations as asked for, each value of each axis as likely as the others; the same
/// one may come twice. The same seed gives the same ones.
///
/// # Errors
/// As [`grid`].
pub fn random(
    name: &str,
    axes: &[Axis],
    count: usize,
    seed: u64,
) -> Result<(Vec<StrategySpec>, usize), Error> {
    let mut random = Random::seeded(seed);
    let mut pick = || {
        let value = |axis: &'_ Axis, random: &mut Random| {
            axis.values.get(random.below(axis.values.len())).copied().unwrap_or(f64::NAN)
        };
        let values: Vec<(&str, f64)> =
            axes.iter().map(|axis| (axis.name.as_str(), value(axis, &mut random))).collect();
        StrategySpec::new(name, values)
    };
    usable((0..count.min(COMBINATIONS_MAX)).map(|_| pick()))
}

/// Those that can be made, and how many cannot; the first refusal if none can.
fn usable(
    all: impl Iterator<Item = Result<StrategySpec, Error>>,
) -> Result<(Vec<StrategySpec>, usize), Error> {
    let (mut specs, mut left_out, mut first) = (Vec::new(), 0, None);
    for spec in all {
        match spec {
            Ok(spec) => specs.push(spec),
            Err(error) => {
                left_out += 1;
                first.get_or_insert(error);
            }
        }
    }
    match first {
        Some(error) if specs.is_empty() => Err(error),
        Some(_) | None => Ok((specs, left_out)),
    }
}

const VALUES_MAX: f64 = 10_000.0;
const COMBINATIONS_MAX: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(text: &str) -> Axis {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_are_read() {
        assert_eq!(axis("fast=5,10").values, [5.0, 10.0]);
        assert_eq!(axis("slow=20..50:10").values, [20.0, 30.0, 40.0, 50.0]);
        assert_eq!(axis("entry=0.8..0.9:0.05").values.len(), 3);
        for wrong in ["fast", "fast=", "fast=1..2", "fast=1..2:0", "fast=2..1:1", "fast=a,b", "=1"]
        {
            let error = wrong.parse::<Axis>().unwrap_err().to_string();
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_grid_leaves_out_what_makes_no_strategy() {
        let (specs, left_out) = grid("sma", &[axis("fast=5,30"), axis("slow=20,40")]).unwrap();
        let words: Vec<String> = specs.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["sma fast=5 slow=20", "sma fast=5 slow=40", "sma fast=30 slow=40"]);
        assert_eq!(left_out, 1);
        assert!(grid("sma", &[axis("fats=1,2")]).is_err());
        let one = random("sma", &[axis("fast=2..20:1"), axis("slow=25..90:1")], 8, 3).unwrap();
        assert_eq!(
            one,
            random("sma", &[axis("fast=2..20:1"), axis("slow=25..90:1")], 8, 3).unwrap()
        );
        assert_eq!(one.0.len(), 8);
    }
}
