"""Test the comparison of carrier statements with the ledger: matches, differences, refusals, and corrected files."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.handed_in import statement_files, statements
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.handed_in.statements import take_statement
from motcua.jobs.tasks import reconcile_carrier
from motcua.jobs.tasks.reconcile_carrier import find_files, gate, take_file, window_month
from motcua.store.ledger.database import connect
from motcua.store.ledger.rows import value_of
from motcua.store.notices.gateways import GatewayOpening, ensure_gateway, note_opening
from motcua.store.oversight.statements import VERDICTS, RowsAsked, Sums, figures_of, list_statements, match_rows
from tests.ground import NHA_TRANG, in_ledger, red_gate

MONTH = date(2026, 10, 1)
LATER = datetime(2026, 11, 5, 0, 0, tzinfo=UTC)
HEADINGS = "Loại;Mã tham chiếu;Mã giao dịch;Số thuê bao;Thời gian;Số tin;Thành tiền;Trạng thái;Mạng"


class Ours:
    """A helper that writes our attempts and citizens' inquiries directly into the ledger."""

    def __init__(self, rows) -> None:
        self.rows, self.number = rows, 0
        rows("INSERT INTO motcua.gateways (name) VALUES ('kannel') ON CONFLICT DO NOTHING")
        (source,) = rows("INSERT INTO motcua.sources (name) VALUES ('khanhhoa') RETURNING source_id")
        (dossier,) = rows(
            "INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, msisdn, picked_up_at)"
            " VALUES (%s, %s, '160915001', '+84905123456', now()) RETURNING dossier_id",
            source["source_id"],
            NHA_TRANG,
        )
        self.dossier_id = dossier["dossier_id"]

    def _add_message(self, kind: str, state: str, at: datetime) -> int:
        self.number += 1
        (row,) = self.rows(
            "INSERT INTO motcua.messages (kind, dossier_id, agency_code, occasion, state, text, template_id,"
            " template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,"
            " next_attempt_at, changed_at, carrier)"
            " VALUES (%s, %s, %s, %s, %s, 'x', 'apology', 1, '{}', FALSE, 1, %s, %s, %s, %s, %s, %s, 'MobiFone')"
            " RETURNING message_id",
            *(kind, self.dossier_id, NHA_TRANG, f"o{self.number}", state, at, at, at, at, at, at),
        )
        return int(row["message_id"])

    def attempt(self, at: datetime, state: str = "delivered", *, msisdn: str = "+84905123456", **more) -> str:
        message_id = self._add_message("apology", "queued", at)
        reference = f"our-{self.number:04d}"
        self.rows(
            "INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at,"
            " gateway_reference, segments) VALUES (%s, %s, %s, 1, 'run', %s, %s, %s, %s, %s)",
            *(message_id, more.get("gateway", "kannel"), reference, msisdn, state, at),
            *(more.get("theirs"), more.get("segments", 1)),
        )
        self.rows(
            "INSERT INTO motcua.gateway_days VALUES ('kannel', %s, %s)"
            " ON CONFLICT (gateway, day) DO UPDATE SET segments = gateway_days.segments + excluded.segments",
            *(at.astimezone(VIETNAM).date(), more.get("segments", 1)),
        )
        return reference

    def inquiry(self, at: datetime, theirs: str | None = None, msisdn: str = "+84905123456", fee: int = 1000) -> None:
        message_id = self._add_message("reply", "accepted", at)
        self.rows(
            "INSERT INTO motcua.inquiries (gateway, gateway_message_id, dedupe_key, received_at, msisdn, outcome, fee,"
            " message_id) VALUES ('kannel', %s, %s, %s, %s, 'help', %s, %s)",
            *(theirs, f"k{self.number}", at, msisdn, fee, message_id),
        )


def at(day: int, hour: int = 10, minute: int = 0, second: int = 0, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=VIETNAM)


