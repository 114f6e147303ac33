//! What trading costs: slippage, regulatory fees by date, commissions. Pure functions.
//!
//! Costs are on by default ([`CostModel::realistic`]). Regulatory fees follow Alpaca's practice:
//! the fees of one day, account and fee type are added first, and the sum is rounded up to the
//! cent. A day for which the tables have no evidence is charged nothing, and the estimate names the
//! gap; nothing is guessed.

mod crypto;
mod rates;
mod slippage;
mod table;

use atlas_core::{Bps, Price, Qty, Side, Usd};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use crypto::CryptoFees;
pub use rates::{Confidence, Evidence, FeeKind};
pub use slippage::Slippage;

pub(crate) use slippage::Rate as SlippageRate;

use crate::Error;
use crate::core::{Money, Px, Shares};
use rates::Lookup;

/// What the venue charges for trading.
///
/// # Examples
/// ```
/// use atlas_core::Side;
/// use atlas_venue::CostModel;
///
/// let costs = CostModel::realistic();
/// let date = "2019-01-03".parse().unwrap();
/// let sale = costs.estimate(Side::Sell, "100".parse()?, "50".parse()?, date)?;
/// assert_eq!(sale.price.to_string(), "49.975"); // 5 bps worse
/// assert_eq!(sale.slippage.to_string(), "2.5");
/// assert_eq!(sale.fees.to_string(), "0.09"); // SEC 0.0650 up to 0.07, TAF 0.0119 up to 0.02
/// # Ok::<(), atlas_venue::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostModel {
    /// How much worse than the reference price a trade is.
    pub slippage: Slippage,
    /// The broker's own charge.
    pub commission: Commission,
    /// Whether US regulatory fees are charged.
    pub regulatory: bool,
}

/// What the broker itself charges for one execution; the parts add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Commission {
    /// For every execution, zero or more.
    pub per_trade: Usd,
    /// For every share, zero or more, at most nine decimals.
    pub per_share: Usd,
    /// Of the notional.
    pub of_notional: Option<Bps>,
}

/// What one order would cost, at the worst: each fee rounded up to the cent by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostEstimate {
    /// The price after slippage.
    pub price: Price,
    /// What slippage costs; zero or more.
    pub slippage: Usd,
    /// Regulatory fees and commission together; zero or more.
    pub fees: Usd,
    /// The fees one by one, without those that are nothing.
    pub by_kind: Vec<(FeeKind, Usd)>,
    /// Fees that exist on that day but at a rate nobody could evidence; they count as nothing here.
    pub unknown: Vec<FeeKind>,
}

impl CostEstimate {
    /// Slippage and fees together.
    ///
    /// # Errors
    /// [`Error::Core`] if the sum does not fit.
    pub fn total(&self) -> Result<Usd, Error> {
        Ok(self.slippage.checked_add(self.fees)?)
    }
}

impl CostModel {
    /// The default: 5 bps of slippage, regulatory fees of the day, no commission.
    #[must_use]
    pub fn realistic() -> Self {
        Self {
            slippage: Slippage::Fixed(Bps::from_int(5)),
            commission: Commission::default(),
            regulatory: true,
        }
    }

    /// As Alpaca's paper service charges: nothing.
    #[must_use]
    pub fn free() -> Self {
        Self { slippage: Slippage::None, commission: Commission::default(), regulatory: false }
    }

