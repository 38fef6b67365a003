"""One number says which version this is: pyproject.toml's, which the changelog has released last."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from motcua.version import software, version
from tests.ground import type_command

ROOT = Path(__file__).parents[2]
_SECTION = re.compile(r"^## (.+)$", re.M)
_RELEASED = re.compile(r"(\d+\.\d+\.\d+) - (\d{4}-\d{2}-\d{2})")


def sections(changelog: str) -> list[str]:
    """Its sections, the newest first; one that is not released yet may stand before them."""
    found = _SECTION.findall(changelog)
    return found[1:] if found[:1] == ["Unreleased"] else found


def test_the_newest_released_section_of_the_changelog_is_this_version() -> None:
    released = [_RELEASED.fullmatch(each) for each in sections((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))]
    assert all(released), "each section is named after a number and a day"
    numbers = [tuple(map(int, each[1].split("."))) for each in released if each]
    assert ".".join(map(str, numbers[0])) == version()
    assert numbers == sorted(set(numbers), reverse=True)
    days = [each[2] for each in released if each]
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize(
    ("text", "first"),
    [("## Unreleased\n\n## 1.2.0 - 2026-01-01\n", "1.2.0 - 2026-01-01"), ("## 1.2 - 2026-01-01\n", "1.2 - 2026-01-01")],
)
def test_what_is_not_released_yet_may_stand_before_it_and_a_wrong_name_may_not(text: str, first: str) -> None:
    assert sections(text) == [first]
    assert bool(_RELEASED.fullmatch(first)) == first.startswith("1.2.0")


def test_it_is_the_number_of_the_code_that_runs_whatever_was_installed(tmp_path: Path) -> None:
    """An editable installation keeps the number of its day."""
    stale = tmp_path / "motcua-99.0.dist-info"
    stale.mkdir()
    (stale / "METADATA").write_text("Metadata-Version: 2.1\nName: motcua\nVersion: 99.0\n")
    said = subprocess.run(
        [sys.executable, "-c", "from motcua.version import version; print(version())"],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT / 'plugins'}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert said == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_the_command_says_it_and_needs_no_connection_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_MOTCUA_DB", raising=False)
    said = type_command("--version", exits=None)
    assert (said.exit_code, said.stdout) == (0, f"{software()}\n")
    assert software() == f"MotcuaSMS {version()}"
