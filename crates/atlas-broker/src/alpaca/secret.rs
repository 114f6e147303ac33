//! A piece of text that is never shown.

use std::fmt;

use zeroize::Zeroizing;

/// A key: prints as `[redacted]`, cannot be cloned or serialized, is wiped from memory on drop.
///
/// # Examples
/// ```
/// use atlas_broker::alpaca::Secret;
///
/// let secret = Secret::new("not for the log".to_owned());
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// ```
///
/// There is no second copy of a secret:
/// ```compile_fail
/// # use atlas_broker::alpaca::Secret;
/// let secret = Secret::new("once".to_owned());
/// let copy = secret.clone();
/// ```
///
/// and no way into a file:
/// ```compile_fail
/// # use atlas_broker::alpaca::Secret;
/// let text = serde_json::to_string(&Secret::new("once".to_owned()));
/// ```
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller's own copies are the caller's to wipe.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that has to send it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
