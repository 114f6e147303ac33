//! How a served venue behaves: a profile, and what is to be different.

use atlas_core::time::Timestamp;
use atlas_core::{Bps, Usd, Weight};
use atlas_venue::costs::{Commission, CryptoFees};
use atlas_venue::{AccountRules, Slippage, VenueConfig};
use clap::{Args, ValueEnum};
use serde::Serialize;

/// How the venue behaves: a profile, and what is to be different from it.
#[derive(Debug, Args)]
pub(super) struct Behaviour {
    /// How the venue behaves: like Alpaca's paper service, or with costs and limits by volume.
    #[arg(long, value_enum, default_value_t = Profile::AlpacaPaper)]
    profile: Profile,
    /// What the account may do, if not what the profile's may.
    #[arg(long, value_enum, value_name = "KIND")]
    account_type: Option<AccountType>,
    /// How much worse than the reference a trade is: `none`, `5` (bps), `half-spread:4` (the
    /// spread), `growing` (2 to 10 bps with the share of the volume), `square-root:2,150` (half
    /// the spread, and the volatility of a day).
    #[arg(long, value_name = "MODEL", value_parser = slippage)]
    slippage: Option<Slippage>,
    /// The broker's own charge, parts separated by commas: `none`, `trade:1` (USD), `share:0.005`
    /// (USD), `bps:10` (of the notional).
    #[arg(long, value_name = "PARTS", value_parser = commission)]
    commission: Option<Commission>,
    /// Whether US regulatory fees of the day are charged.
    #[arg(long, value_enum, value_name = "on|off")]
    regulatory_fees: Option<Switch>,
    /// Charged on a debit balance, in bps a year.
    #[arg(long, value_name = "BPS", value_parser = bps)]
    margin_rate: Option<Bps>,
    /// Charged on what short positions are worth, in bps a year.
    #[arg(long, value_name = "BPS", value_parser = bps)]
    borrow_fee: Option<Bps>,
    /// Earned on idle cash, in bps a year.
    #[arg(long, value_name = "BPS", value_parser = bps)]
    idle_interest: Option<Bps>,
    /// Alpaca's fee tier for crypto, from 1 (up to $100 000 in 30 days) to 8.
    #[arg(long, value_name = "1-8", value_parser = clap::value_parser!(u8).range(1..=8))]
    crypto_tier: Option<u8>,
    /// Most of a bar's volume all fills may come to, in bps, or `none`.
    #[arg(long, value_name = "BPS|none", value_parser = participation)]
    participation: Option<Participation>,
    /// How often, in per cent, an order that trades at once does so in two executions.
    #[arg(long, value_name = "0-100", value_parser = clap::value_parser!(u8).range(0..=100))]
    partial_fills: Option<u8>,
    /// Whether prices are made before the opening and after the close where the data have none.
    #[arg(long, value_enum, value_name = "on|off")]
    made_extended_hours: Option<Switch>,
    /// Whether cash dividends are paid.
    #[arg(long, value_enum, value_name = "on|off")]
    dividends: Option<Switch>,
}

