//! The regime model that was kept, held against the one that was fitted anew.
//!
//! A model is fitted from the whole history at each decision. The checkpoint of the decision before,
//! told only what came since, has to say the same to the bit. If it does not, data of the past have
//! been changed, or the program says something else than it did: a person should know.

use atlas_engine::{MarketView, Policy};
use atlas_exec::Session;
use atlas_regime::{DetectorCheckpoint, DetectorStream, Inputs, RegimeEstimate};
use chrono::NaiveDate;

/// What a detector says of a session.
pub(crate) type Said = Result<RegimeEstimate, atlas_regime::Error>;

/// In what the kept model and the new one differ, in a sentence; `None` if they agree, if none was
/// kept, or if what it was kept under is configured otherwise now.
pub(crate) fn disagreement(
    session: &Session,
    view: &MarketView<'_>,
    policy: &Policy,
    said: &Said,
) -> Option<String> {
    let kept = session.state().model()?;
    let stream = session.inputs().get(kept).map_err(|error| error.to_string()).and_then(|bytes| {
        let checkpoint: DetectorCheckpoint =
            serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        DetectorStream::restore(checkpoint).map_err(|error| error.to_string())
    });
    let stream = match stream {
        Ok(stream) => stream,
        Err(problem) => {
            return Some(format!(
                "the regime model of the decision before cannot be gone on from: {problem}"
            ));
        }
    };
    if *stream.params().params() != policy.detector {
        return None;
    }
    let (index, vix, rate, as_of) = (view.index, view.vix, view.rate, view.as_of);
    compare(stream, &Inputs { index, vix, rate, as_of }, said)
}

/// The same of a model at hand.
fn compare(mut kept: DetectorStream, inputs: &Inputs<'_>, said: &Said) -> Option<String> {
    let since = kept.last_session();
    if since.is_some_and(|last| last > inputs.as_of) {
        return None;
    }
    let again = kept.catch_up(inputs).and_then(|()| kept.estimate());
    let since = since.map_or_else(|| "the start".to_owned(), |last: NaiveDate| last.to_string());
    let word = |said: &Said| match said {
        Ok(estimate) => estimate.regime.to_string().to_uppercase(),
        Err(error) => format!("nothing ({error})"),
    };
    let differ = match (said, &again) {
        (Ok(new), Ok(old)) => new != old,
        (Err(_), Err(_)) => false,
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => true,
    };
    let beyond = if word(said) == word(&again) { ", by other numbers" } else { "" };
    differ.then(|| {
        format!(
            "the regime model kept on {since} and the one fitted anew disagree on {}: the kept one \
             says {}, the new one {}{beyond}",
            inputs.as_of,
            word(&again),
            word(said)
        )
    })
}
