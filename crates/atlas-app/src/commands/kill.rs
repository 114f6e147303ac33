//! `atlas kill`: from a second process, whatever the first one does.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use atlas_broker::{ActivityId, Broker};
use atlas_core::{ClientOrderId, Clock, Qty, Symbol};
use atlas_exec::folder::{AccountFolder, AccountLock, Fence, Holder, Inbox};
use atlas_exec::kill::{self, Canceled, Flatten, Flattened, Scope, Suspension};
use atlas_exec::{Timer, TradingState};
use serde::Serialize;

use super::operate::existing;
use crate::accounts::{self, SystemClock};
use crate::cli::Kill;
use crate::config::AccountConfig;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::seat::{self, Ground, Hold, Reached, WAITS};

/// What was done, in the order in which it was done.
#[derive(Debug, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a deed that was done or not")]
struct Done {
    fence: bool,
    canceled: Vec<ClientOrderId>,
    not_canceled: Vec<(ClientOrderId, String)>,
    flattened: Option<Flattened>,
    suspended: bool,
    journaled: bool,
    held_by: Option<Holder>,
    remarks: Vec<String>,
}

impl Done {
    fn note_canceled(&mut self, (canceled, failed): Canceled) {
        self.canceled.extend(canceled);
        let failed = failed.into_iter().map(|(id, error)| (id, error.to_string()));
        self.not_canceled.extend(failed);
    }
}

/// The fence first; then everything else as far as it goes.
pub(super) async fn kill(mut job: Job, flags: &Kill) -> Result<()> {
    let folder = existing(&job, "to stop")?;
    let now = SystemClock.now();
    kill::raise(&Fence::of(&folder), &flags.by, &flags.why, now)?;
    let mut done = Done { fence: true, ..Done::default() };
    // From here on nothing is sent by anybody; whatever fails is told at the end.
    let result = match job.place.clone() {
        AccountConfig::Alpaca(config) => match accounts::open_to_stop(&job, &config).await {
            Ok(desk) => stop(&job, flags, &folder, desk.broker(), &*desk.timer(), &mut done).await,
            Err(error) => Err(error),
        },
        AccountConfig::Venue(_) => {
            Box::pin(stop_embedded(&mut job, flags, &folder, &mut done)).await
        }
    };
    if let Err(error) = note(&job, &folder, &mut done) {
        done.remarks.push(format!("the halt was not journaled yet: {error}"));
    }
    stand_again(flags, &folder, &mut done)?;
    done.held_by = AccountLock::holder(&folder)?;
    tell(&job, &done, &text(&job, &done))?;
    result?;
    let unsure = |sale: &kill::Sale| !matches!(sale.sold, kill::Sold::Taken { .. });
    let unsold = done.flattened.iter().flat_map(|f| &f.sales).filter(|sale| unsure(sale)).count();
    let held = done.flattened.as_ref().map_or(0, |flattened| flattened.left.len());
    if done.not_canceled.is_empty() && unsold == 0 && held == 0 {
        return Ok(());
    }
    Err(Failure::error(
        Exit::Broker,
        format!(
            "the fence is up on account {}, and {} orders were not canceled, {unsold} not sold, \
             {held} positions are still held: look at the broker, and run it again",
            job.account,
            done.not_canceled.len()
        ),
    ))
}

/// A resume that was under way may have taken this very fence for one it had answered.
fn stand_again(flags: &Kill, folder: &AccountFolder, done: &mut Done) -> Result<()> {
    let fence = Fence::of(folder);
    if fence.check()?.is_none() {
        done.fence = false;
        kill::raise(&fence, &flags.by, &flags.why, SystemClock.now())?;
        done.remarks.push("somebody took the fence down meanwhile; it was raised again".to_owned());
        done.fence = fence.check()?.is_some();
    }
    Ok(())
}

