"""Drives the venue with alpaca-trade-api, Alpaca's Python client before alpaca-py."""

import asyncio
import json
import os
import sys
import threading
import time
import traceback
import types
import urllib.request
from datetime import timedelta

# Its asynchronous downloads are not driven, and what they need is not installed.
sys.modules.setdefault("aiohttp", types.ModuleType("aiohttp"))

from alpaca_trade_api.common import URL  # noqa: E402
from alpaca_trade_api.rest import REST, APIError, TimeFrame  # noqa: E402
from alpaca_trade_api.stream import Stream  # noqa: E402

import venue  # noqa: E402

WAIT = 20  # seconds a stream may take


class Desk:
    """One client, and the venue's clock."""

    def __init__(self, server):
        self.server = server
        # There is no other way to tell it where the data are.
        os.environ["APCA_API_DATA_URL"] = server.data_url
        self.api = REST(server.key_id, server.secret_key, URL(server.trading_url))

    def step(self, seconds):
        body = json.dumps({"advance_by_ms": seconds * 1000}).encode()
        request = urllib.request.Request(f"{self.server.ready['admin_url']}/clock", body)
        request.add_header("Atlas-Admin-Token", self.server.admin_token)
        urllib.request.urlopen(request, timeout=60).read()

    def price(self, share, symbol="SPY"):
        return round(self.api.get_latest_quote(symbol).ap * share, 2)

    def resting(self, share=0.8, **more):
        return self.api.submit_order("SPY", 1, "buy", "limit", "gtc", self.price(share), **more)

    def filled(self, order):
        for _ in range(100):
            order = self.api.get_order(order.id)
            if order.status == "filled":
                return order
            time.sleep(0.05)
        raise AssertionError(f"{order.id} is {order.status}")


def account(desk):
    held = desk.api.get_account()
    assert held.status == "ACTIVE" and float(held.equity) == 100_000
    assert desk.api.get_clock().is_open
    changed = desk.api.update_account_configurations(no_shorting=True)
    assert changed.no_shorting is True
    assert desk.api.update_account_configurations(no_shorting=False).no_shorting is False
    assert desk.api.get_asset("SPY").exchange == "ARCA"
    assert {"SPY", "AMZN", "QQQ", "TSLA"} <= {asset.symbol for asset in desk.api.list_assets()}


def orders(desk):
    api = desk.api
    bought = desk.filled(api.submit_order("SPY", 2, client_order_id="older"))
    assert api.get_order_by_client_order_id("older").id == bought.id
    first = desk.resting()
    second = api.replace_order(first.id, limit_price=desk.price(0.7))
    assert second.replaces == first.id and second.id != first.id
    low, high = desk.price(0.7), desk.price(1.3)
    bracket = api.submit_order(
        "SPY",
        1,
        order_class="bracket",
        take_profit={"limit_price": high},
        stop_loss={"stop_price": low},
    )
    assert len(bracket.legs) == 2
    desk.filled(bracket)
    walked = api.list_orders(status="all", nested=True, limit=500)
    assert {second.id, bracket.id, bought.id} <= {order.id for order in walked}
    assert all(order.symbol == "SPY" for order in api.list_orders(symbols=["SPY"]))
    api.cancel_all_orders()
    assert api.list_orders() == []
    assert float(api.get_position("SPY").qty) == 3 and len(api.list_positions()) == 1
    desk.filled(api.close_position("SPY"))
    assert api.list_positions() == [] and len(api.get_activities(activity_types="FILL")) >= 3
    try:
        api.get_position("SPY")
        raise AssertionError("a position that is closed")
    except APIError as error:
        assert error.status_code == 404 and error.code == 40410000, error


def history(desk):
    today = desk.api.get_clock().timestamp.date()
    told = desk.api.get_portfolio_history(date_start=str(today), timeframe="1D")
    assert len(told.timestamp) == 1 and told.equity[0] > 99_000, told
    assert desk.api.get_portfolio_history(period="1M", timeframe="1D").base_value == 100_000


