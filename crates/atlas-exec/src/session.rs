//! A session: the exclusive right to an account, its journal, and what the journal amounts to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use atlas_core::journal::Hash;
use atlas_core::time::Timestamp;
use atlas_core::{AccountName, Clock, DecisionId};
use atlas_risk::{BreakerEvent, BreakerRules, LimitsSpec};

use crate::error::Error;
use crate::event::{
    Adopted, ArtifactUnaccounted, ArtifactWritten, BreakerTold, CommandTaken, Event, LimitChange,
    LimitsChanged, OverrideRecorded, RecordsLost, RegimeChanged, StateEntered, StateLeft, Subject,
    TailSetAside,
};
use crate::folder::{
    AccountFolder, AccountLock, Command, Fence, FenceNote, Heartbeat, Inbox, InputStore, Raised,
    Received,
};
use crate::journal::log::copies;
use crate::journal::{
    Draft, Head, Headed, Journal, LastHead, SqliteStorage, Storage, artifact_heads, last_head,
};
use crate::reconcile::Severity;
use crate::state::State;
use crate::states::{Cause, Deed, Permission, Row, Stance, TABLE, TradingState, permits_by};

/// One process's work on one account, from lock to drop.
#[derive(Debug)]
pub struct Session {
    account: AccountName,
    journal: Box<Journal>,
    inputs: InputStore,
    fence: Fence,
    inbox: Option<Inbox>,
    heartbeat: Option<(Heartbeat, Timestamp)>,
    folder: Option<AccountFolder>,
    clock: Arc<dyn ClockDebug>,
    found: Vec<String>,
    table: &'static [Row; 4],
    _lock: Option<AccountLock>,
}

/// A clock inside of something that can be printed.
trait ClockDebug: Clock {}
impl<C: Clock + ?Sized> ClockDebug for C {}
impl std::fmt::Debug for dyn ClockDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// Time between two signs of life.
const BEAT: chrono::TimeDelta = chrono::TimeDelta::seconds(1);

/// What a session stands on where it does not stand on a folder: see [`Session::over`].
#[derive(Debug)]
pub struct Ground {
    /// Where inputs are kept.
    pub inputs: InputStore,
    /// The fence.
    pub fence: Fence,
}

impl Session {
    /// Takes the account's lock, reads the journal and folds it. Makes folder and journal if this
    /// is the account's first session.
    ///
    /// # Errors
    /// [`Error::Locked`] naming who holds the account; [`Error::Io`] if the folder cannot be
    /// written; [`Error::LostJournal`] if there is none and the account has a history;
    /// [`Error::Corrupt`], [`Error::NotAJournal`], [`Error::NewerSchema`] or
    /// [`Error::UnknownEvent`] if the journal cannot be trusted, which leaves it as it is.
    pub fn open(
        state_dir: &Path,
        account: &AccountName,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let folder = AccountFolder::new(state_dir, account);
        folder.create()?;
        let lock = AccountLock::acquire(&folder, clock.now())?;
        let storage = match history_of(&folder)? {
            Some(traces) => SqliteStorage::open_existing(&folder.journal(), traces)?,
            None => SqliteStorage::open(&folder.journal())?,
        };
        let journal = Box::new(Journal::open(Box::new(storage))?);
        let mut session = Self {
            account: account.clone(),
            journal,
            inputs: InputStore::of(&folder),
            fence: Fence::of(&folder),
            inbox: Some(Inbox::of(&folder)),
            heartbeat: Some((Heartbeat::of(&folder), Timestamp::default())),
            folder: Some(folder.clone()),
            clock: Arc::new(clock),
            found: Vec::new(),
            table: &TABLE,
            _lock: Some(lock),
        };
        session.look_at_the_end(&folder)?;
        session.look_for_lost_tail(&folder)?;
        session.beat();
        Ok(session)
    }

    /// What opening the account found that a person should know of, each in a sentence.
    #[must_use]
    pub fn found_at_opening(&self) -> &[String] {
        &self.found
    }

