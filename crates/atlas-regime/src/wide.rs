//! Several numbers at once, in plain Rust: the compiler makes vector instructions of it.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether AVX-512 is left alone where there is one.
static NARROW: AtomicBool = AtomicBool::new(false);

/// Leaves AVX-512 alone from now on, in the whole process, as on a processor without it: for
/// measurements. No result changes by a bit.
#[doc(hidden)]
pub fn without_avx512() {
    NARROW.store(true, Ordering::Relaxed);
}

/// Whether the processor has the parts of AVX-512 that functions here are compiled for.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_avx512() -> bool {
    !NARROW.load(Ordering::Relaxed)
        && std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("avx512vl")
}

/// `N` floats, lane by lane.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(crate) struct Floats<const N: usize>(pub(crate) [f64; N]);

/// `N` words of bits, lane by lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Words<const N: usize>(pub(crate) [u64; N]);

macro_rules! lanewise {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $type:ident),*) -> $out:ident($zero:expr) { |$lane:ident| $body:expr }) => {
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name<const N: usize>($($arg: $type<N>),*) -> $out<N> {
            let mut out = [$zero; N];
            let mut lane = 0;
            while lane < N {
                let $lane = lane;
                out[lane] = $body;
                lane = lane.wrapping_add(1);
            }
            $out(out)
        }
    };
}

lanewise!(add(a: Floats, b: Floats) -> Floats(0.0) { |i| a.0[i] + b.0[i] });
lanewise!(sub(a: Floats, b: Floats) -> Floats(0.0) { |i| a.0[i] - b.0[i] });
lanewise!(mul(a: Floats, b: Floats) -> Floats(0.0) { |i| a.0[i] * b.0[i] });
lanewise!(
    /// The first where it is smaller, else the second.
    min(a: Floats, b: Floats) -> Floats(0.0) { |i| if a.0[i] < b.0[i] { a.0[i] } else { b.0[i] } }
);
lanewise!(
    /// All ones where smaller.
    less(a: Floats, b: Floats) -> Words(0) { |i| if a.0[i] < b.0[i] { u64::MAX } else { 0 } }
);
lanewise!(
    /// All ones where smaller or equal.
    at_most(a: Floats, b: Floats) -> Words(0) { |i| if a.0[i] <= b.0[i] { u64::MAX } else { 0 } }
);
lanewise!(and(a: Words, b: Words) -> Words(0) { |i| a.0[i] & b.0[i] });
lanewise!(
    /// Bits of the first that the second lacks.
    without(a: Words, b: Words) -> Words(0) { |i| a.0[i] & !b.0[i] }
);
lanewise!(or(a: Words, b: Words) -> Words(0) { |i| a.0[i] | b.0[i] });
/// The same number in every lane.
#[inline(always)]
#[expect(clippy::inline_always, reason = "one instruction")]
pub(crate) const fn splat<const N: usize>(x: f64) -> Floats<N> {
    Floats([x; N])
}
