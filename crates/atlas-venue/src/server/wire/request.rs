//! An order on its way in.

use atlas_core::{Price, Qty, Side, Usd};
use serde::Deserialize;

use super::{Amount, Object};
use crate::core::{
    Class, Intent, Kind, Money, NewOrder, Px, Refusal, Replacement, Shares, Size, Tif, Trail,
};
use crate::server::query;

/// The body of `POST /v2/orders`. Members it does not know are ignored, as Alpaca does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OrderWish {
    symbol: Option<String>,
    qty: Option<Amount>,
    notional: Option<Amount>,
    side: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    time_in_force: Option<String>,
    limit_price: Option<Amount>,
    stop_price: Option<Amount>,
    trail_price: Option<Amount>,
    trail_percent: Option<Amount>,
    extended_hours: Option<bool>,
    client_order_id: Option<String>,
    order_class: Option<String>,
    position_intent: Option<String>,
    take_profit: Option<Object<TakeProfit>>,
    stop_loss: Option<Object<StopLoss>>,
    advanced_instructions: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct TakeProfit {
    limit_price: Option<Amount>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct StopLoss {
    stop_price: Option<Amount>,
    limit_price: Option<Amount>,
}

impl OrderWish {
    /// What the order names as its symbol, which may be an asset's id.
    pub(crate) fn name(&self) -> Option<&str> {
        self.symbol.as_deref()
    }

    /// The same order of a symbol in the venue's own spelling.
    pub(crate) fn of(self, symbol: &atlas_core::Symbol) -> Self {
        Self { symbol: Some(symbol.to_string()), ..self }
    }

    /// The order in the venue's terms.
    pub(crate) fn into_order(self) -> Result<NewOrder, Refusal> {
        let symbol = self.symbol.clone().ok_or_else(|| malformed("symbol is required"))?;
        let unknown = || Refusal::Rule(format!("asset \"{symbol}\" not found"));
        check_plain(self.advanced_instructions.as_ref())?;
        let class = self.class()?;
        // Exits without a class are ignored, as the service does.
        let (take_profit, stop_loss) = match class {
            Class::Simple => (None, None),
            Class::Bracket | Class::Oco | Class::Oto => self.exits()?,
        };
        Ok(NewOrder {
            symbol: query::symbol(&symbol).ok_or_else(unknown)?,
            side: self.side()?,
            size: self.size()?,
            kind: self.kind()?,
            tif: self.tif()?,
            extended_hours: self.extended_hours.unwrap_or(false),
            class,
            take_profit,
            stop_loss,
            client_order_id: self.client_order_id.filter(|id| !id.is_empty()),
        })
    }

    /// What the sender says the order does, if anything.
    pub(crate) fn intent(&self) -> Result<Option<Intent>, Refusal> {
        Ok(Some(match self.position_intent.as_deref() {
            None | Some("") => return Ok(None),
            Some("buy_to_open") => Intent::BuyToOpen,
            Some("buy_to_close") => Intent::BuyToClose,
            Some("sell_to_open") => Intent::SellToOpen,
            Some("sell_to_close") => Intent::SellToClose,
            other => return Err(unknown_word("position_intent", other)),
        }))
    }

    fn side(&self) -> Result<Side, Refusal> {
        match self.side.as_deref() {
            Some("buy") => Ok(Side::Buy),
            Some("sell") => Ok(Side::Sell),
            other => Err(unknown_word("side", other)),
        }
    }

    fn tif(&self) -> Result<Tif, Refusal> {
        match self.time_in_force.as_deref() {
            Some(word) => tif(word),
            None => Err(unknown_word("time_in_force", None)),
        }
    }

    fn class(&self) -> Result<Class, Refusal> {
        match self.order_class.as_deref() {
            None | Some("" | "simple") => Ok(Class::Simple),
            Some("bracket") => Ok(Class::Bracket),
            Some("oco") => Ok(Class::Oco),
            Some("oto") => Ok(Class::Oto),
            other => Err(unknown_word("order_class", other)),
        }
    }

    fn size(&self) -> Result<Size, Refusal> {
        match (self.qty, self.notional) {
            (Some(_), Some(_)) => Err(malformed("only one of qty or notional is accepted")),
            (None, None) => Err(malformed("qty or notional is required")),
            (Some(qty), None) => shares(qty).map(Size::Shares),
            // Neither quantities nor amounts have more.
            (None, Some(amount)) if amount.0.normalize().scale() > 9 => {
                Err(malformed("notional must have no more than nine decimals"))
            }
            (None, Some(amount)) => {
                let money = Usd::new(amount.0).map_err(crate::Error::from);
                let money = money.and_then(Money::try_from);
                money.map(Size::Notional).map_err(|error| malformed(&error.to_string()))
            }
        }
    }

    fn kind(&self) -> Result<Kind, Refusal> {
        let limit = self.limit_price.map(|price| px("limit_price", price)).transpose()?;
        let stop = self.stop_price.map(|price| px("stop_price", price)).transpose()?;
        let needs = |name: &str| malformed(&format!("{name} is required for this order type"));
        let none = |name: &str, price: Option<Px>| match price {
            Some(_) => Err(malformed(&format!("{name} is not accepted for this order type"))),
            None => Ok(()),
        };
        match self.kind.as_deref() {
            Some("market") => {
                none("limit_price", limit)?;
                none("stop_price", stop)?;
                Ok(Kind::Market)
            }
            Some("limit") => {
                none("stop_price", stop)?;
                // Of two exits the order itself takes the gain, wherever its limit is written.
                let gain = self.take_profit.as_ref().and_then(|exit| exit.0.limit_price);
                let gain = gain.filter(|_| self.order_class.as_deref() == Some("oco"));
                let gain = gain.map(|price| px("take_profit.limit_price", price)).transpose()?;
                let limit = limit.or(gain);
                Ok(Kind::Limit(limit.ok_or_else(|| needs("limit_price"))?))
            }
            Some("stop") => {
                none("limit_price", limit)?;
                Ok(Kind::Stop(stop.ok_or_else(|| needs("stop_price"))?))
            }
            Some("stop_limit") => Ok(Kind::StopLimit {
                stop: stop.ok_or_else(|| needs("stop_price"))?,
                limit: limit.ok_or_else(|| needs("limit_price"))?,
            }),
            Some("trailing_stop") => self.trail(),
            other => Err(unknown_word("type", other)),
        }
    }

    fn trail(&self) -> Result<Kind, Refusal> {
        let trail = match (self.trail_price, self.trail_percent) {
            (Some(width), None) => Trail::Price(px("trail_price", width)?),
            (None, Some(percent)) => Trail::Percent(px("trail_percent", percent)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err(malformed("exactly one of trail_price and trail_percent is required"));
            }
        };
        Ok(Kind::Trailing(trail))
    }

    #[expect(clippy::type_complexity, reason = "the two exits as NewOrder holds them")]
    fn exits(&self) -> Result<(Option<Px>, Option<(Px, Option<Px>)>), Refusal> {
        let limit = |exit: &TakeProfit| -> Result<Px, Refusal> {
            let price = exit.limit_price;
            let needed = || malformed("take_profit.limit_price is required");
            price.ok_or_else(needed).and_then(|price| px("take_profit.limit_price", price))
        };
        let stop = |exit: &StopLoss| -> Result<(Px, Option<Px>), Refusal> {
            let needed = || malformed("stop_loss.stop_price is required");
            let stop = px("stop_loss.stop_price", exit.stop_price.ok_or_else(needed)?)?;
            let limit = exit.limit_price.map(|price| px("stop_loss.limit_price", price));
            Ok((stop, limit.transpose()?))
        };
        let take_profit = self.take_profit.as_ref().map(|exit| limit(&exit.0)).transpose()?;
        Ok((take_profit, self.stop_loss.as_ref().map(|exit| stop(&exit.0)).transpose()?))
    }
}

/// The body of `PATCH /v2/orders/{id}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReplaceWish {
    qty: Option<Amount>,
    time_in_force: Option<String>,
    limit_price: Option<Amount>,
    stop_price: Option<Amount>,
    trail: Option<Amount>,
    client_order_id: Option<String>,
    advanced_instructions: Option<serde_json::Value>,
}

