//! What commands other than a rebalance tell: text for people, or one JSON document.

use anyhow::Result;
use atlas_core::AccountName;
use serde::Serialize;

use crate::job::Job;
use crate::render;

/// Version of the documents' form; raised with every change that a reader could trip over.
const SCHEMA: u16 = 1;

/// One JSON document: what every one begins with, and the command's own fields.
#[derive(Debug, Serialize)]
struct Document<'a, T> {
    schema: u16,
    version: &'static str,
    command: &'a str,
    account: &'a AccountName,
    #[serde(flatten)]
    body: &'a T,
}

/// Prints the document where JSON was asked for, the text otherwise.
///
/// # Errors
/// [`crate::exit::Exit::Internal`] if it cannot be printed.
pub(crate) fn tell(job: &Job, body: &impl Serialize, text: &str) -> Result<()> {
    if !job.json {
        return render::print(&format!("{}\n", text.trim_end()));
    }
    let (command, account) = (job.command, &job.account);
    let version = env!("CARGO_PKG_VERSION");
    let document = Document { schema: SCHEMA, version, command, account, body };
    render::print(&format!("{}\n", serde_json::to_string_pretty(&document)?))
}