/// The embedded venue lives in the process that holds the account: where that is another one, the
/// venue stands still with it.
async fn stop_embedded(
    job: &mut Job,
    flags: &Kill,
    folder: &AccountFolder,
    done: &mut Done,
) -> Result<()> {
    let reached = Reached::reach(job).await?;
    let hold = match Hold::take(job, Ground::Real, reached) {
        Ok(hold) => hold,
        Err(error) if seat::is_locked(&error) => {
            done.remarks.push(
                "the embedded venue lives in the process that holds the account, which sends \
                 nothing more; its orders were not canceled"
                    .to_owned(),
            );
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if hold.session().state().decisions().is_empty() {
        return Ok(());
    }
    let mut post = hold.stand(job).await?;
    let timer = post.desk.timer();
    let result = stop(job, flags, folder, post.desk.broker(), &*timer, done).await;
    let noted = post.session.take_note_of_fence().map(drop);
    let compared = post.compare(job).await.map(drop);
    post.desk.close().await;
    result.and(noted.map_err(Into::into)).and(compared)
}

/// Cancels, sells and suspends, as far as asked for.
async fn stop(
    job: &Job,
    flags: &Kill,
    folder: &AccountFolder,
    broker: &dyn Broker,
    timer: &dyn Timer,
    done: &mut Done,
) -> Result<()> {
    let alone = flags.flatten.then(|| flattening(job, folder));
    // The sells of whoever flattens already need the broker's leave; he suspends it afterwards.
    if !matches!(alone, Some(Err(_))) {
        done.suspended = kill::suspend(broker).await == Suspension::Set;
    }
    // With sells to come, what protects is canceled right before them and not before that is known
    // which they need.
    let scope = if flags.all && !flags.flatten { Scope::All } else { Scope::Entries };
    // Where another process holds the account, a request of its may still be under way.
    let held = AccountLock::holder(folder)?.filter(|holder| holder.pid != std::process::id());
    done.note_canceled(match held {
        Some(_) => kill::cancel_until_quiet(broker, timer, scope, job.timeout() + MARGIN).await?,
        None => kill::cancel(broker, scope).await?,
    });
    if let Some(alone) = alone {
        let _one_at_a_time = alone?;
        let flattened = flatten(job, flags, folder, broker, timer, done).await;
        done.suspended = kill::suspend(broker).await == Suspension::Set;
        let mut flattened = flattened?;
        done.canceled.append(&mut flattened.canceled);
        done.not_canceled.append(&mut flattened.not_canceled);
        done.flattened = Some(flattened);
    }
    Ok(())
}

/// On top of the time a request may take.
const MARGIN: Duration = Duration::from_secs(1);

async fn flatten(
    job: &Job,
    flags: &Kill,
    folder: &AccountFolder,
    broker: &dyn Broker,
    timer: &dyn Timer,
    done: &mut Done,
) -> Result<Flattened> {
    let (owned, entry) = books(job, folder, broker, done).await?;
    let others = kill::cancel_others(broker, &owned.keys().cloned().collect()).await?;
    done.note_canceled(others);
    // The broker's suspension would hold back the sells as well; one without it says so.
    drop(broker.suspend(false).await);
    let now = broker.clock().await.map_or_else(|_| SystemClock.now(), |clock| clock.timestamp);
    let order = Flatten {
        account: &job.account,
        mode: job.mode(),
        state: TradingState::Halted,
        owned: &owned,
        entry: entry.as_ref(),
        limits: &job.limits()?,
        inbox: &Inbox::of(folder),
        timer,
        waits: &WAITS,
        by: &flags.by,
        why: &flags.why,
        now,
    };
    Ok(kill::flatten(broker, order).await?)
}

/// What Atlas owns by journal and ledger, whatever the process that holds the account has noted.
async fn books(
    job: &Job,
    folder: &AccountFolder,
    broker: &dyn Broker,
    done: &mut Done,
) -> Result<(BTreeMap<Symbol, Qty>, Option<ActivityId>)> {
    let clock = accounts::journal_clock(job, folder)?;
    let mut copy = kill::Copy::of(folder, &job.account, clock)?;
    if let Err(error) = copy.update(broker).await {
        done.remarks.push(format!(
            "the broker's ledger was not read ({error}): what is sold is what the journal knows of"
        ));
    }
    Ok((copy.owned(), copy.last_entry().cloned()))
}

/// The right to flatten: two at once would each sell what is there.
pub(super) fn flattening(job: &Job, folder: &AccountFolder) -> Result<AccountLock> {
    AccountLock::flattening(folder, SystemClock.now()).map_err(|error| {
        if let atlas_exec::Error::Locked { holder, .. } = &error {
            let who = format!("account {} is being flattened by {holder}", job.account);
            return Failure::error(Exit::State, format!("{who}: wait until it ends"));
        }
        error.into()
    })
}

/// Journals the halt, where nobody else holds the journal; whoever does sees the fence himself.
fn note(job: &Job, folder: &AccountFolder, done: &mut Done) -> Result<()> {
    let clock = accounts::journal_clock(job, folder)?;
    match seat::open(job, clock) {
        Ok(mut session) => {
            session.take_note_of_fence()?;
            session.take_commands()?;
            done.journaled = true;
            Ok(())
        }
        Err(error) if seat::is_locked(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

fn text(job: &Job, done: &Done) -> String {
    let stand =
        if done.fence { "HALTED: the fence is up" } else { "NOT HALTED: there is no fence" };
    let mut lines = vec![format!("Account {} is {stand}.", job.account)];
    for id in &done.canceled {
        lines.push(format!("  canceled     {id}"));
    }
    for (id, error) in &done.not_canceled {
        lines.push(format!("  NOT canceled {id}: {error}"));
    }
    lines.extend(done.flattened.iter().flat_map(super::flatten::lines));
    if done.suspended {
        lines.push("  The broker takes no more orders on the account.".to_owned());
    }
    lines.extend(done.remarks.iter().map(|remark| format!("  {remark}")));
    if let Some(holder) = &done.held_by {
        lines.push(format!("  {holder} holds the account and journals the halt when it can."));
    }
    lines.push("  `atlas reconcile`, then `atlas resume` once everything is clear.".to_owned());
    lines.join("\n")
}
