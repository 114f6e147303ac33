//! Bar sources, the bundled sample, validation, freshness and universes.
//!
//! ```
//! use atlas_data::{sample, Needs, Universe};
//!
//! let source = atlas_data::open("sample")?;
//! let universe = Universe::resolve(Some("sample"), source.as_ref())?;
//! let market = source.load(&universe)?;
//!
//! // What a decision after the close of 2019-01-02 may see, checked to be fresh and whole.
//! let needs = Needs { vix: Some(21), ..Needs::new(252, 1_000) };
//! let view = market.as_of(sample::default_as_of(), &needs)?;
//! assert_eq!(view.index.close().last(), Some(&2510.03));
//!
//! // Anything that is not enough to decide on is an error, never a guess.
//! let holiday = "2019-01-01".parse().unwrap();
//! assert!(market.as_of(holiday, &needs).is_err());
//! # Ok::<(), atlas_data::Error>(())
//! ```
//!
//! - A [`BarSource`] loads a [`Universe`]: [`SampleSource`], [`CsvSource`], [`SyntheticSource`], and
//!   `ParquetSource` with the cargo feature `parquet`.
//! - [`MarketData`] is what it loads, all dates of it; the embedded venue trades on that.
//! - [`VenueFiles`] are what a simulated exchange can use beyond that: bars within days, and what
//!   companies do to their shares.
//! - [`MarketData::as_of`] cuts and checks it for one decision: a [`MarketView`].
//!
//! The crate knows nothing of strategies, orders or brokers, reads no clock, and touches files
//! only when a source is told to.

pub mod actions;
mod csv_source;
pub mod error;
mod file;
pub mod levels;
pub mod market;
#[cfg(feature = "parquet")]
mod parquet_source;
mod rows;
pub mod sample;
pub mod series;
pub mod source;
pub mod synthetic;
pub mod universe;
pub mod validate;
mod venue_files;

pub use actions::{CompanyAction, CompanyDeed};
pub use csv_source::CsvSource;
pub use error::Error;
pub use levels::{Levels, LevelsView};
pub use market::{MarketData, MarketView, SourceInfo};
#[cfg(feature = "parquet")]
pub use parquet_source::ParquetSource;
pub use sample::SampleSource;
pub use series::{Series, SeriesView};
pub use source::{BarSource, open};
pub use synthetic::SyntheticSource;
pub use universe::Universe;
pub use validate::{Audit, MissingVix, Needs, ShortHistory, Warning};
pub use venue_files::VenueFiles;
