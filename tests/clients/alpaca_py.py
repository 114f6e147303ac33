"""Drives the venue with alpaca-py, Alpaca's own Python client."""

import json
import sys
import threading
import time
import traceback
import urllib.request
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from alpaca.common.enums import Sort
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical.crypto import CryptoHistoricalDataClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.live.crypto import CryptoDataStream
from alpaca.data.live.stock import StockDataStream
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoQuoteRequest,
    CryptoSnapshotRequest,
    CryptoTradesRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AssetClass,
    AssetStatus,
    OrderClass,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionIntent,
    QueryOrderStatus,
    TimeInForce,
    TradeEvent,
)
from alpaca.trading.requests import (
    ClosePositionRequest,
    CreateWatchlistRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
    UpdateWatchlistRequest,
)
from alpaca.trading.stream import TradingStream

import openapi
import venue

BUY, SELL = OrderSide.BUY, OrderSide.SELL
DAY, GTC = TimeInForce.DAY, TimeInForce.GTC
WAIT = 20  # seconds a stream may take


def refused(status, code, act, *words):
    """An act that must be refused so."""
    try:
        answer = act()
    except APIError as error:
        body = json.loads(str(error))
        assert error.status_code == status, (error.status_code, status, body)
        assert body.get("code") == code, (code, body)
        for word in words:
            assert word in body["message"], (word, body)
        return body
    raise AssertionError(f"not refused: {answer}")


class Desk:
    """One client with the prices it trades around."""

    def __init__(self, server, url):
        keys = (server.key_id, server.secret_key)
        self.server = server
        self.client = TradingClient(*keys, url_override=url)
        self.stocks = StockHistoricalDataClient(*keys, url_override=url)
        self.crypto = CryptoHistoricalDataClient(*keys, url_override=url)
        self.anonymous = CryptoHistoricalDataClient(url_override=url)

    def quote(self, symbol="AAPL"):
        return self.stocks.get_stock_latest_quote(
            StockLatestQuoteRequest(symbol_or_symbols=symbol)
        )[symbol]

    def limit(self, share, symbol="AAPL"):
        return round(self.quote(symbol).ask_price * share, 2)

    def submit(self, request):
        return self.client.submit_order(request)

    def market(self, qty=1, side=BUY, symbol="AAPL", tif=DAY, **more):
        return self.submit(
            MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=tif, **more)
        )

    def resting(self, share=0.8, qty=1, symbol="AAPL", tif=DAY, **more):
        price = self.limit(share, symbol)
        return self.submit(
            LimitOrderRequest(
                symbol=symbol, qty=qty, side=BUY, time_in_force=tif, limit_price=price, **more
            )
        )

    def order(self, order):
        return self.client.get_order_by_id(order.id)

    def settled(self, order):
        """The order once it is final: the venue answers before it fills."""
        for _ in range(100):
            order = self.order(order)
            if order.status in (
                OrderStatus.FILLED,
                OrderStatus.CANCELED,
                OrderStatus.EXPIRED,
                OrderStatus.REJECTED,
                OrderStatus.REPLACED,
            ):
                return order
            time.sleep(0.05)
        raise AssertionError(f"{order.id} is {order.status}")

    def now(self):
        return self.client.get_clock().timestamp.astimezone(timezone.utc)

    def step(self, to=None, **by):
        """Moves the venue's clock."""
        to = (to or self.now()) + timedelta(**by)
        to = to.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
        body = json.dumps({"advance_to": to}).encode()
        request = urllib.request.Request(f"{self.server.ready['admin_url']}/clock", body)
        request.add_header("Atlas-Admin-Token", self.server.admin_token)
        urllib.request.urlopen(request, timeout=60).read()