def line(
    reference: str = "",
    theirs: str = "",
    *,
    kind: str = "MT",
    phone: str = "",
    when: datetime | None = None,
    segments: int = 1,
    amount: str = "350",
    status: str = "Thành công",
    carrier: str = "",
) -> str:
    written = f"{when or at(5):%d/%m/%Y %H:%M:%S}"
    return ";".join((kind, reference, theirs, phone, written, str(segments), amount, status, carrier))


def file_of(*lines: str, total: str = "") -> bytes:
    return "\n".join([HEADINGS, *lines, *([total] if total else [])]).encode("utf-8-sig")


def form(monkeypatch, **changes) -> None:
    """Use the shipped description of kannel's statement files, with ``changes`` to its agreed terms."""
    shipped = statement_files.load_form("kannel")
    changed = shipped.model_copy(update=changes)
    for module in (reconcile_carrier, statements):
        monkeypatch.setattr(module, "load_form", lambda name: changed)


def priced(gateway: str = "kannel", **prices: str) -> None:
    """Record in the ledger that the gateway's connection has these prices, by carrier."""
    in_ledger(ensure_gateway, gateway)
    in_ledger(note_opening, GatewayOpening(gateway, LATER, None, prices=prices))


def take(content: bytes, name: str = "bang-ke-2026-10.csv", now: datetime = LATER, by: str = "lan"):
    return take_statement(content, name, "kannel", by, now)


def figures(number: int):
    with connect() as connection:
        (found,) = figures_of(connection, list_statements(connection, statement_no=number))
        return found


def verdicts(number: int, verdict: str | None = None) -> list[tuple]:
    """Return the line, verdict, way of matching and differences of each row. Messages without a line come last."""
    found = []
    with connect() as connection:
        for each in [verdict] if verdict else ["exact", "partial", "theirs_only", "ours_only"]:
            found += match_rows(connection, number, RowsAsked(each))
    found.sort(key=lambda row: (row.line_no is None, row.line_no or 0))
    return [(row.line_no, row.verdict, row.matched_by, tuple(row.differs)) for row in found]


@pytest.mark.guarantee(
    "statements",
    "nothing of a refused file is stored; phone numbers are never stored, in references or in PostgreSQL's statistics",
)
def test_ids_that_a_provider_made_of_numbers_match_and_are_not_kept(ours, rows):
    """A provider's id that contains a phone number is used to find the id's message, and is not stored."""
    ours.attempt(at(6), theirs="35-0905123456-1")
    ours.inquiry(at(7), theirs="35-0905123456-2", msisdn="+84912000111")
    taken = take(
        file_of(
            line("", "35-0905123456-1", when=at(6, 14)),
            line("", "35-0905123456-2", kind="MO", when=at(7, 14), amount="500"),
            line("x0905123456", "35-0905.123.456", when=at(8)),
        )
    )
    found = [each[2] for each in verdicts(taken.statement_no)]
    assert found == ["gateway_reference", "gateway_reference", None]
    kept = str(rows("SELECT reference, gateway_reference FROM motcua.statement_lines"))
    kept += str(rows("SELECT gateway_reference FROM audit.attempts"))
    assert "905123" not in kept.replace(".", "")


