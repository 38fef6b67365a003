"""Store carrier statements: the lines of a file, their comparison with our messages, and uploads on a page.

A carrier statement is a provider's monthly list of the messages that it bills. Its form names the file
``include/statements/<form>.yaml``, which describes the columns.

A line has a direction: ``mt`` is a message to a citizen, ``mo`` a citizen's inquiry by SMS to the number 9029. Each
line is matched with a message or an inquiry of the ledger, and the verdict of the match states whether both agree.

The caller calls ``begin_import``, ``add_lines`` and ``match_lines`` in one transaction, so that a file is stored
completely, with every verdict, or not at all. Figures are read from the views of schema ``audit``, so that an auditor's
role gets the same figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias, get_args

from psycopg.types.json import Jsonb

from motcua.domain.periods import Period
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of, values_of

LineMatch: TypeAlias = Literal["exact", "partial", "theirs_only", "ours_only"]
VERDICTS: tuple[LineMatch, ...] = get_args(LineMatch)
DIFFERENCES = ("number", "segments", "amount", "status", "time", "month", "repeated")
"""The properties in which a line and our message may differ, as in ``statement_matches``."""
_MOST_STATEMENTS, _MOST_REFUSALS = 200, 50
"""Maximum numbers of carrier statements and of refusals in a list. 200 carrier statements cover several years."""
_MOST_ROUNDS = 50
"""Maximum number of rounds that pair lines with messages by phone number. A round pairs a line and a message only
if each is the best match of the other. A later round may pair lines and messages that are still unpaired."""


@dataclass(frozen=True, slots=True)
class StatementFile:
    """The facts of a file before its lines are matched."""

    form: str
    gateway: str
    month: date
    begins: datetime
    ends: datetime
    covers_until: datetime
    file_name: str
    sha256: str
    imported_at: datetime
    imported_by: str
    terms: dict[str, Any]
    supersedes: int | None
    covers_mt: bool
    """``True`` if the file covers messages. Our messages that the file lacks are then reported."""
    covers_mo: bool
    """``True`` if the file covers inquiries. Our inquiries that the file lacks are then reported, if the form has a
    line for each inquiry."""


@dataclass(frozen=True, slots=True)
class Known:
    """The facts that are stored already about a file, or about its form and month."""

    same_file: int | None
    """The number of the carrier statement that was imported from this same file."""
    in_force: int | None
    """The number of the carrier statement in force for this form and month, which the file would correct."""


def known_statement(connection: Connection, sha256: str, form: str, month: date) -> Known:
    """Return whether a file was imported already, and which carrier statement it would supersede."""
    asked = {"sha256": sha256, "form": form, "month": month}
    rows = connection.execute(statement("statements/known"), asked).fetchall()
    same = next((row["statement_no"] for row in rows if row["same_file"]), None)
    other = next((row["statement_no"] for row in rows if not row["same_file"]), None)
    return Known(same, other)


def known_files(connection: Connection) -> set[str]:
    """Return the SHA-256 of every imported file (from ``audit.carrier_statements``)."""
    return {row["sha256"] for row in connection.execute(statement("statements/files"))}


def begin_import(connection: Connection) -> None:
    """Empty the tables in which the lines of a file are matched.

    A second import waits here until the transaction of the first import ends.
    """
    connection.execute(statement("statements/clear"))


def add_lines(connection: Connection, rows: str) -> None:
    """Add lines, given as a JSON list. Times are seconds since 1970, amounts hundredths, prices ten-thousandths of a
    đồng."""
    connection.execute(statement("statements/add_lines"), {"rows": rows})


def match_lines(connection: Connection, file: StatementFile) -> int:
    """Match the added lines, store the carrier statement with every verdict, and return its number."""
    look_at = statement("statements/look_at")
    terms = file.terms
    asked: dict[str, Any] = {
        "gateway": file.gateway,
        "month": file.month,
        "begins": file.begins,
        "ends": file.ends,
        "covers_until": file.covers_until,
        "supersedes": file.supersedes,
        "each_inquiry": terms["inquiry_lines"] == "each",
    }
    connection.execute(look_at, {"table_name": "lines"})
    connection.execute(statement("statements/take_ours"), asked)
    connection.execute(look_at, {"table_name": "ours"})
    connection.execute(statement("statements/pair_by_reference"))
    connection.execute(look_at, {"table_name": "pairs"})
    connection.execute(statement("statements/pair_by_gateway_reference"))
    seconds = {"seconds": terms["tolerance"]["seconds"]}
    for _ in range(_MOST_ROUNDS):
        connection.execute(look_at, {"table_name": "pairs"})
        if not connection.execute(statement("statements/pair_by_number"), seconds).rowcount:
            break
    values = {
        "form": file.form,
        "file_name": file.file_name,
        "sha256": file.sha256,
        "imported_at": file.imported_at,
        "imported_by": file.imported_by,
        "terms": Jsonb(terms),
    }
    row = connection.execute(statement("statements/save"), asked | values).fetchone()
    assert row is not None
    number = int(row["statement_no"])
    connection.execute(statement("statements/save_lines"), {"statement_no": number})
    connection.execute(
        statement("statements/save_matches"),
        asked
        | seconds
        | {
            "statement_no": number,
            "prices": Jsonb(terms["prices"]),
            "undelivered_is_billed": terms["undelivered_is_billed"],
            "inquiry_amount": terms["inquiry_amount"],
            "covers_mt": file.covers_mt,
            "covers_mo": file.covers_mo and asked["each_inquiry"],
        },
    )
    save_sums(connection, number)
    # The tables used for matching must not keep the phone numbers.
    connection.execute(statement("statements/clear"))
    return number


def save_sums(connection: Connection, statement_no: int) -> None:
    """Store the sums of a carrier statement's matches and of their differences. The stored sums never change.

    The tables are ``motcua.statement_sums`` and ``motcua.statement_difference_sums``. The caller does this in the
    transaction that stores the matches.
    """
    connection.execute(statement("statements/save_difference_sums"), {"statement_no": statement_no})
    connection.execute(statement("statements/save_sums"), {"statement_no": statement_no})


# --- Reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """An imported carrier statement."""

    statement_no: int
    form: str
    gateway: str
    month: date
    covers_until: datetime
    file_name: str
    sha256: str
    imported_at: datetime
    imported_by: str
    terms: dict[str, Any]
    lines: int
    segments: int
    amount: Decimal
    inquiries: int
    revenue: Decimal
    supersedes: int | None
    in_force: bool
    """``True`` if no later carrier statement corrects this one."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums over the matches of one direction and verdict."""

    matches: int = 0
    their_segments: int = 0
    their_amount: Decimal = Decimal(0)
    our_segments: int = 0
    our_amount: Decimal = Decimal(0)
    segments_off: int = 0
    amount_off: Decimal = Decimal(0)
    """The sum of the absolute differences of amounts between both sides. It is in đồng only if a price is agreed."""


