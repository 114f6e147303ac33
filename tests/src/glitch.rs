//! What goes wrong with a message of a stream.

use atlas_venue::Fault;

/// What goes wrong with the next message of the order updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glitch {
    /// The connection is cut before it is told.
    Cut,
    /// It is not told, and nothing says so.
    Lost,
    /// It is told twice.
    Twice,
}

impl Glitch {
    /// The same for the venue's server.
    #[must_use]
    pub const fn on_the_wire(self) -> Fault {
        match self {
            Self::Cut => Fault::DropBefore,
            Self::Lost => Fault::Skip,
            Self::Twice => Fault::Repeat,
        }
    }
}