    /// What trading `qty` at a reference of `price` on `date` would cost at the worst: the price
    /// is rounded to four decimals against the taker, every fee up to the cent.
    ///
    /// # Errors
    /// [`Error::Setting`] for a model that makes no sense, [`Error::Overflow`] and [`Error::Core`]
    /// if an amount does not fit.
    pub fn estimate(
        &self,
        side: Side,
        qty: Qty,
        price: Price,
        date: NaiveDate,
    ) -> Result<CostEstimate, Error> {
        let (reference, qty) = (Px::try_from(price)?, Shares::try_from(qty)?);
        self.slippage.check()?;
        // Without a volume the models that look at the size take their worst.
        let traded = self.slippage.rate_for(qty, None).worsened(reference, side, RAW_TICK);
        let mut day = DayFees::default();
        day.add(self, (side, true), (qty, traded), date)?;
        let difference = traded.times(qty).minus(reference.times(qty))?.to_usd()?;
        let mut by_kind = Vec::new();
        for (kind, fee) in day.charges(date)? {
            by_kind.push((kind, fee.to_usd()?));
        }
        Ok(CostEstimate {
            price: traded.to_price()?,
            slippage: difference.abs(),
            fees: Usd::sum(by_kind.iter().map(|(_, fee)| *fee))?,
            by_kind,
            unknown: if self.regulatory { unknown_fees(side, date) } else { Vec::new() },
        })
    }

    /// The documents the rate of a fee on a day rests on; `None` where there is no rate.
    #[must_use]
    pub fn evidence(kind: FeeKind, date: NaiveDate) -> Option<Evidence> {
        match rates::lookup(kind, date) {
            Lookup::Known(rate) => {
                Some(Evidence { confidence: rate.confidence, source: rate.source })
            }
            Lookup::Absent | Lookup::Unknown => None,
        }
    }
}

/// Prices of raw series are traded to four decimals, in billionths of a dollar.
pub(crate) const RAW_TICK: i64 = 100_000;
/// Prices of adjusted units are traded to six decimals, in billionths of a dollar.
pub(crate) const UNIT_TICK: i64 = 1_000;

/// The fees of one day that are owed and not posted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct DayFees {
    /// Proceeds of sales, which the Section 31 fee is a fraction of.
    sold: Money,
    taf: Money,
    cat: Money,
    commission: Money,
}

impl DayFees {
    /// Adds what one execution owes; `is_first` of its order, which owes the commission of a trade
    /// once, in however many executions it trades.
    pub(crate) fn add(
        &mut self,
        model: &CostModel,
        (side, is_first): (Side, bool),
        (qty, price): (Shares, Px),
        date: NaiveDate,
    ) -> Result<(), Error> {
        self.commission = self.commission.plus(model.commission.of(qty, price, is_first)?)?;
        if !model.regulatory {
            return Ok(());
        }
        if let Lookup::Known(rate) = rates::lookup(FeeKind::Cat, date) {
            self.cat = self.cat.plus(rates::per_share(qty, price, FeeKind::Cat, &rate))?;
        }
        if side == Side::Sell {
            self.sold = self.sold.plus(price.times(qty))?;
            if let Lookup::Known(rate) = rates::lookup(FeeKind::Taf, date) {
                self.taf = self.taf.plus(rates::per_share(qty, price, FeeKind::Taf, &rate))?;
            }
        }
        Ok(())
    }

    /// What is owed, each kind rounded up to the cent; kinds that are nothing are left out.
    pub(crate) fn charges(&self, date: NaiveDate) -> Result<Vec<(FeeKind, Money)>, Error> {
        let sec31 = match rates::lookup(FeeKind::Sec31, date) {
            Lookup::Known(rate) => rates::sec31(self.sold, &rate)?,
            Lookup::Absent | Lookup::Unknown => Money::ZERO,
        };
        let amounts = [sec31, self.taf, self.cat, self.commission];
        let mut charges = Vec::new();
        for (kind, amount) in FeeKind::ALL.into_iter().zip(amounts) {
            if amount > Money::ZERO {
                charges.push((kind, amount.up_to_cent()?));
            }
        }
        Ok(charges)
    }

    /// Everything owed together.
    pub(crate) fn total(&self, date: NaiveDate) -> Result<Money, Error> {
        self.charges(date)?.into_iter().try_fold(Money::ZERO, |sum, (_, fee)| sum.plus(fee))
    }
}

