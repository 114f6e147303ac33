"""Every endpoint and status the venue implements, held against Alpaca's OpenAPI documents.

Walks all of them in one go. Fails on a finding that `deviations.toml` does not list, on a listed one
that no longer occurs, on an operation that is implemented but not walked, on one that is listed as
absent and is not (or the other way round), and on a table in `docs/VENUE.md` that says otherwise.
With `--write`, that table is made anew.
"""

import json
import subprocess
import sys

import requests

import openapi
import venue

DOCS = venue.ROOT / "docs" / "VENUE.md"
MARKS = ("<!-- deviations: made by tests/clients/run openapi --write -->\n", "<!-- end -->\n")
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Walk:
    """Calls made through the proxy, each with the status it must answer."""

    def __init__(self, url, headers):
        self.url, self.session, self.failures = url, requests.Session(), []
        self.session.headers.update(headers)

    def __call__(self, expect, method, path, query=None, body=None, headers=None):
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        sent = {**(headers or {})}
        if data is not None:
            sent["Content-Type"] = "application/json"
        answer = self.session.request(
            method, self.url + path, params=query, data=data, headers=sent, timeout=30
        )
        if answer.status_code != expect:
            line = f"{method} {path} {query or ''} {data or ''}"
            self.failures.append(f"{line}: {answer.status_code} not {expect}: {answer.text[:300]}")
        try:
            return answer.json()
        except ValueError:
            return None

    def order(self, expect=200, **body):
        return self(expect, "POST", "/v2/orders", body=body) or {}


def simple(symbol="AAPL", side="buy", kind="market", tif="day", **more):
    body = {"symbol": symbol, "side": side, "type": kind, "time_in_force": tif}
    return {**body, "qty": "1", **more} if "notional" not in more else {**body, **more}


def prices(walk):
    """Bid and ask of AAPL, as floats: this is about shapes, not about money."""
    quote = walk(200, "GET", "/v2/stocks/AAPL/quotes/latest")["quote"]
    return quote["bp"], quote["ap"]


def account(walk):
    walk(200, "GET", "/v2/account")
    walk(401, "GET", "/v2/account", headers={"APCA-API-SECRET-KEY": "wrong"})
    configuration = walk(200, "GET", "/v2/account/configurations")
    walk(200, "PATCH", "/v2/account/configurations", body={"suspend_trade": True})
    walk(403, "POST", "/v2/orders", body=simple())
    walk(200, "PATCH", "/v2/account/configurations", body={"suspend_trade": False})
    walk(200, "PATCH", "/v2/account/configurations", body=dict.fromkeys(configuration))
    walk(400, "PATCH", "/v2/account/configurations", body="{")
    walk(422, "PATCH", "/v2/account/configurations", body={"max_margin_multiplier": "3"})


def orders(walk):
    bid, ask = prices(walk)
    cents = lambda price: f"{price:.2f}"
    low, high = cents(bid * 0.9), cents(ask * 1.1)
    bought = walk.order(**simple(qty="20", client_order_id="walk-1"))
    walk.order(**simple(notional="250"))
    walk.order(**simple(qty="0.5"))
    rest = walk.order(**simple(kind="limit", limit_price=low))
    walk.order(**simple(kind="limit", tif="gtc", limit_price=low, extended_hours=True))
    walk.order(**simple(kind="stop", stop_price=high))
    walk.order(**simple(kind="stop_limit", stop_price=high, limit_price=high))
    walk.order(**simple(kind="trailing_stop", trail_percent="5"))
    walk.order(**simple(kind="trailing_stop", trail_price="3", tif="gtc"))
    walk.order(**simple(kind="limit", tif="ioc", limit_price=low))
    walk.order(**simple(kind="limit", tif="fok", limit_price=high))
    walk.order(**simple(tif="cls"))
    exits = {"take_profit": {"limit_price": high}, "stop_loss": {"stop_price": low}}
    bracket = walk.order(**simple(order_class="bracket", tif="gtc", **exits))
    walk.order(**simple(order_class="oto", stop_loss={"stop_price": low, "limit_price": low}))
    walk(207, "DELETE", "/v2/orders")
    pair = simple("AAPL", "sell", "limit", "gtc", qty="2", order_class="oco", **exits)
    walk.order(**pair)
    open_limit = walk.order(**simple("MSFT", kind="limit", limit_price="20"))
    replaced = walk(
        200, "PATCH", f"/v2/orders/{open_limit.get('id')}", body={"qty": "2", "limit_price": "21"}
    )
    walk(422, "PATCH", f"/v2/orders/{bought.get('id')}", body={"qty": "30"})
    walk(422, "PATCH", f"/v2/orders/{(replaced or {}).get('id')}", body={"qty": "-1"})
    walk(400, "PATCH", f"/v2/orders/{(replaced or {}).get('id')}", body="{")
    walk(404, "PATCH", f"/v2/orders/{UNKNOWN}", body={"qty": "3"})
    read_orders(walk, bought, bracket)
    refusals(walk, low, high)
    walk(204, "DELETE", f"/v2/orders/{(replaced or {}).get('id')}")
    walk(422, "DELETE", f"/v2/orders/{bought.get('id')}")
    walk(404, "DELETE", f"/v2/orders/{UNKNOWN}")
    walk(204, "DELETE", f"/v2/orders/{rest.get('id')}")