def account(desk):
    client = desk.client
    held = client.get_account()
    assert held.status.value == "ACTIVE" and held.currency == "USD"
    assert Decimal(held.cash) == Decimal(held.equity) == 100_000
    assert Decimal(held.last_equity) == 100_000 and not held.trading_blocked
    settings = client.get_account_configurations()
    assert settings.suspend_trade is False
    settings.suspend_trade = True
    assert client.set_account_configurations(settings).suspend_trade is True
    refused(403, 40310000, lambda: desk.market())
    settings.suspend_trade = False
    assert client.set_account_configurations(settings).suspend_trade is False
    stranger = TradingClient("nobody", "nothing", url_override=desk.server.trading_url)
    try:
        stranger.get_account()
        raise AssertionError("let in without a key")
    except APIError as error:
        assert error.status_code == 401 and "unauthorized" in str(error)


def assets(desk):
    client = desk.client
    listed = client.get_all_assets(
        GetAssetsRequest(status=AssetStatus.ACTIVE, asset_class=AssetClass.US_EQUITY)
    )
    names = [asset.symbol for asset in listed]
    assert {"AAPL", "MSFT"} <= set(names) and len(set(names)) == len(names)
    one = client.get_asset("AAPL")
    assert one.tradable and one.fractionable and one.asset_class == AssetClass.US_EQUITY
    assert client.get_asset(one.id) == one and str(one.id).startswith("b0b6dd9d")
    body = refused(404, 40410000, lambda: client.get_asset("NONE"))
    assert "NONE" in body["message"]
    pairs = client.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert {"BTC/USD", "ETH/USD"} <= {pair.symbol for pair in pairs}
    bitcoin = client.get_asset("BTC/USD")
    assert bitcoin.asset_class == AssetClass.CRYPTO and bitcoin.min_trade_increment > 0
    assert client.get_asset("BTCUSD").id == bitcoin.id


def hours(desk):
    clock = desk.client.get_clock()
    assert clock.is_open and clock.timestamp < clock.next_close < clock.next_open
    assert clock.timestamp.utcoffset() in (timedelta(hours=-5), timedelta(hours=-4))
    days = desk.client.get_calendar(
        GetCalendarRequest(start=date(2018, 11, 19), end=date(2018, 11, 26))
    )
    assert [day.date.day for day in days] == [19, 20, 21, 23, 26], "Thanksgiving is missing"
    assert days[3].close.hour == 13 and days[0].close.hour == 16


def simple_orders(desk):
    """Every type, with what the answer says and what became of it."""
    bought = desk.settled(desk.market(10, client_order_id="py-market"))
    assert bought.status == OrderStatus.FILLED and Decimal(bought.filled_qty) == 10
    assert Decimal(bought.filled_avg_price) == Decimal(str(desk.quote().ask_price))
    assert bought.order_class == OrderClass.SIMPLE and bought.type == OrderType.MARKET
    same = desk.client.get_order_by_client_id("py-market")
    assert same.id == bought.id and same.filled_at is not None

    amount = MarketOrderRequest(symbol="AAPL", notional=500, side=BUY, time_in_force=DAY)
    worth = desk.settled(desk.submit(amount))
    paid = Decimal(worth.filled_qty) * Decimal(worth.filled_avg_price)
    assert Decimal(worth.notional) == 500 and worth.qty is None and 499 < paid <= 500

    part = desk.settled(desk.market(0.5))
    assert Decimal(part.qty) == Decimal("0.5") == Decimal(part.filled_qty)

    for tif in (DAY, GTC):
        rest = desk.resting(tif=tif)
        assert rest.type == OrderType.LIMIT and rest.time_in_force == tif
        assert desk.order(rest).status == OrderStatus.NEW
        assert Decimal(rest.limit_price) == Decimal(str(desk.limit(0.8)))
    price, far = desk.limit(1.2), desk.limit(1.25)
    stop = desk.submit(
        StopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, stop_price=price)
    )
    assert Decimal(stop.stop_price) == Decimal(str(price))
    both = desk.submit(
        StopLimitOrderRequest(
            symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, stop_price=price, limit_price=far
        )
    )
    assert both.type == OrderType.STOP_LIMIT and Decimal(both.limit_price) == Decimal(str(far))
    for width in ({"trail_percent": 7.5}, {"trail_price": 3}):
        trailing = desk.submit(
            TrailingStopOrderRequest(
                symbol="AAPL", qty=1, side=SELL, time_in_force=GTC, **width
            )
        )
        assert trailing.type == OrderType.TRAILING_STOP
        assert Decimal(desk.order(trailing).hwm) > 0
        said = trailing.trail_percent or trailing.trail_price
        assert Decimal(said) == Decimal(str([*width.values()][0]))
    immediate(desk)