    /// Puts torn ends that were set aside on record, and the loss of a durable record: all at once,
    /// since the first record that is written becomes the last durable one.
    fn look_at_the_end(&mut self, folder: &AccountFolder) -> Result<(), Error> {
        let mut events = Vec::new();
        for (path, torn) in copies(folder)? {
            if self.state().set_aside().contains(&path) {
                continue;
            }
            let (whole_bytes, torn_bytes) = (torn.whole as u64, torn.torn as u64);
            self.found.push(format!(
                "the journal ended in {torn_bytes} bytes that are no complete write; a copy is in \
                 {path}"
            ));
            events.push(Event::TailSetAside(TailSetAside { path, whole_bytes, torn_bytes }));
        }
        events.extend(self.lost_records(folder)?);
        if events.is_empty() { Ok(()) } else { self.record_at_the_end(events) }
    }

    /// Looks whether the journal still has the last record that was durable. If not the account
    /// is PAUSED: what was lost may have been an intent.
    fn lost_records(&mut self, folder: &AccountFolder) -> Result<Vec<Event>, Error> {
        let (last, head) = (self.state().seq(), self.state().head());
        let durable = match last_head(&folder.head())? {
            LastHead::Absent => return Ok(Vec::new()),
            LastHead::Unreadable => None,
            LastHead::At(durable)
                if self.has_record(durable, Head { seq: last, hash: head })? =>
            {
                return Ok(Vec::new());
            }
            LastHead::At(durable) => Some(durable),
        };
        let detail = durable.map_or_else(
            || "nobody can tell which record was the last: the file head is damaged".to_owned(),
            |durable| {
                format!(
                    "record {} with hash {} was durable, and the journal, which ends at record \
                     {last}, does not have it",
                    durable.seq,
                    durable.hash.short()
                )
            },
        );
        tracing::warn!(%detail, "the journal lost records");
        self.found.push(detail.clone());
        Ok(vec![
            Event::RecordsLost(RecordsLost { last, durable }),
            Event::StateEntered(StateEntered { cause: Cause::LostTail, detail }),
        ])
    }

    fn has_record(&mut self, wanted: Head, last: Head) -> Result<bool, Error> {
        if wanted.seq >= last.seq {
            return Ok(wanted == last);
        }
        let mut found = false;
        self.journal.replay(&mut |record, hash| {
            found |= wanted == Head { seq: record.seq, hash };
            Ok(())
        })?;
        Ok(found)
    }

    /// Records what was found before the account's own clock is known: nothing is older than the
    /// last record.
    fn record_at_the_end(&mut self, events: Vec<Event>) -> Result<(), Error> {
        let now = self.state().last().unwrap_or_else(|| self.clock.now());
        let drafts =
            events.into_iter().map(|event| Draft { ts_event: now, decision_id: None, event });
        self.journal.append(now, drafts.collect())
    }

    /// Looks whether every artifact names a head that is part of the journal. Artifacts the journal
    /// has a record of are part of its chain; only others are read. One that names what is not
    /// there makes the account PAUSED, once: the record of that says it is known.
    fn look_for_lost_tail(&mut self, folder: &AccountFolder) -> Result<(), Error> {
        let known = self.state().artifacts();
        let mut strange: Vec<Headed> = artifact_heads(folder, |path| !known.contains(path))?;
        if strange.is_empty() {
            return Ok(());
        }
        self.journal.replay(&mut |_, hash| {
            strange.retain(|found| found.head != Some(hash));
            Ok(())
        })?;
        // One that was written before anything was journaled names no record.
        strange.retain(|found| found.head != Some(Hash::ZERO));
        let Some(first) = strange.first() else { return Ok(()) };
        let detail = format!(
            "{} of {} artifacts, {} the first, tell of records that the journal does not have: its \
             tail was cut off, or the artifact was put there; compare with a backup",
            strange.len(),
            folder.artifacts().display(),
            first.path,
        );
        tracing::warn!(%detail, "the journal lost its tail");
        self.found.push(detail.clone());
        let found = strange.into_iter().map(|Headed { path, head }| {
            Event::ArtifactUnaccounted(ArtifactUnaccounted { path, head })
        });
        let entered = Event::StateEntered(StateEntered { cause: Cause::LostTail, detail });
        self.record_at_the_end(found.chain([entered]).collect())
    }

