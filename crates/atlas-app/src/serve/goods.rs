//! What a served venue lists: the data, completed to a market clients can trade in.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use anyhow::{Context as _, Result};
use atlas_core::bars::{Bars, Columns};
use atlas_core::calendar::{Calendar, Session, to_eastern};
use atlas_core::time::Timestamp;
use atlas_core::{Raw, Symbol};
use atlas_data::{
    BarSource as _, CompanyAction, CompanyDeed, CsvSource, Series, Universe, VenueFiles,
};
use atlas_venue::core::{ActionKind, CorporateAction, CryptoRules, Origin, Px};
use atlas_venue::{Listing, synth};
use chrono::NaiveDate;

use super::made::Made;
use crate::exit::{Exit, Failure};
use crate::market::Market;

/// Everything a venue lists, and the session it begins in unless told otherwise.
#[derive(Debug)]
pub(super) struct Goods {
    pub(super) listings: Vec<Listing>,
    pub(super) as_of: NaiveDate,
    /// The first session of the data.
    pub(super) first: NaiveDate,
    /// The last session of the data.
    pub(super) last: NaiveDate,
    /// What the data hold and what is made, in words.
    pub(super) notes: Vec<String>,
}

impl Goods {
    /// Loads what `--data` names: daily series, bars within days, and what companies do to their
    /// shares. Needs no index, VIX or rate.
    ///
    /// Series of closes get the rest of their bars made, so that prices move within the day; crypto
    /// pairs the data do not have, and the stocks asked for, are made altogether.
    ///
    /// # Errors
    /// [`Exit::Data`] for data that cannot be read or listed, [`Exit::Usage`] for a stock to make that
    /// the data have.
    pub(super) fn load(
        data: &str,
        universe: Option<&str>,
        stocks_made: &Made,
        seed: u64,
    ) -> Result<Self> {
        let folder = Some(Path::new(data)).filter(|path| path.is_dir());
        let (series, default) = if let Some(folder) = folder {
            (daily(folder, universe)?, None)
        } else {
            let market = Market::load(data, universe)?;
            let default = (market.default_as_of()?, market.last_date()?);
            (market.series().cloned().collect(), Some(default))
        };
        let mut all = BTreeMap::new();
        for series in &series {
            let (bars, origin) = match series {
                Series::Raw(bars) if !bars.columns().open.is_empty() => {
                    (bars.clone(), Origin::Given)
                }
                Series::Raw(bars) => (synth::complete(bars, seed)?, Origin::Completed),
                Series::Adjusted(bars) => (synth::complete(bars, seed)?, Origin::Completed),
            };
            all.insert(bars.symbol().clone(), listed(bars)?.with_origin(origin));
        }
        let files = VenueFiles::find(Path::new(data))?;
        let mut notes = add_intraday(&files, universe, &mut all)?;
        add_actions(files.actions()?, &mut all)?;
        let stocks = all.values().filter(|listing| !listing.is_crypto());
        let last = stocks.filter_map(Listing::last_date).max();
        let (as_of, last) = match (default, last) {
            (Some(default), _) => default,
            (None, Some(last)) => (Calendar::nyse().previous_session(last)?.date, last),
            (None, None) => coins_alone(&all, data)?,
        };
        let stocks = all.values().filter(|listing| !listing.is_crypto());
        let first = stocks.filter_map(Listing::first_date).min();
        let first = first.or_else(|| all.values().filter_map(Listing::first_date).min());
        let first = first.unwrap_or(as_of);
        stocks_made.list(&mut all, (first, last), seed)?;
        for (pair, price) in PAIRS {
            let pair: Symbol = pair.parse()?;
            if let Entry::Vacant(place) = all.entry(pair) {
                let made = synth::coin(place.key(), price, COINS_FROM, Calendar::LAST, seed)?;
                place.insert(listed(made)?.with_origin(Origin::Made));
            }
        }
        notes.extend(made(&all, seed));
        Ok(Self { listings: all.into_values().collect(), as_of, first, last, notes })
    }