impl Commission {
    /// The commission of one execution, the first of its order or a later one.
    fn of(&self, qty: Shares, price: Px, is_first: bool) -> Result<Money, Error> {
        let mut sum = if is_first { Money::try_from(self.per_trade)? } else { Money::ZERO };
        if !self.per_share.is_zero() {
            sum = sum.plus(Px::try_from(Price::new(self.per_share.value())?)?.times(qty))?;
        }
        if let Some(bps) = self.of_notional {
            let notional = price.times(qty);
            let traded = Slippage::Fixed(bps).rate()?.part_of(notional)?;
            sum = sum.plus(traded)?;
        }
        Ok(sum)
    }
}

/// Fees that apply to a trade of that day at a rate nobody could evidence.
fn unknown_fees(side: Side, date: NaiveDate) -> Vec<FeeKind> {
    let kinds: &[FeeKind] = match side {
        Side::Buy => &[FeeKind::Cat],
        Side::Sell => &[FeeKind::Sec31, FeeKind::Taf, FeeKind::Cat],
    };
    let unknown = |kind: &FeeKind| rates::lookup(*kind, date) == Lookup::Unknown;
    kinds.iter().copied().filter(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn buys_owe_nothing_but_slippage() {
        let estimate = CostModel::realistic()
            .estimate(Side::Buy, "10".parse().unwrap(), "100".parse().unwrap(), day("2019-01-03"))
            .unwrap();
        assert_eq!(estimate.slippage, "0.5".parse().unwrap());
        assert!(estimate.fees.is_zero() && estimate.by_kind.is_empty());
        assert_eq!(estimate.total().unwrap(), "0.5".parse().unwrap());
    }

    #[test]
    fn an_unknown_period_is_named_and_charged_nothing() {
        let estimate = CostModel::realistic()
            .estimate(Side::Sell, "10".parse().unwrap(), "100".parse().unwrap(), day("1995-01-03"))
            .unwrap();
        assert_eq!(estimate.unknown, [FeeKind::Sec31, FeeKind::Taf]);
        assert!(estimate.fees.is_zero());
    }

    #[test]
    fn a_day_is_rounded_once_for_each_kind() {
        let model = CostModel::realistic();
        let mut fees = DayFees::default();
        let (qty, price) = ("1".parse().unwrap(), "10".parse().unwrap());
        for _ in 0..3 {
            fees.add(&model, (Side::Sell, true), (qty, price), day("2019-01-03")).unwrap();
        }
        // Three times 0.00013 and three times 0.000119: one cent each, not three.
        let charges = fees.charges(day("2019-01-03")).unwrap();
        let cent = Money::from_cents(1);
        assert_eq!(charges, [(FeeKind::Sec31, cent), (FeeKind::Taf, cent)]);
    }

    #[test]
    fn commissions_add_up() {
        let commission = Commission {
            per_trade: "1".parse().unwrap(),
            per_share: "0.005".parse().unwrap(),
            of_notional: Some(Bps::from_int(10)),
        };
        let model = CostModel { commission, ..CostModel::free() };
        let estimate = model
            .estimate(Side::Buy, "100".parse().unwrap(), "20".parse().unwrap(), day("2019-01-03"))
            .unwrap();
        assert_eq!(estimate.fees, "3.5".parse().unwrap());
    }
    #[test]
    fn a_trade_in_two_executions_owes_its_commission_once() {
        let per_trade = "1".parse().unwrap();
        let commission = Commission { per_trade, ..Commission::default() };
        let model = CostModel { commission, ..CostModel::free() };
        let mut fees = DayFees::default();
        let execution = ("1".parse().unwrap(), "10".parse().unwrap());
        for is_first in [true, false] {
            fees.add(&model, (Side::Buy, is_first), execution, day("2019-01-03")).unwrap();
        }
        let charges = fees.charges(day("2019-01-03")).unwrap();
        assert_eq!(charges, [(FeeKind::Commission, Money::from_cents(100))]);
    }
}
