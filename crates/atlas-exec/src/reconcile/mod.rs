//! Holding the journal against the broker, who is the truth.

mod compare;
mod discrepancy;
mod import;

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_broker::Broker;
use atlas_core::{Account, Bps, Qty, Symbol, Usd};
use serde::{Deserialize, Serialize};

pub(crate) use compare::differs;
pub use compare::{Report, compare};
pub use discrepancy::{Discrepancy, Severity};

use crate::error::Error;
use crate::event::{AccountOpened, Event, Reconciled};
use crate::session::Session;
use crate::states::Cause;
use crate::timer::Timer;

/// What is done about positions and orders on the account that are not Atlas's. They are never
/// sold or canceled, and count in exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unmanaged {
    /// The account is PAUSED until they are adopted or gone.
    #[default]
    Refuse,
    /// They are left alone.
    Ignore,
}

/// What regulatory fees a sell can cost that the broker posts later, at the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRule {
    /// Per dollar sold, in basis points.
    pub sell_bps: Bps,
    /// Per share sold, in USD.
    pub per_share: Usd,
}

impl FeeRule {
    /// No fee is ever posted later: every cent must be explained.
    pub const NONE: Self = Self { sell_bps: Bps::ZERO, per_share: Usd::ZERO };

    /// What a US stock sell can cost: half a basis point covers the SEC's section 31 fee (at most
    /// $27.80 a million so far), $0.0005 a share FINRA's trading activity fee and the
    /// consolidated audit trail's.
    ///
    /// # Errors
    /// Never in fact; the numbers are parsed.
    pub fn us_stocks() -> Result<Self, atlas_core::Error> {
        Ok(Self { sell_bps: "0.5".parse()?, per_share: "0.0005".parse()? })
    }
}

/// The rules of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// What is done about what is not Atlas's.
    pub unmanaged: Unmanaged,
    /// Fees that may be posted later.
    pub fees: FeeRule,
}

impl Default for Policy {
    /// The strictest: nothing unmanaged, every cent explained.
    fn default() -> Self {
        Self { unmanaged: Unmanaged::Refuse, fees: FeeRule::NONE }
    }
}

/// What a reconciliation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// The account as the broker reported it.
    pub account: Account,
    /// Shares the broker reported, by symbol.
    pub positions: BTreeMap<Symbol, Qty>,
    /// Ledger entries imported by it.
    pub imported: usize,
    /// What differs.
    pub discrepancies: Vec<Discrepancy>,
}

impl Reconciliation {
    /// Whether nothing differs but what is advisory.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.mismatches().next().is_none()
    }

    /// The differences that PAUSE the account.
    pub fn mismatches(&self) -> impl Iterator<Item = &Discrepancy> {
        self.discrepancies.iter().filter(|found| found.severity() == Severity::Mismatch)
    }
}

/// How often a comparison is made again because something moved on the account meanwhile.
const PASSES: usize = 5;

impl Session {
    /// Opens the account in the journal if this is its first time, imports the broker's
    /// activities, compares, and journals the result. A mismatch makes the account PAUSED.
    ///
    /// If activities came in between import and comparison, the comparison is made again, a few
    /// times, since the two sides were not taken at the same instant.
    ///
    /// # Errors
    /// [`Error::Broker`] if the broker cannot be asked, [`Error::WrongAccount`] if it answers for
    /// another account; the journal then has no result, and nothing may be sent. Errors of the
    /// journal.
    pub async fn reconcile(
        &mut self,
        broker: &dyn Broker,
        policy: &Policy,
    ) -> Result<Reconciliation, Error> {
        self.reconcile_patiently(broker, policy, None).await
    }

    /// As [`Session::reconcile`]; while something differs, waits and compares again, since a
    /// broker's ledger, positions and orders need not move at the same instant.
    ///
    /// # Errors
    /// As [`Session::reconcile`].
    pub async fn reconcile_patiently(
        &mut self,
        broker: &dyn Broker,
        policy: &Policy,
        patience: Option<(&dyn Timer, &[Duration])>,
    ) -> Result<Reconciliation, Error> {
        self.take_note_of_fence()?;
        let account = broker.account().await.map_err(Error::broker("ask for the account"))?;
        self.ensure_opened(broker, account).await?;
        let mut imported = self.import_news(broker).await?;
        let mut pass = 1;
        let mut waits = patience.map_or(&[][..], |(_, waits)| waits).iter();
        let (report, discrepancies) = loop {
            self.beat();
            let report = self.ask_for_report(broker).await?;
            let discrepancies = compare(self.state(), &report, policy)?;
            let before = self.state().seq();
            imported += self.import_news(broker).await?;
            let clean = discrepancies.iter().all(|found| found.severity() == Severity::Advisory);
            let moved = self.state().seq() != before;
            if !clean && moved && pass < PASSES {
                pass += 1;
                continue;
            }
            match (clean, patience, waits.next()) {
                (false, Some((timer, _)), Some(wait)) => timer.sleep(*wait).await,
                _ => break (report, discrepancies),
            }
        };
        let positions: BTreeMap<Symbol, Qty> =
            report.positions.iter().map(|(symbol, p)| (symbol.clone(), p.qty)).collect();
        let result = Reconciliation { account: report.account, positions, imported, discrepancies };
        self.record_result(&result)?;
        Ok(result)
    }

    fn record_result(&mut self, result: &Reconciliation) -> Result<(), Error> {
        self.record(
            None,
            Event::Reconciled(Box::new(Reconciled {
                account: result.account.clone(),
                positions: result.positions.clone(),
                discrepancies: result.discrepancies.clone(),
            })),
        )?;
        let sentences: Vec<String> = result.mismatches().map(ToString::to_string).collect();
        if !sentences.is_empty() {
            self.enter(Cause::Mismatch, sentences.join("; "))?;
        }
        Ok(())
    }

    /// The first time, takes what is there as the baseline; later, checks whose account it is.
    async fn ensure_opened(&mut self, broker: &dyn Broker, account: Account) -> Result<(), Error> {
        if let Some(opened) = self.state().account() {
            if opened.account_number != account.account_number {
                return Err(Error::WrongAccount {
                    expected: opened.account_number.clone(),
                    found: account.account_number,
                });
            }
            return Ok(());
        }
        let ledger = || broker.activities(None);
        let mut account = account;
        let mut before = ledger().await.map_err(Error::broker("ask for activities"))?;
        // The baseline is money, shares and bookmark of one instant: nothing may move meanwhile.
        for _ in 0..PASSES {
            let positions =
                broker.positions().await.map_err(Error::broker("ask for the positions"))?;
            account = broker.account().await.map_err(Error::broker("ask for the account"))?;
            let after = ledger().await.map_err(Error::broker("ask for activities"))?;
            if after.len() == before.len() {
                let positions = positions.into_iter().map(|(symbol, p)| (symbol, p.qty)).collect();
                return self.record(
                    None,
                    Event::AccountOpened(AccountOpened {
                        account_number: account.account_number,
                        cash: account.cash,
                        positions,
                        bookmark: after.last().map(|activity| activity.id.clone()),
                    }),
                );
            }
            before = after;
        }
        Err(Error::Busy { account: account.account_number })
    }
}
