// Drives the venue with @alpacahq/alpaca-trade-api 4, Alpaca's own JavaScript client.
//
// Started by check_js.py, which gives the venue's ready line in ATLAS_VENUE.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const load = createRequire(`${process.env.ATLAS_NODE_MODULES}/`);
const { Alpaca, ApiError, NotFoundError, TimeFrame, timeFrame, TimeFrameUnit, withResponse } = load(
  "@alpacahq/alpaca-trade-api",
);

const venue = JSON.parse(process.env.ATLAS_VENUE);
const WAIT = 20_000; // milliseconds a stream may take

// The client knows its hosts by heart; its way out is what can be turned.
function turned(url) {
  const { pathname, search } = new URL(url);
  return `${venue.rest_url}${pathname}${search}`;
}

const options = {
  keyId: venue.key_id,
  secret: venue.secret_key,
  rateLimit: false,
  fetchApi: (url, init) => fetch(turned(url), init),
};
const alpaca = new Alpaca(options);
const { trading, marketData } = alpaca;

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const cents = (price) => (Math.round(price * 100) / 100).toFixed(2);
const same = (a, b) => assert.equal(Number(a), Number(b));

async function until(what, holds) {
  for (const start = Date.now(); Date.now() - start < WAIT; await sleep(25)) {
    const value = await holds();
    if (value) return value;
  }
  throw new Error(`${what} does not come`);
}

async function refused(status, code, act, word = "") {
  try {
    await act();
  } catch (error) {
    assert.ok(error instanceof ApiError, `${error}`);
    assert.equal(error.status, status, error.message);
    assert.equal(Number(error.code), code, error.message);
    assert.ok(error.message.includes(word), error.message);
    assert.ok(error.requestId, "an answer has a request id");
    return error;
  }
  throw new Error(`not refused with ${status}`);
}

const FINAL = ["filled", "canceled", "expired", "rejected", "replaced"];
const settled = ({ id }) =>
  until(`the end of ${id}`, async () => {
    const order = await trading.orders.getOrderByOrderID({ orderId: id });
    return FINAL.includes(order.status) && order;
  });

async function ask(symbol = "AAPL") {
  const { quote } = await marketData.stocks.stockLatestQuoteSingle({ symbol });
  return quote.ap;
}

async function resting(share = 0.8, more = {}) {
  const limitPrice = cents((await ask(more.symbol)) * share);
  return trading.orders.limit({ symbol: "AAPL", qty: 1, side: "buy", limitPrice, ...more });
}

async function step(seconds) {
  const { timestamp } = await trading.clock.legacyClock();
  const to = new Date(timestamp.getTime() + seconds * 1000).toISOString();
  const answer = await fetch(`${venue.admin_url}/clock`, {
    method: "POST",
    headers: { "Atlas-Admin-Token": venue.admin_token },
    body: JSON.stringify({ advance_to: to }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

async function account() {
  const check = await trading.validateConnection();
  assert.ok(check.ok, check.message);
  const held = check.account;
  assert.equal(held.status, "ACTIVE");
  same(held.cash, 100_000);
  same(held.equity, 100_000);
  const stranger = new Alpaca({ ...options, secret: "nothing", retry: false });
  const shut = await stranger.trading.validateConnection();
  assert.deepEqual([shut.ok, shut.status], [false, 401]);
  const answer = await withResponse(trading.account.getAccountRaw());
  assert.ok(answer.headers.get("X-Request-ID"));
  assert.ok(answer.rateLimit.remaining > 0);

  const configuration = trading.accountConfigurations;
  const suspended = (suspendTrade) =>
    configuration.patchAccountConfig({ accountConfigurations: { suspendTrade } });
  assert.equal((await suspended(true)).suspendTrade, true);
  const market = () => trading.orders.market({ symbol: "AAPL", qty: 1, side: "buy" });
  await refused(403, 40310000, market);
  assert.equal((await suspended(false)).suspendTrade, false);
  assert.equal((await configuration.getAccountConfig()).suspendTrade, false);
}

async function reference() {
  const listed = await trading.assets.getV2Assets({ status: "active", assetClass: "us_equity" });
  const names = listed.map((asset) => asset.symbol);
  assert.ok(names.includes("AAPL") && names.includes("MSFT"));
  const one = await trading.assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: "AAPL" });
  assert.ok(one.tradable && one.fractionable);
  const again = await trading.assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: one.id });
  assert.equal(again.symbol, "AAPL");
  const none = () => trading.assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: "NONE" });
  assert.ok((await refused(404, 40410000, none)) instanceof NotFoundError);
  const pair = await trading.assets.getV2AssetsSymbolOrAssetId({ symbolOrAssetId: "BTC/USD" });
  assert.equal(pair.symbol, "BTC/USD");

  const clock = await trading.clock.legacyClock();
  assert.ok(clock.isOpen && clock.timestamp < clock.nextClose && clock.nextClose < clock.nextOpen);
  const days = await trading.calendar.legacyCalendar({
    start: new Date("2018-11-19"),
    end: new Date("2018-11-26"),
  });
  assert.equal(days.length, 5, "Thanksgiving is missing");
  assert.equal(days[3].close, "13:00");
}

