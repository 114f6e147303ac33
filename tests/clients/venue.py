"""Starts `atlas venue serve` for a check, and stops it whatever happens."""

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile

# A check that is told to stop stops its server too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

ROOT = pathlib.Path(__file__).resolve().parents[2]
ATLAS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "atlas"
READY_WITHIN = 60  # seconds


class Venue:
    """A running server; what its ready line says is in its attributes."""

    def __init__(self, ready, process):
        self.trading_url = ready["trading_url"].rstrip("/")
        self.data_url = ready["data_url"].rstrip("/")
        self.stream_url = ready["stream_url"]
        self.data_stream_url = ready["data_stream_url"]
        self.key_id = ready["key_id"]
        self.secret_key = ready["secret_key"]
        self.admin_token = ready.get("admin_token", "")
        self.ready = ready
        self.process = process

    @property
    def headers(self):
        return {"APCA-API-KEY-ID": self.key_id, "APCA-API-SECRET-KEY": self.secret_key}


@contextlib.contextmanager
def serve(*options):
    """A venue on a free loopback port with a state of its own."""
    with tempfile.TemporaryDirectory(prefix="atlas-clients-") as state:
        command = [str(ATLAS), "venue", "serve", "--listen", "127.0.0.1:0", "--state-dir", state]
        if "--rate-limit" not in options:
            # A check sends more in a minute than an account may.
            command += ["--rate-limit", "0"]
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        try:
            readable, _, _ = select.select([process.stdout], [], [], READY_WITHIN)
            line = process.stdout.readline() if readable else ""
            if not line:
                raise SystemExit(f"the venue did not start: {' '.join([*command, *options])}")
            yield Venue(json.loads(line), process)
            if process.poll() is not None:
                raise SystemExit(f"the venue ended by itself with code {process.returncode}")
        finally:
            stop(process)
        if process.returncode != 0:
            raise SystemExit(f"the venue did not stop cleanly: code {process.returncode}")


def stop(process):
    """SIGTERM, and SIGKILL for what does not end within ten seconds."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    process.stdout.close()