@pytest.mark.guarantee(
    "statements",
    "a statement line is matched to its message by our reference, the provider's reference, or number and time",
)
def test_each_way_of_matching_and_each_verdict(ours, ledger):
    first = ours.attempt(at(5))
    ours.attempt(at(6), theirs="SM-2")
    ours.attempt(at(7, 10, 0, 30), msisdn="+84912000111")
    ours.attempt(at(8))
    ours.attempt(at(9), state="failed")
    taken = take(
        file_of(
            line(first, when=at(5)),
            line("unknown-to-us", "SM-2", when=at(6)),
            line(phone="0912000111", when=at(7, 10, 1)),
            line(phone="84988777666", when=at(7)),
        )
    )
    assert verdicts(taken.statement_no) == [
        (2, "exact", "reference", ()),
        (3, "exact", "gateway_reference", ()),
        (4, "exact", "number_and_time", ()),
        (5, "theirs_only", None, ()),
        (None, "ours_only", None, ()),
    ], "a refused attempt must not count as missing from the statement"
    summary = figures(taken.statement_no)
    assert (summary.stored.lines, summary.stored.segments, summary.stored.amount) == (4, 4, Decimal(1400))
    assert summary.segments_percent == Decimal(2) * 100 / 4
    assert summary.over == ["segments"]
    assert summary.allowed("segments") == 0, "one percent may differ, and one percent of four segments is less than one"
    with psycopg.connect(ledger, row_factory=psycopg.rows.dict_row) as auditor:
        auditor.execute("SET ROLE motcua_audit")
        assert figures_of(auditor, list_statements(auditor)) == [summary]


def test_reference_that_was_used_twice_is_told_apart_and_a_line_with_another_number_is_not_exact(ours):
    """If two attempts have the same reference, a line's phone number or time decides between these attempts.

    A line with another phone number than its attempt is not an exact match.
    """
    ours.attempt(at(5), theirs="17", msisdn="+84912000111")
    ours.attempt(at(20), theirs="17")
    first, second = ours.attempt(at(5)), ours.attempt(at(6))
    taken = take(
        file_of(
            line("", "17", phone="0905123456", when=at(20)),
            line("", "17", phone="0988777666", when=at(21)),
            line("", "17", when=at(5)),
            line(first, phone="0905123456"),
            line(second, phone="0912000111", when=at(6)),
        )
    )
    assert verdicts(taken.statement_no) == [
        (2, "exact", "gateway_reference", ()),
        (3, "theirs_only", None, ()),
        (4, "exact", "gateway_reference", ()),
        (5, "exact", "reference", ()),
        (6, "partial", "reference", ("number",)),
    ]


def test_each_difference_between_a_line_and_its_message_is_named(ours):
    priced(MobiFone="350", other="400")
    references = [ours.attempt(at(5 + place), segments=2 if place == 1 else 1) for place in range(5)]
    undelivered = ours.attempt(at(20), "undelivered")
    unknown = ours.attempt(at(21), "unknown")
    before = ours.attempt(at(30, month=9))
    taken = take(
        file_of(
            line(references[0], when=at(5)),
            line(references[1], when=at(6)),
            line(references[2], when=at(7), amount="400"),
            line(references[3], when=at(8, 10, 6)),
            line(references[4], when=at(9), amount="400", carrier="Viettel"),
            line(undelivered, when=at(20)),
            line(unknown, when=at(21)),
            line(before, when=at(1, 0, 0, 5)),
        )
    )
    assert verdicts(taken.statement_no) == [
        (2, "exact", "reference", ()),
        (3, "partial", "reference", ("segments", "amount")),
        (4, "partial", "reference", ("amount",)),
        (5, "partial", "reference", ("time",)),
        (6, "exact", "reference", ()),
        (7, "partial", "reference", ("status",)),
        (8, "partial", "reference", ("status",)),
        (9, "partial", "reference", ("time", "month")),
    ], "the carrier in the line decides the price, because numbers are ported between carriers"
    summary = figures(taken.statement_no)
    assert summary.of("mt", "partial").segments_off == 1
    assert summary.of("mt", "partial").amount_off == Decimal(350 + 50)
    assert summary.differs["mt", "partial", "status"] == 2


