//! How continuous trading ends.

use atlas_core::ClientOrderId;
use atlas_engine::step::{Purpose, Severity};

use super::report::{Report, Resting};
use super::run::{Brain, Trader};
use super::settings::AtStop;
use crate::error::Error;

impl<S: Brain> Trader<'_, '_, S> {
    /// Ends a run: orders by policy, books compared, everything said. The engine hears of what ended
    /// by that when it starts again, so that it cannot answer it with other orders now. An error that ended the run is
    /// given back after that, as far as the journal still takes anything.
    pub(super) async fn finish(mut self, ended: Result<String, Error>) -> Result<Report, Error> {
        let why = match ended {
            Ok(why) => why,
            Err(error) => {
                let what = format!("trading stopped: {error}");
                if let Err(second) = self.incident(Severity::Critical, what) {
                    tracing::error!(%second, "the journal takes nothing any more");
                }
                return Err(error);
            }
        };
        self.cancel_resting(&why).await?;
        let settings = self.ground.settings;
        let patience = (self.ground.timer, settings.lookups.as_slice());
        let found = self
            .session
            .reconcile_patiently(self.ground.broker, &settings.policy, Some(patience))
            .await?;
        self.report.differences = found.mismatches().map(ToString::to_string).collect();
        self.report.resting = self.resting()?;
        self.report.conflated = self.queue.conflated;
        self.report.ended = why;
        let said = self.report.says();
        self.incident(Severity::Notice, said)?;
        self.report.state = self.session.trading_state();
        Ok(self.report)
    }

    /// Cancels what the policy does not let rest, and waits for the ends.
    async fn cancel_resting(&mut self, why: &str) -> Result<(), Error> {
        let policy = self.ground.settings.at_stop;
        let reason = format!("trading is stopped: {why}");
        let goes = |purpose: Purpose| match policy {
            AtStop::Keep => false,
            AtStop::CancelEntries => purpose == Purpose::Entry,
            AtStop::CancelAll => true,
        };
        let ids: Vec<ClientOrderId> = self
            .engine()?
            .orders()
            .filter(|(order, purpose)| order.status().is_open() && goes(*purpose))
            .map(|(order, _)| order.request().client_order_id.clone())
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        for id in &ids {
            self.cancel(id, &reason).await?;
        }
        let settings = self.ground.settings;
        for wait in &settings.lookups {
            self.session.import_news(self.ground.broker).await?;
            let open = |id: &ClientOrderId| {
                let tracked = self.session.state().orders().get(id);
                tracked.is_some_and(|tracked| tracked.order.status().is_open())
            };
            if !ids.iter().any(open) {
                break;
            }
            self.ground.timer.sleep(*wait).await;
        }
        Ok(())
    }

    fn resting(&self) -> Result<Vec<Resting>, Error> {
        let state = self.session.state();
        let open = self.engine()?.orders().filter(|(order, _)| {
            let tracked = state.orders().get(&order.request().client_order_id);
            tracked.is_some_and(|tracked| tracked.order.status().is_open())
        });
        let resting = open.map(|(order, purpose)| {
            let request = order.request();
            Resting {
                client_order_id: request.client_order_id.clone(),
                purpose,
                symbol: request.symbol.clone(),
                side: request.side,
            }
        });
        Ok(resting.collect())
    }
}

impl Report {
    /// The end in one sentence.
    #[must_use]
    pub fn says(&self) -> String {
        let books = match self.differences.as_slice() {
            [] => "books agree".to_owned(),
            all => format!("books DIFFER: {}", all.join("; ")),
        };
        let resting = match self.resting.len() {
            0 => "nothing rests at the broker".to_owned(),
            1 => format!("order {} rests at the broker", self.resting[0].client_order_id),
            n => format!("{n} orders rest at the broker"),
        };
        format!(
            "Trading ended ({}): {} orders sent, {} bars, {resting}, {books}.",
            self.ended, self.sent, self.bars
        )
    }
}
