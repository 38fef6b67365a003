"""Providers' statements in the ledger: what a file said, what each line was held against, and who sent one by the page.

``begin_import``, ``add_lines`` and ``match_lines`` are called in one transaction: a file is there whole, with every
verdict, or not at all.
What is read comes from the views of schema ``audit``, so that an auditor's role gets the same figures.
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
"""What may differ, as in ``statement_matches``."""
_MOST_STATEMENTS, _MOST_REFUSALS = 200, 50
"""That are listed: of a few providers several years."""
_MOST_ROUNDS = 50
"""Of pairing by number: one round pairs all but messages to one number that lie as near to each other."""


@dataclass(frozen=True, slots=True)
class StatementFile:
    """What is known of a file before its lines are matched."""

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
    """What of ours is missing is told: messages."""
    covers_mo: bool
    """Likewise inquiries."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is there already of a file, or of its form and month."""

    same_file: int | None
    """The statement that this very file became."""
    in_force: int | None
    """The statement of this form and month, which the file would correct."""


def known_statement(connection: Connection, sha256: str, form: str, month: date) -> Known:
    """Whether a file is there already, and what it would supersede."""
    asked = {"sha256": sha256, "form": form, "month": month}
    rows = connection.execute(statement("statements/known"), asked).fetchall()
    same = next((row["statement_no"] for row in rows if row["same_file"]), None)
    other = next((row["statement_no"] for row in rows if not row["same_file"]), None)
    return Known(same, other)


def known_files(connection: Connection) -> set[str]:
    """SHA-256 of every file that was imported."""
    return {row["sha256"] for row in connection.execute(statement("statements/files"))}


def begin_import(connection: Connection) -> None:
    """Empties what a file is matched in; a second import waits here for the end of the first one's transaction."""
    connection.execute(statement("statements/clear"))


def add_lines(connection: Connection, rows: str) -> None:
    """Adds lines, as a JSON list; times in seconds since 1970, amounts in hundredths, prices in ten-thousandths."""
    connection.execute(statement("statements/add_lines"), {"rows": rows})


def match_lines(connection: Connection, file: StatementFile) -> int:
    """Matches the lines that were added, writes the statement down with every verdict, and returns its number."""
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
    # The numbers do not stay.
    connection.execute(statement("statements/clear"))
    return number


def save_sums(connection: Connection, statement_no: int) -> None:
    """Adds up a statement's matches, once they are all there; in the same transaction, since they never change."""
    connection.execute(statement("statements/save_difference_sums"), {"statement_no": statement_no})
    connection.execute(statement("statements/save_sums"), {"statement_no": statement_no})


# --- Reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A statement as it was imported."""

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
    """No later statement corrects it."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The matches of one direction and verdict."""

    matches: int = 0
    their_segments: int = 0
    their_amount: Decimal = Decimal(0)
    our_segments: int = 0
    our_amount: Decimal = Decimal(0)
    segments_off: int = 0
    amount_off: Decimal = Decimal(0)
    """By how much both sides differ, differences not cancelling each other out; đồng only where a price is agreed."""


def _percent(off: Decimal | int, of: Decimal | int) -> Decimal:
    """A difference in percent; of nothing any difference is a whole."""
    return Decimal(0) if not off else Decimal(100) if not of else (Decimal(off) * 100 / Decimal(of))


@dataclass(frozen=True)
class StatementFigures:
    """A statement with its verdicts in figures, and whether it keeps to what was agreed."""

    stored: StoredStatement
    sums: dict[tuple[str, LineMatch], Sums]
    """By direction and verdict."""
    differs: dict[tuple[str, LineMatch, str], int]
    """How often what differs, by direction and verdict; of one match several things may."""
    our_inquiries: int
    """Inquiries by our ledger: those that the lines were held against; where lines only count them, those that the
    gateway brought in the month, as far as the statement covers it."""
    our_revenue: Decimal
    """Our share of what citizens paid for them, đồng."""

    def of(self, direction: str, verdict: LineMatch) -> Sums:
        """The sums of one direction and verdict."""
        return self.sums.get((direction, verdict), Sums())

    def total(self, direction: str, name: str) -> Any:  # noqa: ANN401 - the sum of whichever field
        """A field of ``Sums`` over all verdicts."""
        return sum((getattr(self.of(direction, verdict), name) for verdict in VERDICTS), type(getattr(Sums(), name))(0))

    @property
    def tells_inquiries(self) -> bool:
        """It has lines about 9029, or a sheet for them without a line: none is a figure too."""
        return bool(self.stored.inquiries or self.stored.revenue) or "mo" in self.stored.terms.get("covers", ())

    @property
    def segments_percent(self) -> Decimal:
        """Segments that do not agree, in percent of ours."""
        return _percent(self.total("mt", "segments_off"), self.total("mt", "our_segments"))

    @property
    def amount_percent(self) -> Decimal:
        """Đồng that do not agree, in percent of ours; 0 where no price is agreed."""
        if not self.stored.terms["prices"]:
            return Decimal(0)
        return _percent(self.total("mt", "amount_off"), self.total("mt", "our_amount"))

    def allowed(self, name: str) -> int:
        """How many of our ``segments``, or đồng of our ``amount``, may be off by what was agreed: whole ones, so that
        one more is over it."""
        tolerance = Decimal(str(self.stored.terms["tolerance"][f"{name}_percent"]))
        return int(tolerance * self.total("mt", f"our_{name}") / 100)

    @property
    def inquiries_percent(self) -> Decimal:
        """Inquiries, or our share in đồng, that do not agree, whichever is more, in percent of ours."""
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
        """What is over the agreed tolerance: segments, amount, inquiries."""
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
    """Statements, the newest month first, some hundred; those of one month, or the one with this number."""
    asked = {"statement_no": statement_no, "month": month, "most": _MOST_STATEMENTS}
    return values_of(StoredStatement, connection.execute(statement("statements/list"), asked))


