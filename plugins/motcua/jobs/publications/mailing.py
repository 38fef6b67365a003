"""Mails publications, once to each body, in a letter with all that it is owed. How: ``motcua.jobs.mailing``.

The Department, Sở Nội vụ and Sở Tư pháp (who audit) get all agencies, each agency itself, Ủy ban nhân dân tỉnh the
reports of months and longer periods with the agencies to be urged. A first publication goes to whom it tells something;
a correction to those whose figures it changed, and all corrections of a run stand in one letter. An agency's letter
brings the morning's report on its data, too. None of it holds personal data. What is attached is read from the
published files and must be what was published. Whoever gets all agencies gets the manifest, too, and can show later
what was published then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from motcua.jobs.mailing import Letter, mail_reports, staff_page
from motcua.jobs.publications.publishing import corrected_by, publications_store
from motcua.jobs.quality.mailing import write_to_agency
from motcua.jobs.reconciliation.reporting import build_report
from motcua.reports.mail import Attachment, Mail, bound
from motcua.reports.publication.data import Told
from motcua.reports.publication.files import MANIFEST, PDF, WORKBOOK, agency_workbook_name
from motcua.reports.publication.mail import (
    Correction,
    attachment_names,
    compose_corrections_mail,
    compose_publication_mail,
)
from motcua.settings import settings
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import connect, without_values
from motcua.store.oversight.publications import Publication, find_publication
from motcua.store.oversight.report_mails import (
    COMMITTEE,
    DEPARTMENT,
    HOME_AFFAIRS,
    JUSTICE,
    MailedReport,
    publications_told,
    runs_owed,
)

_OF_ALL = (DEPARTMENT, HOME_AFFAIRS, JUSTICE, COMMITTEE)
MOST_ATTACHED = 8_000_000
"""Bytes of files in one mail: as base64 they are a third more, and many servers refuse from 10 or 15 MB on."""


class FileChanged(Exception):
    """A published file is missing or is not what was published; nothing was mailed."""


@without_values()
def bodies_of(publication_no: int) -> list[str]:
    """Bodies that a publication tells something: those with recipients, and the Department in any case.

    Raises:
        LookupError: there is no such publication.
    """
    _publication(publication_no)
    with connect() as ledger:
        told = publications_told(ledger, _bodies_of_all(), publication_no=publication_no)
    return [each.body for each in told]


@without_values()
def letters_owed(since: datetime, now: datetime) -> list[dict[str, Any]]:
    """Letters about publications and checks since a moment that were not mailed, or did not reach everybody.

    Each has the ``body``, its ``publications``, and the ``runs`` of the check that an agency is owed, the newest first.
    A letter has one first publication: after days without mails there are several letters.
    """
    with connect() as ledger:
        told = publications_told(ledger, _bodies_of_all(), since=since)
        runs = runs_owed(ledger, since, now)
    owed: dict[str, tuple[list[int], list[int]]] = {each.body: ([], []) for each in told}
    owed |= {agency: ([], []) for agency in runs if agency not in owed}
    for each in told:
        if each.is_owed:
            owed[each.body][each.is_correction].append(each.publication_no)
    letters: list[dict[str, Any]] = []
    for body, (firsts, corrections) in owed.items():
        letters += [{"body": body, "publications": [number], "runs": []} for number in firsts[:-1]]
        last = [*firsts[-1:], *corrections]
        if last or body in runs:
            letters.append({"body": body, "publications": last, "runs": runs.get(body, [])})
    return letters


@without_values()
def mail_publications(
    numbers: Sequence[int], body: str, runs: Sequence[int] = (), *, again: bool = False
) -> dict[str, int]:
    """Mails a letter about publications to a body's recipients, and counts the letters.

    Args:
        numbers: of the publications.
        body: ``department``, ``home_affairs``, ``justice``, ``committee``, or an agency's code.
        runs: checks of quality that an agency was not mailed, the newest first; the letter brings that one.
        again: whoever has it gets it once more.

    Raises:
        MailsNotSent: a recipient was not reached; a rerun tries those alone.
        FileChanged: a published file is not what was published.
        LookupError: there is no such publication, or no such body.
    """
    publications = [_publication(number) for number in numbers]
    if body == COMMITTEE:
        publications = [each for each in publications if not each.is_daily]
    reports = [MailedReport("publication", each.publication_no, body) for each in publications]
    reports += [MailedReport("quality", run_no, body) for run_no in runs[:1]]
    recipients = _recipients(body)
    if not reports:
        return {"recipients": 0, "sent": 0, "had_it": 0}

    def compose(owed: Sequence[MailedReport]) -> Letter | None:
        told: list[MailedReport] = []
        mails: list[Mail] = []
        for each in owed:
            if each.report == "quality" and (mail := write_to_agency(runs, body, again=again)):
                told.append(each)
                mails.append(mail)
        wanted = {each.report_no for each in owed if each.report == "publication"}
        room = MOST_ATTACHED - sum(len(file.content) for each in mails for file in each.attachments)
        mails += _Writer(body, room).write([each for each in publications if each.publication_no in wanted])
        told += [each for each in owed if each.report == "publication"]
        return Letter(bound(mails), tuple(told)) if mails else None

    return mail_reports(reports, recipients, compose, again=again)


class _Writer:
    """Writes the mails that a letter to one body is bound of, with files as long as there is room."""

    def __init__(self, body: str, room: int) -> None:
        self._agency = None if body in _OF_ALL else body
        self._room = room

    def write(self, publications: Sequence[Publication]) -> list[Mail]:
        """A mail for each first publication, and one for all corrections."""
        told = [(each, self._told(each)) for each in publications]
        firsts = [each for each in told if each[1].report.closing.corrects is None]
        corrections = [each for each in told if each[1].report.closing.corrects is not None]
        mails = [self._first(*each) for each in firsts]
        return [*mails, self._corrections(corrections)] if corrections else mails

    def _told(self, publication: Publication) -> Told:
        with connect() as ledger:
            report = build_report(ledger, publication.closing_no)
            return Told(report, corrected_by(ledger, publication), self._agency)

    def _first(self, publication: Publication, told: Told) -> Mail:
        names = attachment_names(told)
        wanted = [(names["workbook"], agency_workbook_name(self._agency) if self._agency else WORKBOOK)]
        if self._agency is None:
            # The manifest names all agencies, so that an agency's own mail is without it.
            wanted = [(names["pdf"], PDF), *wanted, (names["manifest"], MANIFEST)]
        attachments, left_out = self._attachments(publication, wanted)
        return compose_publication_mail(
            told,
            publication.publication_no,
            publication.manifest_sha256,
            attachments,
            left_out,
            urging=not publication.is_daily,
            page_url=_page(publication),
        )

    def _corrections(self, corrections: Sequence[tuple[Publication, Told]]) -> Mail:
        attachments: list[Attachment] = []
        left_out: list[str] = []
        for publication, told in corrections if self._agency is None else ():
            names = attachment_names(told)
            # A month's is an official report. The last manifest names the one before, and so on: it stands for all.
            wanted = [] if publication.is_daily else [(names["pdf"], PDF)]
            wanted += [(names["manifest"], MANIFEST)] if publication is corrections[-1][0] else []
            found, too_large = self._attachments(publication, wanted)
            attachments += found
            left_out += too_large
        told_ones = [
            Correction(told, each.publication_no, each.manifest_sha256, _page(each)) for each, told in corrections
        ]
        return compose_corrections_mail(told_ones, attachments, left_out)

    def _attachments(
        self, publication: Publication, wanted: Sequence[tuple[str, str]]
    ) -> tuple[list[Attachment], list[str]]:
        """The files as attachments, and the names of those that would make the mail too large."""
        listed = {each["name"]: each["sha256"] for each in publication.manifest["files"]}
        listed[MANIFEST] = publication.manifest_sha256
        folder = publications_store() / publication.folder
        attachments, left_out = [], []
        for shown, name in wanted:
            if name not in listed:
                # An agency that had neither a figure nor SMS in that period.
                continue
            path = folder / name
            content = path.read_bytes() if path.exists() else b""
            if sha256(content).hexdigest() != listed[name]:
                said = f"{path} is not what was published; motcua verify {publication.publication_no} says more"
                raise FileChanged(said)
            if len(content) > self._room:
                left_out.append(shown)
            else:
                self._room -= len(content)
                attachments.append(Attachment(shown, content))
        return attachments, left_out


def _page(publication: Publication) -> str | None:
    return staff_page(f"/reconciliation?closing={publication.closing_no}")


def _bodies_of_all() -> list[str]:
    """Bodies that get all agencies and have recipients, and the Department in any case."""
    return [body for body in _OF_ALL if body == DEPARTMENT or _recipients(body)]


def _publication(publication_no: int) -> Publication:
    with connect() as ledger:
        publication = find_publication(ledger, publication_no=publication_no)
    if publication is None:
        raise LookupError(f"there is no publication {publication_no}")
    return publication


def _recipients(body: str) -> Sequence[str]:
    own = settings()
    of_bodies = {
        DEPARTMENT: own.department_recipients,
        HOME_AFFAIRS: own.home_affairs_recipients,
        JUSTICE: own.justice_recipients,
        COMMITTEE: own.committee_recipients,
    }
    if body in of_bodies:
        return of_bodies[body]
    with connect() as ledger:
        agency = next((each for each in list_agencies(ledger) if each.agency_code == body), None)
    if agency is None:
        raise LookupError(f"{body} is no agency and none of {', '.join(of_bodies)}")
    return agency.report_recipients
