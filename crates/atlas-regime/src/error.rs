//! What can be wrong with the input of a model, a feature or the detector.

use chrono::NaiveDate;

/// Why a model could not be fitted, a row not be used, a regime not be named.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter outside of its range; found by a `check` before anything runs.
    #[error("parameter {name} is {value}: it must be {rule}")]
    Parameter {
        /// Name of the field.
        name: &'static str,
        /// The value as it was given.
        value: String,
        /// The permitted range, in words.
        rule: &'static str,
    },
    /// A number that is NaN or infinite where data must be finite.
    #[error("{what}: row {row}, column {column} is {value}, not a finite number")]
    NotFinite {
        /// The matrix or series.
        what: &'static str,
        /// Row number, from 0.
        row: usize,
        /// Column number, from 0.
        column: usize,
        /// The number itself.
        value: f64,
    },
    /// A shape that does not fit the rest.
    #[error("{what} has {found} where {expected} are expected")]
    Shape {
        /// What was measured.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The size it must have.
        expected: usize,
    },
    /// Not enough rows for what was asked.
    #[error("{what} has {have} rows, at least {need} are needed")]
    TooFewRows {
        /// The matrix or series.
        what: &'static str,
        /// Rows there are.
        have: usize,
        /// Rows needed.
        need: usize,
    },
    /// Numbers so large that squared distances overflow.
    #[error("the objective of the {what} is not finite: the data are too large to be squared")]
    Overflow {
        /// The model.
        what: &'static str,
    },
    /// A row so far from every state that nothing else would count beside its cost.
    #[error(
        "{what}: row {row} is so far from every state that nothing tells the states apart beside \
         it"
    )]
    TooFar {
        /// The filter.
        what: &'static str,
        /// Row number, from 0.
        row: usize,
    },
    /// Every row is the same, so there is nothing to tell states apart by.
    #[error("all {rows} rows of {what} are equal: there is nothing to tell states apart by")]
    AllEqual {
        /// The matrix.
        what: &'static str,
        /// Its number of rows.
        rows: usize,
    },
    /// More memory than a fit may take.
    #[error("{what} would take {bytes} bytes, at most {max} are allowed")]
    TooLarge {
        /// What would be kept.
        what: &'static str,
        /// Bytes it would take, at most `usize::MAX`.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A grid of mixed states with too many vertices.
    #[error("a grid of {vertices} vertices is too fine: at most {max} are supported")]
    GridTooFine {
        /// Vertices the grid would have.
        vertices: usize,
        /// The largest number supported.
        max: usize,
    },
    /// Dates that do not strictly increase.
    #[error("series {series}: row {row} ({date}) does not follow {previous}")]
    DatesNotIncreasing {
        /// The series.
        series: &'static str,
        /// Row number, from 0, of the offending date.
        row: usize,
        /// The date before it.
        previous: NaiveDate,
        /// The offending date.
        date: NaiveDate,
    },
    /// A value handed in with a session it comes after.
    #[error("series {series}: {date} lies after the session {session} it was handed in with")]
    FromTheFuture {
        /// The series.
        series: &'static str,
        /// Date of the value.
        date: NaiveDate,
        /// The session.
        session: NaiveDate,
    },
    /// A bar whose close does not lie between its low and its high.
    #[error("bar {row}: low {low}, close {close} and high {high} are out of order")]
    BarOutOfOrder {
        /// Number of the bar, from 0.
        row: usize,
        /// Its high.
        high: f64,
        /// Its low.
        low: f64,
        /// Its close.
        close: f64,
    },
    /// A price or index level that is not a positive finite number.
    #[error("series {series}: row {row} ({date}) is {value}, not a positive number")]
    BadValue {
        /// The series.
        series: &'static str,
        /// Row number, from 0.
        row: usize,
        /// Its date.
        date: NaiveDate,
        /// Its value.
        value: f64,
    },
    /// The index has no close on the date asked for.
    #[error("the index has no close on {as_of}: its last one before is {}", date_or_none(*.last))]
    NoIndexClose {
        /// The date asked for.
        as_of: NaiveDate,
        /// Last date of the index not after it.
        last: Option<NaiveDate>,
    },
    /// The VIX is missing or stale, and the policy is to refuse.
    #[error(
        "the VIX has no close on {as_of} (last: {}): bring it up to date, or choose the policy \
         that carries on without the shock rule",
        date_or_none(*.last)
    )]
    VixMissing {
        /// The date asked for.
        as_of: NaiveDate,
        /// Last date of the VIX series not after it.
        last: Option<NaiveDate>,
    },
    /// The VIX does not reach back far enough to see a three-session rise, or starts so late that a
    /// shock before its first row may still be in force; the policy is to refuse.
    #[error(
        "the VIX has only {have} of the last {need} sessions up to {as_of}: the shock rule cannot \
         be judged"
    )]
    VixGap {
        /// The date asked for.
        as_of: NaiveDate,
        /// Sessions present among the last `need`.
        have: usize,
        /// Sessions needed.
        need: usize,
    },
    /// The rate series starts after the first session it is needed for.
    #[error("the rate series starts on {rate}, after the index starts on {index}")]
    RateStartsLate {
        /// First date of the rate series.
        rate: NaiveDate,
        /// First date of the index.
        index: NaiveDate,
    },
    /// A hole in the rate series too wide to carry the last rate across.
    #[error(
        "the rate series has no value for {session} or the {days} days before it (last: {last})"
    )]
    RateGap {
        /// The session whose accrual needs a rate.
        session: NaiveDate,
        /// The last date with a rate.
        last: NaiveDate,
        /// The longest carry allowed, in calendar days.
        days: u32,
    },
    /// A feature is undefined in a row that a model needs.
    #[error("feature {feature} is {value} on {date}: no negative return to measure downside by?")]
    UndefinedFeature {
        /// Name of the feature.
        feature: String,
        /// The session.
        date: NaiveDate,
        /// The value, infinite or NaN.
        value: f64,
    },
    /// The two states are not told apart by the data before the refit.
    #[error("the fit of {refit} found one state only: the data before it have a single regime")]
    OneState {
        /// Date of the refit.
        refit: NaiveDate,
    },
    /// A stored model or checkpoint of a format this version cannot read.
    #[error("{what} has format {found}, this version reads {expected}")]
    Format {
        /// What was being restored.
        what: &'static str,
        /// The format it has.
        found: u32,
        /// The format this version reads.
        expected: u32,
    },
    /// A session that does not continue the ones before.
    #[error("session {session} does not follow {previous}")]
    OutOfOrder {
        /// The session handed in.
        session: NaiveDate,
        /// The last one before it.
        previous: NaiveDate,
    },
}

fn date_or_none(date: Option<NaiveDate>) -> String {
    date.map_or_else(|| "none".to_owned(), |d| d.to_string())
}
