//! What is known of the line between Atlas and the venue, and what may not be sent on it.

use std::collections::{BTreeMap, BTreeSet};

use atlas_broker::{Activity, ActivityId, Entry};
use atlas_core::{ClientOrderId, OrderRequest, Price, Side, Symbol, Usd};
use atlas_exec::TradingState;
use atlas_exec::folder::{Fence, Inbox};
use atlas_exec::state::trading_day;
use rust_decimal::Decimal;

use crate::record::OnRecord;
use crate::rng::Rng;

/// How often, in per cent, each thing goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rates {
    pub(crate) submit: u64,
    pub(crate) read: u64,
    pub(crate) cancel: u64,
    pub(crate) lag: u64,
    pub(crate) twice: u64,
    pub(crate) stream: u64,
    /// Other clients that cancel and replace orders of ours.
    pub(crate) meddle: u64,
}

/// What an operator does to a running process, from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Pause,
    Reduce,
    /// The fence alone.
    Kill,
    /// The fence, and every order that opens is canceled at the broker.
    KillAndCancel,
}

/// An order of ours that arrived at the venue.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) id: ClientOrderId,
    pub(crate) side: Side,
    /// Sells of ours that could still fill at that moment.
    pub(crate) open_sells: Vec<String>,
    /// Whether the account was asked after the last sell arrived.
    pub(crate) asked: bool,
}

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) rng: Rng,
    pub(crate) rates: Rates,
    /// Calls until the process is stopped for good; 0 is never.
    pub(crate) kill_in: u64,
    /// Calls until an operator says something; 0 is never.
    pub(crate) word_in: (u64, Option<Word>),
    /// Calls until the broker charges a fee of so many per cent of what the account is worth.
    pub(crate) fee_in: (u64, u64),
    /// Fees that were charged.
    pub(crate) charged: u64,
    /// The process is dead: whatever it asks is never answered.
    pub(crate) dead: bool,
    /// Whether the fence was up when it died: what it does then does not count.
    pub(crate) fence_at_death: bool,
    /// The journal refused a write while the process lived.
    pub(crate) journal_failed: bool,
    pub(crate) faults: u64,
    pub(crate) words: u64,
    pub(crate) meddled: u64,
    pub(crate) told: u64,
    pub(crate) arrivals: Vec<Arrival>,
    /// Orders of which no sender has heard since what became of them, by name.
    pub(crate) in_doubt: BTreeSet<ClientOrderId>,
    /// Those of which somebody heard that they had not come, and which may come yet.
    pub(crate) not_come: BTreeSet<ClientOrderId>,
    /// Everything that nothing excuses, in order.
    pub(crate) broken: Vec<String>,
    /// What the account was last said to be able to spend.
    pub(crate) said: Usd,
    /// What the account was last said to be worth.
    pub(crate) worth: Option<Decimal>,
    /// The loss of a day and the fall from the peak that stop entries, as shares.
    pub(crate) losses_most: (Decimal, Decimal),
    /// What a share of each symbol was last said to be asked for.
    pub(crate) asks: BTreeMap<Symbol, Price>,
    /// Buys refused since the price had risen meanwhile.
    pub(crate) outpriced: u64,
    /// Whether a buy was sent since the day began.
    pub(crate) has_bought: bool,
    /// What is on record.
    pub(crate) record: OnRecord,
    pub(crate) fence: Fence,
    pub(crate) inbox: Inbox,
    /// Names that were sent since an operator's word was left and not taken.
    since_word: BTreeSet<ClientOrderId>,
    /// Names that were sent at all.
    pub(crate) sent: BTreeSet<ClientOrderId>,
    /// Sends of the day, and how many the limits allow.
    pub(crate) sends_today: Vec<ClientOrderId>,
    pub(crate) sends_most: usize,
    /// Symbols in which others canceled or replaced orders of ours.
    pub(crate) touched: BTreeSet<Symbol>,
    /// Legs that were planned before what a company did to shares that are held.
    pub(crate) outdated: BTreeSet<ClientOrderId>,
    /// Every entry of the ledger in order, under names of ours.
    pub(crate) ledger: Vec<Activity>,
    pub(crate) taken: usize,
    /// How many entries are told, for how many calls.
    pub(crate) held: (usize, u64),
    pub(crate) extra_cash: Usd,
    pub(crate) late: Vec<(u64, (OrderRequest, Arrival))>,
    pub(crate) asked: bool,
}

