"""Mails a run's quality report: to each agency's recipients, and to the Department's. How: ``motcua.jobs.mailing``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from motcua.jobs.mailing import mail_report, staff_page
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

_TOLD_LATELY = timedelta(days=90)
"""A source that an agency had no change from for so long is not its own any more."""


@without_values()
def mail_agency(run_no: int, agency_code: str, *, again: bool = False) -> dict[str, int]:
    """Mails an agency its report of one run, if there is something to say, and counts the mails.

    Args:
        run_no: the sealed run.
        agency_code: the agency.
        again: whoever has it gets it once more, and a quiet day's report is mailed too.

    Raises:
        MailsNotSent: a recipient was not reached; a rerun tries those alone.
        LookupError: there is no such run or agency.
    """
    with connect() as ledger:
        agency = next((each for each in list_agencies(ledger) if each.agency_code == agency_code), None)
        if agency is None:
            raise LookupError(f"no agency {agency_code}")

    def compose() -> Mail | None:
        with connect() as ledger:
            report = agency_report(ledger, run_no, agency_code)
            as_of, read = report.run.as_of, list(settings().sources)
            own = sources_of_agency(ledger, agency_code, read, as_of - _TOLD_LATELY)
            faults = _faults(ledger, own, mailed_before(ledger, mailed))
            if not (again or is_due(report, faults)):
                return None
            rows = rows_to_correct(ledger, run_no, agency_code)
            page = staff_page(f"/quality/findings?code={quote(agency_code)}")
            untold = supplements_untold_by(ledger, as_of, [agency_code])
            number = sum(each.dossiers for each in untold)
            return compose_agency_mail(report, rows, page, staff_page("/dossiers"), number, faults)

    mailed = MailedReport("quality", run_no, agency_code)
    return mail_report(mailed, agency.report_recipients, compose, again=again)


@without_values()
def mail_department(run_no: int, recipients: Sequence[str], *, again: bool = False) -> dict[str, int]:
    """Mails the Department's recipients the report over all agencies; the rest as ``mail_agency``."""

    def compose() -> Mail | None:
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
            return compose_department_mail(report, rows, page, dossiers, untold, faults)

    mailed = MailedReport("quality", run_no, DEPARTMENT)
    return mail_report(mailed, recipients, compose, again=again)


def _faults(ledger: Connection, sources: Sequence[str], mailed_at: datetime | None) -> list[SourceFault]:
    """What forbids to promise a message by these sources; new is what was found since the last mail."""
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
