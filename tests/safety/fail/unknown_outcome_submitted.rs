//! An order of unknown outcome is looked up and sent again as it was, not submitted as a new one.

use atlas_tests::atlas_broker::{Broker, Submission, UnknownOutcome};

pub async fn demo(broker: &dyn Broker, unknown: UnknownOutcome) -> Submission {
    let _: &dyn Fn(UnknownOutcome) -> _ = &|lost| broker.submit(lost); //~ E0308
    broker.resend(unknown).await
}
