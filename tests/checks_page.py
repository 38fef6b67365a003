"""Write docs/operations/checks.md and the tables of docs/vi/kiem-tra-nguon.md, which list every check with what to do.

``python -m tests.checks_page`` writes both anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from motcua.domain.checks import CHECKS, DOCTOR, GATE, HOURLY, KINDS, OVERVIEW, WATCH, Check
from motcua.reports.checks import check_words, english_words, handbook_words, words_of

_DOCS = Path(__file__).parents[1] / "docs"
PAGE, SOURCES_PAGE = _DOCS / "operations" / "checks.md", _DOCS / "vi" / "kiem-tra-nguon.md"
_HEAD = """# Every check

A check has one id, wherever its finding is shown: by `motcua doctor` and `motcua status`, in the watch's mails, on the
pages *Tổng quan* and *Giám sát*, in `/gateway/metrics`, and in a red run. An error keeps something from working, or is
not safe. A warning will be missed one day, or waits for somebody. In a browser each check has the page
`/motcua/checks/<id>` below Airflow's address; mails, pages and commands link to it. What a source shows:
[kiem-tra-nguon](../vi/kiem-tra-nguon.md).
"""
_BEGINS, _ENDS = "<!-- findings -->\n", "<!-- end of findings -->\n"


def page() -> str:
    """Return the page of all checks, by who asks them."""
    # An alert has a page of its own, whoever else asks for it.
    alerts = [check for check in CHECKS.values() if WATCH in check.asked_by]
    others = [check for check in CHECKS.values() if WATCH not in check.asked_by]
    questions = [check for check in others if DOCTOR in check.asked_by]
    rest = [check for check in others if DOCTOR not in check.asked_by and (GATE | OVERVIEW) & check.asked_by]
    return "\n".join(
        (
            _HEAD,
            "## Alerts of the watch\n",
            "".join(_alerts(alerts)),
            "## Questions of the doctor, which the watch asks each hour\n",
            _table(_questions(questions, hourly=True)),
            "## Other questions of the doctor\n",
            _table(_questions(questions, hourly=False)),
            "## Red runs and the first page\n",
            _table((check, *_vietnamese(check)) for check in rest),
        )
    )


def _alerts(alerts: list[Check]) -> Iterator[str]:
    """Yield a line for each subject, which links to the pages of its alerts."""
    for subject, of_subject in groupby(sorted(alerts, key=lambda check: check.of), key=lambda check: check.of):
        linked = (f"[{check.id}](alerts/{check.id}.md){_weight(check)}" for check in of_subject)
        yield f"- {subject}: {', '.join(linked)}\n"


def _questions(questions: list[Check], *, hourly: bool) -> Iterator[tuple[Check, str, str]]:
    """Yield the doctor's checks that the watch asks each hour, or the others, with meaning and remedy in English."""
    for check in questions:
        if (HOURLY in check.asked_by) is hourly:
            what, todo = english_words(check.id).values()
            yield check, what, todo


def _vietnamese(check: Check) -> tuple[str, str]:
    said = handbook_words(check.id)
    return said.get("title", ""), said.get("todo", "")


def _weight(check: Check) -> str:
    return " (warning)" if check.severity == "warning" else ""


def _table(rows: Iterable[tuple[Check, str, str]]) -> str:
    head = _cells("id", "what it means", "what to do") + _cells(*["---"] * 3)
    return head + "".join(
        _cells(f'<a id="{check.id}"></a>`{check.id}`{_weight(check)}', what, todo) for check, what, todo in rows
    )


def sources_page(written: str) -> str:
    """Return the page about what a source shows, with a table for each weight of its findings."""
    before, _, rest = written.partition(_BEGINS)
    _, _, after = rest.partition(_ENDS)
    tables = []
    for weight, said in check_words()["weight"].items():
        kinds = [kind for kind in KINDS if CHECKS[kind].severity == weight]
        rows = (
            _cells(f'<a id="{kind}"></a>`{kind}`', words_of(kind)["title"], words_of(kind)["todo"]) for kind in kinds
        )
        head = _cells("mã", "điều sai", "cần làm") + _cells(*["---"] * 3)
        tables.append(f"### {said[0].upper()}{said[1:]}\n\n{head}{''.join(rows)}")
    return f"{before}{_BEGINS}{chr(10).join(tables)}{_ENDS}{after}"


def _cells(*cells: str) -> str:
    told = (each if each.startswith("<a id") else each.replace("|", "\\|").replace("<", "&lt;") for each in cells)
    return f"| {' | '.join(told)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SOURCES_PAGE.write_text(sources_page(SOURCES_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
