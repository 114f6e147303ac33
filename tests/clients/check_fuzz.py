"""Schemathesis against the venue: no 5xx, and no answer the documents and deviations do not permit.

Every documented operation that the venue implements is called with what Schemathesis derives from its
schema: examples, boundary values, then random ones, valid and invalid. The seed is fixed and the
number of cases bounded.
"""

import json
import os
import subprocess
import sys
import tempfile

import openapi
import venue

SEED = "20261120"
CASES = os.environ.get("ATLAS_FUZZ_CASES", "25")  # random cases for each operation
SECONDS = 330  # each document, on however busy a machine; half a minute on an idle one


def subset(document, deviations):
    """The document with the operations that the venue has."""
    whole = json.loads(json.dumps(document.json))
    for path, item in list(whole["paths"].items()):
        for method in openapi.METHODS:
            if f"{method.upper()} {path}" in deviations.absent:
                item.pop(method, None)
        if not any(method in item for method in openapi.METHODS):
            del whole["paths"][path]
    return whole


def main():
    deviations = openapi.Deviations()
    failed = []
    with venue.serve("--rate-limit", "0") as server, tempfile.TemporaryDirectory() as folder:
        for number, document in enumerate(openapi.Spec().documents):
            file = f"{folder}/{number}.json"
            with open(file, "w") as out:
                json.dump(subset(document, deviations), out)
            headers = [f"--header={name}: {value}" for name, value in server.headers.items()]
            command = [
                os.path.join(os.path.dirname(sys.executable), "schemathesis"),
                "run", file, "--url", server.trading_url, *headers,
                "--phases", "examples,coverage,fuzzing", "--mode", "all",
                "--checks", "permitted", "--max-examples", CASES, "--seed", SEED,
                "--generation-database", "none", "--no-color", "--continue-on-failure",
                "--request-timeout", "20", "--suppress-health-check", "all",
                "--warnings", "off",
            ]  # fmt: skip
            environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks"}
            environment["PYTHONPATH"] = str(openapi.HERE)
            done = subprocess.run(command, env=environment, cwd=folder, timeout=SECONDS)
            failed += [number] if done.returncode else []
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
