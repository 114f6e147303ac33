//! How an execution is carried out.

use std::time::Duration;

use atlas_core::time::Timestamp;
use atlas_core::{Bps, Usd};
use atlas_risk::BreakerRules;

use crate::day::Losses;
use crate::decision::DriftLimit;
use crate::protection::Protection;
use crate::reconcile::Policy;
use crate::sequencer::{Ceilings, Waits};

/// How an execution is carried out. There is no default: the caller states what holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long orders and cancels are waited for, and the smallest position.
    pub waits: Waits,
    /// First wait between two looks at the broker; doubles up to `poll`.
    pub poll_first: Duration,
    /// Longest wait between two looks at the broker.
    pub poll: Duration,
    /// Waits between look-ups of an order whose outcome is unknown; the first look-up is at once.
    pub lookups: Vec<Duration>,
    /// How often an order whose outcome is unknown is sent again under its own id.
    pub resends: u32,
    /// How often an order that certainly never reached the broker is sent again.
    pub retries: u32,
    /// What approvals rest on is asked again when it is older than this.
    pub context_age: Duration,
    /// Added to the ask when buys are fitted to the money, so that a market order that fills a
    /// little higher, or a broker that reserves a little more, still fits.
    pub buy_cushion: Bps,
    /// Ceilings beyond the plan itself.
    pub ceilings: Ceilings,
    /// Whether a plan must have been approved by a person. One that was is held to `drift`
    /// either way.
    pub approval: Approval,
    /// How far the world may have moved since an approval.
    pub drift: DriftLimit,
    /// The rules of reconciliation.
    pub policy: Policy,
    /// Whether the broker's stream of order updates is listened to between two looks.
    pub news: News,
    /// The circuit breaker's rules; it is told of every order that the broker took, refused or
    /// left in doubt. `None` tells it nothing.
    pub breaker: Option<BreakerRules>,
    /// The losses that stop entries, looked at by the account's equity whenever it is asked for
    /// what an approval rests on; `None` looks at none.
    pub losses: Option<Losses>,
    /// Whether positions get protective orders at the broker, and where their stops are.
    pub protection: Option<Protection>,
    /// Whether opening orders are held to the staged ramp; with real money they always are.
    pub ramp: Ramp,
    /// From when on nothing more is bought, such as the last five minutes of a session; what was
    /// not filled by then is canceled. Exits go on to the close. `None` for no such instant.
    pub entries_until: Option<Timestamp>,
}

/// When opening orders are held to the staged ramp ([`crate::ramp`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ramp {
    /// With real money alone.
    Live,
    /// In every mode, by the days of that mode: to rehearse it.
    Rehearsed,
}

/// How news of orders comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// By looking at the broker again and again.
    Polled,
    /// By its stream as well, where it has one; looking goes on, since a stream can go silent.
    Streamed,
}

/// Whether a plan must have been approved by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// It may be executed as it is.
    NotNeeded,
    /// Somebody must have approved its hash.
    Required,
}

impl Settings {
    /// The waits of the standard profile: 300 s for fills, a look every 10 s at least, look-ups
    /// after 0, 0.25, 0.5, 1, 2 and 4 seconds.
    ///
    /// # Examples
    /// ```
    /// let settings = atlas_exec::shell::Settings::standard("500".parse()?);
    /// assert_eq!(settings.waits.reducing.as_secs(), 300);
    /// # Ok::<(), atlas_core::Error>(())
    /// ```
    #[must_use]
    pub fn standard(minimum_position: Usd) -> Self {
        let fill = Duration::from_mins(5);
        Self {
            waits: Waits {
                reducing: fill,
                opening: fill,
                cancel: Duration::from_mins(1),
                minimum_position,
            },
            poll_first: Duration::from_millis(250),
            poll: Duration::from_secs(10),
            lookups: [250, 500, 1000, 2000, 4000].map(Duration::from_millis).to_vec(),
            resends: 2,
            retries: 3,
            context_age: Duration::from_secs(5),
            buy_cushion: Bps::ZERO,
            ceilings: Ceilings::default(),
            approval: Approval::NotNeeded,
            drift: DriftLimit { price: Bps::from_int(300), cash: Bps::from_int(100) },
            policy: Policy::default(),
            news: News::Polled,
            breaker: None,
            losses: None,
            protection: None,
            ramp: Ramp::Live,
            entries_until: None,
        }
    }
}