    /// A session over a storage of any kind, without folder or lock: for simulations.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn over(
        account: &AccountName,
        storage: Box<dyn Storage>,
        ground: Ground,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(Self {
            account: account.clone(),
            journal: Box::new(Journal::open(storage)?),
            inputs: ground.inputs,
            fence: ground.fence,
            inbox: None,
            heartbeat: None,
            folder: None,
            clock: Arc::new(clock),
            found: Vec::new(),
            table: &TABLE,
            _lock: None,
        })
    }

    /// The same session, which takes commands from this inbox.
    #[must_use]
    pub fn with_inbox(mut self, inbox: Inbox) -> Self {
        self.inbox = Some(inbox);
        self
    }

    /// The account's name.
    #[must_use]
    pub const fn account(&self) -> &AccountName {
        &self.account
    }

    /// What the journal amounts to.
    #[must_use]
    pub fn state(&self) -> &State {
        self.journal.state()
    }

    /// The account's state; HALTED also while the journal has failed.
    #[must_use]
    pub fn trading_state(&self) -> TradingState {
        if self.journal.has_failed() {
            return TradingState::Halted;
        }
        self.state().trading().state()
    }

    /// Whether the account's state permits a deed, and to whom.
    #[must_use]
    pub fn permits(&self, deed: Deed) -> Permission {
        permits_by(self.table, self.trading_state(), deed)
    }

    /// How much of a plan may go on.
    pub(crate) fn stance(&self) -> Stance {
        Stance::by(self.table, self.trading_state())
    }

    /// The same session under another table of states.
    #[cfg(test)]
    pub(crate) const fn ruled_by(&mut self, table: &'static [Row; 4]) {
        self.table = table;
    }

    /// Where inputs are stored.
    #[must_use]
    pub const fn inputs(&self) -> &InputStore {
        &self.inputs
    }

    /// The account's folder; `None` for a session [`over`](Self::over) another storage.
    #[must_use]
    pub const fn folder(&self) -> Option<&AccountFolder> {
        self.folder.as_ref()
    }

    /// The account's fence.
    #[must_use]
    pub const fn fence(&self) -> &Fence {
        &self.fence
    }

    /// The session's clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    /// The journal, for reading it again.
    pub fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Journals one event, durably.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub(crate) fn record(
        &mut self,
        decision_id: Option<DecisionId>,
        event: Event,
    ) -> Result<(), Error> {
        let ts_event = self.clock.now();
        self.record_all(vec![Draft { ts_event, decision_id, event }])
    }

    /// Journals events durably, all or none. If the journal fails, the fence goes up: nothing is
    /// sent any more, and the next session is HALTED.
    pub(crate) fn record_all(&mut self, drafts: Vec<Draft>) -> Result<(), Error> {
        if drafts.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let had_failed = self.journal.has_failed();
        let result = self.journal.append(now, drafts);
        if let (Err(error), false, true) = (&result, had_failed, self.journal.has_failed()) {
            let note = FenceNote {
                cause: Cause::JournalFault,
                by: "atlas".to_owned(),
                at: now,
                why: error.to_string(),
            };
            if let Err(fence) = self.fence.raise(&note) {
                tracing::error!(%fence, "the fence could not be raised after a journal fault");
            }
        }
        result
    }

    /// Makes a cause hold; the account's state follows. One that holds already is told once more
    /// if something else is said of it and a reconciliation has to come after that.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn enter(&mut self, cause: Cause, detail: String) -> Result<(), Error> {
        let trading = self.state().trading();
        let strict = cause.state() >= TradingState::Paused;
        let holds = trading.causes().contains_key(&cause);
        if holds && (!strict || trading.has_heard(cause, &detail)) {
            return Ok(());
        }
        tracing::warn!(%cause, %detail, state = %cause.state(), "trading is held back");
        self.record(None, Event::StateEntered(StateEntered { cause, detail }))
    }

    /// Gives a sign of life, at most one a second; without a folder nobody could see it.
    pub(crate) fn beat(&mut self) {
        let now = self.clock.now();
        let Some((heartbeat, last)) = &mut self.heartbeat else { return };
        if now - *last < BEAT {
            return;
        }
        *last = now;
        // A watchdog will notice a sign that is missing; trading does not depend on it.
        if let Err(error) = heartbeat.beat(now) {
            tracing::warn!(%error, "no sign of life could be given");
        }
    }

    /// Looks at the fence and, if it is up, journals the halt; says whether it is up.
    ///
    /// # Errors
    /// [`Error::Io`] if nobody can tell; as [`Journal::append`].
    pub fn take_note_of_fence(&mut self) -> Result<bool, Error> {
        self.beat();
        Ok(!self.hear_fence()?.is_empty())
    }

    /// Journals every word that holds the fence up, each once.
    fn hear_fence(&mut self) -> Result<Vec<Raised>, Error> {
        let raised = self.fence.raised()?;
        for Raised { note, .. } in &raised {
            let at = note.at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
            self.enter(note.cause, format!("fence raised by {} at {at}: {}", note.by, note.why))?;
        }
        Ok(raised)
    }

    /// Takes every command from the inbox: each is journaled together with what it does, then
    /// removed. One that cannot be carried out or read is logged and removed or set aside.
    ///
    /// # Errors
    /// [`Error::Io`] if the inbox cannot be read; as [`Journal::append`].
    pub fn take_commands(&mut self) -> Result<(), Error> {
        let Some(inbox) = self.inbox.clone() else { return Ok(()) };
        loop {
            let Received { file, command } = match inbox.next() {
                Ok(Some(received)) => received,
                Ok(None) => return Ok(()),
                Err(error @ Error::Command { .. }) => {
                    tracing::error!(%error, "a command was not understood");
                    continue;
                }
                Err(error) => return Err(error),
            };
            // A crash between journal and removal leaves a command that was carried out.
            if !self.state().has_taken(&file) {
                self.carry_out(CommandTaken { file: file.clone(), command })?;
            }
            inbox.done(&file)?;
        }
    }

    /// Journals a command and what follows from it in one write: a crash leaves both or neither.
    fn carry_out(&mut self, taken: CommandTaken) -> Result<(), Error> {
        let ts_event = self.clock.now();
        let draft = |event| Draft { ts_event, decision_id: None, event };
        let entered = |cause, by: &str, why: &str| {
            let detail = format!("{by}: {why}");
            tracing::warn!(%cause, %detail, "trading is held back");
            vec![draft(Event::StateEntered(StateEntered { cause, detail }))]
        };
        let mut lowered = None;
        let follows = match &taken.command {
            Command::Pause { by, why } => entered(Cause::OperatorPause, by, why),
            Command::Reduce { by, why } => entered(Cause::OperatorReduce, by, why),
            Command::Flatten { orders, .. } => self.flattening(orders),
            Command::Resume { by, why } => match self.leaving(by, why) {
                Ok((raised, drafts)) => {
                    lowered = Some(raised);
                    drafts
                }
                Err(error @ Error::NotPermitted { .. }) => {
                    tracing::warn!(%error, "a resume was refused");
                    Vec::new()
                }
                Err(error) => return Err(error),
            },
        };
        let mut drafts = vec![draft(Event::CommandTaken(taken))];
        drafts.extend(follows);
        self.record_all(drafts)?;
        match lowered.map(|raised| self.lower(&raised)) {
            Some(Err(error @ Error::NotPermitted { .. })) => {
                tracing::warn!(%error, "a resume was overtaken");
                Ok(())
            }
            Some(result) => result,
            None => Ok(()),
        }
    }

    /// Leaves every state an operator may leave, and takes the fence down.
    ///
    /// What ends only with the trading day, such as the daily loss limit, holds on.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if the account is PAUSED or HALTED and was not found clean by a
    /// reconciliation after the latest of the causes, or somebody raised the fence meanwhile; as
    /// [`Journal::append`].
    pub fn resume(&mut self, by: &str, why: &str) -> Result<TradingState, Error> {
        let (raised, drafts) = self.leaving(by, why)?;
        self.record_all(drafts)?;
        self.lower(&raised)?;
        Ok(self.trading_state())
    }

    /// What leaves every state an operator may leave, and the notes of the fence that it answers.
    fn leaving(&mut self, by: &str, why: &str) -> Result<(Vec<Raised>, Vec<Draft>), Error> {
        let raised = self.hear_fence()?;
        self.check_resumable()?;
        let ts_event = self.clock.now();
        let causes = self.state().trading().causes().keys().copied();
        let drafts = causes
            .filter(|cause| !cause.ends_with_the_day())
            .map(|cause| {
                let left = StateLeft { cause, by: by.to_owned(), why: why.to_owned() };
                Draft { ts_event, decision_id: None, event: Event::StateLeft(left) }
            })
            .collect();
        Ok((raised, drafts))
    }

    /// Takes the fence down, last of all; who raised it again since the comparison is heard.
    fn lower(&mut self, raised: &[Raised]) -> Result<(), Error> {
        self.fence.lower(raised)?;
        if self.hear_fence()?.is_empty() {
            return Ok(());
        }
        Err(Error::NotPermitted {
            state: self.trading_state(),
            cause: self.state().trading().describe(),
            action: "resume",
            remedy: "somebody raised the fence meanwhile: reconcile, and resume again".to_owned(),
        })
    }

    fn check_resumable(&self) -> Result<(), Error> {
        let trading = self.state().trading();
        let strict = trading.causes().iter().filter(|(c, _)| c.state() >= TradingState::Paused);
        let Some(latest) = strict.map(|(_, holding)| holding.seq).max() else { return Ok(()) };
        let refuse = |remedy: &str| {
            Err(Error::NotPermitted {
                state: trading.state(),
                cause: trading.describe(),
                action: "resume",
                remedy: remedy.to_owned(),
            })
        };
        match self.state().reconciled() {
            Some(last) if last.seq > latest => {
                let found = &last.result.discrepancies;
                if found.iter().any(|d| d.severity() == Severity::Mismatch) {
                    return refuse("the last reconciliation found differences, resolve them first");
                }
                Ok(())
            }
            Some(_) | None => refuse("reconcile the account first"),
        }
    }

    /// Ends the causes that end with the trading day. Call it when a new exchange trading day has
    /// begun, by the calendar.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn begin_trading_day(&mut self, open: Timestamp) -> Result<(), Error> {
        let ts_event = self.clock.now();
        let causes = self.state().trading().causes().iter();
        let drafts: Vec<Draft> = causes
            .filter(|(cause, holding)| cause.ends_with_the_day() && holding.since < open)
            .map(|(cause, _)| {
                let (by, why) = ("next trading day".to_owned(), format!("session of {open}"));
                let left = StateLeft { cause: *cause, by, why };
                Draft { ts_event, decision_id: None, event: Event::StateLeft(left) }
            })
            .collect();
        self.record_all(drafts)
    }

    /// Tells the circuit breaker of a success, failure, gain or loss, or resets it (`None`); it
    /// survives restarts as part of the state.
    ///
    /// # Errors
    /// [`Error::Fold`] for rules that make no sense; as [`Journal::append`].
    pub fn tell_breaker(
        &mut self,
        rules: BreakerRules,
        event: Option<BreakerEvent>,
        about: &str,
    ) -> Result<(), Error> {
        let about = about.to_owned();
        self.record(None, Event::BreakerTold(BreakerTold { rules, event, about, trade: None }))
    }

    /// Puts the limits an account trades under on record, if they are others than the last ones.
    ///
    /// # Errors
    /// [`Error::Core`] never in fact; as [`Journal::append`].
    pub fn note_limits(
        &mut self,
        limits: &LimitsSpec,
        config_hash: Hash,
        by: &str,
    ) -> Result<(), Error> {
        let now = written(limits);
        let before = self.state().limits();
        let names = now.keys().chain(before.keys());
        let changed: BTreeMap<String, LimitChange> = names
            .filter(|name| now.get(*name) != before.get(*name))
            .map(|name| {
                let (from, to) = (before.get(name).cloned(), now.get(name).cloned());
                (name.clone(), LimitChange { from, to })
            })
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let by = by.to_owned();
        let changed = LimitsChanged { changed, config_hash, by };
        self.record(None, Event::LimitsChanged(Box::new(changed)))
    }

    /// Takes something over into Atlas's books, by name and on the record.
    ///
    /// # Errors
    /// [`Error::Adopt`] for more shares than the broker reported at the last comparison,
    /// [`Error::Fold`] if there is no such thing to be taken over; as [`Journal::append`].
    pub fn adopt(&mut self, subject: Subject, by: &str, why: &str) -> Result<(), Error> {
        if let (Subject::Position { symbol, qty, .. }, Some(last)) =
            (&subject, self.state().reconciled())
        {
            let there = last.result.positions.get(symbol).copied().unwrap_or_default();
            let owned = self.state().books().owned(symbol);
            if owned.checked_add(*qty)? > there {
                let problem = format!(
                    "{owned} shares are owned already and {there} are at the broker, so {qty} more \
                     cannot be"
                );
                return Err(Error::Adopt { symbol: symbol.clone(), problem });
            }
        }
        let adopted = Adopted { subject, by: by.to_owned(), why: why.to_owned() };
        self.record(None, Event::Adopted(adopted))
    }

    /// Records that a person overrode something, such as the regime.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn record_override(
        &mut self,
        decision_id: Option<DecisionId>,
        recorded: OverrideRecorded,
    ) -> Result<(), Error> {
        self.record(decision_id, Event::OverrideRecorded(recorded))
    }

    /// Records that a plan of another regime than the last one was carried out.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn record_regime_change(
        &mut self,
        decision_id: DecisionId,
        changed: RegimeChanged,
    ) -> Result<(), Error> {
        self.record(Some(decision_id), Event::RegimeChanged(changed))
    }

    /// Records that an artifact was written.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn record_artifact(
        &mut self,
        decision_id: Option<DecisionId>,
        written: ArtifactWritten,
    ) -> Result<(), Error> {
        self.record(decision_id, Event::ArtifactWritten(written))
    }
}

/// Limits by their names, as the configuration writes them.
fn written(limits: &LimitsSpec) -> BTreeMap<String, serde_json::Value> {
    match serde_json::to_value(limits) {
        Ok(serde_json::Value::Object(fields)) => fields.into_iter().collect(),
        Ok(_) | Err(_) => BTreeMap::new(),
    }
}

/// What shows that the account was worked on before: a journal that is gone or empty then was lost,
/// not never written. The journal is made before anything is stored beside it.
fn history_of(folder: &AccountFolder) -> Result<Option<&'static str>, Error> {
    if folder.head().exists() {
        return Ok(Some("the account's head is not"));
    }
    let traces = [
        (folder.artifacts(), "the account's artifacts/ is not"),
        (folder.inputs(), "the account's inputs/ is not"),
    ];
    for (place, traces) in traces {
        let mut entries = std::fs::read_dir(&place).map_err(Error::io("read", &place))?;
        if entries.next().is_some() {
            return Ok(Some(traces));
        }
    }
    Ok(None)
}
