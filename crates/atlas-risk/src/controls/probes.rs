//! The bad orders and their neighbours, one pair or more a gate, made from the limits in force.

use atlas_core::{OrderType, Price, Qty, Rounding, Side, Symbol, Usd};
use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::{Probe, Scene};
use crate::Error;
use crate::breaker::BreakerStance;
use crate::context::{Entries, Hours, OpenOrder, RecentOrder, Tradability, TradingState};
use crate::limits::{Limits, LimitsSpec, Shares};
use crate::verdict::GateName;

/// A change that makes a good scene bad, or bad one good.
type Change<'a> = &'a dyn Fn(&mut Scene) -> Result<(), Error>;

/// Every probe, in the order of the gates.
pub(super) fn all(limits: &Limits) -> Result<Vec<Probe>, Error> {
    let mut probes = Probes { limits: limits.get(), made: Vec::new() };
    probes.order()?;
    probes.duplicates()?;
    probes.states()?;
    probes.prices()?;
    probes.sizes()?;
    probes.money()?;
    probes.day()?;
    let mut made = probes.made;
    made.sort_by_key(|probe| probe.gate);
    Ok(made)
}

/// The purchase every gate lets pass; see [`Probes::base`].
pub(super) fn base(limits: &Limits) -> Result<Scene, Error> {
    Probes { limits: limits.get(), made: Vec::new() }.base()
}

struct Probes<'a> {
    limits: &'a LimitsSpec,
    made: Vec<Probe>,
}