def _percent(off: Decimal | int, of: Decimal | int) -> Decimal:
    """Return a difference in percent of ``of``. If ``of`` is zero, any difference counts as 100 percent."""
    return Decimal(0) if not off else Decimal(100) if not of else (Decimal(off) * 100 / Decimal(of))


@dataclass(frozen=True)
class StatementFigures:
    """A carrier statement with the figures of its verdicts, and whether it is within the agreed tolerances."""

    stored: StoredStatement
    sums: dict[tuple[str, LineMatch], Sums]
    """The sums of the matches, by direction and verdict."""
    differs: dict[tuple[str, LineMatch, str], int]
    """How often each property of ``DIFFERENCES`` differs, by direction, verdict and property. Several properties may
    differ in one match."""
    our_inquiries: int
    """How many inquiries of our ledger the lines were compared with. If lines only give counts, these are the inquiries
    that the gateway delivered in the covered part of the month."""
    our_revenue: Decimal
    """Our share of the fees that citizens paid for the inquiries, in đồng."""

    def of(self, direction: str, verdict: LineMatch) -> Sums:
        """Return the sums of one direction and verdict."""
        return self.sums.get((direction, verdict), Sums())

    def total(self, direction: str, name: str) -> Any:  # noqa: ANN401 - the sum of whichever field
        """Return the sum of a field of ``Sums`` over all verdicts."""
        return sum((getattr(self.of(direction, verdict), name) for verdict in VERDICTS), type(getattr(Sums(), name))(0))

    @property
    def tells_inquiries(self) -> bool:
        """Return whether the carrier statement covers inquiries to 9029.

        Such a carrier statement has lines for inquiries, or an empty sheet for them.
        """
        return bool(self.stored.inquiries or self.stored.revenue) or "mo" in self.stored.terms.get("covers", ())

    @property
    def segments_percent(self) -> Decimal:
        """Return the difference of the segments, in percent of our segments."""
        return _percent(self.total("mt", "segments_off"), self.total("mt", "our_segments"))

    @property
    def amount_percent(self) -> Decimal:
        """Return the difference of the amounts, in percent of our amount; 0 if no price is agreed."""
        if not self.stored.terms["prices"]:
            return Decimal(0)
        return _percent(self.total("mt", "amount_off"), self.total("mt", "our_amount"))

    def allowed(self, name: str) -> int:
        """Return how many of our ``segments``, or đồng of our ``amount``, may differ within the agreed tolerance.

        The number is rounded down, so that one unit more exceeds the tolerance.
        """
        tolerance = Decimal(str(self.stored.terms["tolerance"][f"{name}_percent"]))
        return int(tolerance * self.total("mt", f"our_{name}") / 100)

    @property
    def inquiries_percent(self) -> Decimal:
        """Return the larger of two differences in percent: of the inquiries, and of our share of the fees."""
        if not self.tells_inquiries:
            return Decimal(0)
        if self.stored.terms["inquiry_lines"] == "each":
            off: int = self.total("mo", "segments_off")
            owed: Decimal = self.total("mo", "amount_off")
        else:
            off = abs(self.stored.inquiries - self.our_inquiries)
            owed = abs(self.stored.revenue - self.our_revenue)
        return max(_percent(off, self.our_inquiries), _percent(owed, self.our_revenue))

    @property
    def over(self) -> list[str]:
        """Return the names of the figures that exceed the agreed tolerance: segments, amount, inquiries."""
        tolerance = self.stored.terms["tolerance"]
        return [
            name
            for name, percent in (
                ("segments", self.segments_percent),
                ("amount", self.amount_percent),
                ("inquiries", self.inquiries_percent),
            )
            if percent > Decimal(str(tolerance[f"{name}_percent"]))
        ]