    /// Refuses to begin in a session the data have no prices of.
    ///
    /// # Errors
    /// [`Exit::Data`] naming the first and the last session.
    pub(super) fn check(&self, as_of: NaiveDate, data: &str) -> Result<()> {
        let (first, last) = (self.first, self.last);
        if (first..=last).contains(&as_of) {
            return Ok(());
        }
        let text =
            format!("--as-of is {as_of}, yet {data} has prices from {first} to {last} alone");
        Err(Failure::error(Exit::Data, text))
    }
}

/// What is made, in words.
fn made(all: &BTreeMap<Symbol, Listing>, seed: u64) -> Vec<String> {
    let of = |origin: Origin| {
        let symbols = all.values().filter(move |listing| listing.origin() == origin);
        symbols.map(|listing| listing.symbol().as_str()).collect::<Vec<_>>().join(", ")
    };
    let kinds = [
        (of(Origin::Completed), "open, high and low made from closes"),
        (of(Origin::Made), "made"),
        ("what is finer than the bars given, quotes and trades".to_owned(), "made by rule 1"),
    ];
    let told = kinds.into_iter().filter(|(symbols, _)| !symbols.is_empty());
    told.map(|(symbols, words)| format!("{symbols}: {words}, seed {seed}")).collect()
}

/// The daily series of a folder, if it has any.
fn daily(folder: &Path, universe: Option<&str>) -> Result<Vec<Series>> {
    let source = CsvSource::open(folder)?;
    if source.universes().is_err() {
        // Bars within days may be all there is.
        return Ok(Vec::new());
    }
    let wanted = match universe {
        Some(names) if !VenueFiles::find(folder)?.symbols().is_empty() => {
            // Some may have bars within days alone.
            let all = Universe::resolve(None, &source)?;
            let asked: Vec<&str> = names.split(',').collect();
            let known = all.symbols().iter().filter(|symbol| asked.contains(&symbol.as_str()));
            let known: Vec<&str> = known.map(Symbol::as_str).collect();
            if known.is_empty() {
                return Ok(Vec::new());
            }
            Universe::resolve(Some(&known.join(",")), &source)?
        }
        names => Universe::resolve(names, &source)?,
    };
    Ok(source.load_prices(&wanted)?.into_values().collect())
}

/// Puts bars within days into the listings, or lists what they are of.
fn add_intraday(
    files: &VenueFiles,
    universe: Option<&str>,
    all: &mut BTreeMap<Symbol, Listing>,
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for bars in files.intraday()? {
        let symbol = bars.symbol().clone();
        let (given, bars) = (bars.len(), bars.filtered(|start| is_traded(start, &symbol)));
        let wanted = universe.is_none_or(|names| names.split(',').any(|n| n == symbol.as_str()));
        if !wanted && !all.contains_key(&symbol) {
            continue;
        }
        let listing = match all.remove(&symbol) {
            Some(listing) => listing,
            None => fresh(&bars)?,
        };
        let (count, minutes) = (bars.len(), bars.length().num_minutes());
        let outside = match given - count {
            0 => String::new(),
            outside => format!(", {outside} outside of trading hours not used"),
        };
        notes.push(format!("{symbol}: {count} bars of {minutes} min{outside}"));
        let listing = listing.with_intraday(&bars).with_context(|| {
            format!("the bars of {minutes} minutes of {symbol} cannot be listed")
        })?;
        // The last price says on which grid it is quoted; of bars alone it is known only now.
        all.insert(symbol, listing.in_cents());
    }
    Ok(notes)
}

/// Whether a bar lies within the hours in which anybody trades.
fn is_traded(start: Timestamp, symbol: &Symbol) -> bool {
    let within = |session: Session| {
        let (_, until) = atlas_venue::core::extended(&session);
        start < until
    };
    let session = || {
        let date = to_eastern(start).ok()?.date_naive();
        Calendar::nyse().session(date).ok()
    };
    symbol.is_crypto() || session().is_none_or(within)
}

