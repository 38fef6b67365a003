"""Mails each publication once to each *body* (an authority or agency) that the publication concerns. A letter is about
publications that the body has not received yet.

``motcua.jobs.mailing`` sends the letters. The Department, Sở Nội vụ and Sở Tư pháp (the auditors) get the figures of
all agencies. Each agency gets its own figures. Ủy ban nhân dân tỉnh gets the reports of months and longer periods;
these reports name the agencies that Ủy ban nhân dân tỉnh should urge to do better. The first publication of a period is
mailed to every body that the publication concerns. A correction is mailed to the bodies whose figures were changed, and
one letter holds all corrections of a run. An agency's letter also contains the morning's report on the quality of the
agency's data. No letter holds personal data. Attached files are read from the store and must be the published ones.
Bodies that get the figures of all agencies also get the manifest, with which they can later prove what was published.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from motcua.domain.reconciliation import ReconciliationReport
from motcua.jobs.mailing import Letter, mail_reports, staff_page
from motcua.jobs.publications.publishing import corrected_by, publications_store
from motcua.jobs.quality.mailing import write_to_agency
from motcua.jobs.reconciliation.reporting import build_report, published_report
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
from motcua.store.ledger.database import Connection, connect, without_values
from motcua.store.oversight.closings import load_closing
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
"""Largest size of all files attached to one mail, in bytes. Base64 makes the files a third larger, and many servers
refuse mails from 10 or 15 MB on."""


class FileChanged(Exception):
    """A published file is missing or has changed since it was published; nothing was mailed."""


@without_values()
def bodies_of(publication_no: int) -> list[str]:
    """Return the bodies that a publication concerns and that have recipients, and always the Department.

    Raises:
        LookupError: There is no such publication.
    """
    _publication(publication_no)
    with connect() as ledger:
        mailed = publications_told(ledger, _bodies_of_all(), publication_no=publication_no)
    return [each.body for each in mailed]


@without_values()
def letters_owed(since: datetime, now: datetime) -> list[dict[str, Any]]:
    """Return the letters that have not reached every recipient, about publications and quality checks since ``since``.

    Each letter has the ``body``, its ``publications``, and the ``runs`` of quality checks whose reports have not been
    mailed to an agency, the newest first. A letter contains at most one publication that is no correction, so a body
    gets several letters after days without mails.
    """
    with connect() as ledger:
        mailed = publications_told(ledger, _bodies_of_all(), since=since)
        runs = runs_owed(ledger, since, now)
    owed: dict[str, tuple[list[int], list[int]]] = {each.body: ([], []) for each in mailed}
    owed |= {agency: ([], []) for agency in runs if agency not in owed}
    for each in mailed:
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
    """Mail a letter about publications to a body's recipients, and count the mails.

    Args:
        numbers: the publications.
        body: ``department``, ``home_affairs``, ``justice``, ``committee``, or an agency's code.
        runs: quality checks whose reports have not been mailed to an agency, the newest first; the letter contains only
            the newest report.
        again: also mail recipients who already have the letter.

    Raises:
        MailsNotSent: A recipient was not reached; a rerun mails only such recipients.
        FileChanged: A file is missing or differs from the file that was published.
        LookupError: There is no such publication or body.
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
        included: list[MailedReport] = []
        mails: list[Mail] = []
        for each in owed:
            if each.report == "quality" and (mail := write_to_agency(runs, body, again=again)):
                included.append(each)
                mails.append(mail)
        wanted = {each.report_no for each in owed if each.report == "publication"}
        room = MOST_ATTACHED - sum(len(file.content) for each in mails for file in each.attachments)
        mails += _Writer(body, room).write([each for each in publications if each.publication_no in wanted])
        included += [each for each in owed if each.report == "publication"]
        return Letter(bound(mails), tuple(included)) if mails else None

    return mail_reports(reports, recipients, compose, again=again)


class _Writer:
    """Writes the mails that form a letter to one body, with attachments as long as there is room for them."""

    def __init__(self, body: str, room: int) -> None:
        self._agency = None if body in _OF_ALL else body
        self._room = room

    def write(self, publications: Sequence[Publication]) -> list[Mail]:
        """Write one mail for each first publication, and one for all corrections together."""
        with_reports = [(each, self._load_report(each)) for each in publications]
        firsts = [each for each in with_reports if each[1].report.closing.corrects is None]
        corrections = [each for each in with_reports if each[1].report.closing.corrects is not None]
        mails = [self._first_mail(*each) for each in firsts]
        return [*mails, self._corrections_mail(corrections)] if corrections else mails

    def _load_report(self, publication: Publication) -> Told:
        with connect() as ledger:
            return Told(_report_of(ledger, publication), corrected_by(ledger, publication), self._agency)

    def _first_mail(self, publication: Publication, told: Told) -> Mail:
        names = attachment_names(told)
        wanted = [(names["workbook"], agency_workbook_name(self._agency) if self._agency else WORKBOOK)]
        if self._agency is None:
            # An agency's mail does not get the manifest, because the manifest names all agencies.
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

    def _corrections_mail(self, corrections: Sequence[tuple[Publication, Told]]) -> Mail:
        attachments: list[Attachment] = []
        left_out: list[str] = []
        for publication, report in corrections if self._agency is None else ():
            names = attachment_names(report)
            # Reports of months and longer periods are official and get their PDF. Each manifest has the checksum of the
            # one before, so the last manifest is enough to prove all of them.
            wanted = [] if publication.is_daily else [(names["pdf"], PDF)]
            wanted += [(names["manifest"], MANIFEST)] if publication is corrections[-1][0] else []
            found, too_large = self._attachments(publication, wanted)
            attachments += found
            left_out += too_large
        told_ones = [
            Correction(report, each.publication_no, each.manifest_sha256, _page(each)) for each, report in corrections
        ]
        return compose_corrections_mail(told_ones, attachments, left_out)

    def _attachments(
        self, publication: Publication, wanted: Sequence[tuple[str, str]]
    ) -> tuple[list[Attachment], list[str]]:
        """Return the files as attachments, and the names of files for which the mail has no room."""
        listed = {each["name"]: each["sha256"] for each in publication.manifest["files"]}
        listed[MANIFEST] = publication.manifest_sha256
        folder = publications_store() / publication.folder
        attachments, left_out = [], []
        for shown, name in wanted:
            if name not in listed:
                # An agency without figures and text messages in the period has no workbook.
                continue
            path = folder / name
            content = path.read_bytes() if path.exists() else b""
            if sha256(content).hexdigest() != listed[name]:
                message = f"{path} is not what was published; motcua verify {publication.publication_no} says more"
                raise FileChanged(message)
            if len(content) > self._room:
                left_out.append(shown)
            else:
                self._room -= len(content)
                attachments.append(Attachment(shown, content))
        return attachments, left_out


def _report_of(ledger: Connection, publication: Publication) -> ReconciliationReport:
    """Return the report as it was published. A report that is built now may differ from the attached files, because
    since then a setting may have been changed, or the period before may have been corrected."""
    if "words" not in publication.manifest:
        # An earlier version of the software made the publication.
        return build_report(ledger, publication.closing_no)
    return published_report(ledger, publication.manifest, load_closing(ledger, publication.closing_no))


def _page(publication: Publication) -> str | None:
    return staff_page(f"/reconciliation?closing={publication.closing_no}")


def _bodies_of_all() -> list[str]:
    """Return the bodies that get the figures of all agencies and have recipients, and always the Department."""
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