async function orders() {
  const { orders } = trading;
  const price = await ask();
  const sent = await orders.market({
    symbol: "AAPL", qty: 10, side: "buy", clientOrderId: "js-market",
  });
  const bought = await settled(sent);
  assert.equal(bought.status, "filled");
  same(bought.filledQty, 10);
  same(bought.filledAvgPrice, price);
  const named = await orders.getOrderByClientOrderId({ clientOrderId: "js-market" });
  assert.equal(named.id, bought.id);

  const worth = await settled(await orders.market({ symbol: "AAPL", notional: "300", side: "buy" }));
  const paid = worth.filledQty * worth.filledAvgPrice;
  assert.ok(paid > 299.99 && paid <= 300, `${paid}`);

  const [low, high] = [cents(price * 0.8), cents(price * 1.2)];
  const common = { symbol: "AAPL", qty: 1, side: "buy" };
  const limit = await orders.limit({ ...common, limitPrice: low, timeInForce: "gtc" });
  assert.deepEqual([limit.type, limit.timeInForce], ["limit", "gtc"]);
  same(limit.limitPrice, low);
  same((await orders.stop({ ...common, stopPrice: high })).stopPrice, high);
  const both = await orders.stopLimit({ ...common, stopPrice: high, limitPrice: high });
  assert.equal(both.type, "stop_limit");
  const trailing = await orders.trailingStop({ ...common, side: "sell", trailPercent: 5 });
  same(trailing.trailPercent, 5);
  for (const timeInForce of ["ioc", "fok"]) {
    const missed = await settled(await orders.limit({ ...common, limitPrice: low, timeInForce }));
    assert.equal(missed.status, "canceled");
    const hit = await settled(await orders.limit({ ...common, limitPrice: high, timeInForce }));
    assert.equal(hit.status, "filled");
  }
  const closing = await orders.market({ ...common, timeInForce: "cls" });
  await orders.deleteOrderByOrderID({ orderId: closing.id });
  assert.equal((await settled(closing)).status, "canceled");
  const answers = await orders.deleteAllOrders();
  assert.ok(answers.length >= 4 && answers.every((answer) => answer.status === 200));
  await groups(price);
  await replacing();
}

async function groups(price) {
  const { orders } = trading;
  const [low, high] = [cents(price * 0.7), cents(price * 1.3)];
  const exits = { takeProfit: { limitPrice: high }, stopLoss: { stopPrice: low } };
  const common = { symbol: "AAPL", qty: 2, timeInForce: "gtc" };
  const bracket = await orders.bracket({ ...common, side: "buy", ...exits });
  assert.equal(bracket.legs.length, 2);
  assert.equal((await settled(bracket)).status, "filled");
  const whole = await orders.getOrderByOrderID({ orderId: bracket.id, nested: true });
  const gain = whole.legs.find((leg) => leg.type === "limit");
  same(gain.limitPrice, high);
  assert.equal(gain.status, "new");
  await orders.deleteOrderByOrderID({ orderId: gain.id });
  for (const leg of whole.legs) assert.equal((await settled(leg)).status, "canceled");

  const pair = await orders.oco({ ...common, side: "sell", ...exits });
  assert.equal(pair.orderClass, "oco");
  await orders.deleteOrderByOrderID({ orderId: pair.id });
  const first = await orders.oto({
    ...common, side: "buy", limitPrice: low, stopLoss: { stopPrice: cents(price * 0.6) },
  });
  assert.equal(first.legs[0].status, "held");
  await orders.deleteOrderByOrderID({ orderId: first.id });
  assert.equal((await settled(first.legs[0])).status, "canceled");
}

