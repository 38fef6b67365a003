"""Write docs/operations/checks.md, which lists all checks, and the lists of findings in docs/vi/kiem-tra-nguon.md.

``python -m tests.checks_page`` writes both files anew.
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

A check has one id, wherever its finding appears: in `motcua doctor` and `motcua status`, in the watch's mails, on the
pages *Tổng quan* and *Giám sát*, in `/gateway/metrics`, and in a red run. The page `/motcua/checks/<id>` below
Airflow's address shows one check. An error means that something does not work or is not safe. A warning means that
something will be missed one day, or waits for somebody. What to do follows the arrow. Checks of a source:
[kiem-tra-nguon](../vi/kiem-tra-nguon.md).
"""
_BEGINS, _ENDS = "<!-- findings -->\n", "<!-- end of findings -->\n"


def page() -> str:
    """Return the page of all checks, grouped by the parts of the program that run them."""
    # A check that the watch runs is listed as an alert, even if other parts run it too.
    alerts = [check for check in CHECKS.values() if WATCH in check.asked_by]
    others = [check for check in CHECKS.values() if WATCH not in check.asked_by]
    questions = [check for check in others if DOCTOR in check.asked_by]
    rest = [check for check in others if DOCTOR not in check.asked_by and (GATE | OVERVIEW) & check.asked_by]
    return "\n".join(
        (
            _HEAD,
            "## Alerts of the watch\n",
            "".join(_alerts(alerts)),
            "## Checks of the doctor, which the watch runs each hour\n",
            _list(_questions(questions, hourly=True)),
            "## Other checks of the doctor\n",
            _list(_questions(questions, hourly=False)),
            "## Red runs and the first page\n",
            "Staff read these checks, so their texts are Vietnamese. The run, page and mail also show what to do.\n",
            _list((check, handbook_words(check.id).get("title", ""), "") for check in rest),
        )
    )


def _alerts(alerts: list[Check]) -> Iterator[str]:
    """Yield a line for each subject of alerts, such as the ledger, with links to the pages of its alerts."""
    for subject, of_subject in groupby(sorted(alerts, key=lambda check: check.of), key=lambda check: check.of):
        linked = (f"[{check.id}](alerts/{check.id}.md){_weight(check)}" for check in of_subject)
        yield f"- {subject}: {', '.join(linked)}\n"


def _questions(questions: list[Check], *, hourly: bool) -> Iterator[tuple[Check, str, str]]:
    """Yield checks of the doctor, each with its meaning and its remedy in English.

    With ``hourly`` these are the checks that the watch runs each hour too. Without it they are the other checks.
    """
    for check in questions:
        if (HOURLY in check.asked_by) is hourly:
            what, todo = english_words(check.id).values()
            yield check, what, todo


def _weight(check: Check) -> str:
    return " (warning)" if check.severity == "warning" else ""


def _list(rows: Iterable[tuple[Check, str, str]]) -> str:
    """Return a line for each check: its id, what it means, and what to do."""
    return "".join(_line(check.id, _weight(check), what, todo) for check, what, todo in rows)


def sources_page(written: str) -> str:
    """Return the page about source checks, with a new list of the possible findings of each weight (severity).

    ``written`` is the present page.
    """
    before, _, rest = written.partition(_BEGINS)
    _, _, after = rest.partition(_ENDS)
    lists = []
    for weight, said in check_words()["weight"].items():
        kinds = [kind for kind in KINDS if CHECKS[kind].severity == weight]
        lines = (_line(kind, "", words_of(kind)["title"], words_of(kind)["todo"]) for kind in kinds)
        lists.append(f"### {said[0].upper()}{said[1:]}\n\n{''.join(lines)}")
    return f"{before}{_BEGINS}{chr(10).join(lists)}{_ENDS}{after}"


def _line(check_id: str, weight: str, what: str, todo: str) -> str:
    """Return one check as an item of a list, with an anchor for links. ``todo`` may be empty."""
    words = (f"{what} → {todo}" if todo else what).replace("<", "&lt;")
    return f'- <a id="{check_id}"></a>`{check_id}`{weight}: {words}\n'


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SOURCES_PAGE.write_text(sources_page(SOURCES_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
