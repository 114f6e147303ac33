#!/usr/bin/env python3
"""Makes the bundled sample from the published packages' own files.

    python3 make_sample.py BUNDLE_OK [OUT]

BUNDLE_OK holds the files named below, as unpacked from the registry archives that README.md
lists; OUT is where the sample is written (default: this script's folder). Python's standard
library is enough. The output depends on the input only: same bytes in, same bytes out.
Nothing is computed: prices, rates and dates are carried over as text.
"""

import csv
import gzip
import io
import pathlib
import sys
import zlib


def rows(path):
    """The records of a gzip CSV file, as lists of text."""
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        return list(csv.reader(file))


def columns(path, names):
    """The named columns of a gzip CSV file, with their names as header."""
    header, *records = rows(path)
    at = [header.index(name) for name in names]
    return [[record[i] for i in at] for record in [header, *records]]


def write(path, table):
    """Writes a table as gzip CSV with nothing in it that varies: no name, no time."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    data = text.getvalue().encode("ascii")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    path.write_bytes(packer.compress(data) + packer.flush())
    print(f"{path.name}: {len(table) - 1} rows, {len(data)} -> {path.stat().st_size} bytes")


def main():
    source = pathlib.Path(sys.argv[1])
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path(__file__).parent

    write(out / "large_caps.csv.gz", rows(source / "skfolio/sp500_dataset.csv.gz"))

    index = columns(source / "skfolio/sp500_index.csv.gz", ["Date", "SP500"])
    write(out / "index.csv.gz", [["date", "close"], *index[1:]])

    write(out / "vix.csv.gz", columns(source / "arch/vix.csv.gz", ["date", "close"]))
    write(out / "rate.csv.gz", columns(source / "zipline/treasury_3m.csv.gz", ["date", "rate_pct"]))

    for symbol in ["AAPL", "GOOG", "IBM", "MSFT"]:
        write(out / f"ohlc_{symbol}.csv.gz", rows(source / f"wiki/{symbol}.csv.gz"))


if __name__ == "__main__":
    main()
