//! `atlas drill`: what has to work on the worst day, rehearsed and put on record.

use std::sync::Arc;

use anyhow::Result;
use atlas_core::time::Mode;
use atlas_core::{Account, Clock, Usd};
use atlas_exec::drill::{Drill as Which, DrillWalked, Step, rehearse_recovery};
use atlas_exec::evidence::{self, Gate};
use atlas_exec::ramp;
use atlas_exec::state::trading_day;
use atlas_exec::{TradingState, copy_state};
use serde::Serialize;

use super::{sentences, take_existing};
use crate::accounts::{self, SystemClock};
use crate::cli::Drill;
use crate::config::AccountConfig;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::seat::Post;

/// The environment variable that allows live trading, and what it has to hold.
const ALLOWS: (&str, &str) = ("ATLAS_ALLOW_LIVE", "yes");

/// The document of the command.
#[derive(Serialize)]
struct Body<'a> {
    passed: bool,
    #[serde(flatten)]
    walked: &'a DrillWalked,
}

/// Walks the drill, records it, shows it step by step.
pub(super) async fn drill(mut job: Job, what: Drill) -> Result<()> {
    let unused = format!("account {} has no journal: use it before you rehearse", job.account);
    let (drill, by, confirm) = match what {
        Drill::Recovery { by } => (Which::Recovery, by, None),
        Drill::Switchover { by, confirm } => (Which::Switchover, by, confirm),
    };
    if drill == Which::Switchover && confirm.is_none() {
        let number = job.config.live.account_number.as_deref().unwrap_or("NUMBER");
        return Err(Failure::error(
            Exit::Usage,
            format!(
                "the switchover drill needs the confirmation that going live asks for: --confirm \
                 \"trade live on {number}\"; nothing was walked or put on record"
            ),
        ));
    }
    // The copy is made before the account is taken hold of.
    let mut steps = match drill {
        Which::Recovery => from_the_files(&job, &unused)?,
        Which::Switchover => Vec::new(),
    };
    let hold = take_existing(&job, &unused).await?;
    let mut post = hold.stand(&mut job).await?;
    let walked = match drill {
        Which::Recovery => with_the_broker(&job, &mut post).await.map(|found| steps.extend(found)),
        Which::Switchover => {
            through_the_gates(&job, &mut post, confirm).await.map(|found| steps = found)
        }
    };
    let recorded = walked.and_then(|()| {
        let walked = DrillWalked { drill, by, config: job.config_hash()?, steps };
        post.session.record_drill(walked.clone())?;
        Ok(walked)
    });
    post.desk.close().await;
    show(&job, &recorded?)
}

fn from_the_files(job: &Job, unused: &str) -> Result<Vec<Step>> {
    let folder = atlas_exec::folder::AccountFolder::new(&job.state_dir, &job.account);
    if !folder.journal().exists() {
        return Err(Failure::error(Exit::Refused, unused));
    }
    let copy = tempfile::TempDir::new()?;
    copy_state(&job.state_dir, copy.path())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(rehearse_recovery(&job.state_dir, copy.path(), &job.account, &clock)?)
}

/// After the files, the broker: every order and share as the journal has it.
async fn with_the_broker(job: &Job, post: &mut Post) -> Result<Vec<Step>> {
    let found = post.compare(job).await?;
    let step = if found.is_clean() {
        Ok(format!(
            "books and broker agree: {} USD in cash, {} positions",
            found.account.cash,
            found.positions.len()
        ))
    } else {
        Err(sentences(&found))
    };
    Ok(vec![Step::of("books", step)])
}

/// The live configuration, gate by gate, with this account in the place of the live one.
async fn through_the_gates(
    job: &Job,
    post: &mut Post,
    confirm: Option<String>,
) -> Result<Vec<Step>> {
    let live = &job.config.live;
    let broker = post.desk.broker();
    let mut steps = vec![
        Step::of("configuration", require(live.enabled, "it says live", "live.enabled is false")),
        Step::of("environment", allowed()),
        Step::of("program", Ok(program())),
        Step::of("credentials", credentials(job)),
    ];
    let account = broker.account().await?;
    steps.push(Step::of("account number", number(job, &account)));
    steps.push(Step::of("ceilings", ceilings(job, &account)));
    steps.push(Step::of("confirmation", confirmation(job, confirm.as_deref())));
    let found = post.compare(job).await?;
    let clean = require(found.is_clean(), "books and broker agree", "books and broker differ");
    steps.push(Step::of("books", clean.map_err(|text| format!("{text}: {}", sentences(&found)))));
    let fenced = post.session.take_note_of_fence()?;
    steps.push(Step::of("fence", require(!fenced, "no fence is up", "the fence is up")));
    let state = post.session.trading_state();
    let active = state == TradingState::Active;
    steps.push(Step::of("state", require(active, "it is ACTIVE", &format!("it is {state}"))));
    steps.extend(shown(job, post)?);
    steps.push(Step::of("ramp", ramp_holds(post, &account)));
    Ok(steps)
}

fn require(holds: bool, right: &str, wrong: &str) -> Result<String, String> {
    if holds { Ok(right.to_owned()) } else { Err(wrong.to_owned()) }
}

