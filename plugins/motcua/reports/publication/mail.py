"""The mails that bring a publication: short, with the figures first and the files attached.

Words are in include/templates/mail/publication.*; what is shown comes from ``motcua.reports.publication.data``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from motcua.domain.periods import Period
from motcua.domain.reconciliation import sum_messages
from motcua.reports import wording
from motcua.reports.mail import Attachment, Mail, inline_styles, tidy
from motcua.reports.publication.data import Told, period_words, points
from motcua.reports.publication.document import (
    change_line,
    corrected_line,
    dossiers_line,
    evidence,
    identity_line,
    pushed_line,
    replies_line,
    shares_line,
    summary_lines,
    unranked_line,
)
from motcua.templating import templates

AGENCIES_SHOWN = 15
ROWS_SHOWN = 8


def attachment_names(told: Told) -> dict[str, str]:
    """What files are called where they are attached: ``pdf``, ``workbook`` and ``manifest``."""
    said, period = told.words["workbook"], _file_period(told.report.closing.period)
    whose = told.words["names"]["all"] if told.agency is None else told.agency_name(told.agency)
    kept = "".join(letter if letter.isalnum() or letter in " -_." else " " for letter in whose)
    return {
        "pdf": said["file_pdf"].format(period=period),
        "manifest": said["file_manifest"].format(period=period),
        "workbook": said["file"].format(name=" ".join(kept.split())[:60], period=period),
    }


def compose_publication_mail(
    told: Told,
    publication_no: int,
    manifest_sha256: str,
    attachments: Sequence[Attachment],
    left_out: Sequence[str] = (),
    *,
    urging: bool = False,
    page_url: str | None = None,
) -> Mail:
    """A mail about a publication: over all agencies, or of ``told.agency`` alone.

    Args:
        told: the publication's report.
        publication_no: its number.
        manifest_sha256: of its manifest; the mail's name has its beginning.
        attachments: what goes with the mail.
        left_out: names of files that are too large for a mail.
        urging: the mail names the agencies that are to be urged; an agency's own mail at most that one.
        page_url: address of the staff page, where this deployment tells one.
    """
    closing = told.report.closing
    summary = summary_lines(told)
    values: dict[str, Any] = {
        "told": told,
        "words": told.words,
        "closing": closing,
        "whose": told.words["names"]["all"] if told.agency is None else told.agency_name(told.agency),
        "publication_no": publication_no,
        "warnings": [line.text for line in summary if line.tone == "bad"],
        "good": [line.text for line in summary if line.tone == "good"],
        "pushed": pushed_line(told) if told.pushed else None,
        "identity": identity_line(told),
        "shares": shares_line(told),
        "replies": replies_line(told) if told.replies.expected else "",
        "change": change_line(told),
        "dossiers": dossiers_line(told),
        "corrected": corrected_line(told) if closing.corrects is not None else None,
        "agencies": told.agencies[:AGENCIES_SHOWN] if told.agency is None else (),
        "others": told.agencies[AGENCIES_SHOWN:] if told.agency is None else (),
        "of_others": sum_messages(each.messages for each in told.agencies[AGENCIES_SHOWN:]),
        "unranked": unranked_line(told) if told.agency is None and told.places and told.unranked else "",
        "notices_of_others": sum_messages(each.notices for each in told.agencies[AGENCIES_SHOWN:]),
        "procedures": _procedures(told),
        "reasons": told.reasons[:ROWS_SHOWN],
        "other_reasons": told.reasons[ROWS_SHOWN:],
        "changes": told.changes[:ROWS_SHOWN],
        "urged": [(told.agency_name(each.agency_code), each, evidence(told, each)) for each in told.urged if urging],
        "nobody_urged": urging and told.agency is None,
        "attachments": [each.name for each in attachments],
        "left_out": left_out,
        "page_url": page_url,
    }
    plain = _templates().get_template("publication.txt")
    subject = " ".join("".join(plain.blocks["subject"](plain.new_context(values))).split())
    html = _templates().get_template("publication.html").render(values, subject=subject)
    return Mail(
        f"doi-chieu.{publication_no}.{manifest_sha256[:12]}",
        subject,
        tidy(plain.render(values)),
        inline_styles(html),
        attachments=tuple(attachments),
    )


def _procedures(told: Told) -> list[Any]:
    """An agency's procedures that are not all delivered."""
    if told.agency is None:
        return []
    shares = ((each, each.delivered_of_tellable) for each in told.procedures)
    worse = [each for each, share in shares if each.difference or (share is not None and share < 1)]
    return worse[:ROWS_SHOWN]


def _file_period(period: Period) -> str:
    forms = {"day": "%d-%m-%Y", "month": "%m-%Y"}
    if period.length in forms:
        return period.first.strftime(forms[period.length])
    return period_words(period).replace("\u00a0", " ")


@lru_cache(maxsize=1)
def _templates() -> Environment:
    filters: dict[str, Callable[..., Any]] = {
        "n": wording.count,
        "points": points,
        "moment": wording.moment,
        "tone": _tone,
    }
    return templates("mail", filters)


def _tone(change: float | None) -> str:
    written = points(change)
    return {"+": "better", wording.MINUS: "worse"}.get(written[:1], "")