def list_statements(
    connection: Connection, *, statement_no: int | None = None, month: date | None = None
) -> list[StoredStatement]:
    """Return at most the last 200 carrier statements, the newest month first.

    With ``month``, return only those of one month. With ``statement_no``, return only the one with this number.
    """
    asked = {"statement_no": statement_no, "month": month, "most": _MOST_STATEMENTS}
    return values_of(StoredStatement, connection.execute(statement("statements/list"), asked))


def figures_of(connection: Connection, statements: Iterable[StoredStatement]) -> list[StatementFigures]:
    """Return carrier statements with the figures of their verdicts.

    The figures come from ``audit.statement_sums`` and ``audit.statement_difference_sums``, so that an auditor's role
    gets the same figures.
    """
    stored = list(statements)
    asked = {"statement_nos": [each.statement_no for each in stored]}
    sums: dict[int, dict[tuple[str, LineMatch], Sums]] = {}
    for row in connection.execute(statement("statements/sums"), asked):
        sums.setdefault(row["statement_no"], {})[row["direction"], row["verdict"]] = value_of(Sums, row)
    differs: dict[int, dict[tuple[str, LineMatch, str], int]] = {}
    for row in connection.execute(statement("statements/differences"), asked):
        found = differs.setdefault(row["statement_no"], {})
        found[row["direction"], row["verdict"], row["what"]] = row["matches"]
    figures = []
    for each in stored:
        ours, owed = 0, Decimal(0)
        if each.terms["inquiry_lines"] == "summary":
            ours, owed = _inquiries_of(connection, each)
        for verdict in VERDICTS:
            held = sums.get(each.statement_no, {}).get(("mo", verdict), Sums())
            ours, owed = ours + held.our_segments, owed + held.our_amount
        figures.append(
            StatementFigures(each, sums.get(each.statement_no, {}), differs.get(each.statement_no, {}), ours, owed)
        )
    return figures