/// How the venue behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Profile {
    AlpacaPaper,
    Realistic,
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AccountType {
    /// Its own money, long only.
    Cash,
    /// Twice its equity, and short sales.
    Margin,
    /// As an account of Alpaca's paper service: four times its equity.
    Paper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// A limit by volume, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Participation(Option<Bps>);

impl Behaviour {
    /// The settings of an account.
    pub(super) fn settings(&self, start: Timestamp) -> VenueConfig {
        let mut venue = match self.profile {
            Profile::AlpacaPaper => VenueConfig::alpaca_paper(start),
            Profile::Realistic => VenueConfig::realistic(start),
        };
        if let Some(kind) = self.account_type {
            venue.account = match kind {
                AccountType::Cash => AccountRules::CASH,
                AccountType::Margin => AccountRules::MARGIN,
                AccountType::Paper => AccountRules::PAPER,
            };
        }
        let is_on = |switch: Switch| switch == Switch::On;
        put(&mut venue.costs.slippage, self.slippage);
        put(&mut venue.costs.commission, self.commission);
        put(&mut venue.costs.regulatory, self.regulatory_fees.map(is_on));
        put(&mut venue.carry.debit, self.margin_rate);
        put(&mut venue.carry.borrow, self.borrow_fee);
        put(&mut venue.carry.idle, self.idle_interest);
        put(&mut venue.crypto_fees, self.crypto_tier.map(|tier| CryptoFees::alpaca(tier.into())));
        put(&mut venue.participation, self.participation.map(|Participation(most)| most));
        let often = |percent: u8| Weight::from_percent(percent).unwrap_or(Weight::ZERO);
        put(&mut venue.split_fills, self.partial_fills.map(often));
        put(&mut venue.made_extended_hours, self.made_extended_hours.map(is_on));
        put(&mut venue.dividends, self.dividends.map(is_on));
        venue
    }

    /// Whether it behaves like Alpaca's paper service.
    pub(super) const fn imitates_alpaca(&self) -> bool {
        matches!(self.profile, Profile::AlpacaPaper)
    }

    /// What is told of it when the server is ready.
    pub(super) fn told(&self, venue: &VenueConfig) -> Told {
        let Commission { per_trade, per_share, of_notional } = venue.costs.commission;
        Told {
            profile: self.profile,
            multiplier: venue.account.multiplier.as_str(),
            shorting: venue.account.shorting,
            slippage: words(venue.costs.slippage),
            commission: format!(
                "trade:{per_trade},share:{per_share},bps:{}",
                of_notional.unwrap_or(Bps::ZERO)
            ),
            regulatory_fees: venue.costs.regulatory,
            margin_rate_bps: venue.carry.debit,
            borrow_fee_bps: venue.carry.borrow,
            idle_interest_bps: venue.carry.idle,
            crypto_maker_bps: venue.crypto_fees.maker,
            crypto_taker_bps: venue.crypto_fees.taker,
            participation_bps: venue.participation,
            partial_fills: venue.split_fills,
            made_extended_hours: venue.made_extended_hours,
            dividends: venue.dividends,
        }
    }
}

/// What is told of the behaviour when the server is ready.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each told under its own name")]
pub(super) struct Told {
    profile: Profile,
    multiplier: &'static str,
    shorting: bool,
    slippage: String,
    commission: String,
    regulatory_fees: bool,
    margin_rate_bps: Bps,
    borrow_fee_bps: Bps,
    idle_interest_bps: Bps,
    crypto_maker_bps: Bps,
    crypto_taker_bps: Bps,
    participation_bps: Option<Bps>,
    partial_fills: Weight,
    made_extended_hours: bool,
    dividends: bool,
}

/// Puts what was asked for in the place of what the profile has.
fn put<T>(place: &mut T, wish: Option<T>) {
    if let Some(wish) = wish {
        *place = wish;
    }
}

fn words(slippage: Slippage) -> String {
    match slippage {
        Slippage::None => "none".to_owned(),
        Slippage::Fixed(bps) => bps.to_string(),
        Slippage::HalfSpread(spread) => format!("half-spread:{spread}"),
        Slippage::Growing { least, most, full } => format!("growing:{least},{most},{full}"),
        Slippage::SquareRoot { half_spread, volatility, without_volume } => {
            format!("square-root:{half_spread},{volatility},{without_volume}")
        }
        other => format!("{other:?}"),
    }
}

fn bps(text: &str) -> Result<Bps, String> {
    let bps: Bps = text.parse().map_err(|error: atlas_core::Error| error.to_string())?;
    if bps < Bps::ZERO || bps >= Bps::from_int(10_000) {
        return Err("give 0 or more, below 10000".to_owned());
    }
    Ok(bps)
}

fn participation(text: &str) -> Result<Participation, String> {
    if text == "none" { Ok(Participation(None)) } else { bps(text).map(Some).map(Participation) }
}

fn slippage(text: &str) -> Result<Slippage, String> {
    let (name, numbers) = text.split_once(':').unwrap_or((text, ""));
    let numbers: Vec<Bps> =
        numbers.split(',').filter(|part| !part.is_empty()).map(bps).collect::<Result<_, _>>()?;
    match (name, numbers.as_slice()) {
        ("none", []) => Ok(Slippage::None),
        ("half-spread", [spread]) => Ok(Slippage::HalfSpread(*spread)),
        ("growing", []) => Ok(Slippage::growing()),
        ("growing", [least, most, full]) if least <= most && *full > Bps::ZERO => {
            Ok(Slippage::Growing { least: *least, most: *most, full: *full })
        }
        ("square-root", [half_spread, volatility, rest @ ..]) if rest.len() < 2 => {
            Ok(Slippage::SquareRoot {
                half_spread: *half_spread,
                volatility: *volatility,
                without_volume: rest.first().copied().unwrap_or(Bps::from_int(10)),
            })
        }
        (fixed, []) if fixed.starts_with(|c: char| c.is_ascii_digit()) => {
            bps(fixed).map(Slippage::Fixed)
        }
        _ => Err("use none, a number of bps, half-spread:BPS, growing[:LEAST,MOST,FULL] or \
                  square-root:HALF_SPREAD,VOLATILITY[,SHARE_WITHOUT_VOLUME]"
            .to_owned()),
    }
}

fn commission(text: &str) -> Result<Commission, String> {
    let mut commission = Commission::default();
    if text == "none" {
        return Ok(commission);
    }
    for part in text.split(',') {
        let dollars = |text: &str| match text.parse::<Usd>() {
            Ok(usd) if !usd.is_negative() => Ok(usd),
            Ok(_) | Err(_) => Err(format!("{text:?} is no number of dollars, zero or more")),
        };
        match part.split_once(':') {
            Some(("trade", text)) => commission.per_trade = dollars(text)?,
            Some(("share", text)) => commission.per_share = dollars(text)?,
            Some(("bps", text)) => commission.of_notional = Some(bps(text)?),
            Some(_) | None => {
                return Err(
                    "use none, or trade:USD, share:USD and bps:BPS, separated by commas".to_owned()
                );
            }
        }
    }
    Ok(commission)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_read_as_they_are_told() {
        for text in
            ["none", "5", "2.5", "half-spread:4", "growing:2,10,250", "square-root:2,150,10"]
        {
            assert_eq!(words(slippage(text).unwrap()), text);
        }
        for bad in ["", "-1", "half-spread", "growing:10,2,250", "growing:1,2,0", "10000", "x:1"] {
            assert!(slippage(bad).is_err(), "{bad:?}");
        }
        let parts = commission("trade:1,share:0.005,bps:10").unwrap();
        assert_eq!(parts.per_share.to_string(), "0.005");
        assert_eq!(commission("none").unwrap(), Commission::default());
        for bad in ["", "trade:-1", "1", "bps:x", "trade:1;share:2"] {
            assert!(commission(bad).is_err(), "{bad:?}");
        }
        assert_eq!(participation("none").unwrap(), Participation(None));
    }
}
