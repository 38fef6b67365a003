"""docs/operations/checks.md: every check there is, with what to do. ``python -m tests.checks_page`` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path

from motcua.domain.checks import CHECKS, DOCTOR, SOURCE_CHECK, WATCH, Asker, Check
from motcua.reports.checking import words_of
from motcua.reports.doctor import fault_words

PAGE = Path(__file__).parents[1] / "docs" / "operations" / "checks.md"
_ALERTS = PAGE.parent / "alerts"
_ASKERS: dict[Asker, str] = {
    WATCH: "[watch](watch.md)",
    DOCTOR: "[doctor](doctor.md)",
    SOURCE_CHECK: "[source check](source-check.md)",
}
_HEAD = """# Every check

What can be wrong, each under one id wherever it is told: by `motcua doctor`, by the watch in mails, on the page *Giám
sát* and in the figures of `/gateway/metrics`, by `motcua status`, by the check of a source. An `error` keeps something
from working, or is not safe; a `warning` will be missed one day. An alert of the watch has a page of its own besides.

| id | about | | asked by | what it means | what to do |
| --- | --- | --- | --- | --- | --- |
"""


def page() -> str:
    """The page as the registry has it."""
    return _HEAD + "".join(f"| {' | '.join(_row(check))} |\n" for check in CHECKS.values())


def _row(check: Check) -> tuple[str, ...]:
    asked_by = ", ".join(words for asker, words in _ASKERS.items() if asker in check.asked_by)
    own = _ALERTS / f"{check.id}.md"
    if DOCTOR in check.asked_by:
        words = fault_words(check.id)
        what, todo = words["what"], words["todo"]
    elif SOURCE_CHECK in check.asked_by:
        said = words_of(check.id)
        what, todo = said["title"], said["action"]
    else:
        first = " ".join(own.read_text(encoding="utf-8").split("\n\n")[1].split())
        # Its links are told from where it stands.
        what, todo = re.sub(r"\]\((?=\w)", "](alerts/", first).replace("](../", "]("), ""
    if WATCH in check.asked_by:
        todo = f"{todo} [{check.id}](alerts/{check.id}.md)".strip()
    return f'<a id="{check.id}"></a>`{check.id}`', check.of, check.severity, asked_by, _cell(what), _cell(todo)


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
