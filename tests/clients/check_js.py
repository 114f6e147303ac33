"""Runs alpaca_js.mjs against a venue on the sample's bars, with what passes held to the documents."""

import json
import os
import subprocess
import sys

import openapi
import venue

MODULES = venue.ROOT / "target" / "clients" / "js"


def main():
    options = ("--universe", "sample-ohlc", "--as-of", "2012-08-30", "--clock", "stepped")
    with venue.serve(*options, "--rate-limit", "0") as server:
        proxy = openapi.Proxy(server.trading_url)
        ready = {**server.ready, "rest_url": proxy.url}
        environment = {
            **os.environ,
            "ATLAS_VENUE": json.dumps(ready),
            "ATLAS_NODE_MODULES": str(MODULES),
        }
        script = ["node", str(openapi.HERE / "alpaca_js.mjs"), *sys.argv[1:]]
        done = subprocess.run(script, env=environment, timeout=240)
        proxy.close()
        bad = openapi.report(proxy.findings, openapi.Deviations())
    print(f"JavaScript client: {proxy.count} requests, exit {done.returncode}, {bad} findings")
    sys.exit(done.returncode != 0 or bad > 0)


if __name__ == "__main__":
    main()
