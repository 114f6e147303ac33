//! What every research command may be told.

use std::path::PathBuf;

use anyhow::Result;
use atlas_backtest::search::Axis;
use atlas_backtest::strategies::param;
use atlas_backtest::{Backtest, Config, Finally, Members, Schedule, StrategySpec};
use atlas_core::calendar::Calendar;
use atlas_core::time::Mode;
use atlas_core::{Bps, DecisionId, Usd};
use atlas_data::{MarketData, ShortHistory, Universe};
use atlas_engine::{Costs, Policy};
use atlas_venue::costs::Commission;
use atlas_venue::{CostModel, Slippage};
use chrono::NaiveDate;
use clap::{Args, ValueEnum};

use super::told;
use crate::cli::Decide;
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// What every research command may be told.
#[derive(Debug, Clone, Args)]
pub(crate) struct Choices {
    /// The strategy: high52, sma, adaptive-sma, macd, ts-momentum, rsi, z-score, strat, ensemble.
    #[arg(long, default_value = "high52", value_name = "NAME")]
    pub(super) strategy: String,
    /// A parameter of the strategy; may be given again. A search takes NAME=A,B,C and
    /// NAME=FROM..TO:STEP.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) param: Vec<String>,
    /// How often is decided; without it monthly for high52, daily for the others.
    #[arg(long, value_enum)]
    pub(super) schedule: Option<Every>,
    /// A named universe, symbols separated by commas, or a file with one symbol a line.
    #[arg(long, value_name = "NAME|SYMBOLS|FILE")]
    pub(super) universe: Option<String>,
    /// Hold at most the best N symbols.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) top_n: Option<u16>,
    /// First day; without it the longest period the data allow.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(super) from: Option<NaiveDate>,
    /// Last day; without it the longest period the data allow.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(super) to: Option<NaiveDate>,
    /// Cash at the start, in USD.
    #[arg(long, default_value = "100000", value_name = "USD")]
    pub(super) cash: Usd,
    /// The broker's charge on each fill, in basis points of its notional.
    #[arg(long, default_value = "0", value_name = "BPS")]
    pub(super) fees_bps: Bps,
    /// How much worse than the market each fill is, in basis points.
    #[arg(long, default_value = "5", value_name = "BPS")]
    pub(super) slippage_bps: Bps,
    #[command(flatten)]
    pub(super) rules: Rules,
}

/// Rules that are seldom changed.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct Rules {
    /// Trade for nothing; the report says so.
    #[arg(long, conflicts_with_all = ["fees_bps", "slippage_bps"])]
    no_costs: bool,
    /// Do not ask the regime detector: bull throughout.
    #[arg(long)]
    no_regime: bool,
    /// What idle cash earns a year, in basis points.
    #[arg(long, default_value = "0", value_name = "BPS")]
    idle_bps: Bps,
    /// Sell everything in the last session instead of marking it.
    #[arg(long)]
    sell_at_end: bool,
    /// Who belonged to the universe when: a CSV with a header and lines of symbol, first day, day of
    /// leaving (empty while it lasts). A decision chooses among those of its date.
    #[arg(long, value_name = "FILE")]
    members: Option<PathBuf>,
    /// Leave symbols out while their history is too short, instead of refusing.
    #[arg(long)]
    leave_out_young: bool,
    /// Act so many sessions after a decision; 1 is the next one, as everywhere in Atlas.
    #[arg(long, default_value_t = 1, value_name = "N")]
    delay: u8,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
}

/// How often is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Every {
    Daily,
    Weekly,
    Monthly,
}

impl From<Every> for Schedule {
    fn from(every: Every) -> Self {
        match every {
            Every::Daily => Self::Daily,
            Every::Weekly => Self::Weekly,
            Every::Monthly => Self::Monthly,
        }
    }
}

impl Choices {
    /// The strategy with single values.
    pub(super) fn spec(&self) -> Result<StrategySpec> {
        let params: Vec<(&str, f64)> =
            self.param.iter().map(|text| param(text)).collect::<Result<_, _>>().map_err(told)?;
        StrategySpec::new(&self.strategy, params).map_err(told)
    }

