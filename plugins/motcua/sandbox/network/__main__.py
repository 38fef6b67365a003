"""``python -m motcua.sandbox.network``: run the phone network until it is asked to stop."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from motcua.sandbox.network.application import create_app
from motcua.sandbox.network.behaviour import Timing
from motcua.sandbox.network.zalo import ZaloAccount

_ZALO = ("APP", "KEY", "REFRESH_TOKEN", "WEBHOOK_URL", "WEBHOOK_SECRET")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the network until it is asked to stop. After a mistake of the operator, print a sentence and end."""
    parser = argparse.ArgumentParser(prog="python -m motcua.sandbox.network", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="folder of the network's log")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--max-messages", type=int, default=10, help="most SMS of one long message (Kannel's max-messages; default 10)"
    )
    parser.add_argument("--timing", type=_timing, default=Timing(), help="delays of the network, as a JSON object")
    options = parser.parse_args(arguments)
    username, password = (os.environ.get(f"MOTCUA_KANNEL_{name}", "") for name in ("USERNAME", "PASSWORD"))
    account = [os.environ.get(f"MOTCUA_ZALO_{name}", "") for name in _ZALO]
    if not (username and password):
        sys.exit("MOTCUA_KANNEL_USERNAME and MOTCUA_KANNEL_PASSWORD must be set.")
    if options.max_messages < 1:
        sys.exit("--max-messages must be at least 1.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        app = create_app(
            options.folder,
            username=username,
            password=password,
            inquiry_url=os.environ.get("MOTCUA_INQUIRY_URL") or None,
            seed=options.seed,
            max_messages=options.max_messages,
            timing=options.timing,
            zalo=ZaloAccount(*account) if all(account) else None,
        )
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"The log in {options.folder} cannot be used: {error}")
    # Access log lines would contain numbers and texts, so there is no access log.
    uvicorn.run(
        app, host=options.host, port=options.port, log_config=None, access_log=False, timeout_graceful_shutdown=3
    )


def _timing(given: str) -> Timing:
    return Timing(**json.loads(given))


if __name__ == "__main__":
    main()