def immediate(desk):
    low, high = desk.limit(0.8), desk.limit(1.1)

    def limited(price, tif, qty=1):
        return desk.settled(
            desk.submit(
                LimitOrderRequest(
                    symbol="AAPL", qty=qty, side=BUY, time_in_force=tif, limit_price=price
                )
            )
        )

    for tif in (TimeInForce.IOC, TimeInForce.FOK):
        assert limited(low, tif).status == OrderStatus.CANCELED
        done = limited(high, tif)
        assert done.status == OrderStatus.FILLED, done
        assert Decimal(done.filled_avg_price) <= Decimal(str(high))
    closing = desk.market(tif=TimeInForce.CLS)
    assert closing.time_in_force == TimeInForce.CLS
    desk.client.cancel_order_by_id(closing.id)
    assert desk.settled(closing).status == OrderStatus.CANCELED
    refused(404, 40410000, lambda: desk.client.cancel_order_by_id(uuid.uuid4()))


def classes(desk):
    """Bracket, one-triggers-other, one-cancels-other."""
    client = desk.client
    client.cancel_orders()
    low, high = desk.limit(0.7), desk.limit(1.3)
    gain, loss = TakeProfitRequest(limit_price=high), StopLossRequest(stop_price=low)
    bracket = desk.market(
        3, tif=GTC, order_class=OrderClass.BRACKET, take_profit=gain, stop_loss=loss
    )
    assert bracket.order_class == OrderClass.BRACKET and len(bracket.legs) == 2
    assert {leg.type for leg in bracket.legs} == {OrderType.LIMIT, OrderType.STOP}
    assert desk.settled(bracket).status == OrderStatus.FILLED
    nested = client.get_order_by_id(bracket.id, GetOrderByIdRequest(nested=True))
    by_type = {leg.type: leg for leg in nested.legs}
    assert Decimal(by_type[OrderType.LIMIT].limit_price) == Decimal(str(high))
    assert Decimal(by_type[OrderType.STOP].stop_price) == Decimal(str(low))
    assert by_type[OrderType.LIMIT].status == OrderStatus.NEW
    assert all(leg.side == SELL and Decimal(leg.qty) == 3 for leg in nested.legs)
    client.cancel_order_by_id(by_type[OrderType.LIMIT].id)
    for leg in nested.legs:
        assert desk.settled(leg).status == OrderStatus.CANCELED

    waiting = desk.resting(
        0.8,
        order_class=OrderClass.OTO,
        stop_loss=StopLossRequest(stop_price=low, limit_price=low),
    )
    assert len(waiting.legs) == 1 and waiting.legs[0].status == OrderStatus.HELD
    client.cancel_order_by_id(waiting.id)
    assert desk.settled(waiting.legs[0]).status == OrderStatus.CANCELED

    pair = desk.submit(
        LimitOrderRequest(
            symbol="AAPL",
            qty=2,
            side=SELL,
            time_in_force=GTC,
            limit_price=high,
            order_class=OrderClass.OCO,
            take_profit=gain,
            stop_loss=loss,
        )
    )
    assert pair.order_class == OrderClass.OCO and len(pair.legs) == 1
    available = Decimal(client.get_open_position("AAPL").qty_available)
    assert available == Decimal(client.get_open_position("AAPL").qty) - 2
    client.cancel_order_by_id(pair.id)
    assert desk.settled(pair.legs[0]).status == OrderStatus.CANCELED


