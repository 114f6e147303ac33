//! Reading expected values so that nothing in a file can go unnoticed.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// One object of a golden file; every field must be read before [`Case::finish`].
pub(crate) struct Case<'a> {
    fields: &'a Map<String, Value>,
    read: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(value: &'a Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("not an object")?;
        Ok(Self { fields, read: RefCell::default() })
    }

    pub(crate) fn opt(&self, key: &str) -> Option<&'a Value> {
        let (key, value) = self.fields.get_key_value(key)?;
        self.read.borrow_mut().insert(key);
        (!value.is_null()).then_some(value)
    }

    pub(crate) fn get(&self, key: &str) -> Result<&'a Value, String> {
        self.opt(key).ok_or_else(|| format!("field {key} is missing"))
    }

    /// Marks fields as read that say nothing about numbers.
    pub(crate) fn skip(&self, keys: &[&str]) {
        for key in keys {
            self.opt(key);
        }
    }

    pub(crate) fn case(&self, key: &str) -> Result<Self, String> {
        Self::new(self.get(key)?)
    }

    pub(crate) fn list(&self, key: &str) -> Result<&'a Vec<Value>, String> {
        self.get(key)?.as_array().ok_or_else(|| format!("{key} is not a list"))
    }

    /// The cases of one kind; a file need not have every kind.
    pub(crate) fn cases(&self, key: &str) -> Result<&'a [Value], String> {
        match self.opt(key) {
            None => Ok(&[]),
            Some(value) => {
                value.as_array().map(Vec::as_slice).ok_or(format!("{key} is not a list"))
            }
        }
    }

    pub(crate) fn text(&self, key: &str) -> Result<&'a str, String> {
        self.get(key)?.as_str().ok_or_else(|| format!("{key} is not a text"))
    }

    pub(crate) fn flag(&self, key: &str) -> Result<bool, String> {
        self.get(key)?.as_bool().ok_or_else(|| format!("{key} is not true or false"))
    }

    pub(crate) fn count(&self, key: &str) -> Result<usize, String> {
        count(self.get(key)?).map_err(|e| format!("{key}: {e}"))
    }

    pub(crate) fn float(&self, key: &str) -> Result<f64, String> {
        float(self.get(key)?).map_err(|e| format!("{key}: {e}"))
    }

    pub(crate) fn floats(&self, key: &str) -> Result<Vec<f64>, String> {
        floats(self.get(key)?).map_err(|e| format!("{key}: {e}"))
    }

    pub(crate) fn counts(&self, key: &str) -> Result<Vec<usize>, String> {
        self.list(key)?.iter().map(count).collect()
    }

    /// Run lengths, spelled out.
    pub(crate) fn runs(&self, key: &str) -> Result<Vec<u32>, String> {
        let mut out = Vec::new();
        for pair in self.counts(key)?.chunks(2) {
            let [value, length] = *pair else { return Err(format!("{key} has an odd length")) };
            let value = u32::try_from(value).map_err(|e| e.to_string())?;
            out.extend(std::iter::repeat_n(value, length));
        }
        Ok(out)
    }

    /// Fails if a field was never read: an unknown field is an unchecked one.
    pub(crate) fn finish(self) -> Result<(), String> {
        let read = self.read.into_inner();
        match self.fields.keys().find(|key| !read.contains(key.as_str())) {
            None => Ok(()),
            Some(key) => Err(format!("field {key} is unknown and was not checked")),
        }
    }
}

pub(crate) fn count(value: &Value) -> Result<usize, String> {
    let number = value.as_u64().ok_or_else(|| format!("{value} is not a count"))?;
    usize::try_from(number).map_err(|e| e.to_string())
}

/// A number, or one of the words for what JSON cannot write.
pub(crate) fn float(value: &Value) -> Result<f64, String> {
    match value.as_str() {
        Some("NaN") => Ok(f64::NAN),
        Some("Infinity") => Ok(f64::INFINITY),
        Some("-Infinity") => Ok(f64::NEG_INFINITY),
        _ => value.as_f64().ok_or_else(|| format!("{value} is not a number")),
    }
}

/// All numbers of a list or a list of lists, one after the other.
pub(crate) fn floats(value: &Value) -> Result<Vec<f64>, String> {
    let list = value.as_array().ok_or_else(|| format!("{value} is not a list"))?;
    let mut out = Vec::new();
    for item in list {
        if item.is_array() {
            out.extend(floats(item)?);
        } else {
            out.push(float(item)?);
        }
    }
    Ok(out)
}