async function replacing() {
  const { orders } = trading;
  const old = await resting(0.8, { qty: 2 });
  const patchOrderRequest = { qty: "3", limitPrice: cents((await ask()) * 0.75) };
  const next = await orders.patchOrderByOrderId({ orderId: old.id, patchOrderRequest });
  assert.equal(next.replaces, old.id);
  same(next.qty, 3);
  assert.equal((await settled(old)).replacedBy, next.id);
  await refused(422, 42210000, () =>
    orders.patchOrderByOrderId({ orderId: old.id, patchOrderRequest }),
  );
  await orders.deleteOrderByOrderID({ orderId: next.id });
}

async function lists() {
  const { orders } = trading;
  const made = [];
  for (let number = 0; number < 5; number += 1) {
    made.push(await resting(0.8 - number / 1000, { symbol: "MSFT" }));
  }
  const ids = (list) => list.map((order) => order.id);
  assert.deepEqual(ids(await orders.getAllOrders()), ids(made).reverse());
  const page = await orders.getAllOrders({ direction: "asc", limit: 2 });
  assert.deepEqual(ids(page), ids(made).slice(0, 2));
  const rest = await orders.getAllOrders({ direction: "asc", afterOrderId: page[1].id });
  assert.deepEqual(ids(rest), ids(made).slice(2));
  const before = await orders.getAllOrders({ beforeOrderId: made[2].id, symbols: ["MSFT"] });
  assert.deepEqual(ids(before), ids(made).slice(0, 2).reverse());
  assert.deepEqual(await orders.getAllOrders({ symbols: ["AAPL"] }), []);
  const closed = await orders.getAllOrders({ status: "closed", limit: 500, side: "buy" });
  assert.ok(closed.length > 8 && closed.every((order) => FINAL.includes(order.status)));
  assert.equal((await orders.deleteAllOrders()).length, 5);
}

async function refusals() {
  const { orders } = trading;
  const market = (more) => () =>
    orders.market({ symbol: "AAPL", qty: 1, side: "buy", ...more });
  await refused(403, 40310000, market({ qty: 1_000_000 }), "insufficient buying power");
  await refused(403, 40310000, market({ qty: 10_000, side: "sell" }), "insufficient qty");
  await refused(422, 40010001, market({ clientOrderId: "js-market" }), "unique");
  await refused(422, 42210000, market({ symbol: "NONE" }), "NONE");
  const limit = (limitPrice) => () =>
    orders.limit({ symbol: "AAPL", qty: 1, side: "buy", limitPrice });
  await refused(422, 42210000, limit("10.001"));
  const orderId = "00000000-0000-4000-8000-000000000000";
  await refused(404, 40410000, () => orders.getOrderByOrderID({ orderId }));
  await refused(404, 40410000, () => orders.deleteOrderByOrderID({ orderId }));
  const { id } = await orders.getOrderByClientOrderId({ clientOrderId: "js-market" });
  await refused(422, 42210000, () => orders.deleteOrderByOrderID({ orderId: id }), "filled");
  await resting(0.9);
  await refused(403, 40310000, market({ side: "sell" }), "wash trade");
  await orders.deleteAllOrders();
}

async function positions() {
  const { positions } = trading;
  const held = await positions.getOpenPosition({ symbolOrAssetId: "AAPL" });
  const { qty, currentPrice, marketValue, costBasis, unrealizedPl } = held;
  assert.ok(Math.abs(qty * currentPrice - marketValue) < 0.01);
  assert.ok(Math.abs(marketValue - costBasis - unrealizedPl) < 0.01);
  const everything = await positions.getAllOpenPositions();
  assert.deepEqual(everything.map((position) => position.symbol), ["AAPL"]);
  const closing = await positions.deleteOpenPosition({ symbolOrAssetId: "AAPL", qty: 2 });
  same((await settled(closing)).filledQty, 2);
  const none = { symbolOrAssetId: "MSFT" };
  await refused(404, 40410000, () => positions.getOpenPosition(none));
  await refused(404, 40410000, () => positions.deleteOpenPosition(none));
  const closed = await trading.closeAllPositions({ cancelOrders: true });
  assert.deepEqual(closed.map(({ symbol, status }) => [symbol, Number(status)]), [["AAPL", 200]]);
  await settled(closed[0].body);
  assert.deepEqual(await positions.getAllOpenPositions(), []);
}

