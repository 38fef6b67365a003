"""Mails about runs of DAGs, for those who run the installation: a run that is red, apologies that are late."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import yaml

from motcua.domain.checks import Finding
from motcua.reports.checks import InWords, in_words
from motcua.reports.mail import Mail, inline_styles, tidy
from motcua.settings import include_dir
from motcua.templating import templates


def red_run_mail(dag: str, run_id: str, left: Sequence[Finding], page_url: str | None) -> Mail:
    """That a run is red.

    Args:
        dag: as people call it.
        run_id: of the run.
        left: what its gate found.
        page_url: of the run, where it is known.
    """
    return _mail("red", dag, run_id, [in_words(each) for each in left], page_url)


def late_apologies_mail(dag: str, run_id: str, by: str, page_url: str | None) -> Mail:
    """That an evening's run has not ended by the hour ``by``, for example ``17:36``."""
    return _mail("late_apologies", dag, run_id, [], page_url, by=by)


def _mail(kind: str, dag: str, run_id: str, reasons: list[InWords], page_url: str | None, **told: str) -> Mail:
    values: dict[str, Any] = {name: words.format(dag=dag, **told) for name, words in _words()[kind].items()}
    values |= {"dag": dag, "run_id": run_id, "reasons": reasons, "page_url": page_url}
    environment = templates("mail")
    return Mail(
        f"luot-chay.{kind}",
        values["subject"],
        tidy(environment.get_template("run.txt").render(values)),
        inline_styles(environment.get_template("run.html").render(values)),
    )


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, str]]:
    text = (include_dir() / "templates" / "mail" / "run.vi.yaml").read_text(encoding="utf-8")
    read: dict[str, dict[str, str]] = yaml.safe_load(text)
    return read
