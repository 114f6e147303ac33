//! `atlas serve`: the dashboard of an account, on loopback unless told otherwise.
//!
//! One task reads the account's files and hands the page out to every viewer; nothing here takes
//! the account's lock or talks to a broker. Actions run this same program as a process of its own,
//! so that they are exactly the commands a person would type, and work past a process that hangs.

mod guard;
mod look;
mod routes;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use atlas_exec::folder::AccountFolder;
use atlas_report::dashboard::{View, live};
use clap::Args;
use tokio::sync::watch;

use crate::cli::Common;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::random::random_hex;
use crate::serve::stop::Stop;
use guard::Guard;

/// How to serve.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct ServeFlags {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Allow an address that other machines reach. There is no TLS: put a proxy in front.
    #[arg(long)]
    allow_remote: bool,
    /// Offer pause, resume and kill.
    #[arg(long)]
    control: bool,
    /// Seconds between two looks at the account's files.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3600))]
    every: u16,
}

/// What is shown at this moment.
#[derive(Debug, Clone)]
struct Frame {
    view: Arc<View>,
    /// The live part of the page.
    live: Arc<str>,
}

/// What every request may use.
struct Shared {
    guard: Guard,
    frames: watch::Receiver<Frame>,
    control: bool,
    /// The words that make a command speak of this account.
    words: Vec<String>,
    program: PathBuf,
}

/// Serves until a signal says to stop.
///
/// # Errors
/// [`Exit::Refused`] for an address beyond loopback, [`Exit::Broker`] if it cannot be listened on,
/// [`Exit::State`] if the account cannot be read.
pub(crate) async fn serve(common: Common, flags: &ServeFlags) -> Result<()> {
    if !flags.listen.ip().is_loopback() && !flags.allow_remote {
        return Err(Failure::error(
            Exit::Refused,
            format!("{} is not on loopback: give --allow-remote if that is meant", flags.listen),
        ));
    }
    let words = words(&common);
    let job = Job::new("serve", common)?;
    let folder = AccountFolder::new(&job.state_dir, &job.account);
    if !folder.journal().exists() {
        return Err(Failure::error(
            Exit::Refused,
            format!("account {} has no journal: there is nothing to show", job.account),
        ));
    }
    let token = random_hex()?;
    let (publish, frames) = watch::channel(frame(&job, &folder)?);
    let shared = Arc::new(Shared {
        guard: Guard::new(&token),
        frames,
        control: flags.control,
        words,
        program: std::env::current_exe()?,
    });
    let mut stop = Stop::listen()?;
    let listener = tokio::net::TcpListener::bind(flags.listen).await.map_err(|error| {
        let sentence = format!("{} cannot be listened on ({error}): name another", flags.listen);
        Failure::error(Exit::Broker, sentence)
    })?;
    announce(listener.local_addr()?, &token, job.json)?;
    let every = Duration::from_secs(flags.every.into());
    let looking = tokio::spawn(keep_looking(job, folder, publish, every));
    axum::serve(listener, routes::router(shared))
        .with_graceful_shutdown(async move {
            stop.wait().await;
            // Streams end when nobody publishes any more.
            looking.abort();
        })
        .await?;
    Ok(())
}

fn frame(job: &Job, folder: &AccountFolder) -> Result<Frame> {
    let view = look::look(job, folder)?;
    let live = live(&view)?.into();
    Ok(Frame { view: Arc::new(view), live })
}

/// Publishes what has changed. Files that cannot be read are said on the page, in place of what
/// would be old.
async fn keep_looking(
    job: Job,
    folder: AccountFolder,
    publish: watch::Sender<Frame>,
    every: Duration,
) {
    let job = Arc::new(job);
    loop {
        tokio::time::sleep(every).await;
        let (task_job, task_folder) = (Arc::clone(&job), folder.clone());
        let found = tokio::task::spawn_blocking(move || frame(&task_job, &task_folder)).await;
        let problem = match found {
            Ok(Ok(frame)) => {
                publish.send_if_modified(|shown| {
                    let changed = shown.live != frame.live;
                    if changed {
                        *shown = frame;
                    }
                    changed
                });
                continue;
            }
            Ok(Err(error)) => format!("{error:#}"),
            Err(error) => error.to_string(),
        };
        tracing::error!(problem, "the account cannot be read");
        publish.send_if_modified(|shown| {
            let mut view = (*shown.view).clone();
            view.causes = vec![format!("What is shown is old: {problem}.")];
            view.clean = false;
            let live: Arc<str> = live(&view).unwrap_or_default().into();
            let changed = shown.live != live;
            *shown = Frame { view: Arc::new(view), live };
            changed
        });
    }
}

/// The line that says where it is and how to get in.
fn announce(at: SocketAddr, token: &str, json: bool) -> Result<()> {
    let url = format!("http://{at}/");
    let line = if json {
        serde_json::json!({ "url": url, "token": token }).to_string()
    } else {
        format!("The dashboard is at {url}\nThe token is {token}")
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| {
        Failure::error(Exit::Internal, format!("standard output cannot be written: {error}"))
    })
}

/// The common flags again, for a command that is run as a process of its own.
fn words(common: &Common) -> Vec<String> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let flags = [
        ("--state-dir", path(&common.state_dir)),
        ("--data", common.data.clone()),
        ("--config", path(&common.config)),
        ("--account", common.account.as_ref().map(ToString::to_string)),
    ];
    let given = flags.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?]));
    given.flatten().collect()
}