def _inquiries_of(connection: Connection, stored: StoredStatement) -> tuple[int, Decimal]:
    asked = {"gateway": stored.gateway, "begins": Period.month_of(stored.month).start, "until": stored.covers_until}
    row = connection.execute(statement("statements/inquiries_of"), asked).fetchone() or {
        "inquiries": 0,
        "fees": 0,
    }
    return int(row["inquiries"]), int(row["fees"]) * Decimal(str(stored.terms["inquiry_share_percent"])) / 100


@dataclass(frozen=True, slots=True)
class MatchRow:
    """One match of a line and a message, with the values of both. The line or the message may be missing."""

    match_id: int
    verdict: LineMatch
    direction: str
    line_no: int | None
    matched_by: str | None
    differs: Sequence[str]
    our_segments: int | None
    our_amount: Decimal | None
    their_segments: int | None
    their_amount: Decimal | None
    sent_at: datetime | None
    their_status: str | None
    carrier: str | None
    reference: str | None
    gateway_reference: str | None
    billed: bool | None
    our_at: datetime | None
    our_state: str | None
    our_reference: str | None
    message_id: int | None
    kind: str | None
    agency_code: str | None
    dossier_code: str | None


@dataclass(frozen=True, slots=True)
class RowsAsked:
    """The filters for the rows of a carrier statement."""

    verdict: LineMatch | None = None
    """The wanted verdict. ``None`` stands for all rows that do not match exactly."""
    differs: str | None = None
    most: int = 200
    skipped: int = 0


def match_rows(connection: Connection, statement_no: int, asked: RowsAsked) -> list[MatchRow]:
    """Return rows of a carrier statement in the order of the file (from ``audit.statement_matches``).

    Messages that are only in our ledger are listed last.
    """
    parameters = {
        "statement_no": statement_no,
        "verdict": asked.verdict,
        "differs": asked.differs,
        "most": asked.most,
        "skipped": asked.skipped,
    }
    return values_of(MatchRow, connection.execute(statement("statements/rows"), parameters))


@dataclass(frozen=True, slots=True)
class MissingStatement:
    """A gateway that got segments in a month and has no carrier statement for this month."""

    gateway: str
    segments: int
    """How many segments were handed to the gateway in that month."""


def missing_statements(connection: Connection, gateways: Iterable[str], month: date) -> list[MissingStatement]:
    """Return which of these gateways have no carrier statement for a month in which we handed messages to them (from
    ``audit.gateway_days``)."""
    asked = {"gateways": list(gateways), "month": month, "next_month": Period.month_of(month).next.first}
    return values_of(MissingStatement, connection.execute(statement("statements/months_without"), asked))


# --- Files that were refused ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatementRefusal:
    """A file that was refused as a carrier statement."""

    form: str
    """The form, which is the name of the file's folder. Empty if the file was in no form's folder."""
    month: date | None
    file_name: str
    sha256: str | None
    refused_at: datetime
    refused_by: str
    faults: int
    message: str
    """The reason in Vietnamese: a sentence, then a line for each fault."""


