//! One unknown outcome permits one resend.

use atlas_tests::atlas_broker::{Broker, Submission, UnknownOutcome};

pub async fn demo(broker: &dyn Broker, unknown: UnknownOutcome) -> Submission {
    let first = broker.resend(unknown).await;
    let _ = broker.resend(unknown).await; //~ E0382
    first
}