@pytest.mark.guarantee(
    "statements", "a bill that counts messages is compared with messages, whatever SMS segments they have"
)
def test_bill_of_messages_is_held_against_messages(ours, rows):
    priced("zalo", other="200")
    references = [ours.attempt(at(5 + place), gateway="zalo") for place in range(3)]
    rows("SET session_replication_role = replica")
    rows("UPDATE motcua.messages SET segments = 3")
    rows("UPDATE motcua.attempts SET unit = 'message'")
    lines = [
        f"{reference};{at(5 + place):%d/%m/%Y %H:%M:%S};200;{amount};Thành công"
        for place, (reference, amount) in enumerate(zip(references, ("200", "400"), strict=False))
    ]
    content = "\n".join(["Tracking ID;Thời gian gửi;Đơn giá;Thành tiền;Trạng thái", *lines])
    taken = take_statement(content.encode(), "bang-ke-zns-2026-10.csv", "zalo", "lan", LATER)
    assert verdicts(taken.statement_no) == [
        (2, "exact", "reference", ()),
        (3, "partial", "reference", ("amount",)),
        (None, "ours_only", None, ()),
    ]
    summary = figures(taken.statement_no)
    assert (summary.stored.segments, summary.total("mt", "our_segments")) == (2, 3)
    assert (summary.stored.amount, summary.total("mt", "our_amount")) == (600, 600)


@pytest.mark.guarantee("statements", "a message that is billed a second time is found, also a month later")
def test_line_that_bills_a_second_time_is_theirs_only(ours):
    """Only the first line that bills a message matches the message. Each further line is reported as a repeat."""
    first, second = ours.attempt(at(5), theirs="SM-1"), ours.attempt(at(6))
    taken = take(file_of(line(first), line(first, when=at(5, 11)), line("", "SM-1"), line(second, when=at(6))))
    assert verdicts(taken.statement_no) == [
        (2, "exact", "reference", ()),
        (3, "theirs_only", None, ("repeated",)),
        (4, "theirs_only", None, ("repeated",)),
        (5, "exact", "reference", ()),
    ]
    again = take(
        file_of(line(second, when=at(2, month=11))), "bang-ke-2026-11.csv", now=datetime(2026, 12, 5, tzinfo=UTC)
    )
    assert verdicts(again.statement_no) == [(2, "theirs_only", None, ("repeated",))], (
        "the message was billed in October already"
    )


@pytest.mark.guarantee(
    "statements",
    "messages to one number match the statement lines nearest in time with as many segments, one line each",
)
def test_messages_to_one_number_go_to_the_nearest_of_as_many_segments(ours):
    for minute, segments in ((0, 1), (2, 2), (4, 1)):
        ours.attempt(at(5, 10, minute), msisdn="+84912000111", segments=segments)
    taken = take(
        file_of(
            line(phone="0912000111", when=at(5, 10, 1), segments=2),
            line(phone="0912000111", when=at(5, 10, 1)),
            line(phone="0912000111", when=at(5, 10, 5)),
            line(phone="0912000111", when=at(5, 10, 3)),
        )
    )
    found = verdicts(taken.statement_no)
    assert [row[1] for row in found] == ["exact", "exact", "exact", "theirs_only"]


def test_inquiries_are_matched_and_the_share_is_held_against_the_agreed_one(ours, monkeypatch):
    """A line that pays less than the agreed share of an inquiry's price must be reported as a difference."""
    form(monkeypatch, inquiry_share_percent=Decimal(45))
    ours.inquiry(at(5), "MO-1")
    ours.inquiry(at(6), msisdn="+84912000111")
    ours.inquiry(at(7), "MO-3")
    ours.inquiry(at(8), "MO-4")
    taken = take(
        file_of(
            line("", "MO-1", kind="MO", amount="450", status=""),
            line(phone="0912000111", kind="MO", when=at(6, 10, 0, 4), amount="450", status=""),
            line("", "MO-3", kind="MO", when=at(7), amount="400", status=""),
        )
    )
    assert verdicts(taken.statement_no) == [
        (2, "exact", "gateway_reference", ()),
        (3, "exact", "number_and_time", ()),
        (4, "partial", "gateway_reference", ("amount",)),
        (None, "ours_only", None, ()),
    ]
    summary = figures(taken.statement_no)
    assert (summary.stored.inquiries, summary.our_inquiries) == (3, 4)
    assert (summary.stored.revenue, summary.our_revenue) == (Decimal(1300), Decimal(1800))
    assert summary.over == ["inquiries"]


