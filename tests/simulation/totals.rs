//! What happened in how many seeds; a simulation in which nothing goes wrong proves nothing.

/// Declares the counts that are added up.
macro_rules! totals {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened in how many seeds and days.
        #[derive(Debug, Clone, Copy, Default)]
        pub(crate) struct Totals {
            $($(#[$doc])* pub(crate) $name: u64,)*
            /// Minutes from the opening to the end of the longest day.
            pub(crate) longest_min: u64,
        }

        impl Totals {
            pub(crate) fn plus(self, other: Self) -> Self {
                Self {
                    $($name: self.$name + other.$name,)*
                    longest_min: self.longest_min.max(other.longest_min),
                }
            }
        }
    };
}

totals! {
    days,
    orders,
    fills,
    faults,
    kills,
    pauses,
    partials,
    stale_approvals,
    /// Updates of the stream.
    updates,
    /// Words of operators to running processes.
    words,
    /// Orders of ours that others canceled or replaced.
    meddled,
    /// Splits and new names.
    actions,
    /// Legs that were dropped for one.
    superseded,
    /// Protective orders at the venue.
    guards,
    /// Times a lost stop was placed again after the plan.
    mended,
    /// Buys refused since the price had risen while they were on their way.
    outpriced,
    /// Large fees charged while a plan was carried out.
    charged,
    /// Seeds with a kill.
    halts,
    /// Seeds in which an operator had it reduce.
    reduced,
    /// Seeds with a limit of loss reached.
    losses,
    /// Seeds with an open breaker.
    breakers,
    /// Plans that were ended by their session's close.
    overdue,
    /// Things an operator adopted.
    adopted,
}

impl Totals {
    pub(crate) fn check_that_enough_happened(&self, seeds: u64) {
        for (what, count, least) in [
            ("orders", self.orders, 4 * seeds),
            ("fills", self.fills, 3 * seeds),
            ("faults", self.faults, seeds),
            ("kills", self.kills, seeds),
            ("pauses", self.pauses, seeds / 10),
            ("partial fills", self.partials, seeds / 10),
            ("stale approvals", self.stale_approvals, seeds / 20),
            ("updates", self.updates, seeds),
            ("words", self.words, seeds / 20),
            ("orders others meddled with", self.meddled, seeds / 50),
            ("splits and new names", self.actions, seeds / 5),
            ("legs dropped for those", self.superseded, seeds / 50),
            ("protective orders", self.guards, seeds / 5),
            ("large fees", self.charged, seeds / 50),
            ("stops placed again", self.mended, seeds / 50),
            ("kill switches", self.halts, seeds / 50),
            ("operators' reductions", self.reduced, seeds / 50),
            ("losses at their limit", self.losses, seeds / 20),
            ("open breakers", self.breakers, seeds / 50),
            ("plans ended by the close", self.overdue, seeds / 20),
            ("adoptions", self.adopted, seeds / 50),
        ] {
            assert!(count >= least, "only {count} {what} in {seeds} seeds: it proves too little");
        }
    }
}
