//! Four numbers at once, in plain Rust: the compiler makes vector instructions of it.

/// Four floats, lane by lane.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(32))]
pub(super) struct F4(pub(super) [f64; 4]);

/// Four words of bits, lane by lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(32))]
pub(super) struct U4(pub(super) [u64; 4]);

macro_rules! lanewise {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $type:ident),*) -> $out:ident { |$lane:ident| $body:expr }) => {
        $(#[$doc])*
        #[inline(always)]
        pub(super) fn $name($($arg: $type),*) -> $out {
            let mut out = [<$out as Lanes>::ZERO; 4];
            let mut lane = 0;
            while lane < 4 {
                let $lane = lane;
                out[lane] = $body;
                lane = lane.wrapping_add(1);
            }
            $out(out)
        }
    };
}

/// What an empty lane holds.
trait Lanes {
    type Item;
    const ZERO: Self::Item;
}

impl Lanes for F4 {
    type Item = f64;
    const ZERO: f64 = 0.0;
}

impl Lanes for U4 {
    type Item = u64;
    const ZERO: u64 = 0;
}

lanewise!(add(a: F4, b: F4) -> F4 { |i| a.0[i] + b.0[i] });
lanewise!(sub(a: F4, b: F4) -> F4 { |i| a.0[i] - b.0[i] });
lanewise!(mul(a: F4, b: F4) -> F4 { |i| a.0[i] * b.0[i] });
lanewise!(
    /// The first where it is smaller, else the second.
    min(a: F4, b: F4) -> F4 { |i| if a.0[i] < b.0[i] { a.0[i] } else { b.0[i] } }
);
lanewise!(
    /// All ones where smaller.
    less(a: F4, b: F4) -> U4 { |i| if a.0[i] < b.0[i] { u64::MAX } else { 0 } }
);
lanewise!(
    /// All ones where smaller or equal.
    at_most(a: F4, b: F4) -> U4 { |i| if a.0[i] <= b.0[i] { u64::MAX } else { 0 } }
);
lanewise!(and(a: U4, b: U4) -> U4 { |i| a.0[i] & b.0[i] });
lanewise!(
    /// Bits of the first that the second lacks.
    without(a: U4, b: U4) -> U4 { |i| a.0[i] & !b.0[i] }
);
lanewise!(or(a: U4, b: U4) -> U4 { |i| a.0[i] | b.0[i] });
lanewise!(
    /// Shifts by one and takes the lowest bit of the second in.
    shift_in(a: U4, b: U4) -> U4 { |i| (a.0[i] << 1) | (b.0[i] & 1) }
);

/// The same number in every lane.
#[inline(always)]
#[expect(clippy::inline_always, reason = "one instruction")]
pub(super) const fn splat(x: f64) -> F4 {
    F4([x; 4])
}
