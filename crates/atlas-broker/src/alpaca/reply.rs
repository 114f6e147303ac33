//! What an answer means: understood, refused, or neither.

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::http::{Answer, Call, Http};
use super::wire::Fault;
use crate::Error;

/// Alpaca's code for what does not exist.
pub(crate) const NOT_FOUND: i64 = 40_410_000;

/// The code and the words of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Option<i64>,
    pub(crate) reason: String,
}

impl Refusal {
    /// Reads an error body, which may be anything: JSON, an HTML page, nothing.
    pub(crate) fn read(answer: &Answer) -> Self {
        let text = String::from_utf8_lossy(&answer.body);
        let json: Option<Value> = serde_json::from_str(&text).ok();
        let field = |name: &str| json.as_ref().and_then(|body| body.get(name));
        let code = field("code").and_then(|code| {
            code.as_i64().or_else(|| code.as_str().and_then(|text| text.trim().parse().ok()))
        });
        let words = ["message", "error"].iter().find_map(|name| field(name)?.as_str());
        Self { code, reason: words.map_or_else(|| described(&text, answer.status), shortened) }
    }
}

/// A body that is not Alpaca's JSON, in a few words.
fn described(text: &str, status: StatusCode) -> String {
    let words = shortened(text);
    let standard = status.canonical_reason().unwrap_or("no reason given");
    if words.is_empty() { standard.to_owned() } else { format!("{standard}: {words}") }
}

/// One line of at most 200 characters.
fn shortened(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(200) {
        line.truncate(end);
        line.push('…');
    }
    line
}

impl Http {
    /// Asks and reads the answer as `T`; anything but a 2xx with a readable body is an error.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let answer = self.send(call).await?;
        if !answer.status.is_success() {
            return Err(self.error(call, &answer));
        }
        self.read(call, &answer.body)
    }

    /// Reads a body as `T`.
    ///
    /// # Errors
    /// [`Error::BadAnswer`] saying what is wrong with it.
    pub(crate) fn read<T: DeserializeOwned>(&self, call: &Call, body: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(body).map_err(|error| self.bad_answer(call, error.to_string()))
    }

    /// The error an answer other than a 2xx stands for.
    pub(crate) fn error(&self, call: &Call, answer: &Answer) -> Error {
        let status = answer.status;
        let refusal = Refusal::read(answer);
        let venue = self.venue().to_owned();
        match status.as_u16() {
            401 => Error::Auth { venue, status: 401 },
            // Older answers to wrong keys; a 403 of the business kind has a code.
            403 if refusal.code.is_none() => Error::Auth { venue, status: 403 },
            429 => Error::RateLimited { venue, reset: answer.reset },
            408 | 500.. => self.no_answer(call, format!("{status}: {}", refusal.reason)),
            400..500 => Error::Refused {
                venue,
                request: call.to_string(),
                status: status.as_u16(),
                code: refusal.code,
                reason: refusal.reason,
            },
            _ => self.bad_answer(call, format!("{status}, which is not followed")),
        }
    }

    /// The error a fault stands for.
    pub(crate) fn fault(&self, call: &Call, fault: Fault) -> Error {
        let venue = self.venue().to_owned();
        match fault {
            Fault::Bad(problem) => self.bad_answer(call, problem),
            Fault::UnknownState { order, state } => Error::UnknownState { venue, order, state },
            Fault::Unsupported { what, remedy } => Error::Unsupported { venue, what, remedy },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str) -> (Option<i64>, String) {
        let status = StatusCode::from_u16(status).expect("a status");
        let refusal = Refusal::read(&Answer { status, body: body.into(), reset: None });
        (refusal.code, refusal.reason)
    }

    #[test]
    fn any_error_body_gives_a_sentence() {
        let words = |code, text: &str| (code, text.to_owned());
        let long = "x".repeat(500);
        for (body, expected) in [
            (
                r#"{"code":40310000,"message":"insufficient buying power"}"#,
                words(Some(40_310_000), "insufficient buying power"),
            ),
            (r#"{"code":"40310000","message":"text code"}"#, words(Some(40_310_000), "text code")),
            (r#"{"message":"forbidden."}"#, words(None, "forbidden.")),
            (
                r#"{"code":null,"message":null}"#,
                words(None, r#"Forbidden: {"code":null,"message":null}"#),
            ),
            ("<html>\n<h1>403</h1></html>", words(None, "Forbidden: <html> <h1>403</h1></html>")),
            ("", words(None, "Forbidden")),
            (&long, (None, format!("Forbidden: {}…", "x".repeat(200)))),
        ] {
            assert_eq!(check(403, body), expected);
        }
    }
}
