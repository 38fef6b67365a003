"""Takes a provider's statement (bảng kê): read, kept, and each of its lines held against what was sent.

Taking a file is one transaction: read, matched with our attempts and inquiries, and kept with every verdict, or nothing
of it. That a file was refused, and why, is kept for the page until a good file replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

_LINES_A_TIME = 50_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file."""

    statement_no: int
    file_name: str
    already_there: bool
    """This very file was imported before; nothing was written."""
    supersedes: int | None


def _terms(form: StatementForm, statement: Statement, prices: Mapping[str, str]) -> dict[str, Any]:
    terms: dict[str, Any] = form.model_dump(mode="json")
    # Without a column for amounts there is nothing to compare them with.
    terms["prices"] = dict(prices) if form.columns.get("amount") else {}
    terms["covers"] = sorted(statement.covers)
    fee = Decimal(settings().inquiries_fee)
    # What a line about an inquiry should say.
    terms["inquiry_amount"] = str(fee * form.inquiry_share_percent / 100)
    return terms


def take_statement(
    content: bytes, name: str, form_name: str, imported_by: str, now: datetime, month: date | None = None
) -> Taken:
    """Imports a statement and matches every line; a second file of its form and month supersedes the first.

    Args:
        content: of the file.
        name: its name, without a folder.
        form_name: of a file in include/statements.
        imported_by: a person, or a run.
        now: when. A month that is not over yet is compared up to the statement's last line.
        month: its first day; by default as ``read_statement`` finds it.

    Raises:
        FormError: there is no such form, or it cannot be used.
        FileRefused: the file cannot be taken; nothing of it was kept but that it was refused, and why.
    """
    try:
        return _take(content, name, form_name, imported_by, now, month)
    except FileRefused as refused:
        refused.month = refused.month or month or month_in_name(name)
        keep_refusal(refused, form_name, sha256(content).hexdigest(), imported_by, now)
        raise


def keep_refusal(refused: FileRefused, form_name: str, digest: str | None, by: str, now: datetime) -> None:
    """Keeps that a file was refused, and why, for the page."""
    with connect() as connection:
        save_refusal(connection, refusal_of(refused, form_name, digest, by, now))


def refusal_of(refused: FileRefused, form_name: str, digest: str | None, by: str, now: datetime) -> StatementRefusal:
    """What is kept of a file that was refused."""
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


def _take(
    content: bytes, name: str, form_name: str, imported_by: str, now: datetime, month: date | None = None
) -> Taken:
    form = load_form(form_name)
    digest = sha256(content).hexdigest()
    # A file that is there already is not read again; which one it would correct is not asked yet.
    with connect() as connection:
        known = known_statement(connection, digest, form_name, month or date.min)
    if known.same_file is not None:
        return Taken(known.same_file, name, True, None)
    statement = read_statement(content, name, form, month, now)
    begins, ends = Period.month_of(statement.month).start, Period.month_of(statement.month).end
    covers_until = ends if now >= ends else _covered(statement, form, begins)
    with connect() as connection:
        begin_import(connection)
        known = known_statement(connection, digest, form_name, statement.month)
        if known.same_file is not None:
            return Taken(known.same_file, name, True, None)
        for rows in _as_json(statement):
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
                terms=_terms(form, statement, gateway_prices(connection).get(form.gateway, {})),
                supersedes=known.in_force,
                covers_mt="mt" in statement.covers,
                covers_mo="mo" in statement.covers,
            ),
        )
    return Taken(number, name, False, known.in_force)


def _covered(statement: Statement, form: StatementForm, begins: datetime) -> datetime:
    """How far a statement of a month that is not over goes; what was on its way at its last line may be missing."""
    return max(begins, statement.last_at - timedelta(seconds=form.tolerance.seconds))


def _as_json(statement: Statement) -> Iterator[str]:
    lines = statement.lines.assign(sent_at=statement.lines["sent_at"].astype("int64") // 10**9)
    for first in range(0, len(lines), _LINES_A_TIME):
        yield lines.iloc[first : first + _LINES_A_TIME].to_json(orient="records", force_ascii=False)


def figures_in_words(figures: StatementFigures) -> str:
    """The verdicts in one line, for a log."""
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
