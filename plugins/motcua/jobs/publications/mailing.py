"""Mails a publication to the recipients of each body, once. How: ``motcua.jobs.mailing``.

The Department, Sở Nội vụ and Sở Tư pháp (who audit) get all agencies, each agency itself, Ủy ban nhân dân tỉnh the
reports of months and longer periods with the agencies to be urged. None of it holds personal data. What is attached is
read from the published files and must be what was published. Whoever gets all agencies gets the manifest, too, and can
show later what was published then.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from motcua.jobs.mailing import mail_report, staff_page
from motcua.jobs.publications.publishing import corrected_by, publications_store
from motcua.jobs.reconciliation.reporting import build_report
from motcua.reports.mail import Attachment, Mail
from motcua.reports.publication.data import Told
from motcua.reports.publication.files import MANIFEST, PDF, WORKBOOK, agency_workbook_name
from motcua.reports.publication.mail import attachment_names, compose_publication_mail
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
    mails_of,
)

MOST_ATTACHED = 8_000_000
"""Bytes of files in one mail: as base64 they are a third more, and many servers refuse from 10 or 15 MB on."""


class FileChanged(Exception):
    """A published file is missing or is not what was published; nothing was mailed."""


@without_values()
def bodies_of(publication_no: int) -> list[str]:
    """Bodies that a publication is mailed to: those with recipients, and the Department in any case.

    Raises:
        LookupError: there is no such publication.
    """
    publication = _publication(publication_no)
    published = {each["name"] for each in publication.manifest["files"]}
    bodies = [DEPARTMENT]
    bodies += [body for body in (HOME_AFFAIRS, JUSTICE, COMMITTEE) if _recipients(body)]
    if publication.is_daily and COMMITTEE in bodies:
        bodies.remove(COMMITTEE)
    with connect() as ledger:
        agencies = list_agencies(ledger)
    bodies += [
        each.agency_code
        for each in agencies
        if each.report_recipients and agency_workbook_name(each.agency_code) in published
    ]
    return bodies


@without_values()
def bodies_left(publication_no: int) -> list[str]:
    """Of ``bodies_of`` those of whom nobody was mailed it yet, or somebody was not reached.

    Raises:
        LookupError: there is no such publication.
    """
    bodies = bodies_of(publication_no)
    with connect() as ledger:
        tried = {body: mails_of(ledger, MailedReport("publication", publication_no, body)) for body in bodies}
    return [body for body in bodies if not tried[body] or any(mail.state == "failed" for mail in tried[body])]


@without_values()
def mail_publication(publication_no: int, body: str, *, again: bool = False) -> dict[str, int]:
    """Mails a publication to a body's recipients, and counts the mails.

    Args:
        publication_no: the publication.
        body: ``department``, ``home_affairs``, ``justice``, ``committee``, or an agency's code.
        again: whoever has it gets it once more.

    Raises:
        MailsNotSent: a recipient was not reached; a rerun tries those alone.
        FileChanged: a published file is not what was published.
        LookupError: there is no such publication, or no such body.
    """
    publication = _publication(publication_no)
    if body == COMMITTEE and publication.is_daily:
        return {"recipients": 0, "sent": 0, "had_it": 0}
    agency = None if body in (DEPARTMENT, HOME_AFFAIRS, JUSTICE, COMMITTEE) else body
    recipients = _recipients(body)

    def compose() -> Mail:
        with connect() as ledger:
            report = build_report(ledger, publication.closing_no)
            corrected = corrected_by(ledger, publication)
        told = Told(report, corrected, agency)
        names = attachment_names(told)
        wanted = [(names["workbook"], agency_workbook_name(agency) if agency else WORKBOOK)]
        if agency is None:
            # The manifest names all agencies, so that an agency's own mail is without it.
            wanted = [(names["pdf"], PDF), *wanted, (names["manifest"], MANIFEST)]
        attachments, left_out = _attachments(publication, wanted)
        return compose_publication_mail(
            told,
            publication_no,
            publication.manifest_sha256,
            attachments,
            left_out,
            urging=not publication.is_daily,
            page_url=staff_page(f"/reconciliation?closing={publication.closing_no}"),
        )

    return mail_report(MailedReport("publication", publication_no, body), recipients, compose, again=again)


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


def _attachments(publication: Publication, wanted: Sequence[tuple[str, str]]) -> tuple[list[Attachment], list[str]]:
    """The files as attachments, and the names of those that would make the mail too large."""
    listed = {each["name"]: each["sha256"] for each in publication.manifest["files"]}
    listed[MANIFEST] = publication.manifest_sha256
    folder = publications_store() / publication.folder
    attachments, left_out, size = [], [], 0
    for shown, name in wanted:
        if name not in listed:
            # An agency that had neither a figure nor SMS in that period.
            continue
        path = folder / name
        content = path.read_bytes() if path.exists() else b""
        if sha256(content).hexdigest() != listed[name]:
            raise FileChanged(f"{path} is not what was published; motcua verify {publication.publication_no} says more")
        size += len(content)
        if size > MOST_ATTACHED:
            size -= len(content)
            left_out.append(shown)
        else:
            attachments.append(Attachment(shown, content))
    return attachments, left_out