/// A listing without any day yet.
fn fresh(bars: &atlas_core::bars::IntradayBars) -> Result<Listing> {
    let empty = Bars::new(bars.symbol().clone(), Columns::default())?;
    if !bars.symbol().is_crypto() {
        return Ok(Listing::raw(empty));
    }
    let is_cheap = bars.columns().close.first().is_some_and(|close| *close < 1.0);
    Ok(Listing::crypto(empty, crypto_rules(is_cheap))?)
}

/// Puts what companies do to their shares into the listings.
fn add_actions(
    actions: BTreeMap<Symbol, Vec<CompanyAction>>,
    all: &mut BTreeMap<Symbol, Listing>,
) -> Result<()> {
    for (symbol, actions) in actions {
        let Some(listing) = all.get(&symbol).cloned() else { continue };
        let known = listing.first_date().zip(listing.last_date());
        let within = |action: &&CompanyAction| {
            known.is_some_and(|(first, last)| action.date > first && action.date <= last)
        };
        let mut due = Vec::new();
        for action in actions.iter().filter(within) {
            if let CompanyDeed::Split { new, old } = action.deed
                && !listing.shows_split(action.date, new, old)
            {
                return Err(Failure::error(
                    Exit::Data,
                    format!(
                        "{symbol} splits {new} for {old} on {} in its actions, which its prices do \
                         not show: they are adjusted for it; remove that split, or bring prices as \
                         they were printed",
                        action.date
                    ),
                ));
            }
            due.push(CorporateAction { date: action.date, kind: kind(&action.deed)? });
        }
        all.insert(symbol, listing.with_actions(due)?);
    }
    Ok(())
}

fn kind(deed: &CompanyDeed) -> Result<ActionKind> {
    Ok(match deed {
        CompanyDeed::Split { new, old } => ActionKind::Split { new: *new, old: *old },
        CompanyDeed::Dividend { per_share, pay_date } => {
            let per_share = Px::try_from(atlas_core::Price::<Raw>::new(per_share.value())?)?;
            ActionKind::Dividend { per_share, pay_date: *pay_date }
        }
        CompanyDeed::Rename { to } => ActionKind::Rename { to: to.clone() },
        CompanyDeed::Delisting { delisting_return } => {
            ActionKind::Delisting { delisting_return: *delisting_return }
        }
        other => {
            return Err(Failure::error(Exit::Data, format!("{other:?} is not known to the venue")));
        }
    })
}

/// Where a venue of crypto alone begins: the last session but one of the stock market.
fn coins_alone(all: &BTreeMap<Symbol, Listing>, data: &str) -> Result<(NaiveDate, NaiveDate)> {
    let last = all.values().filter_map(Listing::last_date).max().ok_or_else(|| {
        Failure::error(
            Exit::Data,
            format!(
                "{data} has no prices: bring files such as AAPL.csv, or SPY_1min.csv with bars \
                 within days"
            ),
        )
    })?;
    let nyse = Calendar::nyse();
    let last = nyse.previous_session(last)?.date;
    Ok((nyse.previous_session(last)?.date, last))
}

fn listed(bars: Bars<Raw>) -> Result<Listing> {
    if !bars.symbol().is_crypto() {
        return Ok(Listing::raw(bars).in_cents());
    }
    let is_cheap = bars.columns().close.first().is_some_and(|close| *close < 1.0);
    Ok(Listing::crypto(bars, crypto_rules(is_cheap))?)
}

/// Cents, and hundredths of a cent for what costs less than a dollar.
fn crypto_rules(is_cheap: bool) -> CryptoRules {
    let price_increment = Px::from_nanos(if is_cheap { 100_000 } else { 10_000_000 });
    CryptoRules {
        price_increment: price_increment.unwrap_or(CryptoRules::FINEST.price_increment),
        ..CryptoRules::FINEST
    }
}

/// Made pairs, and where their prices begin.
const PAIRS: [(&str, f64); 5] = [
    ("BTC/USD", 40_000.0),
    ("DOGE/USD", 0.15),
    ("ETH/USD", 2_500.0),
    ("LTC/USD", 90.0),
    ("SOL/USD", 100.0),
];
/// The first day of made pairs.
const COINS_FROM: NaiveDate = Calendar::FIRST;
