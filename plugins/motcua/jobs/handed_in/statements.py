"""Import a provider's carrier statement (bảng kê) and compare each of its lines with what was sent.

The import of a file is one transaction: it reads the lines, matches them with our attempts and inquiries, and stores
each verdict, or it stores nothing. A refusal and its reason are shown on the staff page until a good file of the same
form and month follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from motcua.domain.periods import Period
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.handed_in.statement_files import Statement, StatementForm, load_form, month_in_name, read_statement
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.notices.gateways import gateway_prices
from motcua.store.oversight.statements import (
    StatementFigures,
    StatementFile,
    StatementRefusal,
    add_lines,
    begin_import,
    known_statement,
    match_lines,
    save_refusal,
)

_LINES_PER_QUERY = 50_000


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of an import of a carrier statement."""

    statement_no: int
    file_name: str
    already_there: bool
    """Whether the same file was imported before, so that nothing was written."""
    supersedes: int | None


def statement_terms(form: StatementForm, covers: Iterable[str], prices: Mapping[str, str]) -> dict[str, Any]:
    """Return the terms of a form, the directions that the file covers (``mt``: our messages, ``mo``: inquiries), and
    the prices of the form's gateway, as JSON values."""
    terms: dict[str, Any] = form.model_dump(mode="json")
    # Prices are useful only if the file has a column of amounts to compare with the prices.
    terms["prices"] = dict(prices) if form.columns.get("amount") else {}
    terms["covers"] = sorted(covers)
    fee = Decimal(settings().inquiries_fee)
    # The amount, in đồng, that a line about one inquiry should have.
    terms["inquiry_amount"] = str(fee * form.inquiry_share_percent / 100)
    return terms


def take_statement(
    content: bytes, name: str, form_name: str, imported_by: str, now: datetime, month: date | None = None
) -> Taken:
    """Import a carrier statement and match every line. The carrier statement supersedes an earlier one of the same form
    and month.

    Args:
        content: bytes of the file.
        name: name of the file, without a folder.
        form_name: name of a form in include/statements.
        imported_by: the person or the run that imports.
        now: time of the import. If the month is not over yet, the comparison ends at the time of the file's last line,
            minus the agreed tolerance.
        month: first day of the month; by default as ``read_statement`` finds it.

    Raises:
        FormError: the form does not exist or cannot be used.
        FileRefused: the file cannot be imported. Only the refusal and its reason are stored.
    """
    try:
        return _import_statement(content, name, form_name, imported_by, now, month)
    except FileRefused as refused:
        refused.month = refused.month or month or month_in_name(name)
        keep_refusal(refused, form_name, sha256(content).hexdigest(), imported_by, now)
        raise


def keep_refusal(refused: FileRefused, form_name: str, digest: str | None, by: str, now: datetime) -> None:
    """Store a refusal and its reason for the staff page."""
    with connect() as connection:
        save_refusal(connection, refusal_of(refused, form_name, digest, by, now))


def refusal_of(refused: FileRefused, form_name: str, digest: str | None, by: str, now: datetime) -> StatementRefusal:
    """Return the row that is stored for a refused file."""
    return StatementRefusal(
        form=form_name,
        month=refused.month,
        file_name=refused.name,
        sha256=digest,
        refused_at=now,
        refused_by=by,
        faults=len(refused.faults),
        message=str(refused),
    )


def _import_statement(
    content: bytes, name: str, form_name: str, imported_by: str, now: datetime, month: date | None = None
) -> Taken:
    """Import a file; ``take_statement`` describes the arguments."""
    form = load_form(form_name)
    digest = sha256(content).hexdigest()
    # A file that was imported before is not read again. If the month is not known yet, this query still finds the same
    # file.
    with connect() as connection:
        known = known_statement(connection, digest, form_name, month or date.min)
    if known.same_file is not None:
        return Taken(known.same_file, name, True, None)
    statement = read_statement(content, name, form, month, now)
    begins, ends = Period.month_of(statement.month).start, Period.month_of(statement.month).end
    covers_until = ends if now >= ends else _complete_until(statement, form, begins)
    with connect() as connection:
        begin_import(connection)
        known = known_statement(connection, digest, form_name, statement.month)
        if known.same_file is not None:
            return Taken(known.same_file, name, True, None)
        for rows in _lines_as_json(statement):
            add_lines(connection, rows)
        number = match_lines(
            connection,
            StatementFile(
                form=form_name,
                gateway=form.gateway,
                month=statement.month,
                begins=begins,
                ends=ends,
                covers_until=covers_until,
                file_name=name,
                sha256=digest,
                imported_at=now,
                imported_by=imported_by,
                terms=statement_terms(form, statement.covers, gateway_prices(connection).get(form.gateway, {})),
                supersedes=known.in_force,
                covers_mt="mt" in statement.covers,
                covers_mo="mo" in statement.covers,
            ),
        )
    return Taken(number, name, False, known.in_force)


def _complete_until(statement: Statement, form: StatementForm, begins: datetime) -> datetime:
    """Return the moment up to which the carrier statement of an unfinished month is complete.

    A message that was being sent at the time of the last line may be missing in the file. The moment is therefore
    earlier than the last line by the agreed tolerance, and never before the month begins.
    """
    return max(begins, statement.last_at - timedelta(seconds=form.tolerance.seconds))


def _lines_as_json(statement: Statement) -> Iterator[str]:
    """Yield the lines as JSON arrays of at most ``_LINES_PER_QUERY`` lines."""
    lines = statement.lines.assign(sent_at=statement.lines["sent_at"].astype("int64") // 10**9)
    for first in range(0, len(lines), _LINES_PER_QUERY):
        yield lines.iloc[first : first + _LINES_PER_QUERY].to_json(orient="records", force_ascii=False)


def figures_in_words(figures: StatementFigures) -> str:
    """Return the verdicts as one line for a log."""
    stored = figures.stored
    parts = [
        f"{figures.of('mt', 'exact').matches} exact, {figures.of('mt', 'partial').matches} partial,"
        f" {figures.of('mt', 'theirs_only').matches} theirs only, {figures.of('mt', 'ours_only').matches} ours only;"
        f" segments off by {figures.segments_percent:.2f} %"
    ]
    if stored.terms["prices"]:
        parts.append(f"amount off by {figures.amount_percent:.2f} %")
    if figures.tells_inquiries:
        parts.append(
            f"inquiries {stored.inquiries} theirs, {figures.our_inquiries} ours,"
            f" off by {figures.inquiries_percent:.2f} %"
        )
    return f"statement {stored.statement_no} of {stored.form}, {stored.month:%m/%Y}: {'; '.join(parts)}"