def watchlists(desk):
    api = desk.api
    made = api.create_watchlist("older", ["SPY", "BTC/USD"])
    api.delete_from_watchlist(made.id, "BTC/USD")
    assert [asset["symbol"] for asset in api.get_watchlist(made.id).assets] == ["SPY"]
    api.update_watchlist(made.id, symbols=["AAPL"])
    assert [asset["symbol"] for asset in api.get_watchlist_by_name("older").assets] == ["AAPL"]
    api.delete_watchlist(made.id)
    assert api.get_watchlists() == []


def data(desk):
    api = desk.api
    today = api.get_clock().timestamp.date()
    span = {"start": str(today - timedelta(days=20)), "end": str(today)}
    bars = list(api.get_bars_iter("SPY", TimeFrame.Day, **span))
    assert 11 <= len(bars) <= 16 and all(bar.l <= bar.c <= bar.h for bar in bars)
    assert list(api.get_crypto_bars_iter("BTC/USD", TimeFrame.Hour, **span))
    assert api.get_latest_trade("SPY").p == api.get_snapshot("SPY").latest_trade.p
    assert set(api.get_latest_trades(["SPY", "AAPL"])) == {"SPY", "AAPL"}
    assert api.get_latest_crypto_quotes(["BTC/USD"])["BTC/USD"].ap > 0


def streams(desk):
    """Both streams of one client: updates of orders, and stocks and crypto at once."""
    server = desk.server
    stream = Stream(
        server.key_id,
        server.secret_key,
        base_url=URL(server.trading_url),
        data_stream_url=URL(server.trading_url),
        data_feed="iex",
        raw_data=True,
    )
    told, seen, failure = [], set(), []

    async def update(message):
        told.append(message["data"]["event"])

    async def datum(message):
        assert "t" in message, message
        seen.add((message["T"], message["S"]))

    stream.subscribe_trade_updates(update)
    for subscribe in (stream.subscribe_trades, stream.subscribe_quotes, stream.subscribe_bars):
        subscribe(datum, "SPY")
    stream.subscribe_crypto_trades(datum, "BTC/USD")
    # Its news are not there; nothing is asked of them.
    parts = (stream._trading_ws, stream._data_ws, stream._crypto_ws)

    async def all_of_them():
        await asyncio.gather(*(part._run_forever() for part in parts))

    def run():
        try:
            asyncio.run(all_of_them())
        except Exception as error:  # noqa: BLE001, whatever it is fails the check below
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    wanted = {("t", "SPY"), ("q", "SPY"), ("b", "SPY"), ("t", "BTC/USD")}
    until = time.monotonic() + WAIT
    sent = False
    while time.monotonic() < until and not failure:
        if sent and wanted <= seen and {"fill", "canceled"} <= set(told):
            break
        time.sleep(0.1)
        if all(part._running for part in parts):
            desk.step(15)
            if not sent:
                sent = True
                time.sleep(0.3)
                desk.api.submit_order("SPY", 1)
                desk.api.cancel_order(desk.resting().id)
    for part in parts:
        part.stop()
    thread.join(WAIT)
    assert not failure and wanted <= seen and {"fill", "canceled"} <= set(told), (failure, seen, told)


PARTS = (account, orders, history, watchlists, data, streams)


def main():
    only, failed = sys.argv[1:], []
    with venue.serve("--clock", "stepped") as server:
        desk = Desk(server)
        for part in PARTS:
            if only and part.__name__ not in only:
                continue
            try:
                part(desk)
                print(f"alpaca-trade-api {part.__name__}: ok")
            except Exception:  # noqa: BLE001, every part is tried
                failed.append(part.__name__)
                traceback.print_exc()
                print(f"alpaca-trade-api {part.__name__}: FAILED", flush=True)
    print(f"alpaca-trade-api: {len(PARTS)} parts, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
