"""Write docs/operations/settings.md: all settings, grouped by example file and section.

``python -m tests.settings_page`` writes the page again, from the examples and the descriptions in ``motcua.settings``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motcua.settings import Settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operations" / "settings.md"
EXAMPLES = ("settings.env", "mail.env", "callbacks.env", "store.env")
_LINE = re.compile(r"(?:# )?MOTCUA_([A-Z_]+)=(.*)")
_HEAD = """# Settings

Each `MOTCUA_*` setting that this software reads, by the file that holds its example. `motcua doctor` names settings
that cannot be read and settings of earlier versions. No part of the system starts before they are corrected. Durations
are ISO 8601 (`PT15M`) or seconds. Hours are those of Vietnam. Passwords and the other values of `.env`:
[server](server.md).
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A line of an example file that sets a setting of this software."""

    file: str
    section: str
    name: str
    """Name of the field in ``motcua.settings``."""
    value: str


def examples() -> Iterator[Example]:
    """Yield the lines that set something, in order."""
    for file in EXAMPLES:
        section = ""
        for line in (ROOT / f"{file}.example").read_text(encoding="utf-8").splitlines():
            if line.startswith("## "):
                section = line.removeprefix("## ")
            elif found := _LINE.fullmatch(line):
                yield Example(file, section, found[1].lower(), found[2])


def default_of(name: str) -> Any:
    """Return the default of a setting."""
    return Settings.model_fields[name].get_default(call_default_factory=True)


def page() -> str:
    """Return the page as it should be."""
    lines, last = [_HEAD], ("", "")
    for each in examples():
        if (each.file, each.section) != last:
            last = (each.file, each.section)
            head = f"{each.section}: `{each.file}`" if each.section else f"`{each.file}`"
            lines.append(f"\n## {head}\n\n| setting | default | |\n| --- | --- | --- |\n")
        described = (Settings.model_fields[each.name].description or "").replace("|", "\\|")
        lines.append(f"| `MOTCUA_{each.name.upper()}` | {_shown(each)} | {described} |\n")
    return "".join(lines)


def _shown(each: Example) -> str:
    """Return a default as the example writes it, or an empty text if there is none.

    A folder also gives an empty text, because it depends on the machine.
    """
    default = default_of(each.name)
    return "" if default is None or isinstance(default, Path) or default in ((), {}) else f"`{each.value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
