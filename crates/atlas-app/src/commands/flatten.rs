//! `atlas flatten`: a person sells what Atlas owns, without stopping the account.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use atlas_core::{Clock as _, Qty, Symbol};
use atlas_exec::TradingState;
use atlas_exec::folder::{AccountFolder, Inbox};
use atlas_exec::kill::{self, Flatten, Flattened, Left, Sold};
use atlas_exec::states::{Deed, Permission};
use serde::Serialize;

use super::kill::flattening;
use super::{sentences, take_existing};
use crate::cli::FlattenFlags;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::seat::{Post, WAITS};

/// The document of the command.
#[derive(Debug, Serialize)]
struct Done {
    state: TradingState,
    #[serde(flatten)]
    flattened: Flattened,
    clean: bool,
}

/// Cancels what stands in the way, sells, compares.
pub(super) async fn flatten(mut job: Job, flags: &FlattenFlags) -> Result<()> {
    let unused = format!("account {} has no journal: there is nothing to sell", job.account);
    let hold = take_existing(&job, &unused).await?;
    let mut post = hold.stand(&mut job).await?;
    let result = flatten_at(&job, &mut post, flags).await;
    post.desk.close().await;
    result
}

async fn flatten_at(job: &Job, post: &mut Post, flags: &FlattenFlags) -> Result<()> {
    post.session.take_note_of_fence()?;
    post.session.take_commands()?;
    let state = post.session.trading_state();
    if post.session.permits(Deed::Cancel) == Permission::No {
        return Err(Failure::error(Exit::Paused, format!("the account is {state}")));
    }
    let folder = AccountFolder::new(&job.state_dir, &job.account);
    let _one_at_a_time = flattening(job, &folder)?;
    // Stops may have fired since the account was used last.
    let mut copy = kill::Copy::of(&folder, &job.account, Arc::clone(&post.desk.clock))?;
    copy.update(post.desk.broker()).await?;
    let owned = wanted(job, copy.owned(), flags.symbol.as_ref())?;
    let timer = post.desk.timer();
    let order = Flatten {
        account: &job.account,
        mode: post.desk.mode(),
        state,
        owned: &owned,
        entry: copy.last_entry(),
        limits: &job.limits()?,
        inbox: &Inbox::of(&folder),
        timer: &*timer,
        waits: &WAITS,
        by: &flags.word.by,
        why: &flags.word.why,
        now: post.desk.clock.now(),
    };
    let flattened = kill::flatten(post.desk.broker(), order).await?;
    // The sells are journaled from the inbox, then looked up, then books are compared.
    let found = post.compare(job).await?;
    let bare: Vec<String> = flattened
        .left
        .iter()
        .filter(|(_, left)| !left.on_offer)
        .map(|(s, _)| s.to_string())
        .collect();
    let clean = found.is_clean();
    let state = post.session.trading_state();
    let done = Done { state, flattened, clean };
    tell(job, &done, &text(job, &done))?;
    let unsold = done.flattened.sales.iter().filter(|s| !matches!(s.sold, Sold::Taken { .. }));
    let unsold = unsold.count() + done.flattened.kept.len();
    if unsold > 0 || !bare.is_empty() {
        let sentence = format!(
            "{unsold} positions of account {} were not sold; without a working order are: {}",
            job.account,
            if bare.is_empty() { "none".to_owned() } else { bare.join(", ") }
        );
        return Err(Failure::error(Exit::Broker, sentence));
    }
    if clean {
        return Ok(());
    }
    let sentence = format!("account {} is {state}: {}", job.account, sentences(&found));
    Err(Failure::error(Exit::Paused, sentence))
}

/// What is owned of what is asked for.
fn wanted(
    job: &Job,
    mut owned: BTreeMap<Symbol, Qty>,
    symbol: Option<&Symbol>,
) -> Result<BTreeMap<Symbol, Qty>> {
    owned.retain(|held, _| symbol.is_none_or(|wanted| wanted == held));
    if owned.is_empty() {
        let what = symbol.map_or_else(|| "nothing".to_owned(), |symbol| format!("no {symbol}"));
        let sentence = format!("account {} owns {what}: there is nothing to sell", job.account);
        return Err(Failure::error(Exit::Refused, sentence));
    }
    Ok(owned)
}

fn text(job: &Job, done: &Done) -> String {
    let mut out = vec![format!("Account {} is {}.", job.account, done.state)];
    let flattened = &done.flattened;
    out.extend(flattened.canceled.iter().map(|id| format!("  canceled     {id}")));
    let failed = flattened.not_canceled.iter();
    out.extend(failed.map(|(id, error)| format!("  NOT canceled {id}: {error}")));
    out.extend(lines(&done.flattened));
    out.join("\n")
}

/// What was sold and what was not, a line each.
pub(super) fn lines(flattened: &Flattened) -> Vec<String> {
    let sales = flattened.sales.iter().map(|sale| {
        let end = match &sale.sold {
            Sold::Taken { status, filled } => format!("{}, {filled} filled", status.as_str()),
            Sold::Refused(reason) => format!("REFUSED: {reason}"),
            Sold::Unknown(reason) => format!("UNKNOWN: {reason}"),
        };
        format!("  sold         {} {}: {end}", sale.request.qty, sale.request.symbol)
    });
    let kept =
        flattened.kept.iter().map(|(symbol, reason)| format!("  kept         {symbol}: {reason}"));
    let left = flattened.left.iter().map(|(symbol, Left { qty, on_offer })| {
        if *on_offer {
            format!("  still held   {qty} {symbol}: its sale is working")
        } else {
            format!("  BARE         {qty} {symbol}: no order sells or protects it")
        }
    });
    sales.chain(kept).chain(left).collect()
}
