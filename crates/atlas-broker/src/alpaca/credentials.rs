//! The key pair of one account.

use std::fmt;
use std::marker::PhantomData;

use reqwest::header::HeaderValue;

use super::{Mode, Secret};
use crate::Error;

/// The key pair of one account, for one mode; neither printed nor cloned.
///
/// # Examples
/// ```
/// use atlas_broker::alpaca::{Credentials, Paper};
///
/// let pair = Credentials::<Paper>::new("PKTEST".to_owned(), "secret".to_owned())?;
/// assert_eq!(format!("{pair:?}"), "Credentials<paper>([redacted])");
/// assert!(Credentials::<Paper>::new(String::new(), "secret".to_owned()).is_err());
/// # Ok::<(), atlas_broker::Error>(())
/// ```
pub struct Credentials<M: Mode> {
    key_id: Secret,
    secret_key: Secret,
    mode: PhantomData<fn() -> M>,
}

impl<M: Mode> Credentials<M> {
    /// Takes a key pair over.
    ///
    /// # Errors
    /// [`Error::Setup`] if either part is empty or is not printable ASCII without spaces.
    pub fn new(key_id: String, secret_key: String) -> Result<Self, Error> {
        let (key_id, secret_key) = (Secret::new(key_id), Secret::new(secret_key));
        for (name, part) in [("key id", &key_id), ("secret key", &secret_key)] {
            let text = part.expose();
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Error::Setup {
                    problem: format!(
                        "the {name} for {} must be printable ASCII without spaces, and not empty",
                        M::NAME
                    ),
                });
            }
        }
        Ok(Self { key_id, secret_key, mode: PhantomData })
    }

    /// The two header values, marked so that they are never printed.
    pub(crate) fn headers(&self) -> Result<(HeaderValue, HeaderValue), Error> {
        let header = |secret: &Secret| {
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| Error::Setup {
                problem: "a key cannot be sent in an HTTP header".to_owned(),
            })?;
            value.set_sensitive(true);
            Ok(value)
        };
        Ok((header(&self.key_id)?, header(&self.secret_key)?))
    }
}

impl<M: Mode> fmt::Debug for Credentials<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials<{}>([redacted])", M::NAME)
    }
}
