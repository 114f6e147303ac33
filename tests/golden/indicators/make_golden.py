"""Golden figures of TA-Lib for the indicators of atlas-strategy.

Run from this folder with the PyPI packages TA-Lib and numpy:  python make_golden.py
Inputs are the bundled AAPL bars and a synthetic series that the Rust test makes again from the same
integers. Of each output the first three defined values, a sample and the last are kept.

Where TA-Lib is not followed, the figure is made from its parts:
- MACD: TA-Lib seeds its fast average late; here it is EMA(12) - EMA(26), each seeded by itself.
- z-score: from SMA and STDDEV.
- Wilder's smoothing: ATR of bars whose true range is the value.
- VWAP: summed exactly, as TA-Lib has none. 52-week-high distance: close over MAX of the highs.
- realised volatility: from STDDEV of log returns, times sqrt(n / (n - 1) * 252).
Outputs that TA-Lib sets to zero where they are undefined (constant RSI, STOCH, CORREL) do not occur
in these series.
"""

import csv
import fractions
import gzip
import json
import pathlib

import numpy as np
import talib

SAMPLE = pathlib.Path("../../../crates/atlas-data/sample/ohlc_AAPL.csv.gz")
BARS = 100_000


def sample():
    with gzip.open(SAMPLE, "rt") as text:
        rows = list(csv.DictReader(text))
    return {k: np.array([float(r[k]) for r in rows]) for k in ("open", "high", "low", "close", "volume")}


def synthetic():
    state = 20190102
    columns = {k: [] for k in ("open", "high", "low", "close", "volume")}

    def draw(below):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % below

    last = 20_000
    for _ in range(BARS):
        close = min(max(last + draw(201) - 100, 5_000), 50_000)
        high = max(last, close) + draw(50)
        low = min(last, close) - draw(50)
        values = (last / 100, high / 100, low / 100, close / 100, float(1_000 + draw(100_000)))
        for column, value in zip(columns.values(), values):
            column.append(value)
        last = close
    return {k: np.array(v) for k, v in columns.items()}


def tail_ema(values, period):
    """EMA over a column that starts undefined."""
    first = int(np.argmax(~np.isnan(values)))
    out = np.full(len(values), np.nan)
    out[first:] = talib.EMA(values[first:], period)
    return out


def wilder(values, period):
    """Wilder's smoothing, which TA-Lib has no function of: its ATR of ranges that are the values."""
    flat = np.zeros(len(values) + 1)
    shifted = np.concatenate([[0.0], values])
    # High is the value, low and close are zero: the true range is the value itself.
    return talib.ATR(shifted, flat, flat, period)[1:]


def vwap(h, l, c, v):
    """From the first bar on, summed exactly; TA-Lib has no such function."""
    typical = [(x + y + z) / 3 for x, y, z in zip(h, l, c)]
    traded, volume, out = fractions.Fraction(0), fractions.Fraction(0), []
    for price, shares in zip(typical, v):
        traded += fractions.Fraction(price) * fractions.Fraction(shares)
        volume += fractions.Fraction(shares)
        out.append(float(traded / volume) if volume else float("nan"))
    return np.array(out)


def outputs(bars):
    o, h, l, c, v = (bars[k] for k in ("open", "high", "low", "close", "volume"))
    upper, middle, lower = talib.BBANDS(c, 20, 2, 2)
    macd = talib.EMA(c, 12) - talib.EMA(c, 26)
    slow_k, slow_d = talib.STOCH(h, l, c, 14, 3, 0, 3, 0)
    returns = np.concatenate([[np.nan], np.diff(np.log(c))])
    deviation = np.full(len(c), np.nan)
    deviation[1:] = talib.STDDEV(returns[1:], 20)
    return {
        "sma_20": talib.SMA(c, 20),
        "ema_20": talib.EMA(c, 20),
        "wma_20": talib.WMA(c, 20),
        "wilder_14": wilder(c, 14),
        "rsi_14": talib.RSI(c, 14),
        "macd": macd,
        "macd_signal": tail_ema(macd, 9),
        "true_range": talib.TRANGE(h, l, c),
        "atr_14": talib.ATR(h, l, c, 14),
        "macd_histogram": macd - tail_ema(macd, 9),
        "bollinger_upper": upper,
        "bollinger_middle": middle,
        "bollinger_lower": lower,
        "std_dev_20": talib.STDDEV(c, 20),
        "z_score_20": (c - talib.SMA(c, 20)) / talib.STDDEV(c, 20),
        "realised_volatility_20": deviation * np.sqrt(20 / 19 * 252),
        "max_252": talib.MAX(h, 252),
        "min_252": talib.MIN(l, 252),
        "adx_14": talib.ADX(h, l, c, 14),
        "plus_di_14": talib.PLUS_DI(h, l, c, 14),
        "minus_di_14": talib.MINUS_DI(h, l, c, 14),
        "stochastic_k": slow_k,
        "stochastic_d": slow_d,
        "roc_10": talib.ROC(c, 10),
        "donchian_upper": talib.MAX(h, 20),
        "donchian_lower": talib.MIN(l, 20),
        "donchian_middle": (talib.MAX(h, 20) + talib.MIN(l, 20)) / 2,
        "high_distance_252": c / talib.MAX(h, 252),
        "obv": talib.OBV(c, v),
        "vwap": vwap(h, l, c, v),
        "correlation_30": talib.CORREL(h, l, 30),
        "beta_30": talib.BETA(o, c, 30),
    }


def kept(values, step):
    defined = np.flatnonzero(~np.isnan(values))
    first = int(defined[0])
    rows = {first, first + 1, first + 2, len(values) - 1, *range(first, len(values), step)}
    return {"first": first, "values": [[int(i), float(values[i])] for i in sorted(rows) if not np.isnan(values[i])]}


golden = {"talib": talib.__ta_version__.decode().split()[0], "series": {}}
for name, bars, step in (("AAPL", sample(), 163), ("synthetic", synthetic(), 4_999)):
    golden["series"][name] = {k: kept(v, step) for k, v in outputs(bars).items()}
with open("golden.json", "w") as out:
    json.dump(golden, out, separators=(",", ":"))
    out.write("\n")