def replace_and_cancel(desk):
    client = desk.client
    client.cancel_orders()
    first = desk.resting(0.8, 2, client_order_id="py-first")
    price = desk.limit(0.85)
    second = client.replace_order_by_id(
        first.id, ReplaceOrderRequest(qty=3, limit_price=price, client_order_id="py-second")
    )
    assert second.replaces == first.id and second.id != first.id
    assert Decimal(second.qty) == 3 and Decimal(second.limit_price) == Decimal(str(price))
    old = desk.order(first)
    assert old.status == OrderStatus.REPLACED and old.replaced_by == second.id
    assert client.get_order_by_client_id("py-second").id == second.id
    body = ReplaceOrderRequest(qty=5)
    refused(422, 42210000, lambda: client.replace_order_by_id(first.id, body))
    refused(404, 40410000, lambda: client.replace_order_by_id(uuid.uuid4(), body))
    others = [desk.resting(0.8, symbol="MSFT") for _ in range(3)]
    answers = client.cancel_orders()
    assert {answer.id for answer in answers} == {second.id, *(order.id for order in others)}
    assert all(answer.status == 200 for answer in answers)
    assert client.get_orders() == []
    assert client.cancel_orders() == []
    done = client.get_order_by_client_id("py-market")
    refused(422, 42210000, lambda: client.cancel_order_by_id(done.id), "filled")


def lists(desk):
    client = desk.client
    made = [desk.resting(0.8 - number / 1000, symbol="MSFT") for number in range(7)]
    assert [order.id for order in client.get_orders()] == [order.id for order in made[::-1]]
    ask = lambda **more: client.get_orders(GetOrdersRequest(**more))
    assert [order.id for order in ask(direction=Sort.ASC, limit=3)] == [o.id for o in made[:3]]
    assert len(ask(symbols=["MSFT"], side=BUY)) == 7 and ask(symbols=["AAPL"]) == []
    assert ask(symbols=["MSFT"], side=SELL) == []
    closed = ask(status=QueryOrderStatus.CLOSED, limit=500)
    everything = ask(status=QueryOrderStatus.ALL, limit=500, direction=Sort.ASC)
    assert len(everything) == len(closed) + 7 > 20
    stamps = [order.submitted_at for order in everything]
    assert stamps == sorted(stamps)
    # A walk in pages of five, by the time of the last one seen.
    walked, after = [], datetime(2000, 1, 1, tzinfo=timezone.utc)
    while page := ask(status=QueryOrderStatus.ALL, limit=5, direction=Sort.ASC, after=after):
        walked += [order.id for order in page if order.id not in walked]
        if after == page[-1].submitted_at:
            break
        after = page[-1].submitted_at
    assert walked == [order.id for order in everything]
    assert ask(until=stamps[0], status=QueryOrderStatus.ALL) == []
    nested = ask(status=QueryOrderStatus.ALL, nested=True, limit=500)
    legs = [leg for order in nested for leg in order.legs or []]
    assert len(legs) == 4 and len(nested) == len(everything) - len(legs)
    client.cancel_orders()


def refusals(desk):
    client = desk.client
    short = lambda: desk.market(1_000_000)
    body = refused(403, 40310000, short, "insufficient buying power")
    assert {"buying_power", "cost_basis"} <= body.keys(), body
    body = refused(403, 40310000, lambda: desk.market(10_000, SELL), "insufficient qty")
    assert body["symbol"] == "AAPL" and "available" in body, body
    again = lambda: desk.market(client_order_id="py-market")
    refused(422, 40010001, again, "client_order_id must be unique")
    refused(422, 42210000, lambda: desk.market(symbol="NONE"), "NONE")
    refused(404, 40410000, lambda: client.get_order_by_id(uuid.uuid4()))
    refused(404, 40410000, lambda: client.get_order_by_client_id("nobody"))
    refused(404, 40410000, lambda: client.get_open_position("MSFT"))
    subpenny = LimitOrderRequest(
        symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, limit_price=10.001
    )
    refused(422, 42210000, lambda: desk.submit(subpenny))
    small = MarketOrderRequest(symbol="AAPL", notional=0.5, side=BUY, time_in_force=DAY)
    refused(403, 40310000, lambda: desk.submit(small), "minimal amount")
    refused(422, 42210000, lambda: desk.market(0.5, tif=GTC))
    late = LimitOrderRequest(
        symbol="AAPL", qty=1, side=BUY, time_in_force=TimeInForce.IOC, limit_price=9,
        extended_hours=True,
    )  # fmt: skip
    refused(422, 42210000, lambda: desk.submit(late))
    upside_down = dict(
        take_profit=TakeProfitRequest(limit_price=desk.limit(0.7)),
        stop_loss=StopLossRequest(stop_price=desk.limit(1.3)),
    )
    refused(422, 42210000, lambda: desk.market(order_class=OrderClass.BRACKET, **upside_down))
    # The account holds no MSFT: neither order would close anything.
    for side, intent in ((BUY, PositionIntent.BUY_TO_CLOSE), (SELL, PositionIntent.SELL_TO_CLOSE)):
        meant = lambda: desk.market(1, side, "MSFT", position_intent=intent)
        refused(422, 42210000, meant, "position_intent")
    opens = desk.resting(0.8, symbol="MSFT", position_intent=PositionIntent.BUY_TO_OPEN)
    assert opens.position_intent == PositionIntent.BUY_TO_OPEN, opens
    client.cancel_order_by_id(opens.id)
    resting = desk.resting(0.9)
    wash = lambda: desk.market(1, SELL)
    body = refused(403, 40310000, wash, "wash trade")
    assert body["existing_order_id"] == str(resting.id), body
    client.cancel_orders()


