//! The inner loops of batch forms: the same operations as a push, block by block.
//!
//! What a running sum waits for is one addition a value; all else is done for many values at once,
//! where the processor can in the wider registers of AVX2. No operation is contracted or reordered,
//! so that no bit differs from a push.

use super::column::BLOCK;
use super::sums::{Double, dwarfed};

/// The window sums of a block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Means.
    pub(super) mean: [f64; BLOCK],
    /// Roots of n² times the variance.
    pub(super) root: [f64; BLOCK],
    high: [f64; BLOCK],
    low: [f64; BLOCK],
    high_squares: [f64; BLOCK],
    low_squares: [f64; BLOCK],
}

impl Block {
    pub(super) const fn new() -> Self {
        let zero = [0.0; BLOCK];
        Self {
            mean: zero,
            root: zero,
            high: zero,
            low: zero,
            high_squares: zero,
            low_squares: zero,
        }
    }
}

/// Sum, and sum of squares, of the window before a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) sum: Double,
    pub(super) squares: Double,
    pub(super) n: f64,
}

/// Means of the windows that end with each of `new`, as the values of `old` leave; the sum after
/// them, or nothing if a value that left dwarfs the rest.
pub(super) fn means(
    block: &mut Block,
    sum: Double,
    n: f64,
    new: &[f64],
    old: &[f64],
) -> Option<Double> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "the processor was just asked; measured to be worth it")]
        // SAFETY: the function needs nothing but AVX2, which the processor has.
        return unsafe { means_avx2(block, sum, n, new, old) };
    }
    means_plain(block, sum, n, new, old)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn means_avx2(block: &mut Block, sum: Double, n: f64, new: &[f64], old: &[f64]) -> Option<Double> {
    means_plain(block, sum, n, new, old)
}

#[expect(clippy::inline_always, reason = "it must be compiled for the caller's registers")]
#[inline(always)]
fn means_plain(
    block: &mut Block,
    mut sum: Double,
    n: f64,
    new: &[f64],
    old: &[f64],
) -> Option<Double> {
    let count = new.len().min(old.len()).min(BLOCK);
    let (new, old) = (&new[..count], &old[..count]);
    let (high, low) = (&mut block.high[..count], &mut block.low[..count]);
    for at in 0..count {
        Double::difference(new[at], old[at]).store(&mut high[at], &mut low[at]);
    }
    for at in 0..count {
        sum = sum.shift(Double::load(high[at], low[at]));
        sum.store(&mut high[at], &mut low[at]);
    }
    let mut lost = false;
    let mean = &mut block.mean[..count];
    for at in 0..count {
        let value = Double::load(high[at], low[at]).value();
        mean[at] = value / n;
        lost |= dwarfed(old[at], value);
    }
    (!lost).then_some(sum)
}

/// As [`means`], with the roots of n² times the variances.
pub(super) fn moments(
    block: &mut Block,
    before: Before,
    new: &[f64],
    old: &[f64],
) -> Option<(Double, Double)> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        #[expect(unsafe_code, reason = "the processor was just asked; measured to be worth it")]
        // SAFETY: the function needs nothing but AVX2 and FMA, which the processor has.
        return unsafe { moments_avx2(block, before, new, old) };
    }
    moments_plain(block, before, new, old)
}

/// A fused multiplication here is one the source asks for.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn moments_avx2(
    block: &mut Block,
    before: Before,
    new: &[f64],
    old: &[f64],
) -> Option<(Double, Double)> {
    moments_plain(block, before, new, old)
}

#[expect(clippy::inline_always, reason = "it must be compiled for the caller's registers")]
#[inline(always)]
fn moments_plain(
    block: &mut Block,
    Before { mut sum, mut squares, n }: Before,
    new: &[f64],
    old: &[f64],
) -> Option<(Double, Double)> {
    let count = new.len().min(old.len()).min(BLOCK);
    let (new, old) = (&new[..count], &old[..count]);
    let (high, low) = (&mut block.high[..count], &mut block.low[..count]);
    let (high_sq, low_sq) = (&mut block.high_squares[..count], &mut block.low_squares[..count]);
    for at in 0..count {
        Double::difference(new[at], old[at]).store(&mut high[at], &mut low[at]);
        Double::squares(new[at], old[at]).store(&mut high_sq[at], &mut low_sq[at]);
    }
    for at in 0..count {
        sum = sum.shift(Double::load(high[at], low[at]));
        squares = squares.shift(Double::load(high_sq[at], low_sq[at]));
        sum.store(&mut high[at], &mut low[at]);
        squares.store(&mut high_sq[at], &mut low_sq[at]);
    }
    let mut lost = false;
    let (mean, root) = (&mut block.mean[..count], &mut block.root[..count]);
    for at in 0..count {
        let sum = Double::load(high[at], low[at]);
        let squares = Double::load(high_sq[at], low_sq[at]);
        mean[at] = sum.value() / n;
        root[at] = root_of(sum.variation(squares, n));
        lost |= dwarfed(old[at] * old[at], squares.value());
    }
    (!lost).then_some((sum, squares))
}

/// The root of a variation; what rounding leaves below zero is none.
#[inline]
pub(super) fn root_of(variation: f64) -> f64 {
    if variation > 0.0 { variation.sqrt() } else { 0.0 }
}
