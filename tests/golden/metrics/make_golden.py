"""Golden figures for atlas_backtest::metrics, from empyrical-reloaded and quantstats.

    pip install empyrical-reloaded quantstats scipy && python make_golden.py > golden.json

The series are made, not read: a 64-bit congruential generator, four draws a return, rounded to six
decimals, so that anybody can make them again in any language. What the two packages define
differently from Atlas is named in the documentation of atlas_backtest::metrics.
"""

import json
import sys

import empyrical
import numpy as np
import pandas as pd
import quantstats.stats as qs
from scipy import stats

MASK = (1 << 64) - 1


def made(seed: int, scale: float, rows: int = 750) -> list[float]:
    """The series of a seed: 53 bits a draw, the sum of four less two, scaled, with a drift."""
    state = seed

    def draw() -> float:
        nonlocal state
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) & MASK
        return (state >> 11) / 9_007_199_254_740_992.0

    def one() -> float:
        total = sum(draw() for _ in range(4))
        # numpy's rint rounds halves to even, as Rust's round_ties_even does.
        return float(np.rint(((total - 2.0) * scale + 0.0004) * 1e6) / 1e6)

    return [one() for _ in range(rows)]


def figures() -> dict[str, float]:
    own, other = made(7, 0.02), made(11, 0.018)
    benchmark = [float(np.rint((0.6 * a + 0.5 * b) * 1e6) / 1e6) for a, b in zip(own, other)]
    days = pd.bdate_range("2015-01-01", periods=len(own))
    r, b = pd.Series(own, days), pd.Series(benchmark, days)
    n = len(own)
    return {
        "first": own[0],
        "fourth": own[3],
        "total_return": empyrical.cum_returns_final(r),
        "annual_return": empyrical.annual_return(r),
        "annual_volatility": empyrical.annual_volatility(r),
        "sharpe": empyrical.sharpe_ratio(r),
        "sharpe_risk_free_1bp": empyrical.sharpe_ratio(r, risk_free=0.0001),
        "sortino": empyrical.sortino_ratio(r),
        "calmar": empyrical.calmar_ratio(r),
        "omega": empyrical.omega_ratio(r),
        "max_drawdown": empyrical.max_drawdown(r),
        "value_at_risk": empyrical.value_at_risk(r),
        "expected_shortfall": empyrical.conditional_value_at_risk(r),
        "tail_ratio": empyrical.tail_ratio(r),
        "stability": empyrical.stability_of_timeseries(r),
        "skewness": float(stats.skew(r)),
        "kurtosis": float(stats.kurtosis(r, fisher=False)),
        "positive": float((r > 0).sum() / n),
        "quantstats_skewness": float(qs.skew(r)),
        "quantstats_kurtosis": float(qs.kurtosis(r)),
        "beta": empyrical.beta(r, b),
        "alpha": empyrical.alpha(r, b),
        "alpha_risk_free_1bp": empyrical.alpha(r, b, risk_free=0.0001),
        "quantstats_information_ratio": float(qs.information_ratio(r, b)),
    }


if __name__ == "__main__":
    json.dump({k: float(v) for k, v in figures().items()}, sys.stdout, indent=2)
    print()