def positions(desk):
    client = desk.client
    desk.settled(desk.market(4, symbol="MSFT"))
    held = {position.symbol: position for position in client.get_all_positions()}
    assert set(held) == {"AAPL", "MSFT"}
    one = held["MSFT"]
    assert Decimal(one.qty) == 4 == Decimal(one.qty_available) and one.side.value == "long"
    assert Decimal(one.cost_basis) == 4 * Decimal(one.avg_entry_price)
    assert Decimal(one.market_value) == 4 * Decimal(one.current_price)
    gain = Decimal(one.market_value) - Decimal(one.cost_basis)
    assert Decimal(one.unrealized_pl) == gain
    assert client.get_open_position("MSFT").asset_id == one.asset_id
    assert client.get_open_position(one.asset_id).symbol == "MSFT"
    state = client.get_account()
    worth = sum(Decimal(position.market_value) for position in held.values())
    assert Decimal(state.equity) == Decimal(state.cash) + Decimal(state.long_market_value)
    assert abs(Decimal(state.long_market_value) - worth) < Decimal("0.01")

    part = desk.settled(client.close_position("MSFT", ClosePositionRequest(qty="1")))
    assert part.side == SELL and Decimal(part.filled_qty) == 1
    third = desk.settled(client.close_position("MSFT", ClosePositionRequest(percentage="50")))
    assert Decimal(third.filled_qty) == 1, "of whole shares only whole ones are closed"
    rest = desk.settled(client.close_position("MSFT"))
    assert Decimal(rest.filled_qty) == 2
    refused(404, 40410000, lambda: client.close_position("MSFT"))
    answers = client.close_all_positions(cancel_orders=True)
    assert [(answer.symbol, answer.status) for answer in answers] == [("AAPL", 200)]
    desk.settled(answers[0].body)
    assert client.get_all_positions() == []
    assert Decimal(client.get_account().long_market_value) == 0


def books(desk):
    """Activities, page by page, add up to the cash; this client has no method of its own."""
    entries, token = [], None
    while True:
        query = {"page_size": 10, "direction": "asc"} | ({"page_token": token} if token else {})
        page = desk.client.get("/account/activities", query)
        entries += page
        if len(page) < 10:
            break
        token = page[-1]["id"]
    assert len({entry["id"] for entry in entries}) == len(entries) > 11
    cash = Decimal(0)
    for entry in entries:
        if entry["activity_type"] == "FILL":
            worth = Decimal(entry["qty"]) * Decimal(entry["price"])
            cash += -worth if entry["side"] == "buy" else worth
        else:
            cash += Decimal(entry["net_amount"])
    told = Decimal(desk.client.get_account().cash)
    assert abs(told - cash) < Decimal("0.01"), (told, cash)
    fills = desk.client.get("/account/activities/FILL", {"page_size": 100})
    assert {entry["activity_type"] for entry in fills} == {"FILL"}