/// Whether the environment allows live trading.
pub(crate) fn allowed() -> Result<String, String> {
    let (name, value) = ALLOWS;
    match accounts::environment(name) {
        Some(found) if found == value => Ok(format!("{name} allows it")),
        Some(_) => Err(format!("{name} is set, but not to {value:?}")),
        None => Err(format!("{name} is not set to {value:?}")),
    }
}

fn program() -> String {
    let built = if cfg!(feature = "live") {
        "this program can trade live"
    } else {
        "this program was built without live trading"
    };
    format!("{built}; the drill goes through everything before that")
}

/// Both live keys are there, and are not those of the account the drill is walked with.
pub(crate) fn credentials(job: &Job) -> Result<String, String> {
    let live = &job.config.live;
    let names = [&live.key_id_env, &live.secret_key_env];
    if let AccountConfig::Alpaca(paper) = &job.place
        && (names.contains(&&paper.key_id_env) || names.contains(&&paper.secret_key_env))
    {
        return Err("live and paper keys come from the same variables".to_owned());
    }
    let missing: Vec<&str> = names
        .into_iter()
        .filter(|name| accounts::environment(name).is_none())
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return Ok("live keys are there, in variables of their own".to_owned());
    }
    Err(format!("{} not set", missing.join(", ")))
}

/// The number in the configuration is one, and not this account's.
fn number(job: &Job, account: &Account) -> Result<String, String> {
    match &job.config.live.account_number {
        None => Err("live.account_number is not set".to_owned()),
        Some(number) if *number == account.account_number => Err(format!(
            "live.account_number {number} is the account the drill is walked with: put the live one's"
        )),
        Some(number) => Ok(format!(
            "{number} is expected; {} reported itself and would be refused as live",
            account.account_number
        )),
    }
}

fn ceilings(job: &Job, account: &Account) -> Result<String, String> {
    let live = &job.config.live;
    let (Some(equity), Some(order)) = (live.max_equity, live.max_order) else {
        return Err("live.max_equity and live.max_order are not both set".to_owned());
    };
    if account.equity > equity {
        return Err(format!("equity {} is above live.max_equity {equity}", account.equity));
    }
    if order > equity {
        return Err(format!("live.max_order {order} is above live.max_equity {equity}"));
    }
    Ok(format!("equity {} is within {equity}, orders up to {order}", account.equity))
}

fn confirmation(job: &Job, typed: Option<&str>) -> Result<String, String> {
    let number = job.config.live.account_number.as_deref().unwrap_or("NUMBER");
    let phrase = format!("trade live on {number}");
    match typed {
        Some(typed) if typed == phrase => Ok("it names the account".to_owned()),
        Some(_) => Err(format!("it has to be --confirm {phrase:?}")),
        None => Err(format!("it is missing: --confirm {phrase:?}")),
    }
}

/// What the account has shown on paper; the drills themselves are what is being made up for.
fn shown(job: &Job, post: &Post) -> Result<Vec<Step>> {
    let today = trading_day(post.desk.clock.now());
    let heard = evidence::hear(post.session.state(), today, job.config_hash()?);
    let asked = heard.into_iter().filter(|heard| heard.gate != Gate::Drills);
    let replay = job.is_replay();
    let steps = asked.map(|heard| {
        // At the embedded venue no day is one on paper, and its quotes are those of the close
        // before: the walk goes on, and the gate does not open by it.
        let excused = replay && matches!(heard.gate, Gate::PaperDays | Gate::Slippage);
        let passed = heard.lets_through() || excused;
        let note = if excused { " (not asked for at the embedded venue)" } else { "" };
        let sentence = format!("{}{note}", heard.sentence);
        Step { name: heard.gate.as_str().to_owned(), passed, sentence }
    });
    Ok(steps.collect())
}

/// The first stage holds: an order at its limit fits, one share more does not.
fn ramp_holds(post: &Post, account: &Account) -> Result<String, String> {
    let told = |error: atlas_core::Error| error.to_string();
    let as_of = trading_day(post.desk.clock.now());
    let standing = ramp::standing(post.session.state(), Mode::Live, as_of);
    let allowed = standing.stage.allowance().map_err(told)?;
    let most = account.equity.share(allowed.capital).map_err(told)?;
    if most <= Usd::ZERO {
        return Err("the account has no equity to put at risk".to_owned());
    }
    let order =
        allowed.order_notional.map_or_else(String::new, |order| format!(", {order} an order"));
    Ok(format!(
        "{} stage ({}): up to {most} USD of {}{order}",
        standing.stage, standing.sentence, account.equity
    ))
}

fn show(job: &Job, walked: &DrillWalked) -> Result<()> {
    let lines = walked.steps.iter().map(|step| {
        let word = if step.passed { "ok   " } else { "WRONG" };
        format!("  {word} {:<22} {}", step.name, step.sentence)
    });
    let lines: Vec<String> = lines.collect();
    let passed = walked.passed();
    tell(job, &Body { passed, walked }, &lines.join("\n"))?;
    if passed {
        return Ok(());
    }
    let wrong: Vec<&str> =
        walked.steps.iter().filter(|step| !step.passed).map(|step| step.name.as_str()).collect();
    Err(Failure::error(
        Exit::Refused,
        format!(
            "the {} drill of account {} failed, which is on record: {}",
            walked.drill,
            job.account,
            wrong.join(", ")
        ),
    ))
}