@dataclass(frozen=True, slots=True)
class KeptRefusal(StatementRefusal):
    """The last refusal of a file, as stored."""

    refusal_no: int
    replaced_by: int | None
    """The number of the accepted carrier statement that replaced the refused file. ``None`` if no such file came."""
    set_aside_at: datetime | None
    set_aside_by: str | None
    set_aside_reason: str | None


def save_refusal(connection: Connection, refusal: StatementRefusal) -> int:
    """Record in ``motcua.refused_statements`` that a file was refused. Return the refusal's number."""
    row = connection.execute(statement("statements/save_refusal"), asdict(refusal)).fetchone()
    assert row is not None
    return int(row["refusal_no"])


def list_refusals(connection: Connection, *, settled: bool = False) -> list[KeptRefusal]:
    """Return the last refusal of each refused file, the newest first, at most 50 (from ``motcua.refused_statements``).

    Leave out files that a later carrier statement replaced or that a person dismissed, unless ``settled`` is true.
    """
    return values_of(
        KeptRefusal, connection.execute(statement("statements/refusals"), {"settled": settled, "most": _MOST_REFUSALS})
    )


def settled_refusals(connection: Connection) -> set[tuple[str, str]]:
    """Return (form, SHA-256) of refused files that need not be tried again (from ``audit.refused_statements``)."""
    rows = connection.execute(statement("statements/settled_refusals"))
    return {(row["form"], row["sha256"]) for row in rows}


def set_refusal_aside(connection: Connection, refusal_no: int, by: str, reason: str, now: datetime) -> bool:
    """Dismiss the refusals of a file in ``motcua.refused_statements``, so that nobody needs to deal with them.

    Return ``False`` if there is no refusal to dismiss.
    """
    asked = {"refusal_no": refusal_no, "by": by, "reason": reason, "now": now}
    return connection.execute(statement("statements/set_refusal_aside"), asked).rowcount > 0


_MOST_UNREAD = 50
"""How many unread uploads are listed at most. A month has only a few."""


@dataclass(frozen=True, slots=True)
class StatementUpload:
    """A carrier statement that a person uploads on a page into the folder of its form."""

    form: str
    month: date
    """The month that the carrier statement covers, given by its first day."""
    file_name: str
    """The name of the file in its folder."""
    sha256: str
    uploaded_at: datetime
    uploaded_by: str


def one_upload_at_a_time(connection: Connection) -> None:
    """Wait until no other transaction puts a carrier statement into its folder.

    Later transactions that do the same wait until this transaction ends.
    """
    connection.execute(statement("uploads/one_at_a_time"))


def save_upload(connection: Connection, upload: StatementUpload) -> int:
    """Record who put a carrier statement into its folder. Return the upload's number."""
    row = connection.execute(statement("uploads/save"), asdict(upload)).fetchone()
    assert row is not None
    return int(row["upload_no"])


def unread_uploads(connection: Connection, since: datetime) -> list[StatementUpload]:
    """Return carrier statements uploaded after ``since`` that no run has imported or refused, the newest first (from
    ``motcua.statement_uploads``)."""
    return values_of(
        StatementUpload, connection.execute(statement("uploads/unread"), {"since": since, "most": _MOST_UNREAD})
    )


def who_uploaded(connection: Connection, sha256: str, form: str) -> str | None:
    """Return who uploaded this file on the page (from ``motcua.statement_uploads``). ``None`` if the file came in
    another way."""
    row = connection.execute(statement("uploads/who_uploaded"), {"sha256": sha256, "form": form}).fetchone()
    return None if row is None else str(row["uploaded_by"])


def segments_handed(connection: Connection, gateway: str, month: date) -> int:
    """Return how many segments we handed to a gateway in a month, by our own count (from ``audit.gateway_days``).

    If the gateway counts messages, return the number of messages.
    """
    asked = {"gateway": gateway, "month": month, "next_month": Period.month_of(month).next.first}
    row = connection.execute(statement("statements/segments_handed"), asked).fetchone()
    assert row is not None
    return int(row["segments"])
