//! The program under watch, and an account for it to work on.

pub(crate) mod stage;
pub(crate) mod trap;
