"""``python -m tests.web.fab FOLDER``: a whole Airflow interface of its own whose users and roles FAB keeps.

In a process of its own, since Airflow reads once which authentication there is. Users and roles are made by the
commands of docs/operations/users.md; each user signs in with name and password, and what the pages then are to him is
printed as JSON, with what the watch sees and what the sign-in page says.
"""

from __future__ import annotations

import html
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from motcua.jobs.watching.outside import Airflow
from motcua.settings import settings
from tests.ground import Served, type_command

ROOT = Path(__file__).parents[2]
USERS = {
    **{"kiem": "KiemTra", "cuc": "CoQuan", "quy": "Quay", "lan": "VanHanh"},
    **{"vy": "Viewer", "hoa": "User", "phuc": "Op", "minh": "Admin", "ngoai": "Public"},
}
"""Role of each: those of ours, and Airflow's own."""
WATCH = "giam-sat"
NAVIGATES = {"Accept": "text/html", "Sec-Fetch-Dest": "document"}
ASKED = ("/dossiers", "/quality", "/statements", "/users")
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
        "AIRFLOW__FAB__CONFIG_FILE": str(ROOT / "include" / "sign_in" / "webserver_config.py"),
        "MOTCUA_WATCH_AIRFLOW_USER": WATCH,
        "MOTCUA_WATCH_AIRFLOW_PASSWORD": secrets.token_hex(12),
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


def _roles() -> str:
    """Brings the roles into being; what the command says."""
    done = type_command("users", "roles", exits=None)
    return f"{done.exit_code} {' '.join(done.output.split())}"


def _ask() -> dict[str, Any]:
    from airflow.utils.db import upgradedb

    upgradedb()
    _command("dags", "reserialize")
    found: dict[str, Any] = {"roles": [_roles()]}
    # What somebody gave besides is taken, what he took is given back.
    _command("roles", "add-perms", "CoQuan", "--action", "can_edit", "--resource", "Connections")
    _command("roles", "del-perms", "VanHanh", "--action", "can_edit", "--resource", "Connections")
    found["roles"].append(_roles())
    # Hexadecimal: what begins with a dash would be taken for an option.
    words = {name: secrets.token_hex(12) for name in USERS}
    for name, role in USERS.items():
        who = ("--firstname", name, "--lastname", "Nguyễn", "--email", f"{name}@example.vn")
        _command("users", "create", "--username", name, "--role", role, "--password", words[name], *who)
    with _served() as url:
        for name, word in words.items():
            found[name] = _seen_by(url, name, word)
        wrong = httpx.post(f"{url}/auth/token", json={"username": "lan", "password": "wrong"})
        found["wrong password"] = {"statuses": [wrong.status_code]}
        found["watch"] = _watched(url)
        found["sign-in"] = _signed_in_by_hand(url, "cuc", words["cuc"])
        found["guessed"] = _guessed(url, "hoa", words["hoa"])
    os.environ["MOTCUA_WATCH_AIRFLOW_USER"] = "lan"
    settings.cache_clear()
    found["roles"].append(_roles())
    return found


@contextmanager
def _served() -> Iterator[str]:
    """Airflow's interface on a port of loopback."""
    from airflow.api_fastapi.app import create_app

    with Served(create_app(apps="core"), "warning") as served:
        yield served.url