    /// The ranges of a search.
    pub(super) fn axes(&self) -> Result<Vec<Axis>> {
        self.param.iter().map(|text| text.parse::<Axis>().map_err(told)).collect()
    }

    /// Loads the market.
    pub(super) fn market(&self, job: &Job) -> Result<(Universe, MarketData)> {
        let source = atlas_data::open(job.data())?;
        let spec = self.universe.as_deref().or(job.config.rebalance.universe.as_deref());
        let universe = Universe::resolve(spec, source.as_ref())?;
        let market = source.load(&universe)?;
        Ok((universe, market))
    }

    /// Every choice put together, the period left as wide as the calendar where none was given.
    pub(super) fn config(
        &self,
        job: &Job,
        universe: &Universe,
        strategy: StrategySpec,
    ) -> Result<Config> {
        let no_regime = self.rules.no_regime;
        let decide = Decide {
            dry_run: false,
            force: false,
            universe: None,
            top_n: self.top_n,
            regime: None,
        };
        let policy = job.policy(&decide, universe.name(), DecisionId(1), Mode::Replay)?;
        let costs = self.costs()?;
        let policy = Policy { costs: Costs { fee: self.fee(), ..policy.costs }, ..policy };
        let every = self.schedule.unwrap_or(if strategy.is_scanner() {
            Every::Monthly
        } else {
            Every::Daily
        });
        let (from, to) = (self.from.unwrap_or(Calendar::FIRST), self.to.unwrap_or(Calendar::LAST));
        let config =
            Config::new(from, to, every.into(), policy).at_costs(costs).with_strategy(strategy);
        let config = Config {
            cash: self.cash,
            idle_rate: self.rules.idle_bps,
            seed: self.rules.seed,
            delay_sessions: self.rules.delay,
            finally: if self.rules.sell_at_end { Finally::Sold } else { Finally::Marked },
            missing_vix: job.config.regime.missing_vix.into(),
            short_history: if self.rules.leave_out_young {
                ShortHistory::LeaveOut
            } else {
                ShortHistory::Refuse
            },
            members: self.members()?,
            start_after_open_minutes: u8::try_from(job.config.execution.start_after_open_min)
                .unwrap_or(u8::MAX),
            ..config
        };
        config.check().map_err(told)?;
        Ok(if no_regime { config.without_regime() } else { config })
    }

    /// The same with the period: what was given, and where nothing was the longest one.
    pub(super) fn dated(&self, backtest: &Backtest<'_>, config: Config) -> Result<Config> {
        if self.from.is_some() && self.to.is_some() {
            return Ok(config);
        }
        let (from, to) = backtest.longest_period(&config).map_err(told)?;
        Ok(Config { from: self.from.unwrap_or(from), to: self.to.unwrap_or(to), ..config })
    }

    /// Who belonged when, if that was said.
    fn members(&self) -> Result<Option<Members>> {
        let Some(path) = &self.rules.members else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|error| {
            let path = path.display();
            Failure::error(
                Exit::Data,
                format!("members {path} cannot be read ({error}): name a CSV file"),
            )
        })?;
        Ok(Some(Members::from_csv(&text).map_err(told)?))
    }

    fn fee(&self) -> Bps {
        if self.rules.no_costs { Bps::ZERO } else { self.fees_bps }
    }

    /// What trading costs.
    fn costs(&self) -> Result<CostModel> {
        if self.rules.no_costs {
            return Ok(CostModel::free());
        }
        let most = Bps::from_int(1_000);
        for (flag, bps) in [("fees-bps", self.fees_bps), ("slippage-bps", self.slippage_bps)] {
            if bps < Bps::ZERO || bps > most {
                return Err(Failure::error(
                    Exit::Usage,
                    format!("--{flag} is {bps}: use 0 to 1000 basis points"),
                ));
            }
        }
        let of_notional = (self.fees_bps > Bps::ZERO).then_some(self.fees_bps);
        Ok(CostModel {
            slippage: Slippage::Fixed(self.slippage_bps),
            commission: Commission { of_notional, ..Commission::default() },
            ..CostModel::realistic()
        })
    }
}
