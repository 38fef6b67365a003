"""Writes the quality report of a run for each agency and for the Department; ``motcua.jobs.mailing`` sends it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from motcua.jobs.mailing import Letter, mail_reports, staff_page
from motcua.quality.report_data import AgencyReport
from motcua.quality.reporting import agency_report, department_report, rows_to_correct
from motcua.reports.checks import in_words
from motcua.reports.mail import Mail
from motcua.reports.quality.mail import SourceFault, compose_agency_mail, compose_department_mail, is_due
from motcua.settings import settings
from motcua.store.agencies import list_agencies
from motcua.store.checking.checks import last_checks, sources_of_agency
from motcua.store.intake.watching import supplements_untold_by
from motcua.store.ledger.database import Connection, connect, without_values
from motcua.store.oversight.report_mails import DEPARTMENT, MailedReport, mailed_before

_ACTIVE_WITHIN = timedelta(days=90)
"""A source without changes to an agency's dossiers for this time no longer counts as one of the agency's sources."""


@without_values()
def mail_agency(run_no: int, agency_code: str, *, again: bool = False) -> dict[str, int]:
    """Mail an agency its quality report of one run, if the report has news, and count the mails.

    The daily letter about publications contains this report too (``motcua.jobs.publications.mailing``).

    Args:
        run_no: the run, which is sealed: its results no longer change.
        agency_code: the agency.
        again: also mail recipients who already have the report, and a report without news.

    Raises:
        MailsNotSent: A recipient was not reached; a rerun mails only such recipients.
        LookupError: There is no such run or agency.
    """
    with connect() as ledger:
        agency = next((each for each in list_agencies(ledger) if each.agency_code == agency_code), None)
        if agency is None:
            raise LookupError(f"no agency {agency_code}")

    def compose(owed: Sequence[MailedReport]) -> Letter | None:
        mail = write_to_agency([run_no], agency_code, again=again)
        return Letter(mail, tuple(owed)) if mail else None

    return mail_reports([MailedReport("quality", run_no, agency_code)], agency.report_recipients, compose, again=again)


def write_to_agency(run_nos: Sequence[int], agency_code: str, *, again: bool = False) -> Mail | None:
    """Write an agency's mail about the newest of these runs. ``None`` if none of them has news for the agency.

    Args:
        run_nos: runs whose reports have not been mailed to the agency, the newest first.
        agency_code: the agency.
        again: write the mail even without news.
    """
    with connect() as ledger:
        report, faults = _report_for_agency(ledger, run_nos[0], agency_code)
        earlier = (_report_for_agency(ledger, run_no, agency_code) for run_no in run_nos[1:])
        if not (again or is_due(report, faults) or any(is_due(*each) for each in earlier)):
            return None
        rows = rows_to_correct(ledger, report.run.run_no, agency_code)
        page = staff_page(f"/quality/findings?code={quote(agency_code)}")
        untold = supplements_untold_by(ledger, report.run.as_of, [agency_code])
        number = sum(each.dossiers for each in untold)
        return compose_agency_mail(report, rows, page, staff_page("/dossiers"), number, faults)


def _report_for_agency(ledger: Connection, run_no: int, agency_code: str) -> tuple[AgencyReport, list[SourceFault]]:
    """Return an agency's report of a run, and the faults of its sources."""
    report = agency_report(ledger, run_no, agency_code)
    own = sources_of_agency(ledger, agency_code, list(settings().sources), report.run.as_of - _ACTIVE_WITHIN)
    mailed_at = mailed_before(ledger, MailedReport("quality", run_no, agency_code))
    return report, _faults(ledger, own, mailed_at)


@without_values()
def mail_department(run_no: int, recipients: Sequence[str], *, again: bool = False) -> dict[str, int]:
    """Mail the report on all agencies to the Department's recipients, under the same conditions as ``mail_agency``."""

    def compose(owed: Sequence[MailedReport]) -> Letter | None:
        with connect() as ledger:
            report = department_report(ledger, run_no)
            faults = _faults(ledger, list(settings().sources), mailed_before(ledger, mailed))
            if not (again or is_due(report, faults)):
                return None
            rows = rows_to_correct(ledger, run_no)
            names = {each.agency_code: each.name for each in list_agencies(ledger)}
            untold = [
                (names.get(each.agency_code, each.agency_code), each.dossiers)
                for each in supplements_untold_by(ledger, report.run.as_of)
            ]
            page, dossiers = staff_page("/quality"), staff_page("/dossiers")
            return Letter(compose_department_mail(report, rows, page, dossiers, untold, faults), tuple(owed))

    mailed = MailedReport("quality", run_no, DEPARTMENT)
    return mail_reports([mailed], recipients, compose, again=again)


def _faults(ledger: Connection, sources: Sequence[str], mailed_at: datetime | None) -> list[SourceFault]:
    """Return the faults that make messages about the dossiers of these sources unreliable. Faults that were found since
    the last mail are marked as new."""
    return [
        SourceFault(
            name,
            in_words(each.finding, settings().sources[name]),
            each.since,
            is_new=mailed_at is None or each.since > mailed_at,
        )
        for name, check in last_checks(ledger, sources).items()
        for each in check.forbidding
    ]
