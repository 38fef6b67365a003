"""What an operator writes into the files of a server with an editor, as docs/operations/install.md lists it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.compose.handbook import rows

SECTION = "Step by step"
Value = str | dict[str, Any]
"""A text; or of a connection the fields that differ from the example's, those of ``extra`` likewise."""


def asked_for() -> list[tuple[str, str]]:
    """File and name of each setting that the page tells to fill in."""
    return [(row[0], row[1]) for row in rows("install", SECTION) if row[0].endswith(".env")]


def fill_in(project: Path, values: Mapping[tuple[str, str], Value]) -> None:
    """Writes each value at its name; connections of the examples that are not asked for go.

    Raises:
        KeyError: the page asks for something that has no value here.
        ValueError: there is a value that the page does not ask for.
    """
    asked = asked_for()
    if unasked := values.keys() - set(asked):
        raise ValueError(f"the page does not ask for {sorted(unasked)}")
    for file in dict.fromkeys(file for file, _ in asked):
        path = project / file
        lines = path.read_text(encoding="utf-8").splitlines()
        named = {name: values[file, name] for other, name in asked if other == file}
        kept = [line for line in lines if not line.startswith("AIRFLOW_CONN_") or line.partition("=")[0] in named]
        for name, value in named.items():
            place = next((n for n, line in enumerate(kept) if line.startswith(f"{name}=")), None)
            before = kept[place].partition("=")[2] if place is not None else ""
            line = f"{name}={value if isinstance(value, str) else _connection(before, value)}"
            if place is None:
                kept.append(line)
            else:
                kept[place] = line
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _connection(before: str, changes: Mapping[str, Any]) -> str:
    """A connection with some fields changed; ``None`` takes a field out."""
    there = json.loads(before.strip("'")) if before else {}
    extra = there.get("extra", {}) | changes.get("extra", {})
    whole = there | changes | {"extra": {name: value for name, value in extra.items() if value is not None}}
    return f"'{json.dumps(whole)}'"