def read_orders(walk, bought, bracket):
    walk(200, "GET", f"/v2/orders/{bought.get('id')}")
    walk(200, "GET", f"/v2/orders/{bracket.get('id')}", {"nested": "true"})
    walk(404, "GET", f"/v2/orders/{UNKNOWN}")
    walk(400, "GET", f"/v2/orders/{bracket.get('id')}", {"nested": "perhaps"})
    named = "/v2/orders:by_client_order_id"
    walk(200, "GET", named, {"client_order_id": "walk-1"})
    walk(404, "GET", named, {"client_order_id": "nobody"})
    walk(400, "GET", named)
    for query in (
        {},
        {"status": "all", "limit": 500, "direction": "asc", "nested": "true"},
        {"status": "closed", "symbols": "AAPL,MSFT", "side": "buy"},
        {"after": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"},
        {"status": "all", "before_order_id": bracket.get("id")},
        {"status": "all", "after_order_id": bought.get("id")},
    ):
        walk(200, "GET", "/v2/orders", query)
    for query in ({"status": "some"}, {"limit": 501}, {"after": "then"}):
        walk(400, "GET", "/v2/orders", query)
    walk(404, "GET", "/v2/orders", {"after_order_id": UNKNOWN})


def refusals(walk, low, high):
    walk.order(400, **{"symbol": ["AAPL"]})
    walk.order(403, **simple(qty="1000000"))
    walk.order(403, **simple(side="sell", qty="1000000"))
    walk.order(403, **simple(notional="0.5"))
    walk.order(422, **simple(qty="0"))
    walk.order(422, **simple(client_order_id="walk-1"))
    walk.order(422, **simple("NONE"))
    walk.order(422, **simple(kind="limit", limit_price="10.001"))
    walk.order(422, **simple(kind="limit"))
    walk.order(422, **simple(side="hold"))
    walk.order(422, **simple(tif="never"))
    walk.order(422, **simple(kind="stop_limit", stop_price=high))
    walk.order(422, **simple(kind="trailing_stop"))
    walk.order(422, **simple(order_class="bracket", take_profit={"limit_price": low}))
    walk.order(422, symbol="AAPL", side="buy", type="market", time_in_force="day")


def positions(walk):
    walk(207, "DELETE", "/v2/orders")
    walk(200, "GET", "/v2/positions")
    held = walk(200, "GET", "/v2/positions/AAPL") or {}
    walk(200, "GET", f"/v2/positions/{held.get('asset_id')}")
    walk(404, "GET", "/v2/positions/JPM")
    walk(200, "DELETE", "/v2/positions/AAPL", {"qty": "1"})
    walk(200, "DELETE", "/v2/positions/AAPL", {"percentage": "10"})
    walk(403, "DELETE", "/v2/positions/AAPL", {"qty": "1000000"})
    walk(404, "DELETE", "/v2/positions/JPM")
    walk(400, "DELETE", "/v2/positions/AAPL", {"qty": "many"})
    walk(207, "DELETE", "/v2/positions", {"cancel_orders": "true"})


def books(walk):
    """The ledger, with what crypto leaves in it too."""
    coin = {"symbol": "ETH/USD", "type": "market", "time_in_force": "gtc"}
    walk.order(**coin, side="buy", notional="400")
    walk.order(403, **coin, side="buy", notional="4")
    walk(200, "GET", "/v2/positions/ETHUSD")
    walk(200, "DELETE", "/v2/positions/ETHUSD")
    path = "/v2/account/activities"
    page = walk(200, "GET", path, {"page_size": 2, "direction": "asc"}) or [{}]
    walk(200, "GET", path, {"page_token": page[-1].get("id")})
    walk(200, "GET", path)
    walk(200, "GET", path, {"activity_types": "FILL,CSD", "after": "2000-01-01"})
    walk(200, "GET", path, {"category": "trade_activity"})
    walk(200, "GET", path, {"category": "non_trade_activity"})
    walk(200, "GET", f"{path}/FILL", {"page_size": 3})
    walk(200, "GET", f"{path}/CFEE")
    walk(200, "GET", f"{path}/CSD")
    walk(400, "GET", path, {"page_size": 101})
    walk(400, "GET", f"{path}/FILL", {"page_token": "here"})
    history = "/v2/account/portfolio/history"
    walk(200, "GET", history)
    walk(200, "GET", history, {"period": "1W", "timeframe": "1D"})
    walk(400, "GET", history, {"period": "soon"})


def reference(walk):
    walk(200, "GET", "/v2/assets")
    walk(200, "GET", "/v2/assets", {"status": "active", "asset_class": "us_equity"})
    walk(200, "GET", "/v2/assets", {"asset_class": "crypto"})
    asset = walk(200, "GET", "/v2/assets/AAPL") or {}
    walk(200, "GET", f"/v2/assets/{asset.get('id')}")
    walk(404, "GET", "/v2/assets/NONE")
    walk(200, "GET", "/v2/clock")
    walk(200, "GET", "/v2/calendar", {"start": "2019-12-20", "end": "2020-01-10"})
    walk(200, "GET", "/v2/calendar", {"start": "1990-01-01", "end": "1990-01-10"})
    walk(400, "GET", "/v2/calendar", {"start": "yesterday"})


def watchlists(walk):
    made = walk(200, "POST", "/v2/watchlists", body={"name": "one", "symbols": ["AAPL"]}) or {}
    walk(422, "POST", "/v2/watchlists", body={"name": "one", "symbols": []})
    walk(422, "POST", "/v2/watchlists", body={"name": "two", "symbols": ["NONE"]})
    walk(400, "POST", "/v2/watchlists", body="[")
    walk(200, "GET", "/v2/watchlists")
    one = f"/v2/watchlists/{made.get('id')}"
    walk(200, "GET", one)
    walk(200, "PUT", one, body={"name": "one", "symbols": ["AAPL", "MSFT"]})
    walk(200, "POST", one, body={"symbol": "JPM"})
    walk(404, "POST", f"/v2/watchlists/{UNKNOWN}", body={"symbol": "JPM"})
    walk(400, "POST", one, body="[")
    walk(400, "PUT", one, body="[")
    walk(404, "PUT", f"/v2/watchlists/{UNKNOWN}", body={"name": "none"})
    walk(200, "DELETE", f"{one}/JPM")
    walk(404, "DELETE", f"{one}/JPM")
    walk(404, "GET", f"/v2/watchlists/{UNKNOWN}")
    walk(404, "DELETE", f"/v2/watchlists/{UNKNOWN}")
    named = "/v2/watchlists:by_name"
    walk(200, "GET", named, {"name": "one"})
    walk(200, "PUT", named, {"name": "one"}, {"name": "other", "symbols": ["AAPL"]})
    walk(200, "POST", named, {"name": "other"}, {"symbol": "MSFT"})
    walk(404, "GET", named, {"name": "one"})
    walk(404, "PUT", named, {"name": "one"}, {"name": "x"})
    walk(404, "POST", named, {"name": "one"}, {"symbol": "MSFT"})
    walk(204, "DELETE", named, {"name": "other"})
    walk(404, "DELETE", named, {"name": "other"})
    gone = walk(200, "POST", "/v2/watchlists", body={"name": "gone", "symbols": []}) or {}
    walk(204, "DELETE", f"/v2/watchlists/{gone.get('id')}")


def market_data(walk):
    several = {"symbols": "AAPL,MSFT"}
    now = walk(200, "GET", "/v2/clock")["timestamp"][:10]
    year = str(int(now[:4]) - 1)
    span = {"timeframe": "1Day", "start": f"{year}-01-01", "end": now}
    page = walk(200, "GET", "/v2/stocks/bars", {**several, **span, "limit": 300}) or {}
    walk(200, "GET", "/v2/stocks/bars", {**several, **span, "page_token": page.get("next_page_token")})
    walk(200, "GET", "/v2/stocks/AAPL/bars", {**span, "sort": "desc", "adjustment": "all"})
    today = {"start": now, "limit": 5}
    for kind in ("trades", "quotes", "auctions"):
        walk(200, "GET", f"/v2/stocks/{kind}", {**several, **today})
        walk(200, "GET", f"/v2/stocks/AAPL/{kind}", today)
        walk(400, "GET", f"/v2/stocks/{kind}", today)
        walk(400, "GET", f"/v2/stocks/AAPL/{kind}", {"limit": 0})
    minutes = {"timeframe": "5Min", **today}
    walk(200, "GET", "/v2/stocks/bars", {**several, **minutes})
    walk(400, "GET", "/v2/stocks/bars", {**several, **span, "timeframe": "1Fortnight"})
    walk(400, "GET", "/v2/stocks/AAPL/bars", {**span, "page_token": "here"})
    walk(400, "GET", "/v2/stocks/bars", span)
    for kind in ("bars", "quotes", "trades"):
        walk(200, "GET", f"/v2/stocks/{kind}/latest", several)
        walk(200, "GET", f"/v2/stocks/AAPL/{kind}/latest", {"feed": "iex"})
        walk(400, "GET", f"/v2/stocks/{kind}/latest", {"symbols": "?"})
        walk(400, "GET", f"/v2/stocks/AAPL/{kind}/latest", {"feed": "gossip"})
    walk(200, "GET", "/v2/stocks/meta/exchanges")
    for kind in ("trade", "quote"):
        walk(200, "GET", f"/v2/stocks/meta/conditions/{kind}", {"tape": "A"})
        walk(400, "GET", f"/v2/stocks/meta/conditions/{kind}", {"tape": "Z"})
    walk(200, "GET", "/v2/stocks/snapshots", several)
    walk(400, "GET", "/v2/stocks/snapshots")
    walk(200, "GET", "/v2/stocks/AAPL/snapshot")
    walk(400, "GET", "/v2/stocks/AAPL/snapshot", {"feed": "gossip"})
    walk(401, "GET", "/v2/stocks/snapshots", several, headers={"APCA-API-SECRET-KEY": "wrong"})
    crypto(walk, span)


def crypto(walk, span):
    pairs = {"symbols": "BTC/USD,ETH/USD"}
    root = "/v1beta3/crypto/us"
    walk(200, "GET", f"{root}/bars", {**pairs, **span, "limit": 10})
    for kind in ("trades", "quotes"):
        walk(200, "GET", f"{root}/{kind}", {**pairs, "start": span["end"], "limit": 5})
    for kind in ("bars", "quotes", "trades", "orderbooks"):
        walk(200, "GET", f"{root}/latest/{kind}", pairs)
        walk(400, "GET", f"{root}/latest/{kind}")
    walk(200, "GET", f"{root}/snapshots", pairs)
    for kind in ("bars", "quotes", "trades", "snapshots"):
        walk(400, "GET", f"{root}/{kind}")
    walk(200, "GET", "/v1/corporate-actions", {"symbols": "AAPL", "start": "2000-01-01"})
    root = "/v2/corporate_actions/announcements"
    asked = {"ca_types": "Dividend,Split", "since": "2019-01-01", "until": "2019-03-01"}
    walk(200, "GET", root, asked)
    walk(400, "GET", root, {**asked, "until": "2020-01-01"})
    walk(404, "GET", f"{root}/{UNKNOWN}")
    walk(200, "GET", "/v1beta1/news", {"symbols": "AAPL", "limit": 5})
    walk(400, "GET", "/v1beta1/news", {"limit": 51})


def probe(walk, operation):
    """Whether an operation that was not walked is there at all."""
    path = operation.path
    for name, value in {"loc": "us", "market": "NYSE", "ticktype": "trade"}.items():
        path = path.replace(f"{{{name}}}", value)
    while "{" in path:
        path = path[: path.index("{")] + UNKNOWN + path[path.index("}") + 1 :]
    answer = walk.session.request(operation.method.upper(), walk.url + path, timeout=30)
    return not (answer.status_code == 404 and "endpoint not found" in answer.text)


def absent_as_listed(walk, spec, seen, deviations):
    walked = {name for name, _ in seen}
    problems = []
    for operation in spec.operations:
        listed = operation.name in deviations.absent
        if operation.name in walked and not listed:
            continue
        if probe(walk, operation):
            problems.append(f"{operation.name} is there, but not walked or listed as absent")
        elif not listed:
            problems.append(f"{operation.name} is not there, and not listed as absent")
    names = {operation.name for operation in spec.operations}
    problems += [f"{name} is no operation" for name in deviations.absent if name not in names]
    return problems


def atlas_client(upstream, key_id, secret_key):
    """Every request the Atlas client can make, held against the documents as well."""
    proxy = openapi.Proxy(upstream, requests=True)
    program = venue.ATLAS.parent / "examples" / "every_request"
    try:
        subprocess.run([program, proxy.url, key_id, secret_key], check=True, timeout=120)
    finally:
        proxy.close()
    print(f"Atlas client: {proxy.count} requests to {len({n for n, _ in proxy.seen})} operations")
    return proxy.findings


def table(deviations):
    lines = ["| where | what differs | why |", "| --- | --- | --- |"]
    for entry in deviations.entries:
        where = entry["where"]
        where = ", ".join(f"`{w}`" for w in ([where] if isinstance(where, str) else where))
        lines.append(f"| {where} | `{entry['what']}` | {entry['why']} |")
    lines += ["", "| not implemented (404, code 40410000) | why |", "| --- | --- |"]
    by_reason = {}
    for name, why in deviations.absent.items():
        by_reason.setdefault(why, []).append(f"`{name}`")
    lines += [f"| {', '.join(names)} | {why} |" for why, names in by_reason.items()]
    return "\n" + "\n".join(lines) + "\n\n"


def check_docs(deviations, write):
    before, rest = DOCS.read_text().split(MARKS[0])
    present, after = rest.split(MARKS[1])
    wanted = table(deviations)
    if present == wanted:
        return []
    if write:
        DOCS.write_text(before + MARKS[0] + wanted + MARKS[1] + after)
        return []
    return ["docs/VENUE.md is not what deviations.toml says: tests/clients/run openapi --write"]


def main():
    deviations = openapi.Deviations()
    with venue.serve() as server:
        proxy = openapi.Proxy(server.trading_url)
        walk = Walk(proxy.url, server.headers)
        for part in (account, orders, positions, books, reference, watchlists, market_data):
            part(walk)
        problems = [f"UNEXPECTED {line}" for line in walk.failures]
        direct = Walk(server.trading_url, server.headers)
        problems += absent_as_listed(direct, proxy.spec, proxy.seen, deviations)
        proxy.close()
        findings = atlas_client(server.trading_url, server.key_id, server.secret_key)
    findings |= proxy.findings
    bad = openapi.report(findings, deviations)
    for entry in deviations.unmet():
        problems.append(f"listed, but does not occur: {entry['where']}: {entry['what']}")
    problems += check_docs(deviations, "--write" in sys.argv)
    print(*problems, sep="\n")
    operations = len({name for name, _ in proxy.seen})
    print(f"OpenAPI: {proxy.count} requests, {operations} operations, {len(proxy.seen)} statuses")
    print(f"{bad} findings not permitted, {len(problems)} other problems")
    sys.exit(bad > 0 or bool(problems))


if __name__ == "__main__":
    main()
