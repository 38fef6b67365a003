"""What became of seeds, kept batch by batch: a run that was ended goes on from there, as long as nothing has changed.

Under ``out/prove/crash`` there is a folder for each state of what is tried and of what tries it, in it a file for each
mode with a line for each batch whose last judgement was done. To begin anew, remove it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
_TRIED = ("plugins/motcua/**/*.py", "include/sql/**/*.sql", "include/templates/**/*", "tests/crash/[!t]*.py")
_INSTALLED = "requirements.lock"


def file_of(mode: str) -> Path:
    """Where the batches of the sources as they are now are kept."""
    found = {path for pattern in _TRIED for path in _ROOT.glob(pattern) if path.is_file()} | {_ROOT / _INSTALLED}
    state = hashlib.sha256()
    for path in sorted(found):
        state.update(f"{path.relative_to(_ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return _ROOT / "out/prove/crash" / state.hexdigest()[:16] / f"{mode.replace(' ', '-')}.jsonl"


def keep(file: Path, batch: dict[str, Any]) -> None:
    """Keeps a batch: its ``numbers`` and its tally's values."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(batch) + "\n")


def kept(file: Path, numbers: Collection[int]) -> list[dict[str, Any]]:
    """The batches all of whose seeds are among these; no seed twice, and no line that was cut off."""
    wanted, found = set(numbers), []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        try:
            batch = json.loads(line)
        except ValueError:
            continue
        if wanted.issuperset(batch["numbers"]):
            wanted -= set(batch["numbers"])
            found.append(batch)
    return found