def history(desk):
    ask = GetPortfolioHistoryRequest(period="1W", timeframe="1D")
    told = desk.client.get_portfolio_history(ask)
    assert told.timeframe == "1D" and told.base_value == 100_000
    assert len(told.timestamp) == len(told.equity) == len(told.profit_loss)
    for equity, gain in zip(told.equity, told.profit_loss, strict=True):
        assert abs(equity - told.base_value - gain) < 0.005


def watchlists(desk):
    client = desk.client
    made = client.create_watchlist(CreateWatchlistRequest(name="py", symbols=["AAPL"]))
    assert [asset.symbol for asset in made.assets] == ["AAPL"]
    assert [known.id for known in client.get_watchlists()] == [made.id]
    more = client.add_asset_to_watchlist_by_id(made.id, "MSFT")
    assert [asset.symbol for asset in more.assets] == ["AAPL", "MSFT"]
    client.remove_asset_from_watchlist_by_id(made.id, "AAPL")
    other = UpdateWatchlistRequest(name="other", symbols=["MSFT"])
    assert client.update_watchlist_by_id(made.id, other).name == "other"
    one = client.get_watchlist_by_id(made.id)
    assert one.name == "other" and [asset.symbol for asset in one.assets] == ["MSFT"]
    twice = CreateWatchlistRequest(name="other", symbols=[])
    refused(422, 40010001, lambda: client.create_watchlist(twice), "unique")
    client.delete_watchlist_by_id(made.id)
    refused(404, 40410000, lambda: client.get_watchlist_by_id(made.id))
    assert client.get_watchlists() == []


def stock_data(desk):
    stocks, both = desk.stocks, ["AAPL", "MSFT"]
    span = dict(start=datetime(2018, 1, 1), end=datetime(2019, 1, 1))
    bars = lambda **more: stocks.get_stock_bars(
        StockBarsRequest(symbol_or_symbols=both, timeframe=TimeFrame.Day, **span, **more)
    ).data
    year = bars(adjustment=Adjustment.ALL)
    assert {symbol: len(rows) for symbol, rows in year.items()} == {"AAPL": 251, "MSFT": 251}
    for rows in year.values():
        assert all(row.low <= min(row.open, row.close) <= row.high for row in rows)
        assert [row.timestamp for row in rows] == sorted(row.timestamp for row in rows)
    one = stocks.get_stock_bars(
        StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Week, **span)
    ).data["AAPL"]
    assert 52 <= len(one) <= 54
    assert sum(len(rows) for rows in bars(limit=37).values()) == 37
    first = bars(limit=1, sort=Sort.DESC)["AAPL"][0]
    assert first.timestamp.date() == date(2018, 12, 31)

    now = desk.now()
    hour = dict(start=now - timedelta(minutes=30), end=now)
    minutes = stocks.get_stock_bars(
        StockBarsRequest(symbol_or_symbols=both, timeframe=TimeFrame.Minute, **hour)
    ).data
    assert 25 <= len(minutes["AAPL"]) <= 31
    fives = TimeFrame(5, TimeFrameUnit.Minute)
    five = stocks.get_stock_bars(
        StockBarsRequest(symbol_or_symbols="AAPL", timeframe=fives, **hour)
    ).data["AAPL"]
    assert {row.timestamp.minute % 5 for row in five} == {0}
    trades = stocks.get_stock_trades(StockTradesRequest(symbol_or_symbols=both, **hour)).data
    quotes = stocks.get_stock_quotes(StockQuotesRequest(symbol_or_symbols=both, **hour)).data
    assert trades["AAPL"] and quotes["AAPL"]
    assert all(hour["start"] <= trade.timestamp <= now for trade in trades["AAPL"])
    assert all(quote.bid_price <= quote.ask_price for quote in quotes["AAPL"])
    few = stocks.get_stock_trades(
        StockTradesRequest(symbol_or_symbols="AAPL", **hour, limit=3)
    ).data["AAPL"]
    assert [trade.price for trade in few] == [trade.price for trade in trades["AAPL"][:3]]

    latest = dict(symbol_or_symbols=both, feed=DataFeed.IEX)
    quote = stocks.get_stock_latest_quote(StockLatestQuoteRequest(**latest))
    trade = stocks.get_stock_latest_trade(StockLatestTradeRequest(**latest))
    bar = stocks.get_stock_latest_bar(StockLatestBarRequest(**latest))
    whole = stocks.get_stock_snapshot(StockSnapshotRequest(**latest))
    for symbol in both:
        assert 0 < quote[symbol].bid_price <= quote[symbol].ask_price
        assert bar[symbol].low <= bar[symbol].close <= bar[symbol].high
        assert whole[symbol].latest_trade.price == trade[symbol].price
        assert whole[symbol].latest_quote.ask_price == quote[symbol].ask_price
        assert whole[symbol].previous_daily_bar.close > 0
    assert stocks.get_stock_latest_quote(
        StockLatestQuoteRequest(symbol_or_symbols=["NONE"])
    ) == {}


