//! How the server moves the venue's clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atlas_core::Clock;
use atlas_core::calendar::{Calendar, to_eastern};
use atlas_core::time::Timestamp;
use chrono::TimeDelta;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use tokio::sync::watch;

use super::lens::Lens;
use crate::{Error, Venue};

/// How the venue's clock moves while the server runs.
#[derive(Clone, Default)]
pub enum Pace {
    /// By the administrative endpoint alone.
    #[default]
    Stepped,
    /// From where it stands on, `speed` seconds for each second of `clock`.
    Rate {
        /// Venue time over real time, above zero; 1 is real time.
        speed: Decimal,
        /// The clock followed.
        clock: Arc<dyn Clock>,
    },
    /// With `clock`, and shown as if the session it stands in were now: every moment on the wire is
    /// shifted to the present. The session lasts as long as the server does: a minute before its
    /// close the venue's clock stops, while shown time goes on.
    Wall {
        /// The clock followed.
        clock: Arc<dyn Clock>,
    },
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stepped => f.write_str("Stepped"),
            Self::Rate { speed, .. } => f.debug_struct("Rate").field("speed", speed).finish(),
            Self::Wall { .. } => f.write_str("Wall"),
        }
    }
}

/// What moves the clocks of all accounts.
#[derive(Debug)]
pub(crate) struct Driver {
    venues: Vec<Venue>,
    run: Mutex<Run>,
    /// Where the clocks stand, for whoever waits for them to move.
    moved: watch::Sender<Timestamp>,
}

/// How the clocks move at present.
#[derive(Debug)]
struct Run {
    course: Option<Course>,
    lens: Arc<Lens>,
}

/// From where the clocks run, and how fast.
struct Course {
    clock: Arc<dyn Clock>,
    speed: Decimal,
    from: Timestamp,
    venue_from: Timestamp,
    /// Where they stop, when the session is shown as now.
    until: Option<Timestamp>,
}

impl std::fmt::Debug for Course {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Course").field("speed", &self.speed).finish_non_exhaustive()
    }
}

impl Course {
    /// Where the venue's clock ought to stand.
    fn due(&self) -> Timestamp {
        let passed = (self.clock.now() - self.from).num_milliseconds().max(0);
        let passed = (Decimal::from(passed) * self.speed).trunc().to_i64();
        let due = passed
            .and_then(TimeDelta::try_milliseconds)
            .and_then(|passed| self.venue_from.checked_add_signed(passed))
            .unwrap_or(self.venue_from);
        self.until.map_or(due, |until| due.min(until))
    }
}

impl Driver {
    /// Starts the clocks.
    ///
    /// # Errors
    /// [`Error::Core`] when the calendar has no session to show as now.
    pub(crate) fn new(venues: Vec<Venue>, pace: Pace) -> Result<Self, Error> {
        let kept = venues.first().and_then(|venue| venue.note(LENS_NOTE));
        let lens = kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let run = Run { course: None, lens: Arc::new(lens) };
        let driver = Self { venues, run: Mutex::new(run), moved: watch::Sender::default() };
        driver.set(pace)?;
        Ok(driver)
    }

    /// From now on the clocks move like this.
    pub(crate) fn set(&self, pace: Pace) -> Result<(), Error> {
        let mut run = self.lock();
        run.course = None;
        match pace {
            Pace::Stepped => {}
            Pace::Rate { speed, clock } => {
                let (from, venue_from) = (clock.now(), self.now());
                run.course = Some(Course { clock, speed, from, venue_from, until: None });
            }
            Pace::Wall { clock } => self.show_as_now(&mut run, clock)?,
        }
        Ok(())
    }

    fn show_as_now(&self, run: &mut Run, clock: Arc<dyn Clock>) -> Result<(), Error> {
        let nyse = Calendar::nyse();
        let mut here = self.now();
        let session = if let Some(session) = nyse.session_at(here)? {
            session
        } else {
            let next = nyse.next_session(nyse.last_closed(here)?.date)?;
            here = next.open + TimeDelta::minutes(30);
            next
        };
        let wall = clock.now();
        let until = session.close - LAST_MINUTE;
        let mut lens = (*run.lens).clone();
        // What has happened stays where it was shown.
        let first = self.now() + TimeDelta::milliseconds(1);
        let venue_from = lens.shift(here.min(until).max(first), wall);
        lens.show_as(session.date, to_eastern(wall)?.date_naive());
        for venue in &self.venues {
            venue.drift_to(venue_from)?;
        }
        self.keep_lens(run, lens)?;
        let speed = Decimal::ONE;
        run.course = Some(Course { clock, speed, from: wall, venue_from, until: Some(until) });
        Ok(())
    }

