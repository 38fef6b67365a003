"""Test that imports point one way.

The way is dags → jobs → {sources, gateways, store, quality, reports} → domain; web may import jobs or store.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plugins" / "motcua"

MAY_IMPORT = {
    "domain": {"domain"},
    "store": {"store", "domain", "settings"},
    "sources": {"sources", "store", "domain", "settings"},
    "gateways": {"gateways", "domain", "settings"},
    "quality": {"quality", "store", "domain", "settings"},
    "reports": {"reports", "quality", "domain", "settings", "templating"},
    "jobs": {"jobs", "sources", "gateways", "quality", "reports", "store", "domain", "settings", "dag_texts"},
    "web": {"web", "jobs", "quality", "reports", "store", "gateways", "domain", "settings", "templating", "dag_texts"},
    "commands": {
        "commands",
        "jobs",
        "sources",
        "gateways",
        "quality",
        "reports",
        "store",
        "domain",
        "settings",
        "sandbox",
    },
    "sandbox": {"sandbox", "jobs", "gateways", "store", "domain", "settings", "templating", "web"},
    "settings": set(),
    "templating": {"settings"},
    "orchestration": {"jobs", "store", "domain", "settings", "dag_texts"},
    "dag_texts": {"settings"},
    "celery_workers": {"preloading"},
    "preloading": {"settings", "dag_texts"},
    "cli": {"commands", "settings", "store"},
    "version": set(),
    "__init__": set(),
}
FOR_ALL = {"version"}
"""Modules that each folder except ``domain`` may import."""
DAGS_MAY_IMPORT = {"jobs", "orchestration", "settings", "dag_texts"}
PURE_FORBIDS = {"airflow", "psycopg", "requests", "httpx", "fastapi", "sqlalchemy", "pandas"}


@cache
def imports(path: Path) -> list[str]:
    """Return the full name of each import in a file."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not used"
            # The imported name counts too: "from motcua import jobs" imports jobs.
            found += (f"{node.module}.{alias.name}" for alias in node.names)
    return found


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def top_folder(path: Path) -> str:
    """Return the top-level folder or module of the package that a file is in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_architecture_page_shows_the_allowed_imports_and_none_points_up():
    """The table in docs/architecture.md must show the imports that this file allows, each from a row to a row below."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    arrows = re.findall(r"^(\w+) +→(.*)$", page, re.M)
    shown = {name: set(targets.replace(",", " ").split()) for name, targets in arrows}
    everywhere = {"domain", "settings"}
    small = {"settings", "preloading", "celery_workers", "__init__", "domain", "version"}
    allowed = {name: targets - everywhere - {name} for name, targets in MAY_IMPORT.items() if name not in small}
    assert shown == allowed | {"dags": DAGS_MAY_IMPORT - everywhere}
    below = {name: set(list(shown)[place:]) for place, name in enumerate(shown, 1)}
    assert [name for name, targets in shown.items() if not targets <= below[name]] == []


def wrong_imports(paths: Iterable[Path], is_wrong: Callable[[str, str], bool]) -> dict[str, list[str]]:
    """Return the forbidden imports of each file. What is forbidden depends on the file's top-level folder."""
    found = {
        str(path.relative_to(ROOT)): [
            name for name in imports(path) if is_wrong(top_folder(path) if PACKAGE in path.parents else "dags", name)
        ]
        for path in paths
    }
    assert found
    return {path: names for path, names in found.items() if names}


def runs_back(here: str, name: str) -> bool:
    """Return whether a file in ``here`` may not import ``name``."""
    allowed = MAY_IMPORT[here] | (FOR_ALL if here != "domain" else set())
    return name.startswith("motcua.") and name.split(".")[1] not in allowed


def test_no_arrow_runs_back():
    """No package may import a package that is not listed for it."""
    assert wrong_imports(modules(), runs_back) == {}


def test_domain_is_pure():
    """The rules in ``domain`` must be testable without Airflow, a database or a network."""
    domain = [path for path in modules() if top_folder(path) == "domain"]
    assert wrong_imports(domain, lambda _, name: name.split(".")[0] in PURE_FORBIDS) == {}


def test_production_does_not_know_the_sandbox():
    production = [path for path in modules() if top_folder(path) not in ("sandbox", "commands")]
    assert wrong_imports(production, lambda _, name: name.startswith("motcua.sandbox")) == {}


def is_more_than_wiring(_: str, name: str) -> bool:
    """Return whether a DAG file may not import ``name``."""
    first, _, rest = name.partition(".")
    if first == "motcua":
        return rest.split(".")[0] not in DAGS_MAY_IMPORT
    return first not in ("__future__", "datetime", "typing", "airflow")


def test_dag_files_only_wire():
    """A DAG file only connects tasks: it imports a few packages of ours and Airflow, and has at most 120 lines."""
    files = sorted((ROOT / "dags").glob("*.py"))
    assert wrong_imports(files, is_more_than_wiring) == {}
    assert [path.name for path in files if len(path.read_text(encoding="utf-8").splitlines()) > 120] == []


def test_requests_alone_speaks_to_gateways_and_every_database_is_opened_in_one_place():
    """Gateways may use no HTTP library except ``requests``, and only three modules may open a database."""
    gateways = [path for path in modules() if top_folder(path) == "gateways"]
    others = ("httpx", "aiohttp", "urllib.request", "http.client")
    assert wrong_imports(gateways, lambda _, name: name.startswith(others)) == {}
    openers = {
        path.name
        for path in modules()
        if top_folder(path) != "sandbox"
        and re.search(r"psycopg\.connect\(|PostgresHook\(", path.read_text(encoding="utf-8"))
    }
    assert openers <= {"database.py", "provisioning.py", "migrations.py"}
