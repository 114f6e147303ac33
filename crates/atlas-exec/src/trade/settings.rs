//! How continuous trading is carried out.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_core::Symbol;
use atlas_core::time::Mode;

use crate::reconcile::Policy;
use crate::shell::News;

/// How continuous trading is carried out. There is no default: the caller states what holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Replay, paper or live.
    pub mode: Mode,
    /// The rules of reconciliation.
    pub policy: Policy,
    /// Waits between look-ups of an order whose outcome is unknown; the first look-up is at once.
    pub lookups: Vec<Duration>,
    /// How often an order whose outcome is unknown is sent again under its own id.
    pub resends: u32,
    /// What approvals rest on is asked again when it is older than this.
    pub context_age: Duration,
    /// Longest wait between two looks at the broker.
    pub poll: Duration,
    /// Longest wait between two looks at the clock, the fence and the inbox.
    pub beat: Duration,
    /// Whether the broker's stream of order updates is listened to between two looks.
    pub news: News,
    /// How long market data may say nothing while something that is watched trades.
    pub silence: Duration,
    /// How far the clock may move beyond a wait before that is taken for a sleep or a jump.
    pub jump: Duration,
    /// How long after the end of a span its bar is waited for.
    pub grace: Duration,
    /// A gap in the data longer than this is warmed up over instead of caught up on.
    pub longest_gap: Duration,
    /// Most events the engine takes in before what it wants is carried out.
    pub batch: usize,
    /// What becomes of resting orders when trading is stopped.
    pub at_stop: AtStop,
    /// Symbols that may be sold and not bought, each with the reason.
    pub restricted: BTreeMap<Symbol, String>,
}

/// What becomes of resting orders when trading is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtStop {
    /// They stay: stops go on protecting, and entries may fill; the next start takes them up.
    Keep,
    /// Entries are canceled, stops stay.
    CancelEntries,
    /// All of them are canceled; positions are not protected then.
    CancelAll,
}

impl Settings {
    /// What suits minute bars on a paper account: a look every 10 s at least, two minutes of
    /// silence, a jump of 30 s, 5 s of grace, gaps of up to three days caught up on, entries
    /// canceled when stopped.
    #[must_use]
    pub fn standard(mode: Mode) -> Self {
        Self {
            mode,
            policy: Policy::default(),
            lookups: [250, 500, 1000, 2000, 4000].map(Duration::from_millis).to_vec(),
            resends: 2,
            context_age: Duration::from_secs(2),
            poll: Duration::from_secs(10),
            beat: Duration::from_secs(1),
            news: News::Streamed,
            silence: Duration::from_mins(2),
            jump: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            longest_gap: Duration::from_hours(72),
            batch: 1_024,
            at_stop: AtStop::CancelEntries,
            restricted: BTreeMap::new(),
        }
    }
}
