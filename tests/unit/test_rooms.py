"""No room holds more than one can take in: what grows gets rooms of its own, by subject."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = ("dags", "docs", "include", "plugins", "scripts", "tests")
MOST_FILES = 15
MOST_LINES = 3_100
GENERATED = {"docs/schema.sql", "docs/data-dictionary.md", "tests/golden_publications.json"}
"""Nobody reads them from end to end, and nobody writes them."""
MAY_HOLD_MORE = {
    "docs/decisions": "each page is one decision and is found by its name",
    "docs/operations": "each page is one task of an operator and is found by its name",
    "docs/operations/alerts": "each page is one alert, which names it",
    "docs/vi": "each page is one task of the staff and is found by its name",
    "include/templates/airflow": "two pages for each DAG, found by its id",
    "include/sql/migrations": "they only ever grow, each follows the one before it, and none may move",
}
"""Room → why it may hold more files or lines than others."""


def rooms(root: Path) -> Iterator[Path]:
    for top in TOP:
        for path in (root / top, *(root / top).rglob("*")):
            if path.is_dir() and path.name != "__pycache__" and not path.name.endswith(".egg-info"):
                yield path


def files_in(room: Path) -> list[Path]:
    """What stands in the room itself; a package's docstring says what the room is for."""
    return [path for path in room.iterdir() if path.is_file() and path.name != "__init__.py"]


def lines_of(path: Path) -> int:
    try:
        return len(path.read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError:
        return 0


def too_large(root: Path) -> dict[str, tuple[int, int]]:
    """Rooms that hold too much, each with how many files and lines."""
    found = {}
    for room in rooms(root):
        own = files_in(room)
        lines = sum(lines_of(path) for path in own if str(path.relative_to(root)) not in GENERATED)
        if len(own) > MOST_FILES or lines > MOST_LINES:
            found[str(room.relative_to(root))] = (len(own), lines)
    return found


def test_no_room_holds_too_much_and_each_that_may_does() -> None:
    assert too_large(ROOT).keys() == MAY_HOLD_MORE.keys(), too_large(ROOT)


@pytest.mark.parametrize(
    ("files", "lines", "holds_too_much"),
    [(MOST_FILES, 200, False), (MOST_FILES + 1, 1, True), (2, MOST_LINES // 2, False), (2, MOST_LINES // 2 + 1, True)],
)
def test_a_room_is_too_large_by_its_files_or_by_its_lines(
    tmp_path: Path, files: int, lines: int, holds_too_much: bool
) -> None:
    room = tmp_path / "plugins" / "motcua" / "store"
    room.mkdir(parents=True)
    (room / "__init__.py").touch()
    for number in range(files):
        (room / f"noun_{number}.py").write_text("x = 1\n" * lines, encoding="utf-8")
    assert too_large(tmp_path) == ({"plugins/motcua/store": (files, files * lines)} if holds_too_much else {})