def figures_of(connection: Connection, statements: Iterable[StoredStatement]) -> list[StatementFigures]:
    """Statements with their verdicts in figures; an auditor's role gets the same."""
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
    """One match with both sides."""

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
    """Which rows of a statement are asked for."""

    verdict: LineMatch | None = None
    """``None``: all that are not exact."""
    differs: str | None = None
    most: int = 200
    skipped: int = 0


def match_rows(connection: Connection, statement_no: int, asked: RowsAsked) -> list[MatchRow]:
    """Rows of a statement, in the order of the file; what is ours only at the end."""
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
    """A gateway to which segments were handed in a month for which no statement is there."""

    gateway: str
    segments: int
    """Handed to it in that month."""


def missing_statements(connection: Connection, gateways: Iterable[str], month: date) -> list[MissingStatement]:
    """Which of these gateways took messages from us in the month and have no statement for it."""
    asked = {"gateways": list(gateways), "month": month, "next_month": Period.month_of(month).next.first}
    return values_of(MissingStatement, connection.execute(statement("statements/months_without"), asked))


# --- Files that were refused ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatementRefusal:
    """A file that was to be a statement and was refused."""

    form: str
    """Form, as the folder is named that it lay in; empty: in none."""
    month: date | None
    file_name: str
    sha256: str | None
    refused_at: datetime
    refused_by: str
    faults: int
    message: str
    """In Vietnamese: a sentence, then a line for each fault."""


@dataclass(frozen=True, slots=True)
class KeptRefusal(StatementRefusal):
    """A file that was refused, as it was last."""

    refusal_no: int
    replaced_by: int | None
    """The good statement that came later."""
    set_aside_at: datetime | None
    set_aside_by: str | None
    set_aside_reason: str | None


def save_refusal(connection: Connection, refusal: StatementRefusal) -> int:
    """Keeps that a file was refused; returns the refusal's number."""
    row = connection.execute(statement("statements/save_refusal"), asdict(refusal)).fetchone()
    assert row is not None
    return int(row["refusal_no"])


def list_refusals(connection: Connection, *, settled: bool = False) -> list[KeptRefusal]:
    """Files that were refused and that nothing replaced yet, the newest first; ``settled``: all of them."""
    return values_of(
        KeptRefusal, connection.execute(statement("statements/refusals"), {"settled": settled, "most": _MOST_REFUSALS})
    )


def settled_refusals(connection: Connection) -> set[tuple[str, str]]:
    """(form, SHA-256) of refused files that need not be tried again."""
    rows = connection.execute(statement("statements/settled_refusals"))
    return {(row["form"], row["sha256"]) for row in rows}


def set_refusal_aside(connection: Connection, refusal_no: int, by: str, reason: str, now: datetime) -> bool:
    """Sets the refusals of a file aside; ``False``: there is none with this number, or it was before."""
    asked = {"refusal_no": refusal_no, "by": by, "reason": reason, "now": now}
    return connection.execute(statement("statements/set_refusal_aside"), asked).rowcount > 0


_MOST_UNREAD = 50
"""That are listed: a month has a few."""


@dataclass(frozen=True, slots=True)
class StatementUpload:
    """A statement that is put into its folder."""

    form: str
    month: date
    """Its first day."""
    file_name: str
    """In the folder."""
    sha256: str
    uploaded_at: datetime
    uploaded_by: str


def one_upload_at_a_time(connection: Connection) -> None:
    """Waits until nobody else puts a statement into its folder; from then on others wait for this transaction's end."""
    connection.execute(statement("uploads/one_at_a_time"))


def save_upload(connection: Connection, upload: StatementUpload) -> int:
    """Writes down who put a statement there; returns the upload's number."""
    row = connection.execute(statement("uploads/save"), asdict(upload)).fetchone()
    assert row is not None
    return int(row["upload_no"])


def unread_uploads(connection: Connection, since: datetime) -> list[StatementUpload]:
    """Statements that were put there since, and that no run has taken or refused, the newest first."""
    return values_of(
        StatementUpload, connection.execute(statement("uploads/unread"), {"since": since, "most": _MOST_UNREAD})
    )


def who_uploaded(connection: Connection, sha256: str, form: str) -> str | None:
    """Who put this file there by the page; ``None``: nobody, it came another way."""
    row = connection.execute(statement("uploads/who_uploaded"), {"sha256": sha256, "form": form}).fetchone()
    return None if row is None else str(row["uploaded_by"])


def segments_handed(connection: Connection, gateway: str, month: date) -> int:
    """Segments that we handed to a gateway in a month, by our own count."""
    asked = {"gateway": gateway, "month": month, "next_month": Period.month_of(month).next.first}
    row = connection.execute(statement("statements/segments_handed"), asked).fetchone()
    assert row is not None
    return int(row["segments"])
