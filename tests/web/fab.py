"""Start a whole Airflow web interface with FAB (Flask AppBuilder) authentication, and report on it.

The interface needs a process of its own, because a process of Airflow reads its kind of authentication only once.
``python -m tests.web.fab`` is this process. It needs the environment variables that :func:`environment` returns. It
creates users and roles with the commands of docs/operations/users.md, and each user signs in with name and password.
The process prints as JSON what each user may open, what the account of ``motcua watch`` may read, and what the sign-in
page shows.
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
"""The role of each user: first our roles, then Airflow's own."""
WATCH = "giam-sat"
NAVIGATES = {"Accept": "text/html", "Sec-Fetch-Dest": "document"}
ASKED = ("/dossiers", "/quality", "/statements", "/users")
AIRFLOWS = ("/api/v2/connections", "/api/v2/variables", "/auth/fab/v1/users")
"""Addresses of Airflow's own interface that users of an agency must not open."""


def environment(folder: Path) -> dict[str, str]:
    """Return the environment variables of an Airflow with its files in a folder, without the settings of the ledger."""
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
    """Run this module in its own process and return the report of ``_report``.

    Raises:
        AssertionError: if the process failed; the error holds the process's output.
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


def _run_airflow(*typed: str) -> None:
    """Run a command of Airflow in this process."""
    from airflow.cli.cli_parser import get_parser

    arguments = get_parser().parse_args(list(typed))
    arguments.func(arguments)


def _create_roles() -> str:
    """Run the command that creates the roles, and return its exit code and output."""
    done = type_command("users", "roles", exits=None)
    return f"{done.exit_code} {' '.join(done.output.split())}"


def _report() -> dict[str, Any]:
    """Create roles and users, serve Airflow, and return what each account may do and see."""
    from airflow.utils.db import upgradedb

    upgradedb()
    _run_airflow("dags", "reserialize")
    found: dict[str, Any] = {"roles": [_create_roles()]}
    # The second run of the command must remove a right that somebody added, and restore a right that somebody removed.
    _run_airflow("roles", "add-perms", "CoQuan", "--action", "can_edit", "--resource", "Connections")
    _run_airflow("roles", "del-perms", "VanHanh", "--action", "can_edit", "--resource", "Connections")
    found["roles"].append(_create_roles())
    # The passwords are hexadecimal, because a password with a leading dash would be read as an option.
    passwords = {name: secrets.token_hex(12) for name in USERS}
    for name, role in USERS.items():
        who = ("--firstname", name, "--lastname", "Nguyễn", "--email", f"{name}@example.vn")
        _run_airflow("users", "create", "--username", name, "--role", role, "--password", passwords[name], *who)
    with _serve_airflow() as url:
        for name, password in passwords.items():
            found[name] = _seen_by(url, name, password)
        wrong = httpx.post(f"{url}/auth/token", json={"username": "lan", "password": "wrong"})
        found["wrong password"] = {"statuses": [wrong.status_code]}
        found["watch"] = _seen_by_watch(url)
        found["sign-in"] = _signed_in_by_hand(url, "cuc", passwords["cuc"])
        found["guessed"] = _signed_in_after_guesses(url, "hoa", passwords["hoa"])
    os.environ["MOTCUA_WATCH_AIRFLOW_USER"] = "lan"
    settings.cache_clear()
    found["roles"].append(_create_roles())
    return found


@contextmanager
def _serve_airflow() -> Iterator[str]:
    """Serve Airflow's interface on a port of the loopback address, and yield its URL."""
    from airflow.api_fastapi.app import create_app

    with Served(create_app(apps="core"), "warning") as served:
        yield served.url


def _seen_by(url: str, name: str, password: str) -> dict[str, Any]:
    """Return what a user who signs in with a token may open on the pages below ``/motcua`` and in Airflow."""
    signed_in = httpx.post(f"{url}/auth/token", json={"username": name, "password": password})
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
            "accounts": re.findall(r'<th scope="row" class="">([a-z-]+) ?<', http.get("/motcua/users").text),
        }


def _seen_by_watch(url: str) -> dict[str, Any]:
    """Return what the watch's own code can read with the account that ``motcua users roles`` created."""
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


def _signed_in_by_hand(url: str, name: str, password: str) -> dict[str, Any]:
    """Return what a browser shows, from the sign-in page to the change of the user's own password."""
    with httpx.Client(base_url=url, follow_redirects=True, timeout=60) as http:
        page = http.get("/motcua/calendar")
        said = {"sign-in": _visible_text(page)}
        form = {"csrf_token": _csrf_token(page), "username": name}
        said["wrong"] = _visible_text(http.post(page.url, data=form | {"password": "wrong"}))
        led = http.post(page.url, data=form | {"password": password})
        said["came to"] = str(led.url.path)
        asked = http.get("/auth/resetmypassword/form")
        said["password"] = _visible_text(asked)
        new = {"csrf_token": _csrf_token(asked), "password": password + "-new"}
        said["not the same"] = _visible_text(http.post(asked.url, data=new | {"conf_password": "other"}))
        changed = http.post(asked.url, data=new | {"conf_password": password + "-new"})
        said["changed"] = _visible_text(changed)
        said["own account"] = _visible_text(http.get("/auth/users/userinfo/"))
        said["others' accounts"] = http.get("/auth/users/list/").url.path
    again = [
        httpx.post(f"{url}/auth/token", json={"username": name, "password": each}).status_code
        for each in (password, password + "-new")
    ]
    return said | {"old and new password": again}


def _signed_in_after_guesses(url: str, name: str, password: str) -> dict[str, Any]:
    """Return whether a person can sign in after four wrong passwords, after five more, and after a new password."""

    def signs_in(password: str) -> bool:
        with httpx.Client(base_url=url, follow_redirects=True, timeout=60) as http:
            page = http.get("/motcua/calendar")
            form = {"csrf_token": _csrf_token(page), "username": name, "password": password}
            return http.post(page.url, data=form).url.path == "/motcua/calendar"

    four = [signs_in("wrong") for _ in range(4)]
    found = {
        "after four": [*four, signs_in(password)],
        "after five": [*(signs_in("wrong") for _ in range(5)), signs_in(password)],
    }
    _run_airflow("users", "reset-password", "--username", name, "--password", f"{password}-new")
    return found | {"after a new password": signs_in(f"{password}-new")}


def _visible_text(answer: httpx.Response) -> str:
    """Return the visible text of a page, including the labels of its buttons."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.S)
    text = re.sub(r'<input\b[^>]*type="submit"[^>]*value="([^"]*)"[^>]*>', r" \1 ", text)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def _csrf_token(answer: httpx.Response) -> str:
    """Return the CSRF token in the form of a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', answer.text)
    assert found is not None, answer.text[-2000:]
    return found[1]


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(_report())}\n")
