"""The pages of every check, with what to do: docs/operations/checks.md, and of what a source shows the table of
docs/vi/kiem-tra-nguon.md. ``python -m tests.checks_page`` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from motcua.domain.checks import CHECKS, DOCTOR, GATE, HOURLY, KINDS, OVERVIEW, SOURCE_CHECK, WATCH, Asker, Check
from motcua.reports.checks import check_words, english_words, handbook_words, words_of

_DOCS = Path(__file__).parents[1] / "docs"
PAGE, SOURCES_PAGE = _DOCS / "operations" / "checks.md", _DOCS / "vi" / "kiem-tra-nguon.md"
_ALERTS = PAGE.parent / "alerts"
_ASKERS: dict[Asker, str] = {
    WATCH: "[watch](watch.md)",
    HOURLY: "[watch](watch.md) each hour",
    DOCTOR: "[doctor](doctor.md)",
    SOURCE_CHECK: "[source check](source-check.md)",
    GATE: "gate of a run",
    OVERVIEW: "first page",
}
_HEAD = """# Every check

What can be wrong, each under one id wherever it is told: by `motcua doctor`, by the watch in mails, on the pages *Tổng
quan* and *Giám sát* and in the figures of `/gateway/metrics`, by `motcua status`, by the check of a source, by a run
that is red. An `error` keeps something from working, or is not safe; a `warning` will be missed one day, or waits for
somebody. In a browser a check's page is `/motcua/checks/<id>` below Airflow's address: mails, pages and commands link
to it. An alert of the watch has a page of its own here besides.

| id | about | | asked by | what it means | what to do |
| --- | --- | --- | --- | --- | --- |
"""
_BEGINS, _ENDS = "<!-- findings -->\n", "<!-- end of findings -->\n"


def page() -> str:
    """Every check as the registry has it."""
    return _HEAD + "".join(_row(check) for check in CHECKS.values())


def _row(check: Check) -> str:
    asked_by = ", ".join(words for asker, words in _ASKERS.items() if asker in check.asked_by)
    own, said = _ALERTS / f"{check.id}.md", handbook_words(check.id)
    what, todo = said.get("title", ""), said.get("todo", "")
    if DOCTOR in check.asked_by:
        what, todo = english_words(check.id).values()
    elif own.exists():
        first = " ".join(own.read_text(encoding="utf-8").split("\n\n")[1].split())
        # Its links are told from where it stands.
        what, todo = re.sub(r"\]\((?=\w)", "](alerts/", first).replace("](../", "]("), ""
    if WATCH in check.asked_by:
        todo = f"{todo} [{check.id}](alerts/{check.id}.md)".strip()
    return _cells(f'<a id="{check.id}"></a>`{check.id}`', check.of, check.severity, asked_by, what, todo)


def sources_page(written: str) -> str:
    """The page about what a source shows, with its table as the registry has it."""
    before, _, rest = written.partition(_BEGINS)
    _, _, after = rest.partition(_ENDS)
    weights = check_words()["weight"]
    table = _cells("mã", "điều sai", "mức độ", "vì sao cần sửa", "cần làm") + _cells(*["---"] * 5)
    for kind in KINDS:
        said = words_of(kind)
        table += _cells(f"`{kind}`", said["title"], weights[CHECKS[kind].severity], said["meaning"], said["todo"])
    return f"{before}{_BEGINS}{table}{_ENDS}{after}"


def _cells(*cells: str) -> str:
    told = (each if each.startswith("<a id") else each.replace("|", "\\|").replace("<", "&lt;") for each in cells)
    return f"| {' | '.join(told)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SOURCES_PAGE.write_text(sources_page(SOURCES_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