def test_undelivered_that_is_not_billed_is_expected_to_cost_nothing(ours, monkeypatch):
    """If undelivered messages are not billed, a line that bills an undelivered message is a difference.

    An undelivered message without a line adds nothing to the difference in segments.
    """
    form(monkeypatch, undelivered_is_billed=False)
    priced(other="350")
    first, second, _ = (ours.attempt(at(day), "undelivered") for day in (5, 6, 7))
    taken = take(file_of(line(first, amount="0", status="Thất bại"), line(second, when=at(6), status="Thất bại")))
    assert verdicts(taken.statement_no) == [
        (2, "exact", "reference", ()),
        (3, "partial", "reference", ("amount",)),
        (None, "ours_only", None, ()),
    ]
    summary = figures(taken.statement_no)
    assert summary.of("mt", "ours_only").segments_off == 0, (
        "an undelivered message costs nothing here, so no line is missing for it"
    )
    assert summary.of("mt", "partial").segments_off == 1


@pytest.mark.guarantee("statements", "a stored carrier statement never changes; a corrected file supersedes it")
def test_corrected_file_supersedes_and_the_first_one_stays(ours, rows):
    first, second = ours.attempt(at(5)), ours.attempt(at(6))
    before = take(file_of(line(first)))
    after = take(file_of(line(first), line(second, when=at(6))), "bang-ke-2026-10-sua.csv")
    assert (after.supersedes, after.already_there) == (before.statement_no, False)
    assert [row[1] for row in verdicts(after.statement_no)] == ["exact", "exact"], (
        "lines of the file that is corrected do not count as billed before"
    )
    assert [row[1] for row in verdicts(before.statement_no)] == ["exact", "ours_only"]
    in_force = [each.statement_no for each in in_ledger(list_statements, month=MONTH) if each.in_force]
    assert in_force == [after.statement_no]
    again = take(file_of(line(first)))
    assert (again.statement_no, again.already_there) == (before.statement_no, True)
    assert len(rows("SELECT 1 FROM motcua.carrier_statements")) == 2
    for table, column in (
        ("carrier_statements", "month"),
        ("statement_lines", "line_no"),
        ("statement_matches", "verdict"),
    ):
        for change in (f"DELETE FROM motcua.{table}", f"UPDATE motcua.{table} SET {column} = {column}"):
            with pytest.raises(psycopg.DatabaseError, match="append-only"):
                rows(change)


