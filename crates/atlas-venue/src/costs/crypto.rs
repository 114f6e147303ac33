//! What a crypto trade costs: a fraction of what it credits.

use atlas_core::Bps;

/// Fees of crypto trades, each taken from what the trade credits: coins of a buy, dollars of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CryptoFees {
    /// For a limit order that rested before it traded.
    pub maker: Bps,
    /// For every other order.
    pub taker: Bps,
}

impl CryptoFees {
    /// Nothing.
    pub const FREE: Self = Self { maker: Bps::ZERO, taker: Bps::ZERO };

    /// Alpaca's fees since 2023-03-13 (the model of maker and taker) in a tier from 1, up to
    /// $100 000 in 30 days, to 8; a lower number counts as 1, a higher one as 8. The tier is chosen,
    /// the venue does not count 30 days of trading.
    ///
    /// Source: Alpaca, Crypto Spot Trading Fees.
    #[must_use]
    pub fn alpaca(tier: usize) -> Self {
        let tiers = TIERS;
        let (maker, taker) = tiers[tier.clamp(1, tiers.len()) - 1];
        Self { maker: Bps::from_int(maker), taker: Bps::from_int(taker) }
    }
}

/// Maker and taker of each tier, in basis points.
const TIERS: [(i16, i16); 8] =
    [(15, 25), (12, 22), (10, 20), (8, 18), (5, 15), (2, 13), (2, 12), (0, 10)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_never_rise() {
        for tier in 0..9 {
            let (low, high) = (CryptoFees::alpaca(tier), CryptoFees::alpaca(tier + 1));
            assert!(high.maker <= low.maker && high.taker <= low.taker);
        }
        assert_eq!(CryptoFees::alpaca(1).taker, Bps::from_int(25));
    }
}
