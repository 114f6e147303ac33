//! Identifiers that are a function of a seed and a counter, and stamps that strictly increase.

use atlas_core::Symbol;
use atlas_core::calendar::to_eastern;
use atlas_core::time::Timestamp;
use uuid::Uuid;

use crate::Error;

/// What an identifier names; each kind has numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An order.
    Order = 1,
    /// An execution or another entry of the ledger.
    Activity = 2,
    /// The account.
    Account = 3,
    /// A client order id the venue makes up.
    ClientOrder = 4,
    /// The halves of a key pair.
    Key = 5,
    /// A request to the server.
    Request = 6,
    /// A group of orders.
    Group = 7,
    /// A list of symbols.
    Watchlist = 8,
}

/// The identifier number `count` of a kind: the same for the same seed, in the form of a random
/// (version 4) UUID.
pub(crate) fn uuid(seed: u64, kind: Kind, count: u64) -> Uuid {
    let start = mix(seed ^ mix(kind as u64));
    let (high, low) = (mix(start ^ mix(count)), mix(start.wrapping_add(GOLDEN) ^ count));
    let bytes = (u128::from(high) << 64) | u128::from(low);
    uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
}

/// The identifier of a symbol: Alpaca's own where it is known, otherwise made from the letters.
pub(crate) fn asset_id(symbol: &Symbol) -> Uuid {
    let known = match symbol.as_str() {
        "AAPL" => Some("b0b6dd9d-8b9b-48a9-ba46-b9d54906e415"),
        "SPY" => Some("b28f4066-5c6d-479b-a2af-85dc1a8f16fb"),
        "BTC/USD" => Some("276e2673-764b-4ab6-a611-caf665ca6340"),
        _ => None,
    };
    known.and_then(|text| Uuid::parse_str(text).ok()).unwrap_or_else(|| {
        let word = symbol.as_str().bytes().fold(0_u64, |hash, byte| mix(hash ^ u64::from(byte)));
        let bytes = (u128::from(word) << 64) | u128::from(mix(word));
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    })
}

/// The name of a ledger entry: `YYYYMMDDhhmmssmmm::<uuid>` in New York time, so that names sort
/// like their stamps.
pub(crate) fn activity_id(stamp: Timestamp, uuid: Uuid) -> Result<String, Error> {
    Ok(format!("{}::{uuid}", to_eastern(stamp)?.format("%Y%m%d%H%M%S%3f")))
}

/// The date in New York; the UTC date outside of the calendar.
pub(crate) fn date_of(stamp: Timestamp) -> chrono::NaiveDate {
    to_eastern(stamp).map_or_else(|_| stamp.date_naive(), |local| local.date_naive())
}

/// Two numbers drawn for order number `count`, each evenly from all of `u32`.
pub(crate) fn draw(seed: u64, count: u64) -> (u32, u32) {
    let drawn = mix(mix(seed ^ GOLDEN) ^ count);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the number")]
    (((drawn >> 32) as u32), drawn as u32)
}

/// Finalizer of splitmix64 (Steele, Lea and Flood, 2014).
const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Increment of splitmix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn identifiers_repeat_for_a_seed_and_differ_otherwise() {
        assert_eq!(uuid(7, Kind::Order, 1), uuid(7, Kind::Order, 1));
        let mut seen = BTreeSet::new();
        for seed in 0..3 {
            for kind in [Kind::Order, Kind::Activity, Kind::Key] {
                for count in 0..1000 {
                    assert!(seen.insert(uuid(seed, kind, count)));
                }
            }
        }
        assert_eq!(uuid(7, Kind::Order, 1).get_version_num(), 4);
    }

    #[test]
    fn ledger_names_carry_new_york_time() {
        let stamp = "2019-01-03T14:35:00.007Z".parse().unwrap();
        let id = activity_id(stamp, Uuid::nil()).unwrap();
        assert_eq!(id, "20190103093500007::00000000-0000-0000-0000-000000000000");
    }
}