@pytest.mark.guarantee("statements", "the sums of a carrier statement are those of its rows, also after a correction")
def test_sums_are_written_once_and_are_those_of_the_rows(ours, rows):
    first, second, ported = ours.attempt(at(5)), ours.attempt(at(6)), ours.attempt(at(8), segments=3)
    ours.attempt(at(9))
    ours.attempt(at(31, 23, 59))
    lines = [line(first), line(first), line(ported, segments=2, amount="350", when=at(8)), line("not-ours", amount="0")]
    taken = [take(file_of(*lines)), take(file_of(*lines, line(second, when=at(6))), "bang-ke-2026-10-sua.csv")]
    for statement_no in (each.statement_no for each in taken):
        expected: dict[tuple[str, str], Sums] = {}
        differing: Counter[tuple[str, str, str]] = Counter()
        with connect() as connection:
            found = [row for verdict in VERDICTS for row in match_rows(connection, statement_no, RowsAsked(verdict))]
        for row in found:
            key = row.direction, row.verdict
            differing.update((*key, what) for what in row.differs)
            theirs, owed = row.their_segments or 0 if row.billed else 0, row.their_amount or Decimal(0)
            counts = row.verdict != "ours_only" or not row.differs
            priced = counts and (row.verdict == "theirs_only" or row.our_amount is not None)
            was = expected.get(key, Sums())
            expected[key] = Sums(
                was.matches + 1,
                was.their_segments + theirs,
                was.their_amount + owed,
                was.our_segments + (row.our_segments or 0),
                was.our_amount + (row.our_amount or 0),
                was.segments_off + (abs(theirs - (row.our_segments or 0)) if counts else 0),
                was.amount_off + (abs(owed - (row.our_amount or 0)) if priced else 0),
            )
        written = rows("SELECT * FROM motcua.statement_sums WHERE statement_no = %s", statement_no)
        assert {(row["direction"], row["verdict"]): value_of(Sums, row) for row in written} == expected
        assert {verdict for _, verdict in expected} == set(VERDICTS)
        written = rows("SELECT * FROM motcua.statement_difference_sums WHERE statement_no = %s", statement_no)
        assert {(row["direction"], row["verdict"], row["what"]): row["matches"] for row in written} == differing
        assert (figures(statement_no).sums, figures(statement_no).differs) == (expected, differing)
    for table in ("statement_sums", "statement_difference_sums"):
        for change in (f"DELETE FROM motcua.{table}", f"UPDATE motcua.{table} SET matches = matches"):
            with pytest.raises(psycopg.DatabaseError, match="append-only"):
                rows(change)
    count = "SELECT count(*) FROM motcua.statement_sums"
    before = rows(count)
    assert take(file_of(*lines)).already_there
    assert rows(count) == before


def test_month_that_is_not_over_is_compared_as_far_as_its_statement_goes(ours):
    """Messages of a month that are newer than the month's statement must not be reported as missing."""
    first = ours.attempt(at(5, month=11))
    ours.attempt(at(5, 9, month=11))
    ours.attempt(at(5, 9, 58, month=11))
    ours.attempt(at(5, 12, month=11))
    taken = take(file_of(line(first, when=at(5, month=11))), "bang-ke-2026-11.csv", now=at(6, month=11))
    assert [row[1] for row in verdicts(taken.statement_no)] == ["exact", "ours_only"]
    # A message that was sent at the end of the month may be in the next statement.
    ours.attempt(at(31, 23, 58))
    taken = take(file_of(line("x")))
    assert verdicts(taken.statement_no, "ours_only") == [(None, "ours_only", None, ("month",))]
    assert figures(taken.statement_no).of("mt", "ours_only").segments_off == 0


@pytest.mark.guarantee(
    "statements",
    "nothing of a refused file is stored; phone numbers are never stored, in references or in PostgreSQL's statistics",
)
def test_nothing_of_a_refused_file_is_kept_and_no_number_ever(ours, rows):
    first = ours.attempt(at(5))
    with pytest.raises(FileRefused, match="dòng 3, cột “Thành tiền”"):
        take(file_of(line(first), line(first, amount="1,050.00")))
    assert rows("SELECT 1 FROM motcua.carrier_statements") == []
    take(file_of(line("", phone="0905123456"), line("", phone="0988777666")))
    kept = rows("SELECT to_jsonb(l)::text AS row FROM motcua.statement_lines AS l")
    kept += rows("SELECT to_jsonb(s)::text AS row FROM motcua.carrier_statements AS s")
    assert len(kept) == 3
    assert not any(number in row["row"] for row in kept for number in ("905123456", "988777666"))
    for table in ("lines", "ours", "pairs"):
        assert rows(f"SELECT 1 FROM statements.{table}") == []
    known = rows("SELECT attname FROM pg_stats WHERE schemaname = 'statements'")
    assert known, "PostgreSQL must have statistics of the other columns"
    assert "msisdn" not in {row["attname"] for row in known}, "PostgreSQL's statistics must not contain phone numbers"


