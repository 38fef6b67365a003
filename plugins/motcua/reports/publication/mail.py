"""The mails that bring publications: the first one of a period, short, with the figures first and the files attached;
and all corrections of a morning, with what each figure was, is, and why.

Words are in include/templates/mail, publication.* and corrections.*; what is shown comes from
``motcua.reports.publication.data``.
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
"""With their tables, in the HTML; Gmail cuts off what is longer than 102 kB."""
CHANGES_SHOWN = 24
"""Of all corrections in a mail together, and two of each in any case."""


def attachment_names(told: Told) -> dict[str, str]:
    """What files are called where they are attached: ``pdf``, ``workbook`` and ``manifest``."""
    said, period = told.words["workbook"], _file_period(told.report.closing.period)
    kept = "".join(letter if letter.isalnum() or letter in " -_." else " " for letter in _whose(told))
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
    """A mail about the first publication of a period: over all agencies, or of ``told.agency`` alone.

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
    """A publication that corrects another one, as a mail tells it."""

    told: Told
    publication_no: int
    manifest_sha256: str
    page_url: str | None = None

    @property
    def named(self) -> str:
        """Which publication corrects which."""
        corrected = self.told.corrected
        said = wording.words()["correction"]
        return str(
            said["of_publication" if corrected else "of_closing"].format(
                number=self.publication_no,
                publication=corrected and corrected.publication_no,
                closing=self.told.report.closing.corrects,
            )
        )

    @property
    def judged(self) -> list[Paragraph]:
        """What does not meet by now; where no figure changed, also that all meets."""
        tones = ("bad",) if self.told.changes else ("bad", "good")
        return [line for line in summary_lines(self.told) if line.tone in tones] if self.told.agency is None else []


def compose_corrections_mail(
    corrections: Sequence[Correction], attachments: Sequence[Attachment] = (), left_out: Sequence[str] = ()
) -> Mail:
    """A mail about corrections, all of them over all agencies, or of one agency alone.

    Args:
        corrections: the newest publication last.
        attachments: what goes with the mail.
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
