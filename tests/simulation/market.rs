//! A little market: random walks of a few symbols over a few sessions, with splits and new names.

use std::collections::BTreeMap;

use atlas_core::bars::Columns;
use atlas_core::calendar::{Calendar, Session};
use atlas_core::{Bars, Price, Rounding, Symbol};
use atlas_venue::core::{ActionKind, CorporateAction};
use atlas_venue::{CostModel, Listing, Venue, VenueConfig};
use chrono::NaiveDate;

use crate::rng::Rng;

/// The sessions a story has, and a venue that trades in them.
pub(crate) struct Market {
    pub(crate) venue: Venue,
    pub(crate) sessions: Vec<Session>,
    /// Closing prices by symbol and session; a symbol has those of the sessions it is listed in.
    pub(crate) closes: BTreeMap<Symbol, BTreeMap<usize, Price>>,
    /// Splits and new names.
    pub(crate) actions: u64,
}

/// What a company does to its shares in a story.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Nothing,
    /// So many new for so many old, in this session.
    Split(usize, (u32, u32)),
    /// Another name from this session on.
    Renamed(usize),
}

/// Splits that happen; the last ones leave fractions.
const RATIOS: [(u32, u32); 6] = [(2, 1), (3, 1), (4, 1), (1, 2), (3, 2), (1, 4)];

impl Market {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 1);
        let first = NaiveDate::from_ymd_opt(2019, 1, 2).unwrap();
        let last = NaiveDate::from_ymd_opt(2019, 1, 18).unwrap();
        let days = rng.index(4, 8);
        let sessions: Vec<Session> =
            Calendar::nyse().sessions(first, last).unwrap().take(days + 1).collect();
        let names = ["AAPL", "IBM", "MSFT", "GOOG", "BRK.B"];
        let symbols = &names[..rng.index(2, 5)];
        let thin = rng.percent(40);
        let lively = rng.percent(40);
        let (mut listings, mut closes, mut actions) = (Vec::new(), BTreeMap::new(), 0);
        for name in symbols {
            let fate = match rng.below(3) {
                0 if lively => Fate::Split(rng.index(1, days), RATIOS[rng.index(0, 5)]),
                1 if lively => Fate::Renamed(rng.index(1, days)),
                _ => Fate::Nothing,
            };
            actions += u64::from(!matches!(fate, Fate::Nothing));
            let rows = walk(&mut rng, &sessions, thin, fate);
            let mut list = |name: &str, from: usize, to: usize, actions: Vec<CorporateAction>| {
                let symbol: Symbol = name.parse().unwrap();
                let bars = Bars::new(symbol.clone(), columns(&rows[from..to])).unwrap();
                let known = (from..to).map(|day| (day, price(rows[day].close)));
                closes.insert(symbol, known.collect());
                listings.push(Listing::raw(bars).with_actions(actions).unwrap());
            };
            let on = |day: usize, kind| vec![CorporateAction { date: sessions[day].date, kind }];
            match fate {
                Fate::Nothing => list(name, 0, days + 1, Vec::new()),
                Fate::Split(day, (new, old)) => {
                    list(name, 0, days + 1, on(day, ActionKind::Split { new, old }));
                }
                Fate::Renamed(day) => {
                    let new = format!("N{}", name.replace('.', ""));
                    let to = new.parse().unwrap();
                    list(name, 0, day, on(day, ActionKind::Rename { to }));
                    list(&new, day, days + 1, Vec::new());
                }
            }
        }
        let config = VenueConfig {
            cash: rng.between(2_000, 60_000).to_string().parse().unwrap(),
            seed,
            costs: if rng.percent(50) { CostModel::realistic() } else { CostModel::free() },
            ..VenueConfig::realistic(sessions[0].close)
        };
        let venue = Venue::open(None, config, listings).unwrap();
        Self { venue, sessions, closes, actions }
    }

    /// Symbols with a closing price of a session.
    pub(crate) fn listed(&self, day: usize) -> Vec<Symbol> {
        let listed = self.closes.iter().filter(|(_, closes)| closes.contains_key(&day));
        listed.map(|(symbol, _)| symbol.clone()).collect()
    }
}

/// One session of a symbol, in cents.
struct Row {
    date: NaiveDate,
    open: u64,
    high: u64,
    low: u64,
    close: u64,
    volume: u64,
}

/// Prices in cents, that move a few per cent a day; thin volumes make orders fill in part.
fn walk(rng: &mut Rng, sessions: &[Session], thin: bool, fate: Fate) -> Vec<Row> {
    let mut cents = rng.between(500, 40_000);
    let mut rows = Vec::new();
    for (day, session) in sessions.iter().enumerate() {
        if let Fate::Split(on, (new, old)) = fate
            && on == day
        {
            cents = (cents * u64::from(old) / u64::from(new)).max(100);
        }
        let open = (cents * rng.between(9_600, 10_400) / 10_000).max(100);
        let close = (open * rng.between(9_700, 10_300) / 10_000).max(100);
        let volume = if thin { rng.between(0, 8_000) } else { 50_000_000 };
        let (high, low) = (open.max(close) + rng.below(50), open.min(close) - rng.below(50));
        rows.push(Row { date: session.date, open, high, low, close, volume });
        cents = close;
    }
    rows
}

fn columns(rows: &[Row]) -> Columns {
    let dollars = |cents: u64| f64::from(u32::try_from(cents).unwrap()) / 100.0;
    let mut columns = Columns::default();
    for row in rows {
        columns.dates.push(row.date);
        columns.open.push(dollars(row.open));
        columns.high.push(dollars(row.high));
        columns.low.push(dollars(row.low));
        columns.close.push(dollars(row.close));
        columns.volume.push(f64::from(u32::try_from(row.volume).unwrap()));
    }
    columns
}

fn price(cents: u64) -> Price {
    let dollars = f64::from(u32::try_from(cents).unwrap()) / 100.0;
    Price::from_f64(dollars, 2, Rounding::HalfEven).unwrap()
}