# --- The DAG's tasks ----------------------------------------------------------------------------------------------


def test_folder_is_taken_once_and_a_broken_file_holds_up_no_other(ours, folder, configure):
    """Each good file of the folder is imported once. A refused file delays no other file and is read again."""
    first = ours.attempt(at(5))
    (folder / "bang-ke-2026-09.csv").write_bytes(file_of(line("x", amount="abc", when=at(5, month=9))))
    (folder / "bang-ke-2026-10.csv").write_bytes(file_of(line(first)))
    (folder / "~$bang-ke.xlsx").write_bytes(b"x")
    (folder / "ghi-chu.docx").write_bytes(b"x")
    found = find_files(EVERYTHING)
    assert [each["file"] for each in found] == ["bang-ke-2026-09.csv", "bang-ke-2026-10.csv"]
    taken = [take_file(each["form"], each["file"], "run-1", LATER) for each in found]
    assert "line 2" in taken[0]["refused"]
    assert "abc" not in taken[0]["refused"]
    with red_gate(r"File bang-ke-2026-09\.csv is refused"):
        gate(EVERYTHING, taken, now=LATER)
    assert [each["file"] for each in find_files(EVERYTHING)] == ["bang-ke-2026-09.csv"]
    gate(EVERYTHING, taken[1:], now=LATER)
    window = Window(at(4, 7, month=10), at(5, 7, month=10))
    assert window_month(window) == date(2026, 9, 1)
    assert [each["file"] for each in find_files(window)] == ["bang-ke-2026-09.csv"], (
        "a backfill takes the files of its month only"
    )
    configure(MOTCUA_STATEMENTS=f"file://{folder / 'nowhere'}")
    assert find_files(EVERYTHING) == []


def test_over_the_tolerance_is_red_and_a_corrected_file_makes_it_green(ours, folder):
    """A statement that differs by more than the agreed tolerance fails the gate until a corrected file is imported."""
    first, second = ours.attempt(at(5)), ours.attempt(at(6))
    (folder / "bang-ke-2026-10.csv").write_bytes(file_of(line(first)))
    taken = [take_file(**each, run_id="run-1", now=LATER) for each in find_files(EVERYTHING)]
    with red_gate(r"over the agreed tolerance: segments"):
        gate(EVERYTHING, taken, now=LATER)
    (folder / "bang-ke-2026-10-sua.csv").write_bytes(file_of(line(first), line(second, when=at(6))))
    taken = [take_file(**each, run_id="run-2", now=LATER) for each in find_files(EVERYTHING)]
    gate(EVERYTHING, taken, now=LATER)


def test_missing_statement_warns_before_the_tenth_and_is_red_from_then_on(ours, folder, caplog):
    gate(EVERYTHING, now=LATER)
    assert "no statement" not in caplog.text, "no statement is missed if nothing was sent"
    ours.attempt(at(5))
    gate(EVERYTHING, now=datetime(2026, 11, 9, 16, 59, tzinfo=UTC))
    assert "no statement of kannel for 10/2026, in which 1 segment(s) were handed to it" in caplog.text
    with red_gate("no statement of kannel for 10/2026"):
        gate(EVERYTHING, now=datetime(2026, 11, 9, 17, 0, tzinfo=UTC))


def test_statement_of_a_part_of_the_month_does_not_hide_that_the_rest_is_missing(ours, folder):
    """A statement imported on 20 October must not hide that lines of the rest of October are missing."""
    first, second = ours.attempt(at(5)), ours.attempt(at(25))
    take(file_of(line(first)), now=at(20))
    with red_gate("no statement of kannel for 10/2026"):
        gate(EVERYTHING, now=datetime(2026, 11, 9, 17, 0, tzinfo=UTC))
    take(file_of(line(first), line(second, when=at(25))))
    gate(EVERYTHING, now=datetime(2026, 11, 9, 17, 0, tzinfo=UTC))
