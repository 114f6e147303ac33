//! The pages of the dashboard: an account at a glance, as HTML without anything from elsewhere.
//!
//! [`live`] is the part that changes and is sent anew with every change; [`page`] is what stands
//! around it, [`login`] what is shown to whoever has not shown the token. [`STYLE`] and [`SCRIPT`]
//! are files of their own, so that a page needs no inline style or script. Text from outside is
//! escaped everywhere.

mod live;
mod view;

use std::fmt::{self, Write as _};

pub use live::live;
pub use view::{Gauge, OpenOrder, Point, PositionRow, SignalRow, View};

use crate::sheet::style::CSS;
use crate::sheet::svg::Escaped;

/// The script of the page: takes the live part from the stream of events.
pub const SCRIPT: &str = include_str!("dashboard.js");
/// The style of the page, on top of that of every report.
pub const STYLE: &str = include_str!("dashboard.css");

/// The whole style sheet.
#[must_use]
pub fn style() -> String {
    format!("{CSS}\n{STYLE}")
}

/// What the page may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control<'a> {
    /// Look only.
    ReadOnly,
    /// Pause, reduce, resume, flatten and kill, each form carrying this word against forgery.
    Allowed {
        /// The word.
        csrf: &'a str,
    },
}

/// The page around the live part; `said` is what the last action came to.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn page(view: &View, control: Control<'_>, said: Option<&str>) -> Result<String, fmt::Error> {
    let mut out = String::new();
    head(&mut out, &format!("Atlas · {}", view.account))?;
    out.write_str("<p id=\"link\" role=\"status\" aria-live=\"polite\"></p>")?;
    if let Some(said) = said {
        write!(out, "<p class=\"said\" role=\"alert\">{}</p>", Escaped(said))?;
    }
    write!(out, "<div id=\"live\">{}</div>", live(view)?)?;
    if let Control::Allowed { csrf } = control {
        controls(&mut out, &view.account, csrf)?;
    }
    out.write_str(
        "<form method=\"post\" action=\"/logout\"><button>Log out</button></form></main>\
         <script src=\"/dashboard.js\"></script></body></html>",
    )?;
    Ok(out)
}

/// What is asked of whoever has not shown the token.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn login(problem: Option<&str>) -> Result<String, fmt::Error> {
    let mut out = String::new();
    head(&mut out, "Atlas")?;
    if let Some(problem) = problem {
        write!(out, "<p class=\"bad\" role=\"alert\">{}</p>", Escaped(problem))?;
    }
    out.write_str(
        "<form method=\"post\" action=\"/login\" class=\"login\"><label for=\"token\">Token, as \
         <code>atlas serve</code> printed it</label><input id=\"token\" name=\"token\" \
         type=\"password\" autocomplete=\"current-password\" required autofocus>\
         <button>Log in</button></form></main></body></html>",
    )?;
    Ok(out)
}

fn head(out: &mut String, title: &str) -> fmt::Result {
    write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{0}</title><link \
         rel=\"stylesheet\" href=\"/dashboard.css\"></head><body><main><h1>{0}</h1>",
        Escaped(title)
    )
}

fn controls(out: &mut String, account: &str, csrf: &str) -> fmt::Result {
    out.write_str("<section class=\"controls\"><h2>Control</h2>")?;
    for (action, label, note) in [
        ("pause", "Pause", "Nothing new is sent until the account is resumed."),
        ("reduce", "Reduce", "Exits go on; nothing is bought until the account is resumed."),
        ("resume", "Resume", "Only if books and broker agree."),
    ] {
        write!(
            out,
            "<form method=\"post\" action=\"/{action}\"><input type=\"hidden\" name=\"csrf\" \
             value=\"{0}\"><label>Why <input name=\"why\" required maxlength=\"200\"></label>\
             <button id=\"{action}\">{label}</button> <small>{note}</small></form>",
            Escaped(csrf)
        )?;
    }
    write!(
        out,
        "<form method=\"post\" action=\"/flatten\"><input type=\"hidden\" name=\"csrf\" \
         value=\"{}\"><label>Symbol, or all <input name=\"symbol\" maxlength=\"20\"></label>\
         <label>Why <input name=\"why\" required maxlength=\"200\"></label>\
         <label>Type <b>{account}</b> to confirm <input name=\"confirm\" required \
         autocomplete=\"off\"></label><button id=\"flatten\" class=\"danger\">Flatten</button> \
         <small>Sells what Atlas owns at the market, its stops canceled first.</small></form>",
        Escaped(csrf),
        account = Escaped(account)
    )?;
    write!(
        out,
        "<form method=\"post\" action=\"/kill\"><input type=\"hidden\" name=\"csrf\" value=\"{}\">\
         <label>Type <b>{account}</b> to confirm <input name=\"confirm\" required \
         autocomplete=\"off\"></label><button id=\"kill\" class=\"danger\">Kill</button> \
         <small>Fence, cancel entries, the broker's own suspension.</small></form></section>",
        Escaped(csrf),
        account = Escaped(account)
    )
}