def crypto(desk):
    """Around the clock, priced in fractions, paid for with a fee in kind."""
    data, pair = desk.crypto, "BTC/USD"
    quote = data.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols=pair))[pair]
    trade = desk.anonymous.get_crypto_latest_trade(
        CryptoLatestTradeRequest(symbol_or_symbols=pair)
    )[pair]
    book = data.get_crypto_latest_orderbook(
        CryptoLatestOrderbookRequest(symbol_or_symbols=pair)
    )[pair]
    assert 0 < quote.bid_price <= quote.ask_price and trade.price > 0
    assert book.bids[0].price <= book.asks[0].price
    whole = data.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols=pair))[pair]
    assert whole.latest_quote.ask_price == quote.ask_price
    now = desk.now()
    span = dict(symbol_or_symbols=pair, start=now - timedelta(hours=2), end=now)
    days = data.get_crypto_bars(
        CryptoBarsRequest(
            symbol_or_symbols=pair, timeframe=TimeFrame.Day, start=now - timedelta(days=20), end=now
        )
    ).data[pair]
    assert len(days) >= 19, "also at weekends"
    assert data.get_crypto_bars(CryptoBarsRequest(timeframe=TimeFrame.Minute, **span)).data[pair]
    assert data.get_crypto_trades(CryptoTradesRequest(**span)).data[pair]
    assert data.get_crypto_quotes(CryptoQuoteRequest(**span)).data[pair]

    amount = MarketOrderRequest(symbol=pair, notional=1000, side=BUY, time_in_force=GTC)
    bought = desk.settled(desk.submit(amount))
    assert bought.asset_class == AssetClass.CRYPTO and bought.symbol == pair
    held = desk.client.get_open_position("BTCUSD")
    assert held.symbol == "BTCUSD" and held.asset_class == AssetClass.CRYPTO
    assert 0 < Decimal(held.qty) < Decimal(bought.filled_qty), "the fee is taken from what comes"
    small = MarketOrderRequest(symbol=pair, notional=5, side=BUY, time_in_force=GTC)
    refused(403, 40310000, lambda: desk.submit(small))
    refused(422, 42210000, lambda: desk.market(0.01, symbol=pair, tif=DAY))
    desk.settled(desk.client.close_position("BTCUSD"))
    assert desk.client.get_all_positions() == []


def heard(stream, subscribe, enough, act, say=None):
    """What a stream tells until there is enough of it; `act` is done once it listens."""
    got, failure = [], []

    async def hear(message):
        got.append(message)

    subscribe(stream, hear)

    def run():
        try:
            stream.run()
        except Exception as error:  # noqa: BLE001, whatever it is fails the check below
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    until = time.monotonic() + WAIT
    while not getattr(stream, "_running", False) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    act()
    while not enough(got) and not failure and time.monotonic() < until:
        time.sleep(0.05)
        if say:
            say()
    stream.stop()
    thread.join(WAIT)
    assert enough(got) and not failure, (failure, got)
    assert not thread.is_alive(), "the stream does not stop"
    return got


