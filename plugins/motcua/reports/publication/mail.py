"""Compose the mails about publications.

The mail about a period's first publication is short, with the figures first and the files attached. One mail holds all
corrections of a morning, with each figure before and after, and the cause. The words are in include/templates/mail,
publication.* and corrections.*. The figures come from ``motcua.reports.publication.data``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from motcua.domain.periods import Period
from motcua.domain.reconciliation import sum_messages
from motcua.reports import wording
from motcua.reports.mail import Attachment, Mail, inline_styles, tidy
from motcua.reports.publication.data import Told, period_words, points
from motcua.reports.publication.document import (
    Paragraph,
    change_line,
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
CORRECTIONS_SHOWN = 8
"""How many corrections the HTML text shows with their tables. Gmail cuts off mails of more than 102 kB."""
CHANGES_SHOWN = 24
"""How many changes of all corrections one mail shows. At least two changes of each correction are shown."""


def attachment_names(told: Told) -> dict[str, str]:
    """Return the names of attached files, by ``pdf``, ``workbook`` and ``manifest``."""
    words, period = told.words["workbook"], _file_period(told.report.closing.period)
    kept = "".join(letter if letter.isalnum() or letter in " -_." else " " for letter in _whose(told))
    return {
        "pdf": words["file_pdf"].format(period=period),
        "manifest": words["file_manifest"].format(period=period),
        "workbook": words["file"].format(name=" ".join(kept.split())[:60], period=period),
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
    """Compose the mail about the first publication of a period, over all agencies or ``told.agency`` alone.

    Args:
        told: the publication's report.
        publication_no: the number of the publication.
        manifest_sha256: the hash of the manifest; the mail's reference contains the beginning of the hash.
        attachments: the attached files.
        left_out: names of files that are too large for a mail.
        urging: whether the mail names the agencies that the Department should urge to improve; an agency's own mail
            names at most that agency.
        page_url: address of the staff page, if this deployment has one.
    """
    closing = told.report.closing
    summary = summary_lines(told)
    values: dict[str, Any] = {
        "told": told,
        "words": told.words,
        "closing": closing,
        "whose": _whose(told),
        "publication_no": publication_no,
        "warnings": [line.text for line in summary if line.tone == "bad"],
        "good": [line.text for line in summary if line.tone == "good"],
        "pushed": pushed_line(told) if told.pushed else None,
        "identity": identity_line(told),
        "shares": shares_line(told),
        "replies": replies_line(told) if told.replies.expected else "",
        "change": change_line(told),
        "dossiers": dossiers_line(told),
        "agencies": told.agencies[:AGENCIES_SHOWN] if told.agency is None else (),
        "others": told.agencies[AGENCIES_SHOWN:] if told.agency is None else (),
        "of_others": sum_messages(each.messages for each in told.agencies[AGENCIES_SHOWN:]),
        "unranked": unranked_line(told) if told.agency is None and told.places and told.unranked else "",
        "notices_of_others": sum_messages(each.notices for each in told.agencies[AGENCIES_SHOWN:]),
        "procedures": _procedures(told),
        "reasons": told.reasons[:ROWS_SHOWN],
        "other_reasons": told.reasons[ROWS_SHOWN:],
        "urged": [(told.agency_name(each.agency_code), each, evidence(told, each)) for each in told.urged if urging],
        "nobody_urged": urging and told.agency is None,
        "attachments": [each.name for each in attachments],
        "left_out": left_out,
        "page_url": page_url,
    }
    return _compose("publication", f"{publication_no}.{manifest_sha256[:12]}", values, attachments)


@dataclass(frozen=True, slots=True)
class Correction:
    """A publication that corrects another publication, with the parts that a mail shows."""

    told: Told
    publication_no: int
    manifest_sha256: str
    page_url: str | None = None

    @property
    def named(self) -> str:
        """A sentence that names the publication and the publication that it corrects."""
        corrected = self.told.corrected
        words = wording.words()["correction"]
        return str(
            words["of_publication" if corrected else "of_closing"].format(
                number=self.publication_no,
                publication=corrected and corrected.publication_no,
                closing=self.told.report.closing.corrects,
            )
        )

    @property
    def judged(self) -> list[Paragraph]:
        """The summary's paragraphs with bad news, and also those with good news if the correction changed no figure.

        Empty for a report on one agency.
        """
        tones = ("bad",) if self.told.changes else ("bad", "good")
        return [line for line in summary_lines(self.told) if line.tone in tones] if self.told.agency is None else []


def compose_corrections_mail(
    corrections: Sequence[Correction], attachments: Sequence[Attachment] = (), left_out: Sequence[str] = ()
) -> Mail:
    """Compose the mail about corrections, over all agencies or for one agency alone.

    Args:
        corrections: the corrections, the newest publication last.
        attachments: the attached files.
        left_out: names of files that are too large for a mail.
    """
    last = corrections[-1]
    values: dict[str, Any] = {
        "words": last.told.words,
        "whose": _whose(last.told),
        "corrections": sorted(corrections, key=lambda each: each.told.report.closing.period.first, reverse=True),
        "number": sum(len(each.told.changes) for each in corrections),
        "shown": max(2, CHANGES_SHOWN // len(corrections)),
        "corrections_shown": CORRECTIONS_SHOWN,
        "attachments": [each.name for each in attachments],
        "left_out": left_out,
    }
    return _compose("corrections", f"{last.publication_no}.{last.manifest_sha256[:12]}", values, attachments)


def _whose(told: Told) -> str:
    return str(told.words["names"]["all"]) if told.agency is None else told.agency_name(told.agency)


def _compose(template: str, reference: str, values: dict[str, Any], attachments: Sequence[Attachment]) -> Mail:
    plain = _templates().get_template(f"{template}.txt")
    subject = " ".join("".join(plain.blocks["subject"](plain.new_context(values))).split())
    html = _templates().get_template(f"{template}.html").render(values, subject=subject)
    return Mail(
        f"doi-chieu.{reference}",
        subject,
        tidy(plain.render(values)),
        inline_styles(html),
        attachments=tuple(attachments),
    )


def _procedures(told: Told) -> list[Any]:
    """Return an agency's worst procedures with undelivered, missing or surplus messages, at most ``ROWS_SHOWN``."""
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
