//! What does not change with the clock.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};

use super::super::answer::{Answer, not_found};
use super::super::query::Query;

/// `GET /v2/stocks/meta/exchanges`
pub(super) async fn exchanges() -> Json<Value> {
    Json(json!({ "N": "New York Stock Exchange", "P": "NYSE Arca", "V": "IEX" }))
}

/// `GET /v2/stocks/meta/conditions/{trade|quote}`
pub(super) async fn conditions(
    Path(ticktype): Path<String>,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Value>> {
    Query::new(pairs).word("tape", "A", &["A", "B", "C"])?;
    match ticktype.as_str() {
        "trade" => Ok(Json(json!({ "@": "Regular Sale" }))),
        "quote" => Ok(Json(json!({ "R": "Regular, Two-Sided Open Quote" }))),
        _ => Err(not_found("endpoint not found.")),
    }
}