async function books() {
  let cash = 0;
  let entries = 0;
  for await (const entry of trading.iterateActivities({ pageSize: 7 })) {
    entries += 1;
    if (entry.activityType === "FILL") {
      cash += (entry.side === "buy" ? -1 : 1) * entry.qty * entry.price;
    } else {
      cash += Number(entry.netAmount);
    }
  }
  assert.ok(entries >= 8, `${entries}`);
  const told = (await trading.account.getAccount()).cash;
  assert.ok(Math.abs(told - cash) < 0.01, `${told} ${cash}`);
  const fills = await trading.accountActivities.getAccountActivitiesByActivityType({
    activityType: "FILL",
  });
  assert.ok(fills.every((entry) => entry.activityType === "FILL"));
  const history = await trading.portfolioHistory.getAccountPortfolioHistory({
    period: "1W", timeframe: "1D",
  });
  assert.equal(history.timeframe, "1D");
  assert.equal(history.timestamp.length, history.equity.length);
}

async function watchlists() {
  const { watchlists } = trading;
  const createWatchlistRequest = { name: "js", symbols: ["AAPL"] };
  const made = await watchlists.postWatchlist({ createWatchlistRequest });
  const symbols = (list) => list.assets.map((asset) => asset.symbol);
  assert.deepEqual(symbols(made), ["AAPL"]);
  await refused(422, 40010001, () => watchlists.postWatchlist({ createWatchlistRequest }), "unique");
  const watchlistId = made.id;
  const more = await watchlists.addAssetToWatchlist({
    watchlistId, addAssetToWatchlistRequest: { symbol: "MSFT" },
  });
  assert.deepEqual(symbols(more), ["AAPL", "MSFT"]);
  await watchlists.removeAssetFromWatchlist({ watchlistId, symbol: "AAPL" });
  await watchlists.updateWatchlistByName({
    name: "js", updateWatchlistRequest: { name: "other", symbols: ["MSFT"] },
  });
  assert.deepEqual(symbols(await watchlists.getWatchlistByName({ name: "other" })), ["MSFT"]);
  assert.equal((await watchlists.getWatchlists()).length, 1);
  await watchlists.deleteWatchlistByName({ name: "other" });
  await refused(404, 40410000, () => watchlists.getWatchlistById({ watchlistId }));
}

async function stockData() {
  const span = { start: new Date("2011-01-01"), end: new Date("2012-01-01") };
  const both = { symbols: ["AAPL", "MSFT"], timeframe: TimeFrame.Day, ...span };
  const year = await marketData.getStockBars({ ...both, limit: 100 });
  assert.deepEqual([year.AAPL.length, year.MSFT.length], [252, 252], "paged through");
  for (const bar of year.AAPL) {
    assert.ok(bar.low <= Math.min(bar.open, bar.close) && bar.close <= bar.high);
  }
  let walked = 0;
  for await (const { symbol } of marketData.iterateStockBars({ ...both, limit: 33 })) {
    assert.ok(["AAPL", "MSFT"].includes(symbol));
    walked += 1;
  }
  assert.equal(walked, 504);
  const now = (await trading.clock.legacyClock()).timestamp;
  const start = new Date(now.getTime() - 30 * 60_000);
  const five = timeFrame(5, TimeFrameUnit.Minute);
  const minutes = await marketData.getStockBars({ symbols: "AAPL", timeframe: five, start, end: now });
  assert.ok(minutes.AAPL.length >= 5 && minutes.AAPL.every((b) => b.timestamp.getMinutes() % 5 === 0));
  const trades = await marketData.getStockTrades({ symbols: "AAPL", start, end: now });
  const quotes = await marketData.getStockQuotes({ symbols: "AAPL", start, end: now });
  assert.ok(trades.AAPL.length > 0 && quotes.AAPL.length > 0);

  const { quotes: latest } = await marketData.stocks.stockLatestQuotes({ symbols: "AAPL,MSFT" });
  assert.ok(latest.AAPL.bp <= latest.AAPL.ap && latest.MSFT.bp > 0);
  const whole = await marketData.stocks.stockSnapshotSingle({ symbol: "AAPL" });
  assert.equal(whole.latestTrade.p, await marketData.getLatestPrice("AAPL"));
  assert.ok(whole.prevDailyBar.c > 0);
}