    fn keep_lens(&self, run: &mut Run, lens: Lens) -> Result<(), Error> {
        if let Some(venue) = self.venues.first() {
            let text = serde_json::to_string(&lens).unwrap_or_default();
            venue.set_note(LENS_NOTE, &text)?;
        }
        run.lens = Arc::new(lens);
        Ok(())
    }

    /// How time is shown at present.
    pub(crate) fn lens(&self) -> Arc<Lens> {
        Arc::clone(&self.lock().lens)
    }

    /// Where the furthest of the clocks stands.
    pub(crate) fn now(&self) -> Timestamp {
        self.venues.iter().map(Venue::now).max().unwrap_or_default()
    }

    /// The time of the clock that is followed; the venue's own if none is.
    pub(crate) fn real_now(&self) -> Timestamp {
        let clock = self.lock().course.as_ref().map(|course| Arc::clone(&course.clock));
        clock.map_or_else(|| self.now(), |clock| clock.now())
    }

    /// Moves the clocks to where they ought to stand.
    pub(crate) fn catch_up(&self) -> Result<(), Error> {
        let mut run = self.lock();
        let Some(course) = run.course.as_ref() else { return Ok(()) };
        let due = course.due();
        for venue in &self.venues {
            // Whoever tells of it waits for the disk.
            venue.deferred().drift_to(due)?;
        }
        if course.until == Some(due) {
            let wall = course.clock.now();
            // The session is held open: what happens from here on happens at its shown time.
            if wall - run.lens.show(self.now()) >= TimeDelta::minutes(1) {
                let here = self.now() + TimeDelta::milliseconds(1);
                for venue in &self.venues {
                    venue.drift_to(here)?;
                }
                let mut lens = (*run.lens).clone();
                lens.shift(here, wall);
                self.keep_lens(&mut run, lens)?;
            }
        }
        Ok(())
    }

    /// Tells those who wait that the clocks have moved, if they have.
    fn tell(&self) {
        let now = self.now();
        self.moved.send_if_modified(|known| std::mem::replace(known, now) != now);
    }

    /// Tells when the clocks have moved.
    pub(crate) fn moves(&self) -> watch::Receiver<Timestamp> {
        self.moved.subscribe()
    }

    /// Sets the clocks by hand; they run on from there.
    ///
    /// # Errors
    /// [`Error::ClockBackwards`] and as [`Venue::advance_to`].
    pub(crate) fn advance_to(&self, to: Timestamp) -> Result<(), Error> {
        let mut run = self.lock();
        let to = run.lens.meant(to);
        for venue in &self.venues {
            venue.advance_to(to)?;
        }
        let now = self.now();
        if let Some(course) = run.course.as_mut() {
            course.from = course.clock.now();
            course.venue_from = now;
        }
        Ok(())
    }

    /// From now on the clocks run so fast; false if they follow none.
    pub(crate) fn set_speed(&self, speed: Decimal) -> bool {
        let mut run = self.lock();
        let now = self.now();
        let Some(course) = run.course.as_mut() else { return false };
        (course.from, course.venue_from, course.speed) = (course.clock.now(), now, speed);
        true
    }

    /// How fast the clocks run; zero when they are stepped.
    pub(crate) fn speed(&self) -> Decimal {
        self.lock().course.as_ref().map_or(Decimal::ZERO, |course| course.speed)
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves the clocks at every tick until the server stops, and then writes where they stand.
pub(super) async fn run(driver: Arc<Driver>, mut stopping: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopping.wait_for(|stop| *stop) => break,
        }
        let mut moved = driver.catch_up();
        for venue in &driver.venues {
            moved = moved.and(venue.settled().await);
        }
        if let Err(error) = moved {
            tracing::error!(%error, "the venue's clock stands still");
            break;
        }
        driver.tell();
    }
    for venue in &driver.venues {
        if let Err(error) = venue.keep() {
            tracing::error!(%error, "where the venue's clock stands could not be written");
        }
    }
}

/// How often the clocks are moved.
const TICK: Duration = Duration::from_millis(20);
/// How long before its close a session that is shown as now stops.
const LAST_MINUTE: TimeDelta = TimeDelta::minutes(1);
/// The name the lens is kept under.
const LENS_NOTE: &str = "lens";