def _seen_by(url: str, name: str, word: str) -> dict[str, Any]:
    signed_in = httpx.post(f"{url}/auth/token", json={"username": name, "password": word})
    bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    with httpx.Client(base_url=url, headers=bearer, timeout=60) as http:
        page = http.get("/motcua/dossiers").text
        shown = re.search(r'<span title="([^"]+)">([^<]+)</span>', page)
        return {
            "is": list(shown.groups()) if shown else None,
            "statuses": [http.get(f"/motcua{path}").status_code for path in ASKED],
            "airflow": [http.get(path).status_code for path in AIRFLOWS],
            "dags": [each["dag_id"] for each in http.get("/api/v2/dags").json().get("dags", ())],
            "runs": http.get("/api/v2/dags/~/dagRuns").status_code,
            "pauses": http.patch("/api/v2/dags/check_quality", json={"is_paused": False}).status_code,
            "console": [http.get(path, headers=NAVIGATES).headers.get("location") for path in ("/", "/dags")],
            "starts": http.post("/api/v2/dags/check_quality/dagRuns", json={"logical_date": None}).status_code,
            "unknown": "chưa được giao cơ quan nào" in page,
            "accounts": re.findall(r'<th scope="row" class="">([a-z-]+)<', http.get("/motcua/users").text),
        }


def _watched(url: str) -> dict[str, Any]:
    """What the watch's own code gets with the account that the command made."""
    account = settings()
    assert account.watch_airflow_password is not None
    airflow = Airflow(url, account.watch_airflow_user, account.watch_airflow_password.get_secret_value())
    since = datetime.now(UTC) - timedelta(days=1)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {airflow._signed_in()}"}, timeout=60) as http:
        return {
            "all runs": len(http.get("/api/v2/dags/check_quality/dagRuns").json()["dag_runs"]),
            "red runs": len(airflow.failed_runs(since)),
            "refused": [http.get(path).status_code for path in (*AIRFLOWS, "/motcua/users")],
        }


def _signed_in_by_hand(url: str, name: str, word: str) -> dict[str, Any]:
    """What a browser is shown, from the sign-in page to a password that is changed."""
    with httpx.Client(base_url=url, follow_redirects=True, timeout=60) as http:
        page = http.get("/motcua/calendar")
        said = {"sign-in": _words(page)}
        form = {"csrf_token": _mark(page), "username": name}
        said["wrong"] = _words(http.post(page.url, data=form | {"password": "wrong"}))
        led = http.post(page.url, data=form | {"password": word})
        said["came to"] = str(led.url.path)
        asked = http.get("/auth/resetmypassword/form")
        said["password"] = _words(asked)
        new = {"csrf_token": _mark(asked), "password": word + "-new"}
        said["not the same"] = _words(http.post(asked.url, data=new | {"conf_password": "other"}))
        changed = http.post(asked.url, data=new | {"conf_password": word + "-new"})
        said["changed"] = _words(changed)
        said["own account"] = _words(http.get("/auth/users/userinfo/"))
        said["others' accounts"] = http.get("/auth/users/list/").url.path
    again = [
        httpx.post(f"{url}/auth/token", json={"username": name, "password": each}).status_code
        for each in (word, word + "-new")
    ]
    return said | {"old and new password": again}


def _guessed(url: str, name: str, word: str) -> dict[str, Any]:
    """What an account is to its person while somebody guesses, and after the password was reset."""

    def signs_in(password: str) -> bool:
        with httpx.Client(base_url=url, follow_redirects=True, timeout=60) as http:
            page = http.get("/motcua/calendar")
            form = {"csrf_token": _mark(page), "username": name, "password": password}
            return http.post(page.url, data=form).url.path == "/motcua/calendar"

    four = [signs_in("wrong") for _ in range(4)]
    found = {
        "after four": [*four, signs_in(word)],
        "after five": [*(signs_in("wrong") for _ in range(5)), signs_in(word)],
    }
    _command("users", "reset-password", "--username", name, "--password", f"{word}-new")
    return found | {"after a new password": signs_in(f"{word}-new")}


def _words(answer: httpx.Response) -> str:
    """What a page says, its buttons with it."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.S)
    text = re.sub(r'<input\b[^>]*type="submit"[^>]*value="([^"]*)"[^>]*>', r" \1 ", text)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def _mark(answer: httpx.Response) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.text)
    assert found is not None, answer.text[-2000:]
    return found[1]


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(_ask())}\n")