impl Wire {
    pub(crate) fn new(rng: Rng) -> Self {
        Self {
            rng,
            rates: Rates::default(),
            kill_in: 0,
            word_in: (0, None),
            fee_in: (0, 0),
            charged: 0,
            dead: false,
            fence_at_death: false,
            journal_failed: false,
            faults: 0,
            words: 0,
            meddled: 0,
            told: 0,
            arrivals: Vec::new(),
            in_doubt: BTreeSet::new(),
            not_come: BTreeSet::new(),
            broken: Vec::new(),
            said: Usd::ZERO,
            worth: None,
            losses_most: (Decimal::ONE, Decimal::ONE),
            asks: BTreeMap::new(),
            outpriced: 0,
            has_bought: false,
            record: OnRecord::default(),
            fence: Fence::in_memory(),
            inbox: Inbox::in_memory(),
            since_word: BTreeSet::new(),
            sent: BTreeSet::new(),
            sends_today: Vec::new(),
            sends_most: usize::MAX,
            touched: BTreeSet::new(),
            outdated: BTreeSet::new(),
            ledger: Vec::new(),
            taken: 0,
            held: (0, 0),
            extra_cash: Usd::ZERO,
            late: Vec::new(),
            asked: false,
        }
    }

    /// Something that nothing excuses.
    pub(crate) fn breaks(&mut self, what: String) {
        self.broken.push(what);
    }

    pub(crate) fn note(&mut self, entry: Entry) {
        let id = ActivityId(format!("{:08}", self.ledger.len() + 1));
        self.ledger.push(Activity { id, entry });
    }

    /// Judges that an order is sent now, whatever becomes of it; `open` are the orders of ours that
    /// work at the venue, with their symbols and sides.
    pub(crate) fn judge_send(
        &mut self,
        request: &OrderRequest,
        now: atlas_core::time::Timestamp,
        open: &BTreeMap<String, (Symbol, Side)>,
    ) {
        let id = &request.client_order_id;
        let (buys, first) = (request.side == Side::Buy, self.sent.insert(id.clone()));
        let state = self.record.state_of();
        let mut wrong = Vec::new();
        if self.fence.check().unwrap().is_some() {
            wrong.push("past the fence".to_owned());
        }
        if state >= TradingState::Paused || (buys && state >= TradingState::Reducing) {
            wrong.push(format!("while the account was {state}"));
        }
        if self.journal_failed {
            wrong.push("after the journal had failed".to_owned());
        }
        if self.record.intents.get(id.as_str()) != Some(request) {
            wrong.push("without its intent on record".to_owned());
        }
        if buys && first && self.record.is_open(now) {
            wrong.push("while the breaker was open".to_owned());
        }
        let came = self.sends_today.iter().filter(|id| !self.record.never_came(id.as_str()));
        if buys && first && came.count() >= self.sends_most {
            wrong.push(format!("beyond {} orders a day", self.sends_most));
        }
        if let Some(worth) = self.worth.filter(|_| buys && first) {
            let (loss, fall) = self.record.losses_at(trading_day(now), worth);
            let (daily, drawdown) = self.losses_most;
            let reached = |lost: Decimal, most: Decimal| lost >= most && most < Decimal::ONE;
            if reached(loss, daily) || reached(fall, drawdown) {
                wrong.push(format!("though {loss} of the day and {fall} of the peak were lost"));
            }
        }
        if first && self.outdated.contains(id) {
            wrong.push("though the shares were split or renamed since it was planned".to_owned());
        }
        let guards = open.iter().filter(|(name, (symbol, _))| {
            is_guard(name) && *symbol == request.symbol && **name != *id.as_str()
        });
        if let Some((guard, _)) = guards.into_iter().next() {
            wrong.push(format!("while {guard} works for the same shares"));
        }
        self.sends_today.push(id.clone());
        if first && self.inbox.waiting().unwrap() > 0 {
            self.since_word.insert(id.clone());
            // One may have been on its way already.
            if self.since_word.len() > 1 {
                wrong.push("though an operator's word had been left before others".to_owned());
            }
        } else if self.inbox.waiting().unwrap() == 0 {
            self.since_word.clear();
        }
        for reason in wrong {
            self.breaks(format!("order {id} was sent {reason}"));
        }
    }

    /// Buys are fitted to this: exactly what the account has just said, less what earlier buys of
    /// the day may still take.
    pub(crate) fn fitted(&mut self, payload: &str) {
        let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
        let spendable: Usd = payload["spendable"].as_str().unwrap().parse().unwrap();
        if spendable > self.said || (spendable != self.said && !self.has_bought) {
            let said = self.said;
            self.breaks(format!("buys were fitted to {spendable} where {said} were told"));
        }
    }

    /// An execution begins: what a comparison was told before does not tell it what has come since.
    pub(crate) fn begin(&mut self) {
        let not_come = std::mem::take(&mut self.not_come);
        self.in_doubt.extend(not_come);
    }

    /// Whether an order is still under way in the network.
    pub(crate) fn is_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Nothing goes wrong any more; what was under way arrives with the next call.
    pub(crate) fn calm(&mut self) {
        self.rates = Rates::default();
        self.kill_in = 0;
        self.word_in = (0, None);
        self.fee_in = (0, 0);
        self.held = (0, 0);
        for (left, _) in &mut self.late {
            *left = 1;
        }
    }
}

/// Whether an order protects a position.
pub(crate) fn is_guard(name: &str) -> bool {
    name.contains("-guard-")
}