def order_stream(desk):
    server = desk.server
    stream = TradingStream(
        server.key_id, server.secret_key, paper=True, url_override=server.stream_url
    )
    orders = {}

    def trade():
        orders["bought"] = desk.market(2)
        orders["rest"] = desk.resting(0.8)
        orders["next"] = desk.client.replace_order_by_id(
            orders["rest"].id, ReplaceOrderRequest(limit_price=desk.limit(0.7))
        )
        desk.client.cancel_order_by_id(orders["next"].id)

    ended = lambda got: any(update.event == TradeEvent.CANCELED for update in got)
    got = heard(stream, lambda s, hear: s.subscribe_trade_updates(hear), ended, trade)
    events = {}
    for update in got:
        events.setdefault(update.order.id, []).append(update)
    bought = [update for update in events[orders["bought"].id]]
    fills = [u for u in bought if u.event in (TradeEvent.FILL, TradeEvent.PARTIAL_FILL)]
    assert fills[-1].event == TradeEvent.FILL and fills[-1].order.status == OrderStatus.FILLED
    assert sum(Decimal(str(fill.qty)) for fill in fills) == 2
    assert Decimal(str(fills[-1].position_qty)) == 2
    assert len({fill.execution_id for fill in fills}) == len(fills)
    assert [u.event for u in events[orders["rest"].id]][-1] == TradeEvent.REPLACED
    assert [u.event for u in events[orders["next"].id]][-1] == TradeEvent.CANCELED
    assert all(u.timestamp <= v.timestamp for u, v in zip(got, got[1:], strict=False))


def data_streams(desk):
    server = desk.server
    keys = (server.key_id, server.secret_key)

    def subscribe(symbol):
        def ask(stream, hear):
            stream.subscribe_trades(hear, symbol)
            stream.subscribe_quotes(hear, symbol)
            stream.subscribe_bars(hear, symbol)

        return ask

    kinds = lambda got: {type(message).__name__ for message in got}
    enough = lambda got: kinds(got) >= {"Trade", "Quote", "Bar"}
    step = lambda: desk.step(seconds=10)
    stocks = StockDataStream(*keys, url_override=server.data_stream_url)
    got = heard(stocks, subscribe("AAPL"), enough, step, step)
    assert {message.symbol for message in got} == {"AAPL"}
    for message in got:
        if type(message).__name__ == "Bar":
            assert message.low <= message.close <= message.high
            assert message.timestamp.second == 0 and message.timestamp.tzinfo is not None
    coins = CryptoDataStream(*keys, url_override=server.ready["crypto_stream_url"])
    got = heard(coins, subscribe("BTC/USD"), enough, step, step)
    assert {message.symbol for message in got} == {"BTC/USD"}


def closing(desk):
    """Past the close: a day order expires, a queued one is taken for the next session."""
    resting = desk.resting(0.8)
    desk.step(hours=8)
    assert not desk.client.get_clock().is_open
    assert desk.settled(resting).status == OrderStatus.EXPIRED
    queued = desk.market(1)
    assert desk.order(queued).status == OrderStatus.ACCEPTED
    desk.step(desk.client.get_clock().next_open, minutes=1)
    assert desk.settled(queued).status == OrderStatus.FILLED


PARTS = (
    account,
    assets,
    hours,
    simple_orders,
    classes,
    replace_and_cancel,
    lists,
    refusals,
    positions,
    books,
    history,
    watchlists,
    stock_data,
    crypto,
    order_stream,
    data_streams,
    closing,
)


def main():
    only, failed = sys.argv[1:], []
    with venue.serve("--clock", "stepped", "--rate-limit", "0") as server:
        proxy = openapi.Proxy(server.trading_url)
        desk = Desk(server, proxy.url)
        for part in PARTS:
            if only and part.__name__ not in only:
                continue
            try:
                part(desk)
                print(f"alpaca-py {part.__name__}: ok")
            except Exception:  # noqa: BLE001, every part is tried
                failed.append(part.__name__)
                traceback.print_exc()
                print(f"alpaca-py {part.__name__}: FAILED", flush=True)
        proxy.close()
        bad = openapi.report(proxy.findings, openapi.Deviations())
    print(f"alpaca-py: {proxy.count} requests, {len(PARTS)} parts, {len(failed)} failed, {bad} findings")
    sys.exit(bool(failed) or bad > 0)


if __name__ == "__main__":
    main()
