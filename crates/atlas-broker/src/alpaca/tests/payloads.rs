//! Answers in the shapes of the real service.

pub(super) const ORDER_ID: &str = "61e69015-8549-4bfd-b9c3-01e75843f47d";

pub(super) const ACCOUNT: &str = r#"{
  "id":"e6fe16f3-64a4-4921-8928-cadf02f92f98","account_number":"PA3717PJAYWN","status":"ACTIVE",
  "crypto_status":"ACTIVE","currency":"USD","cash":"96000.50","equity":"100000.50",
  "last_equity":"100000","buying_power":"192001","regt_buying_power":"192001",
  "long_market_value":"4000","short_market_value":"0","initial_margin":"2000","multiplier":"2",
  "trading_blocked":false,"account_blocked":false,"transfers_blocked":false,
  "trade_suspended_by_user":false,"shorting_enabled":true,"options_trading_level":3,
  "created_at":"2026-01-02T15:04:05.123456789Z","sma":"0","accrued_fees":"0"
}"#;

pub(super) const POSITION: &str = r#"{
  "asset_id":"b0b6dd9d-8b9b-48a9-ba46-b9d54906e415","symbol":"AAPL","exchange":"NASDAQ",
  "asset_class":"us_equity","asset_marginable":true,"qty":"5","qty_available":"4",
  "avg_entry_price":"100.0","side":"long","market_value":"600.0","cost_basis":"500.0",
  "unrealized_pl":"100.0","unrealized_plpc":"2e-1","current_price":"120.0",
  "lastday_price":"119.0","change_today":"0.0084"
}"#;

pub(super) const ORDER: &str = r#"{
  "id":"61e69015-8549-4bfd-b9c3-01e75843f47d","client_order_id":"atlas-demo-1-buy-AAPL-0",
  "created_at":"2026-01-05T14:30:00.123456789Z","updated_at":"2026-01-05T14:30:00.2Z",
  "submitted_at":"2026-01-05T14:30:00.123456789Z","filled_at":null,"expired_at":null,
  "canceled_at":null,"failed_at":null,"replaced_at":null,"replaced_by":null,"replaces":null,
  "asset_id":"b0b6dd9d-8b9b-48a9-ba46-b9d54906e415","symbol":"AAPL","asset_class":"us_equity",
  "notional":null,"qty":"10","filled_qty":"4","filled_avg_price":"187.333333333333",
  "order_class":"","order_type":"limit","type":"limit","side":"buy","position_intent":"buy_to_open",
  "time_in_force":"day","limit_price":"187.50","stop_price":null,"status":"partially_filled",
  "extended_hours":false,"legs":null,"trail_percent":null,"trail_price":null,"hwm":null,
  "subtag":null,"source":"api","expires_at":"2026-01-05T21:00:00Z"
}"#;

pub(super) const FILL: &str = r#"{
  "activity_type":"FILL","cum_qty":"4.0","id":"20260105093000123::2d7be4ff-d1f3-43e9-856a-0f5cf5c5088e",
  "leaves_qty":"6","order_id":"61e69015-8549-4bfd-b9c3-01e75843f47d",
  "order_status":"partially_filled","price":"187.33","qty":"4","side":"buy","symbol":"AAPL",
  "transaction_time":"2026-01-05T14:30:00.123981482Z","type":"partial_fill"
}"#;

pub(super) const DIVIDEND: &str = r#"{
  "activity_sub_type":"CDIV","activity_type":"DIV","created_at":"2026-01-06T14:01:04.650275Z",
  "currency":"USD","date":"2026-01-05","description":"dividend",
  "id":"20260105000000000::5f596936-6f23-4cef-bdf1-3806aae57dbf","net_amount":"1.02",
  "per_share_amount":"0.51","qty":"2","status":"executed","symbol":"T"
}"#;

pub(super) const CLOCK: &str = r#"{
  "timestamp":"2026-01-05T09:30:00.123456789-05:00","is_open":true,
  "next_open":"2026-01-06T09:30:00-05:00","next_close":"2026-01-05T16:00:00-05:00"
}"#;

pub(super) const CALENDAR_DAY: &str = r#"{
  "date":"2026-11-27","open":"09:30","close":"13:00","session_open":"0400",
  "session_close":"1700","settlement_date":"2026-11-30"
}"#;

pub(super) const QUOTE: &str = r#"{
  "t":"2026-01-05T14:30:00.123456789Z","ap":187.52,"as":200,"ax":"Q","bp":187.5,"bs":100,
  "bx":"P","c":["R"],"z":"C"
}"#;

pub(super) const TRADE: &str = r#"{
  "t":"2026-01-05T14:30:00.123456789Z","p":187.51,"s":100,"x":"Q","c":["@"],"i":42,"z":"C"
}"#;

pub(super) const BAR: &str = r#"{
  "t":"2026-01-05T05:00:00Z","o":187.1,"h":188.44,"l":186.02,"c":187.9,"v":48087703,
  "n":656956,"vw":187.234567891234
}"#;

/// A snapshot of the parts above.
pub(super) fn snapshot() -> String {
    format!(
        r#"{{"latestTrade":{TRADE},"latestQuote":{QUOTE},"minuteBar":{BAR},"dailyBar":{BAR},"prevDailyBar":null}}"#
    )
}

pub(super) const ASSET: &str = r#"{
  "id":"b0b6dd9d-8b9b-48a9-ba46-b9d54906e415","class":"us_equity","exchange":"NASDAQ",
  "symbol":"AAPL","name":"Apple Inc. Common Stock","status":"active","tradable":true,
  "marginable":true,"maintenance_margin_requirement":30,"margin_requirement_long":"30",
  "margin_requirement_short":"30","shortable":true,"easy_to_borrow":true,
  "borrow_status":"easy_to_borrow","fractionable":true,
  "attributes":["fractional_eh_enabled","has_options"]
}"#;

pub(super) const CRYPTO_ASSET: &str = r#"{
  "id":"276e2673-764b-4ab6-a611-caf665ca6340","class":"crypto","exchange":"CRYPTO",
  "symbol":"BTC/USD","name":"Bitcoin / US Dollar","status":"active","tradable":true,
  "marginable":false,"shortable":false,"fractionable":true,"min_order_size":"0.000013",
  "min_trade_increment":"0.000000001","price_increment":"0.01","attributes":[]
}"#;

pub(super) const CONFIGURATION: &str = r#"{
  "suspend_trade":false,"no_shorting":true,"fractional_trading":true,"max_margin_multiplier":"4",
  "trade_confirm_email":"all","ptp_no_exception_entry":false,"disable_overnight_trading":false,
  "max_options_trading_level":null
}"#;

pub(super) const HISTORY: &str = r#"{
  "timestamp":[1767571200,1767657600],"equity":[null,100000.5],"profit_loss":[null,0.5],
  "profit_loss_pct":[null,5e-6],"base_value":100000,"base_value_asof":"2026-01-02",
  "timeframe":"1D","cashflow":{}
}"#;
