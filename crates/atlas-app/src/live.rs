//! The way of the program to real money: every gate in order, and one sentence at the first that is
//! shut.
//!
//! Without the cargo feature `live` nothing here opens anything: the configuration refuses a live
//! account before, and what stands in for the way refuses again.

/// Commands that may lead to something being bought, for which every gate has to be open; what
/// others do cancels, sells, compares or shows.
pub(crate) const BUYS: [&str; 6] = ["rebalance", "plan", "approve", "check", "execute", "trade"];

#[cfg(not(feature = "live"))]
pub(crate) use shut::{open, wind_down};
#[cfg(feature = "live")]
pub(crate) use way::{open, wind_down};

#[cfg(not(feature = "live"))]
mod shut {
    use anyhow::Result;

    use crate::accounts::Desk;
    use crate::config::AlpacaConfig;
    use crate::exit::{Exit, Failure};
    use crate::job::Job;

    /// Refuses.
    pub(crate) async fn open(job: &Job, _: &AlpacaConfig) -> Result<Desk> {
        Err(Failure::error(
            Exit::Config,
            format!("account {}: this program was built without live trading", job.account),
        ))
    }

    /// Refuses.
    pub(crate) async fn wind_down(job: &Job, config: &AlpacaConfig) -> Result<Desk> {
        open(job, config).await
    }
}

#[cfg(feature = "live")]
mod way {
    use anyhow::Result;
    use atlas_broker::alpaca::live::{Confirmation, Live, LivePermit, Probe};
    use atlas_broker::alpaca::{Credentials, Options};
    use atlas_core::{Clock as _, Usd};
    use atlas_exec::evidence::{self, Evidence, Heard};
    use atlas_exec::folder::AccountFolder;
    use atlas_exec::peek;

    use crate::accounts::{self, Desk, SystemClock};
    use crate::commands::drill::{allowed, credentials};
    use crate::config::AlpacaConfig;
    use crate::exit::{Exit, Failure};
    use crate::job::Job;

    /// Opens a live account to trade on, if every gate is open.
    ///
    /// # Errors
    /// [`Exit::Refused`] naming the first gate that is shut; [`Exit::Broker`] if the account does not
    /// answer.
    pub(crate) async fn open(job: &Job, config: &AlpacaConfig) -> Result<Desk> {
        let shut = |gate: &str, why: String| shut(job, gate, &why);
        let live = &job.config.live;
        if !live.enabled {
            return Err(shut("configuration", "live.enabled is false".to_owned()));
        }
        allowed().map_err(|why| shut("environment", why))?;
        credentials(job).map_err(|why| shut("credentials", why))?;
        let number = configured(job)?;
        let (Some(most), Some(_)) = (live.max_equity, live.max_order) else {
            let why = "live.max_equity and live.max_order are not both set";
            return Err(shut("ceilings", why.to_owned()));
        };
        let evidence = proven(job)?;
        let phrase = format!("trade live on {number}");
        let typed = job.live.as_deref().unwrap_or_default();
        if typed != phrase {
            return Err(shut("confirmation", format!("it has to be --live {phrase:?}")));
        }
        let probe = probe(job, config)?;
        let reported = probe.account_number().await?;
        let confirmation = Confirmation { configured: number, typed };
        let (config_hash, now) = (job.config_hash()?, SystemClock.now());
        let permit = LivePermit::grant(&reported, &confirmation, evidence, config_hash, now)?;
        let desk = Desk::live(probe.into_session(permit)?);
        let equity = desk.broker().account().await?.equity;
        if equity > most {
            return Err(shut("ceilings", above(equity, most)));
        }
        Ok(desk)
    }

    /// Opens a live account to cancel, sell and compare on: nothing can be bought by it, so it needs
    /// neither evidence nor a typed confirmation.
    ///
    /// # Errors
    /// [`Exit::Refused`] if keys or number are missing; [`Exit::Broker`] if the account does not
    /// answer or is another one.
    pub(crate) async fn wind_down(job: &Job, config: &AlpacaConfig) -> Result<Desk> {
        credentials(job).map_err(|why| shut(job, "credentials", &why))?;
        let number = configured(job)?;
        let probe = probe(job, config)?;
        let reported = probe.account_number().await?;
        let permit = LivePermit::to_wind_down(&reported, number)?;
        Ok(Desk::live(probe.into_session(permit)?))
    }

    fn shut(job: &Job, gate: &str, why: &str) -> anyhow::Error {
        Failure::error(
            Exit::Refused,
            format!("account {} does not trade live: {gate}: {why}", job.account),
        )
    }

    fn configured(job: &Job) -> Result<&str> {
        let number = job.config.live.account_number.as_deref();
        number.ok_or_else(|| shut(job, "account number", "live.account_number is not set"))
    }

    fn above(equity: Usd, most: Usd) -> String {
        format!("equity {equity} is above live.max_equity {most}")
    }

    /// The proof that the paper account which was to earn it has.
    fn proven(job: &Job) -> Result<Evidence> {
        let Some(account) = &job.config.live.evidence else {
            let why = "live.evidence does not name the paper account that has shown it";
            return Err(shut(job, "evidence", why));
        };
        if *account == job.account {
            let why = "live.evidence names the live account itself: it is earned on paper";
            return Err(shut(job, "evidence", why));
        }
        let state = peek(&AccountFolder::new(&job.state_dir, account))?.unwrap_or_default();
        let (config, now) = (job.config_hash()?, SystemClock.now());
        evidence::prove(&state, account.clone(), config, now).map_err(|heard| {
            let gates: Vec<&str> = heard
                .iter()
                .filter(|heard| !heard.lets_through())
                .map(|heard: &Heard| heard.gate.as_str())
                .collect();
            let why = format!(
                "account {account} is held back by {}: `atlas gate --account {account}` tells why",
                gates.join(", ")
            );
            shut(job, "evidence", &why)
        })
    }

    fn probe(job: &Job, config: &AlpacaConfig) -> Result<Probe> {
        let live = &job.config.live;
        let key = |name: &str| accounts::environment(name).unwrap_or_default();
        let (key_id, secret) = (key(&live.key_id_env), key(&live.secret_key_env));
        let keys = Credentials::<Live>::new(key_id, secret)?;
        let options = Options {
            timeout: job.timeout(),
            feed: config.feed.map(Into::into),
            requests_per_minute: config.requests_per_minute,
        };
        Ok(Probe::connect(&keys, &options)?)
    }
}
