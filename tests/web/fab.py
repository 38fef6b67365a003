"""``python -m tests.web.fab FOLDER``: a whole Airflow interface of its own whose users and roles FAB keeps.

In a process of its own, since Airflow reads once which authentication there is. Users and roles are made by the
commands of docs/operations/server.md; each user signs in with name and password, and what the pages then are to him is
printed as JSON.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
USERS = {"kiem": "Viewer", "hoa": "User", "cuc": "CoQuan", "lan": "Op", "minh": "Admin", "ngoai": "Public"}
"""Role of each."""
ROLES = (
    # What an agency's users need: of one DAG alone, which has to be known before.
    "dags reserialize",
    "sync-perm --include-dags",
    "roles create CoQuan",
    "roles add-perms CoQuan --action can_edit --resource DAG:check_quality",
)
ASKED = ("/calendar", "/quality", "/statements", "/users")
AIRFLOWS = ("/api/v2/connections", "/api/v2/variables", "/auth/fab/v1/users")
"""Of Airflow's own interface, what an agency's people have no business with."""


def environment(folder: Path) -> dict[str, str]:
    """Of an Airflow below a folder, beside what the caller has of the ledger."""
    return {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(48),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        "AIRFLOW__FAB__AUTH_RATE_LIMITED": "False",
    }


def asked_in_a_process(folder: Path) -> dict[str, Any]:
    """By user: the role on the pages, and the status of each of ``ASKED``.

    Raises:
        AssertionError: the process failed; with what it said.
    """
    (folder / "dags").mkdir()
    shutil.copy(ROOT / "dags" / "check_quality.py", folder / "dags")
    command = [sys.executable, "-m", __spec__.name if __name__ == "__main__" else __name__]
    done = subprocess.run(
        command, env=os.environ | environment(folder), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _command(*words: str) -> None:
    from airflow.cli.cli_parser import get_parser

    arguments = get_parser().parse_args(list(words))
    arguments.func(arguments)


def _ask() -> dict[str, Any]:
    from airflow.utils.db import upgradedb

    upgradedb()
    for role in ROLES:
        _command(*role.split())
    words = {name: secrets.token_urlsafe(12) for name in USERS}
    for name, role in USERS.items():
        who = ("--firstname", name, "--lastname", "Nguyễn", "--email", f"{name}@example.vn")
        _command("users", "create", "--username", name, "--role", role, "--password", words[name], *who)
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient

    found = {}
    with TestClient(create_app(apps="core"), follow_redirects=False) as http:
        for name, word in words.items():
            signed_in = http.post("/auth/token", json={"username": name, "password": word})
            bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
            page = http.get("/motcua/calendar", headers=bearer).text
            shown = re.search(r'<span title="([^"]+)">([^<]+)</span>', page)
            found[name] = {
                "is": list(shown.groups()) if shown else None,
                "statuses": [http.get(f"/motcua{path}", headers=bearer).status_code for path in ASKED],
                "airflow": [http.get(path, headers=bearer).status_code for path in AIRFLOWS],
                "dags": [each["dag_id"] for each in http.get("/api/v2/dags", headers=bearer).json().get("dags", ())],
                "unknown": "chưa được giao cơ quan nào" in page,
            }
            http.cookies.clear()
        wrong = http.post("/auth/token", json={"username": "lan", "password": "wrong"})
        found["wrong password"] = {"statuses": [wrong.status_code]}
    return found


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(_ask())}\n")