async function crypto() {
  const { quotes } = await marketData.crypto.cryptoLatestQuotes({ loc: "us", symbols: "BTC/USD" });
  assert.ok(quotes["BTC/USD"].ap >= quotes["BTC/USD"].bp);
  const now = (await trading.clock.legacyClock()).timestamp;
  const start = new Date(now.getTime() - 20 * 86_400_000);
  const bars = await marketData.getCryptoBars({
    loc: "us", symbols: ["BTC/USD"], timeframe: TimeFrame.Day, start, end: now,
  });
  assert.ok(bars["BTC/USD"].length >= 19, "also at weekends");
  const bought = await settled(
    await trading.orders.market({
      symbol: "BTC/USD", notional: "500", side: "buy", timeInForce: "gtc",
    }),
  );
  const held = await trading.positions.getOpenPosition({ symbolOrAssetId: "BTCUSD" });
  assert.ok(Number(held.qty) < Number(bought.filledQty), "the fee is taken from what comes");
  await settled(await trading.positions.deleteOpenPosition({ symbolOrAssetId: "BTCUSD" }));
}

async function orderStream() {
  const stream = trading.stream({ url: venue.stream_url });
  const heard = [];
  stream.onTradeUpdate((update) => heard.push(update));
  stream.subscribeTradeUpdates();
  await stream.connect();
  assert.ok(await stream.waitForAuthentication(WAIT));
  const filled = await trading.submitAndWait(
    { type: "market", symbol: "AAPL", qty: 3, side: "buy", timeInForce: "day" },
    { stream, timeoutMs: WAIT },
  );
  assert.equal(filled.status, "filled");
  same(filled.filledQty, 3);
  const rest = await resting(0.8);
  await trading.orders.deleteOrderByOrderID({ orderId: rest.id });
  const gone = () => heard.find((u) => u.event === "canceled" && u.order.id === rest.id);
  await until("the cancellation", gone);
  const fills = heard.filter((u) => ["fill", "partial_fill"].includes(u.event));
  same(fills.reduce((sum, update) => sum + Number(update.qty), 0), 3);
  stream.disconnect();
}

async function dataStreams() {
  const streams = [
    [marketData.stockStream({ url: venue.data_stream_url }), "AAPL"],
    [marketData.cryptoStream({ url: venue.crypto_stream_url }), "BTC/USD"],
  ];
  for (const [stream, symbol] of streams) {
    const heard = { trades: [], quotes: [], bars: [] };
    stream.onTrade((trade) => heard.trades.push(trade));
    stream.onQuote((quote) => heard.quotes.push(quote));
    stream.onBar((bar) => heard.bars.push(bar));
    stream.onConnect(() => {
      stream.subscribeForTrades([symbol]);
      stream.subscribeForQuotes([symbol]);
      stream.subscribeForBars([symbol]);
    });
    stream.connect();
    assert.ok(await stream.waitForAuthentication(WAIT), `${symbol}: no authentication`);
    await until(`a bar of ${symbol}`, async () => {
      await step(15);
      return Object.values(heard).every((list) => list.length > 0);
    });
    for (const message of Object.values(heard).flat()) assert.equal(message.symbol, symbol);
    const [bar] = heard.bars;
    assert.ok(bar.low <= bar.close && bar.close <= bar.high);
    assert.equal(bar.timestamp.getUTCSeconds(), 0);
    stream.disconnect();
  }
}

const parts = {
  account, reference, orders, lists, refusals, positions, books, watchlists, stockData, crypto,
  orderStream, dataStreams,
};
let failed = 0;
for (const [name, part] of Object.entries(parts)) {
  if (process.argv.length > 2 && !process.argv.includes(name)) continue;
  try {
    await part();
    console.log(`JavaScript ${name}: ok`);
  } catch (error) {
    failed += 1;
    console.log(`JavaScript ${name}: FAILED`, error);
  }
}
process.exit(failed > 0 ? 1 : 0);
