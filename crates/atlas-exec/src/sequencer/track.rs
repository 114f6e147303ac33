//! One leg on its way.

use atlas_core::{OrderStatus, Qty, SignalOutcome};

use super::{Leg, LegEnd, end_of};

/// One leg and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) leg: Leg,
    pub(super) progress: Progress,
}

/// Where a leg stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// Not sent; `qty` is what would be.
    Unsent { qty: Qty },
    /// Handed out to be sent, nothing heard yet.
    Released { qty: Qty },
    /// At the broker, or about to be.
    Sent { qty: Qty, status: OrderStatus, filled: Qty, lost: bool },
    /// Never to be sent.
    Dropped { outcome: SignalOutcome, reason: String },
}

impl Track {
    pub(super) fn is_unsent(&self) -> bool {
        matches!(self.progress, Progress::Unsent { .. })
    }

    pub(super) fn is_released(&self) -> bool {
        matches!(self.progress, Progress::Released { .. })
    }

    /// Sent, not ended, and not given up as lost.
    pub(super) fn is_unsettled(&self) -> bool {
        match &self.progress {
            Progress::Unsent { .. } | Progress::Dropped { .. } => false,
            Progress::Released { .. } => true,
            Progress::Sent { status, lost, .. } => !lost && !status.is_terminal(),
        }
    }

    /// Sent and not known to have ended.
    pub(super) fn is_unresolved(&self) -> bool {
        matches!(self.progress, Progress::Sent { status, .. } if !status.is_terminal())
    }

    pub(super) fn end(&self) -> Option<LegEnd> {
        match &self.progress {
            Progress::Unsent { .. } | Progress::Released { .. } => None,
            Progress::Dropped { outcome, reason } => {
                Some(LegEnd { outcome: *outcome, reason: reason.clone() })
            }
            Progress::Sent { qty, status, filled, .. } => {
                end_of(&self.leg, *qty, *status, *filled, None)
            }
        }
    }
}
