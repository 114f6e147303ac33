//! `atlas pause`, `atlas resume`, `atlas reconcile`: holding back, comparing, letting go.

use anyhow::Result;
use atlas_core::{Clock as _, Symbol};
use atlas_exec::event::Subject;
use atlas_exec::folder::{AccountFolder, AccountLock, Command as Left, Inbox};
use atlas_exec::reconcile::Reconciliation;
use atlas_exec::{Cause, TradingState};
use atlas_report::run::Comparison;
use serde::Serialize;

use super::{sentences, take_existing};
use crate::accounts::{self, SystemClock};
use crate::cli::{Adopt, Reconcile, Word};
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::protection;
use crate::seat::{self, Post};

/// The document of the command.
#[derive(Serialize)]
struct Paused<'a> {
    state: Option<TradingState>,
    held_by: Option<atlas_exec::folder::Holder>,
    command_file: &'a str,
}

/// Holds the account back: by its running process if there is one, at once otherwise.
pub(super) fn pause(job: &Job, word: &Word) -> Result<()> {
    hold_back(job, &Left::Pause { by: word.by.clone(), why: word.why.clone() })
}

/// Lets the account reduce alone: by its running process if there is one, at once otherwise.
pub(super) fn reduce(job: &Job, word: &Word) -> Result<()> {
    hold_back(job, &Left::Reduce { by: word.by.clone(), why: word.why.clone() })
}

fn hold_back(job: &Job, command: &Left) -> Result<()> {
    let folder = existing(job, "to hold back")?;
    let file = Inbox::of(&folder).leave(command, SystemClock.now())?;
    let clock = accounts::journal_clock(job, &folder)?;
    let taken = match seat::open(job, clock) {
        Ok(mut session) => {
            session.take_commands()?;
            Some(session.trading_state())
        }
        Err(error) if seat::is_locked(&error) => None,
        Err(error) => return Err(error),
    };
    let holder = AccountLock::holder(&folder)?;
    let text = match (taken, &holder) {
        (Some(state), _) => format!("Account {} is {state}.", job.account),
        (None, Some(holder)) => format!(
            "Account {} is held by {holder}, which takes the command up before its next order; if \
             it hangs, `atlas kill` does not wait for it.",
            job.account
        ),
        (None, None) => {
            format!("Account {} takes the command up when it is next used.", job.account)
        }
    };
    tell(job, &Paused { state: taken, held_by: holder, command_file: &file }, &text)
}

/// Lets the account trade again, if books and broker agree.
pub(super) async fn resume(mut job: Job, word: &Word) -> Result<()> {
    let unused = format!("account {} has no journal: there is nothing to resume", job.account);
    let hold = take_existing(&job, &unused).await?;
    let mut post = hold.stand(&mut job).await?;
    let result = resume_at(&job, &mut post, word).await;
    post.desk.close().await;
    result
}

async fn resume_at(job: &Job, post: &mut Post, word: &Word) -> Result<()> {
    let killed = post.session.take_note_of_fence()?
        || post.session.state().trading().causes().contains_key(&Cause::Kill);
    let found = post.compare(job).await?;
    if !found.is_clean() {
        return Err(Failure::error(
            Exit::Paused,
            format!("account {} stays PAUSED: {}", job.account, sentences(&found)),
        ));
    }
    let state = post.session.resume(&word.by, &word.why)?;
    let mut text = format!("Account {} is {state}: books and broker agree.", job.account);
    if killed && let Err(error) = post.desk.broker().suspend(false).await {
        // Where the broker has a suspension and keeps it, every order is refused, so it is said.
        text = format!("{text} The broker's own suspension was not lifted: {error}.");
    }
    // What was canceled for a plan that was stopped is missed since.
    let restored = protection::restore(&mut post.session, &post.desk, job).await?;
    let bare: Vec<Symbol> = restored.bare.into_keys().collect();
    for symbol in &bare {
        text = format!("{text} {symbol} is without its stop.");
    }
    tell(job, &serde_json::json!({ "state": state, "bare": bare }), &text)
}

/// Compares books and broker, after taking something over if that is asked for.
pub(super) async fn reconcile(mut job: Job, adopt: Option<Reconcile>) -> Result<()> {
    let unused = format!("account {} has no journal: there is nothing to compare", job.account);
    let hold = take_existing(&job, &unused).await?;
    let mut post = hold.stand(&mut job).await?;
    let result = reconcile_at(&job, &mut post, adopt).await;
    post.desk.close().await;
    result
}

async fn reconcile_at(job: &Job, post: &mut Post, adopt: Option<Reconcile>) -> Result<()> {
    // Adopting is about differences, so what the broker has told since comes in first.
    let mut found = post.compare(job).await?;
    let mut adopted = None;
    if let Some(Reconcile::Adopt { what }) = adopt {
        let (subject, words, word) = subject(what);
        post.session.adopt(subject, &word.by, &word.why)?;
        adopted = Some(words);
        found = post.compare(job).await?;
    }
    show(job, post, &found, adopted.as_deref())
}

/// The document of the command.
#[derive(Serialize)]
struct Compared<'a> {
    state: TradingState,
    adopted: Option<&'a str>,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

fn show(job: &Job, post: &Post, found: &Reconciliation, adopted: Option<&str>) -> Result<()> {
    let state = post.session.trading_state();
    let comparison = Comparison::from(found);
    let taken = adopted.map(|words| format!("Took over {words}.\n")).unwrap_or_default();
    let verdict = if found.is_clean() {
        "books and broker agree".to_owned()
    } else {
        comparison.sentences.join("\n  ")
    };
    let text = format!("{taken}Account {} is {state}: {verdict}", job.account);
    tell(job, &Compared { state, adopted, comparison: &comparison }, &text)?;
    if found.is_clean() {
        return Ok(());
    }
    Err(Failure::error(
        Exit::Paused,
        format!(
            "account {} is {state}, since books and broker differ: put it right at the broker, or \
             take it over with `atlas reconcile adopt`",
            job.account
        ),
    ))
}

/// The subject, in words, and whose word it is.
fn subject(what: Adopt) -> (Subject, String, Word) {
    match what {
        Adopt::Position { symbol, qty, price, word } => {
            let words = format!("{qty} shares of {symbol} at {price}");
            (Subject::Position { symbol, qty, price }, words, word)
        }
        Adopt::WriteOff { symbol, qty, word } => {
            let words = format!("the loss of {qty} shares of {symbol}");
            (Subject::WriteOff { symbol, qty }, words, word)
        }
        Adopt::Cash { amount, word } => (Subject::Cash { amount }, format!("{amount} USD"), word),
        Adopt::Anomaly { seq, word } => {
            (Subject::Anomaly { seq }, format!("what record {seq} tells"), word)
        }
        Adopt::Order { client_order_id, word } => {
            let words = format!("order {client_order_id}");
            (Subject::Order { client_order_id }, words, word)
        }
    }
}

/// The folder of an account that was used before.
pub(super) fn existing(job: &Job, what: &str) -> Result<AccountFolder> {
    let folder = AccountFolder::new(&job.state_dir, &job.account);
    if folder.journal().exists() {
        return Ok(folder);
    }
    let sentence = format!("account {} has no journal: there is nothing {what}", job.account);
    Err(Failure::error(Exit::Refused, sentence))
}