impl ReplaceWish {
    /// The change in the venue's terms.
    pub(crate) fn into_replacement(self) -> Result<Replacement, Refusal> {
        check_plain(self.advanced_instructions.as_ref())?;
        let price =
            |name: &str, amount: Option<Amount>| amount.map(|amount| px(name, amount)).transpose();
        Ok(Replacement {
            qty: self.qty.map(shares).transpose()?,
            // Clients that cannot leave a member out send it empty.
            tif: self
                .time_in_force
                .as_deref()
                .filter(|word| !word.is_empty())
                .map(tif)
                .transpose()?,
            limit: price("limit_price", self.limit_price)?,
            stop: price("stop_price", self.stop_price)?,
            trail: price("trail", self.trail)?,
            client_order_id: self.client_order_id.filter(|id| !id.is_empty()),
        })
    }
}

/// Refuses an order that is to be worked in another way than at once: it would be taken for a plain
/// one.
fn check_plain(instructions: Option<&serde_json::Value>) -> Result<(), Refusal> {
    let text = "advanced_instructions are not supported: orders are routed plainly";
    if instructions.is_some() { Err(Refusal::Rule(text.to_owned())) } else { Ok(()) }
}

/// A time in force by its word.
pub(crate) fn tif(word: &str) -> Result<Tif, Refusal> {
    Ok(match word {
        "day" => Tif::Day,
        "gtc" => Tif::Gtc,
        "opg" => Tif::Opg,
        "cls" => Tif::Cls,
        "ioc" => Tif::Ioc,
        "fok" => Tif::Fok,
        other => return Err(unknown_word("time_in_force", Some(other))),
    })
}

/// A price above zero.
pub(crate) fn px(name: &str, amount: Amount) -> Result<Px, Refusal> {
    let price = Price::new(amount.0).map_err(|_| malformed(&format!("{name} must be > 0")))?;
    Px::try_from(price).map_err(|error| malformed(&error.to_string()))
}

/// A quantity; zero is left to the venue to refuse.
pub(crate) fn shares(amount: Amount) -> Result<Shares, Refusal> {
    if amount.0.is_sign_negative() {
        return Err(malformed("qty must be > 0"));
    }
    let qty = Qty::new(amount.0).map_err(crate::Error::from).and_then(Shares::try_from);
    qty.map_err(|error| malformed(&error.to_string()))
}

fn malformed(text: &str) -> Refusal {
    Refusal::Malformed(text.to_owned())
}

fn unknown_word(name: &str, word: Option<&str>) -> Refusal {
    match word {
        Some(word) => malformed(&format!("invalid {name}: {word:?}")),
        None => malformed(&format!("{name} is required")),
    }
}