impl Probes<'_> {
    /// A purchase every gate lets pass: of a position that is half as large as the largest order and
    /// position allow, by an account that could buy many of them.
    fn base(&self) -> Result<Scene, Error> {
        let largest = self.limits.max_order_notional.value() / Decimal::TWO;
        let value = (self.limits.min_position.value() * Decimal::TWO)
            .max(Decimal::from(1_000))
            .min(largest);
        self.worth(value)
    }

    /// A purchase of a position worth so many dollars, by an account for which it is small.
    fn worth(&self, dollars: Decimal) -> Result<Scene, Error> {
        let qty = Qty::from_shares(10).min(self.limits.max_order_qty.whole());
        let price = Price::new(Rounding::Down.apply(dollars / qty.value().max(Decimal::ONE), 9))?;
        // Ten positions of that size fit into the largest one.
        let equity = dollars / self.limits.position_deny.value() * Decimal::TEN;
        Scene::buy(qty, price, Usd::new(Rounding::Up.apply(equity, 2))?)
    }

    /// A pair from one scene: one change makes it bad, the other its good neighbour.
    fn pair(
        &mut self,
        gate: GateName,
        name: &'static str,
        scene: &Scene,
        bad: Change<'_>,
        good: Change<'_>,
    ) -> Result<(), Error> {
        let (mut worse, mut better) = (scene.clone(), scene.clone());
        bad(&mut worse)?;
        good(&mut better)?;
        self.made.push(Probe { gate, name, bad: worse, good: better });
        Ok(())
    }

    fn order(&mut self) -> Result<(), Error> {
        let base = self.base()?;
        let tradability = |to: Tradability| {
            move |scene: &mut Scene| {
                if let Some(entry) = scene.entry() {
                    entry.tradability = to.clone();
                }
                Ok(())
            }
        };
        for (gate, name, bad) in [
            (
                GateName::Symbol,
                "a symbol that may not be traded",
                Tradability::Untradable("probe".into()),
            ),
            (GateName::Symbol, "a symbol nobody knows", Tradability::Unknown),
            (GateName::SymbolHalt, "a symbol under a trading halt", Tradability::Halted),
            (
                GateName::Restricted,
                "a symbol that may only be sold",
                Tradability::Restricted("probe".into()),
            ),
        ] {
            self.pair(gate, name, &base, &tradability(bad), &unchanged)?;
        }
        let price = base.request.limit_price();
        let mut holding = base.clone();
        if let Some(price) = price {
            holding.hold(&base.request.symbol, base.request.qty, price);
        }
        let qty = |qty: Qty| {
            move |scene: &mut Scene| {
                scene.request.qty = qty;
                Ok(())
            }
        };
        self.pair(GateName::Quantity, "no shares", &holding, &qty(Qty::ZERO), &unchanged)?;
        if self.limits.shares == Shares::Whole {
            let part = Qty::new(base.request.qty.value() - Decimal::new(5, 1))?;
            let name = "half a share";
            self.pair(GateName::Quantity, name, &base, &qty(part), &unchanged)?;
        }
        let sale = |extra: u32| {
            move |scene: &mut Scene| {
                scene.request.side = Side::Sell;
                scene.request.order_type = OrderType::Market;
                scene.request.qty = scene.request.qty.checked_add(Qty::from_shares(extra))?;
                Ok(())
            }
        };
        let name = "a share more than is held";
        self.pair(GateName::LongOnly, name, &holding, &sale(1), &sale(0))?;
        let largest = self.limits.max_order_notional.value();
        let at_most = self.worth(largest)?;
        self.pair(GateName::OrderNotional, "a cent a share above", &at_most, &dearer, &unchanged)
    }

    fn duplicates(&mut self) -> Result<(), Error> {
        let base = self.base()?;
        let open = |side: Side| {
            move |scene: &mut Scene| {
                scene.open_orders.push(OpenOrder {
                    client_order_id: "atlas-probe-0-open".parse()?,
                    symbol: scene.request.symbol.clone(),
                    side,
                    leaves_qty: Qty::from_shares(1),
                    limit_price: scene.request.limit_price(),
                });
                Ok(())
            }
        };
        let name = "an open order on the same side";
        self.pair(GateName::Duplicate, name, &base, &open(Side::Buy), &open(Side::Sell))?;
        let window = i64::from(self.limits.duplicate_window_seconds);
        let sent = |seconds: i64| {
            move |scene: &mut Scene| {
                scene.recent_orders.push(RecentOrder {
                    client_order_id: "atlas-probe-0-recent".parse()?,
                    symbol: scene.request.symbol.clone(),
                    side: scene.request.side,
                    sent_at: scene.now - TimeDelta::seconds(seconds),
                });
                Ok(())
            }
        };
        if window > 0 {
            let name = "an order sent a second inside the window";
            self.pair(GateName::Duplicate, name, &base, &sent(window - 1), &sent(window))?;
        }
        Ok(())
    }

    fn states(&mut self) -> Result<(), Error> {
        let base = self.base()?;
        for state in [TradingState::Reducing, TradingState::Paused, TradingState::Halted] {
            let enter = |scene: &mut Scene| {
                scene.state = state;
                Ok(())
            };
            let name = "a purchase while not ACTIVE";
            self.pair(GateName::TradingState, name, &base, &enter, &unchanged)?;
        }
        let close = |scene: &mut Scene| {
            scene.hours = Hours::Closed;
            Ok(())
        };
        let name = "a closed market with real money";
        self.pair(GateName::MarketHours, name, &base, &close, &unchanged)?;
        let block = |scene: &mut Scene| {
            scene.entries = Entries::Blocked;
            Ok(())
        };
        let name = "a regime without entries";
        self.pair(GateName::Regime, name, &base, &block, &unchanged)?;
        let breaker = |stance: BreakerStance| {
            move |scene: &mut Scene| {
                scene.breaker = stance;
                Ok(())
            }
        };
        let (open, half) = (breaker(BreakerStance::Open), breaker(BreakerStance::HalfOpen));
        self.pair(GateName::CircuitBreaker, "an open breaker", &base, &open, &half)
    }

    fn prices(&mut self) -> Result<(), Error> {
        let base = self.base()?;
        let old = |scene: &mut Scene| {
            if let Some(entry) = scene.entry() {
                entry.session -= TimeDelta::days(1);
            }
            Ok(())
        };
        self.pair(GateName::DataAge, "the close of a session before", &base, &old, &unchanged)?;
        let age = |seconds: i64| {
            move |scene: &mut Scene| {
                let at = scene.now - TimeDelta::seconds(seconds);
                if let Some(quote) = scene.entry().and_then(|entry| entry.quote.as_mut()) {
                    quote.ts_event = at;
                }
                Ok(())
            }
        };
        let oldest = i64::from(self.limits.quote_max_age_seconds);
        self.pair(
            GateName::Quote,
            "a quote a second too old",
            &base,
            &age(oldest + 1),
            &age(oldest),
        )?;
        let no_quote = |scene: &mut Scene| {
            if let Some(entry) = scene.entry() {
                entry.quote = None;
            }
            Ok(())
        };
        self.pair(GateName::Quote, "no quote", &base, &no_quote, &unchanged)?;
        self.collar(&base)
    }

    /// A limit at the bound of the collar, and one a cent above it.
    fn collar(&mut self, base: &Scene) -> Result<(), Error> {
        let Some(price) = base.request.limit_price() else { return Ok(()) };
        let ask = price.moved(Decimal::new(5, 5))?.moved(self.limits.collar_quote.fraction())?;
        let bound = price.moved(self.limits.collar_close.fraction())?.min(ask);
        let limit = |limit_price: Price| {
            move |scene: &mut Scene| {
                scene.request.order_type = OrderType::Limit { limit_price };
                Ok(())
            }
        };
        let above = Price::new(bound.value() + CENT)?;
        let name = "a limit a cent above the collar";
        self.pair(GateName::PriceCollar, name, base, &limit(above), &limit(bound))
    }

    fn sizes(&mut self) -> Result<(), Error> {
        let min = self.limits.min_position.value();
        if min >= Decimal::ONE {
            let smallest = self.worth(min)?;
            let name = "a position a cent a share too small";
            self.pair(GateName::MinPosition, name, &smallest, &cheaper, &unchanged)?;
        }
        let mut largest = self.base()?;
        let value = largest.request.limit_price().map(|price| price.notional(largest.request.qty));
        if let Some(value) = value.transpose()? {
            // The position is then the largest to within a cent of equity, which is rounded up.
            let equity = value.value() / self.limits.position_deny.value();
            largest.equity = Usd::new(Rounding::Up.apply(equity, 2))?;
        }
        let name = "a position a cent a share too large";
        self.pair(GateName::PositionSize, name, &largest, &dearer, &unchanged)?;
        let base = self.base()?;
        let crowd = |count: u32| {
            move |scene: &mut Scene| {
                for number in 0..count {
                    let symbol = Symbol::new(&format!("P{number}"))?;
                    scene.hold(&symbol, Qty::from_shares(1), Price::new(Decimal::ONE)?);
                }
                Ok(())
            }
        };
        let max = self.limits.max_positions;
        let name = "a position too many";
        self.pair(GateName::MaxPositions, name, &base, &crowd(max), &crowd(max.saturating_sub(1)))
    }

    fn money(&mut self) -> Result<(), Error> {
        let base = self.base()?;
        let Some(price) = base.request.limit_price() else { return Ok(()) };
        let cost = price.notional(base.request.qty)?;
        let short = cost.checked_sub(Usd::new(CENT)?)?;
        let budget = |budget: Usd| {
            move |scene: &mut Scene| {
                scene.budget = budget;
                Ok(())
            }
        };
        let name = "a cent more than the budget";
        self.pair(GateName::TotalAllocation, name, &base, &budget(short), &budget(cost))?;
        let cash = |cash: Usd| {
            move |scene: &mut Scene| {
                scene.account.cash = cash;
                Ok(())
            }
        };
        let name = "a cent more than the cash";
        self.pair(GateName::BuyingPower, name, &base, &cash(short), &cash(cost))?;
        let power = |power: Usd| {
            move |scene: &mut Scene| {
                scene.account.buying_power = power;
                Ok(())
            }
        };
        let name = "a cent more than the buying power";
        self.pair(GateName::BuyingPower, name, &base, &power(short), &power(cost))?;
        let limit = Usd::new(base.equity.value() * self.limits.turnover_per_day)?;
        let traded = |traded: Usd| {
            move |scene: &mut Scene| {
                scene.activity.traded_today = traded;
                Ok(())
            }
        };
        let (inside, outside) = (limit.checked_sub(cost)?, limit.checked_sub(short)?);
        let name = "a cent more than the day's turnover";
        self.pair(GateName::Turnover, name, &base, &traded(outside), &traded(inside))
    }

    fn day(&mut self) -> Result<(), Error> {
        let base = self.base()?;
        let minute = |sent: u32| {
            move |scene: &mut Scene| {
                scene.activity.orders_last_minute = sent;
                Ok(())
            }
        };
        let most = self.limits.orders_per_minute;
        let name = "an order too many within a minute";
        self.pair(GateName::MessageRate, name, &base, &minute(most), &minute(most - 1))?;
        let today = |sent: u32| {
            move |scene: &mut Scene| {
                scene.activity.orders_today = sent;
                Ok(())
            }
        };
        let most = self.limits.orders_per_day;
        let name = "an order too many within a day";
        self.pair(GateName::OrdersPerDay, name, &base, &today(most), &today(most - 1))?;
        let grain = Decimal::new(1, 9);
        let lost = |loss: Option<Decimal>| {
            move |scene: &mut Scene| {
                scene.performance.day_return = loss.map(|loss| -loss);
                Ok(())
            }
        };
        let max = self.limits.daily_loss.value();
        let name = "a day that has lost its limit";
        self.pair(GateName::DailyLoss, name, &base, &lost(Some(max)), &lost(Some(max - grain)))?;
        self.pair(GateName::DailyLoss, "an unknown day", &base, &lost(None), &unchanged)?;
        let fallen = |fall: Option<Decimal>| {
            move |scene: &mut Scene| {
                scene.performance.drawdown = fall;
                Ok(())
            }
        };
        let max = self.limits.drawdown_deny.value();
        let name = "a drawdown at its limit";
        self.pair(GateName::Drawdown, name, &base, &fallen(Some(max)), &fallen(Some(max - grain)))?;
        self.pair(GateName::Drawdown, "an unknown drawdown", &base, &fallen(None), &unchanged)
    }
}

/// The neighbour is the scene itself.
#[expect(clippy::unnecessary_wraps, reason = "it stands where changes that can fail stand")]
const fn unchanged(_: &mut Scene) -> Result<(), Error> {
    Ok(())
}

/// Every price a cent higher.
fn dearer(scene: &mut Scene) -> Result<(), Error> {
    moved(scene, CENT)
}

/// Every price a cent lower.
fn cheaper(scene: &mut Scene) -> Result<(), Error> {
    moved(scene, -CENT)
}

fn moved(scene: &mut Scene, by: Decimal) -> Result<(), Error> {
    let Some(price) = scene.request.limit_price() else { return Ok(()) };
    let limit_price = Price::new(price.value() + by)?;
    scene.request.order_type = OrderType::Limit { limit_price };
    scene.price(&scene.request.symbol.clone(), limit_price)
}

const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
