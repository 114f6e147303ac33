//! JSON objects, which a list of values in some order is not.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::server::answer::{Answer, Failure};

/// A value that is read from an object alone: what is derived would take a list of its members as
/// well, by position.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Members(PhantomData))
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Reads the body of a request.
///
/// # Errors
/// [`Failure::BadRequest`] if it is not an object, or a member is not what it has to be.
pub(crate) fn object<T: DeserializeOwned>(body: &str) -> Answer<T> {
    let read: Result<Object<T>, _> = serde_json::from_str(body);
    read.map(|object| object.0).map_err(|error| Failure::BadRequest(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Wish {
        name: String,
    }

    #[test]
    fn a_list_is_no_object() {
        assert_eq!(object::<Wish>(r#" {"name":"x"}"#).unwrap().name, "x");
        for bad in [r#"["x"]"#, "[]", "7", r#""x""#, "null", "", "{}"] {
            assert!(object::<Wish>(bad).is_err(), "{bad}");
        }
    }
}
