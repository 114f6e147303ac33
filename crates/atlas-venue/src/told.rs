//! What a venue has told of its orders, for whoever listens now and whoever asks later.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{self, Receiver};

use crate::core::Update;

/// Messages about orders: to those who listen, and the newest kept if somebody wants to look back.
#[derive(Debug)]
pub(crate) struct Told {
    kept: Mutex<Option<Kept>>,
    new: broadcast::Sender<Arc<Update>>,
}

#[derive(Debug)]
struct Kept {
    updates: VecDeque<Arc<Update>>,
    /// Whether there were messages of which none is kept.
    is_blank: bool,
}

/// What has come, and what is to come.
pub(crate) type History = (VecDeque<Arc<Update>>, Receiver<Arc<Update>>);

impl Default for Told {
    fn default() -> Self {
        Self { kept: Mutex::default(), new: broadcast::Sender::new(BEHIND) }
    }
}

impl Told {
    /// From now on the newest messages are kept, after those of the past; `count` is how many there
    /// were in all.
    pub(crate) fn keep(&self, past: Vec<Update>, count: u64) {
        let is_blank = past.is_empty() && count > 0;
        *self.lock() = Some(Kept { updates: past.into_iter().map(Arc::new).collect(), is_blank });
    }

    /// Tells what has happened, in order.
    pub(crate) fn tell(&self, updates: Vec<Update>) {
        let mut kept = self.lock();
        for update in updates.into_iter().map(Arc::new) {
            if let Some(kept) = kept.as_mut() {
                kept.updates.push_back(Arc::clone(&update));
                kept.is_blank = false;
                if kept.updates.len() > usize::from(KEPT) {
                    drop(kept.updates.pop_front());
                }
            }
            // Nobody listening is no failure.
            drop(self.new.send(update));
        }
    }

    /// Whether there were messages of which none is kept.
    pub(crate) fn is_blank(&self) -> bool {
        self.lock().as_ref().is_some_and(|kept| kept.is_blank)
    }

    /// Messages from now on.
    pub(crate) fn listen(&self) -> Receiver<Arc<Update>> {
        self.new.subscribe()
    }

    /// The messages that fit, of which a newer one always does where an older one does, and all from
    /// now on, without gap or repetition; `None` if some that fit may be kept no more.
    pub(crate) fn since(&self, fits: impl Fn(&Update) -> bool) -> Option<History> {
        let kept = self.lock();
        let known = kept.iter().flat_map(|kept| &kept.updates);
        // Where something came before what is kept, the oldest that is stands for it.
        if known.clone().next().is_some_and(|first| first.seq > 1 && fits(first)) {
            return None;
        }
        Some((known.filter(|update| fits(update)).cloned().collect(), self.new.subscribe()))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages that are kept, and that can be asked for but for the oldest.
pub(crate) const KEPT: u16 = 10_001;
/// Messages a slow listener may be behind before it is told that it has missed some.
const BEHIND: usize = 4096;
