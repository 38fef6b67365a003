"""docs/operations/settings.md: each setting by the section and file of the example in which it stands.

``python -m tests.settings_page`` writes it anew, from the examples and the descriptions in ``motcua.settings``.
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

Each `MOTCUA_*` that this software reads, by the file in which its example stands. `motcua doctor` names settings that
cannot be read, or that only an earlier version had; nothing of ours starts before they are corrected. Durations are ISO
8601 (`PT15M`) or seconds. Hours are Vietnam's. Passwords and all else in `.env`: [server](server.md).
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A line of an example that sets something of ours."""

    file: str
    section: str
    name: str
    """Of the field."""
    value: str


def examples() -> Iterator[Example]:
    """Each line, in order."""
    for file in EXAMPLES:
        section = ""
        for line in (ROOT / f"{file}.example").read_text(encoding="utf-8").splitlines():
            if line.startswith("## "):
                section = line.removeprefix("## ")
            elif found := _LINE.fullmatch(line):
                yield Example(file, section, found[1].lower(), found[2])


def default_of(name: str) -> Any:
    """What it is where nobody sets it."""
    return Settings.model_fields[name].get_default(call_default_factory=True)


def page() -> str:
    """The page as it should be."""
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
    """A default as the example has it; nothing of a folder, which is this machine's, and where there is none."""
    default = default_of(each.name)
    return "" if default is None or isinstance(default, Path) or default in ((), {}) else f"`{each.value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
