//! What may go wrong with a file.

use serde_json::{Value, json};

/// Pointers to every value within, but of long lists the first and the last only.
pub(crate) fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| pointers(inner, &format!("{at}/{key}"), out));
        }
        Value::Array(list) => {
            let ends = [0, list.len().saturating_sub(1)];
            let ends = if list.len() < 2 { &ends[..list.len()] } else { &ends[..] };
            for i in ends {
                pointers(&list[*i], &format!("{at}/{i}"), out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the damage may have left in the place of a value.
pub(crate) fn damages(value: &Value) -> Vec<Value> {
    let mut out = vec![Value::Null, json!([]), json!({}), json!("x")];
    out.extend([json!(0), json!(1), json!(7), json!(-1), json!(0.5), json!(u64::MAX)]);
    out.extend([json!(-1e300), json!(1e300), json!(1e-300)]);
    if let Value::Array(list) = value {
        out.push(json!(list.get(1..).unwrap_or_default()));
        let mut longer = list.clone();
        longer.extend(list.last().cloned());
        out.push(json!(longer));
    }
    out
}
