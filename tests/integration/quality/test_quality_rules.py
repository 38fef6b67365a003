"""Each rule of data quality finds what is wrong, and leaves alone what is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from motcua.jobs.quality.checking import check_quality
from motcua.quality.reporting import rows_to_correct
from motcua.quality.rules import load_rules
from motcua.settings import settings
from motcua.store.ledger.database import connect
from tests.ground import Server
from tests.integration.quality.world import DAY, World, at, extra_database, quality_ledger

NOW = at(25, 5, 30)
"""A Wednesday; the day before was a day off (Ngày Văn hóa Việt Nam), Monday the 23rd the last working day."""


@dataclass(frozen=True)
class Case:
    """A dossier: what it is, and the rule that must find it, or must not."""

    rule: str
    is_bad: bool
    why: str
    row: dict[str, Any] = field(default_factory=dict)
    moves: tuple[tuple[Any, ...], ...] = ((2, at(16)), (4, at(23, 10)))
    then: Callable[[World, int], None] | None = None

    @property
    def code(self) -> str:
        return f"{self.rule}: {self.why}"[:40]


ENDED = ((2, at(16)), (4, at(17)), (9, at(20)), (10, at(23)))
WORKED = ((2, at(16)), (4, at(17)))
EARLY = ((2, at(2)), (4, at(3)))
IN_SECONDS = ((2, at(20)), (9, at(20) + timedelta(seconds=40)))


def bad(rule: str, why: str, moves: tuple[tuple[Any, ...], ...] = Case.moves, then: Any = None, **row: Any) -> Case:
    return Case(rule, True, why, row, moves, then)


def good(rule: str, why: str, moves: tuple[tuple[Any, ...], ...] = Case.moves, then: Any = None, **row: Any) -> Case:
    return Case(rule, False, why, row, moves, then)


PHONES = {
    "P1": ("missing",),
    "P2": ("too_short", "too_long"),
    "P3": ("bad_chars",),
    "P4": ("landline",),
    "P5": ("ambiguous_landline",),
    "P6": ("service_1800_1900", "emergency_short"),
    "P7": ("dummy", "repeated_digits", "sequence"),
    "P8": ("foreign",),
    "P9": ("id_card_like",),
    "P10": ("not_a_phone",),
}


def due_moves(*steps: tuple[datetime, datetime]) -> Callable[[World, int], None]:
    """The due date was set to … at …, one version each."""

    def plant(world: World, dossier: int) -> None:
        for when, due in steps:
            world.version(dossier, when, due_at=due)

    return plant


def told_at(*moments: datetime) -> Callable[[World, int], None]:
    return lambda world, dossier: [world.inquiry(dossier, moment) for moment in moments] and None


def complained(
    told: datetime, when: datetime, claim: str = "no_result_yet", **changes: Any
) -> Callable[[World, int], None]:
    """The citizen was told of the result, and complained."""

    def plant(world: World, dossier: int) -> None:
        world.message(dossier, "delivered", told, f"+84917{dossier:06d}")
        code = next(code for code, number in world.ids.items() if number == dossier)
        world.complaint(code, when, claim, dossier_id=dossier, **changes)

    return plant


def refiled(times: int) -> Callable[[World, int], None]:
    """The same owner files the same procedure again."""

    def plant(world: World, dossier: int) -> None:
        for number in range(times):
            again = world.dossier(
                f"again {dossier}-{number}",
                applicant_name=f"Trần Thị {dossier}",
                msisdn=f"+84912{dossier:06d}",
                procedure_code="1.000077",
                received_at=at(23, 8 + number),
            )
            world.move(again, 4, at(23, 11))
        world.connection.execute(
            "UPDATE motcua.dossiers SET applicant_name = %s, msisdn = %s, procedure_code = '1.000077'"
            " WHERE dossier_id = %s",
            (f"TRẦN THỊ {dossier}", f"+84912{dossier:06d}", dossier),
        )

    return plant


def shared(owners: int, days_apart: int = 1, *, same_owner: bool = False) -> Callable[[World, int], None]:
    """So many dossiers of others with the same number; the case's own is the first."""

    def plant(world: World, dossier: int) -> None:
        number = f"+84913{dossier:06d}"
        world.connection.execute("UPDATE motcua.dossiers SET msisdn = %s WHERE dossier_id = %s", (number, dossier))
        for place in range(1, owners):
            other = world.dossier(
                f"shared {dossier}-{place}",
                msisdn=number,
                applicant_name=f"Chủ {dossier}" if same_owner else f"Chủ {dossier} {place}",
                received_at=at(16) - place * days_apart * DAY,
            )
            world.move(other, 4, at(23, 10))

    return plant


def failed(*outcomes: tuple[str, bool, datetime]) -> Callable[[World, int], None]:
    """(state, of another dossier, when) of messages to the case's number."""

    def plant(world: World, dossier: int) -> None:
        number = f"+84914{dossier:06d}"
        world.connection.execute("UPDATE motcua.dossiers SET msisdn = %s WHERE dossier_id = %s", (number, dossier))
        for state, elsewhere, when in outcomes:
            of = world.dossier(f"other {dossier}", msisdn=number) if elsewhere else dossier
            world.message(of, state, when, number)

    return plant


def cleaned(detail: str, seen_at: datetime, *, of_transition: bool = False) -> Callable[[World, int], None]:
    def plant(world: World, dossier: int) -> None:
        world.insert(
            "cleaned_fields",
            code="field_cleaned",
            agency_code="A",
            dossier_id=dossier,
            transition_id=world.move(dossier, 4, at(23, 10)) if of_transition else None,
            detail=detail,
            found_at=seen_at,
            last_seen_at=seen_at,
        )

    return plant


REGISTER: dict[str, tuple[datetime | None, datetime | None]] = {}
"""What the desk's register says of a dossier code: ready, handed over."""


def register(ready: datetime | None, handed: datetime | None, *, kept: bool = True) -> Callable[[World, int], None]:
    def plant(world: World, dossier: int) -> None:
        code = next(code for code, number in world.ids.items() if number == dossier)
        if kept:
            REGISTER[code] = (ready, handed)

    return plant


CASES = [
    *(bad(rule, refusal, phone_refusal=refusal) for rule, refusals in PHONES.items() for refusal in refusals),
    *(good(rule, f"{refusals[0]}, but ended", ENDED, phone_refusal=refusals[0]) for rule, refusals in PHONES.items()),
    *(good(rule, "a number that may be texted") for rule in PHONES),
    bad("P11", "five owners in 30 days", then=shared(5)),
    good("P11", "four owners", then=shared(4)),
    good("P11", "one owner's five dossiers", then=shared(6, same_owner=True)),
    good("P11", "five owners over ten weeks", then=shared(5, days_apart=16)),
    bad("P12", "failed for another dossier", then=failed(("undelivered", True, at(20)))),
    good("P12", "reached since", then=failed(("undelivered", True, at(19)), ("delivered", False, at(20)))),
    good("P12", "failed only here", then=failed(("undelivered", False, at(20)))),
    bad("P13", "failed here", then=failed(("undelivered", False, at(20)))),
    good("P13", "delivered in the end", then=failed(("undelivered", False, at(19)), ("delivered", False, at(20)))),
    bad("P14", "a zero was added", phone_notes=["leading_zero_added"]),
    good("P14", "84 in front needs no mending", phone_notes=["prefix_84"]),
    bad("P15", "block of no carrier", phone_notes=["unknown_block"]),
    good("P15", "another note", phone_notes=["two_numbers"]),
    bad("R1", "back to work", (*WORKED, (9, at(20)), (4, at(23)))),
    bad("R1", "handed over, then a supplement", (*WORKED, (9, at(19)), (10, at(20)), (5, at(23)))),
    bad("R1", "withdrawn in between", (*WORKED, (9, at(19)), (7, at(20), {"note": "Đơn xin rút"}), (4, at(23)))),
    bad("R1", "before the desk had it", (*WORKED, (9, at(20), {"at_one_stop_desk": False}), (4, at(23)))),
    good("R1", "collected", ENDED),
    good("R1", "two rows of one result", (*WORKED, (9, at(20), {"at_one_stop_desk": False}), (9, at(20, 10)))),
    good("R1", "long ago", ((9, at(3, month=6)), (4, at(4, month=6)), (4, at(23))), received_at=at(1, month=6)),
    bad("R2", "supplement after five working days", (*WORKED, (9, at(17)), (5, at(23)))),
    bad("R2", "note at the result step", (*WORKED, (9, at(20), {"note": "HOÀN THIỆN lại hồ sơ"}))),
    bad("R2", "filed again", (*WORKED, (9, at(20))), refiled(1)),
    good("R2", "supplement after six working days", (*WORKED, (9, at(12)), (5, at(23))), received_at=at(2)),
    good("R2", "another note", (*WORKED, (9, at(20), {"note": "Đã ký duyệt, thiểu số"}))),
    good("R2", "a firm files again and again", (*WORKED, (9, at(20))), refiled(2)),
    good("R2", "supplement in time", (*WORKED, (5, at(18)))),
    bad("R3", "eleven working days", (*EARLY, (9, at(6))), received_at=at(2), procedure_code="1.000004"),
    good("R3", "ten working days", (*EARLY, (9, at(9))), received_at=at(2), procedure_code="1.000004"),
    bad("R3", "four, where all come the same day", (*WORKED, (9, at(17))), procedure_code="1.000003"),
    good("R3", "three, where all come the same day", (*WORKED, (9, at(18))), procedure_code="1.000003"),
    good("R3", "handed over, says the row", (*EARLY, (9, at(6))), received_at=at(2), returned_at=at(9)),
    bad("R7", "three silent days", (*WORKED, (4, at(18))), due_at=at(20, 17)),
    good("R7", "two silent days", (*WORKED, (4, at(19))), due_at=at(20, 17)),
    good("R7", "not due yet", (*WORKED, (4, at(18))), due_at=at(25, 17)),
    good("R7", "clock stopped", (*WORKED, (5, at(18))), due_at=at(20, 17)),
    bad("R8", "moved on the eve", then=due_moves((at(16), at(20, 17)), (at(19, 15), at(30, 17)))),
    bad("R8", "moved early, but twice", then=due_moves(
        (at(12), at(20, 17)), (at(13), at(26, 17)), (at(16), at(30, 17)))),
    good("R8", "moved early, once", then=due_moves((at(12), at(20, 17)), (at(13), at(30, 17)))),
    good("R8", "moved earlier", then=due_moves((at(16), at(27, 17)), (at(19, 15), at(20, 17))), due_at=at(20, 17)),
    good("R8", "moved for a supplement", (*WORKED, (5, at(18)), (4, at(19))),
         due_moves((at(16), at(20, 17)), (at(19, 15), at(30, 17)))),
    bad("R10", "finished before it was received", finished_at=at(12)),
    bad("R10", "finished in the future", finished_at=at(26)),
    bad("R10", "at night", (*WORKED, (4, at(23, 22)))),
    bad("R10", "on a Saturday", (*WORKED, (4, at(21, 10)))),
    bad("R10", "on a public holiday", (*WORKED, (4, at(24, 10)))),
    bad("R10", "result in seconds", IN_SECONDS, due_at=at(8, 17, month=12)),
    bad("R10", "the source's time could not be used", then=cleaned("occurred_at, note", at(23), of_transition=True)),
    good("R10", "filed online at night", ((1, at(16, 22)), (4, at(23, 10)))),
    good("R10", "result in seconds, short term", IN_SECONDS, received_at=at(20), due_at=at(23, 17)),
    good("R10", "Saturday at an agency that works", (*WORKED, (4, at(21, 10))), agency_code="SAT"),
    bad("R11", "received and left", ((2, at(18)),), received_at=at(18), status_code=2),
    bad("R11", "filed online and left", ((1, at(18)),), received_at=at(18), status_code=1),
    good("R11", "two days", ((2, at(19)),), received_at=at(19), status_code=2),
    bad("R12", "procedure changed", then=lambda world, dossier: (
        world.version(dossier, at(16), procedure_code="1.000009"), world.version(dossier, at(18)))),
    bad("R12", "withdrawn, nobody asked", (*WORKED, (7, at(20), {"note": "Rút theo yêu cầu"})), status_code=7),
    bad("R12", "withdrawn without a word", (*WORKED, (7, at(20))), status_code=7),
    good("R12", "the citizen asked", (*WORKED, (7, at(20), {"note": "Công dân đề nghị rút"})), status_code=7),
    good("R12", "same procedure in each version", then=due_moves((at(16), at(30, 17)), (at(18), at(30, 17)))),
    bad("R13", "asked twice after being told", (*WORKED, (9, at(20))), told_at(at(23), at(23, 15))),
    good("R13", "asked once", (*WORKED, (9, at(20))), told_at(at(23))),
    bad("R13", "complained on the fifth day", (*WORKED, (9, at(17))), complained(at(17), at(22, 23, 59))),
    bad("R13", "told again since, complained", (*WORKED, (9, at(17)), (9, at(20))), complained(at(20), at(23))),
    good("R13", "complained on the sixth day", (*WORKED, (9, at(17))), complained(at(17), at(23))),
    good("R13", "complained before being told", (*WORKED, (9, at(23))), complained(at(23), at(20))),
    good("R13", "complaint was taken back", (*WORKED, (9, at(20))),
         complained(at(20), at(23), withdrawn_at=at(23, 15), withdrawn_by="tests")),
    good("R13", "complained of something else", (*WORKED, (9, at(20))), complained(at(20), at(23), "wrong_content")),
    bad("D1", "due on a Sunday", due_at=at(29, 17)),
    good("D1", "due on a Saturday that is worked", due_at=at(28, 11), agency_code="SAT"),
    bad("D2", "cleaned in the row as it is", then=cleaned("step_name, due_at", at(23))),
    good("D2", "read clean since", then=cleaned("step_name", at(20))),
    good("D2", "only a time", then=cleaned("due_at", at(23))),
    bad("D3", "register has it later", (*WORKED, (9, at(20, 9))), register(at(23, 9), None)),
    bad("D3", "register does not have it", (*WORKED, (9, at(20, 9))), register(None, None, kept=False)),
    good("D3", "register had it first", (*WORKED, (9, at(20, 9))), register(at(20, 8), None)),
    good("D3", "register twenty minutes later", (*WORKED, (9, at(20, 9))), register(at(20, 9, 20), None)),
    good("D3", "an agency that keeps no register", (*WORKED, (9, at(20, 9))), agency_code="SAT"),
    bad("D4", "given back, nobody signed", ENDED, register(at(20, 8), None)),
    bad("D4", "signed, still waiting", (*WORKED, (9, at(19))), register(at(19, 8), at(20))),
    good("D4", "given back and signed", ENDED, register(at(20, 8), at(23))),
]  # fmt: skip


def plant_cases(world: World) -> None:
    for case in CASES:
        row = dict(case.row)
        status = case.moves[-1][0]
        dossier = world.dossier(case.code, row.pop("agency_code", "A"), **{"status_code": status} | row)
        for step in case.moves:
            world.move(dossier, step[0], step[1], **(step[2] if len(step) > 2 else {}))
        if case.then:
            case.then(world, dossier)
    # A procedure whose results are collected on the day.
    for number in range(30):
        dossier = world.dossier(f"quick {number}", procedure_code="1.000003", status_code=10)
        for status, when in ((2, at(16)), (9, at(17)), (10, at(17, 15))):
            world.move(dossier, status, when)


# ------------------------------------------------------------------------------------------- agencies' months

MONTHS = {
    "R3M": ("MANY-WAIT", "FEW-WAIT"),
    "R4": ("AT-ONCE", "LATER"),
    "R5": ("BATCH", "STEADY"),
    "R6": ("BEATS", "WAITS"),
    "R9": ("PARKS", "ASKS-EARLY"),
    "R14": ("BAD-PHONES", "GOOD-PHONES"),
    "R15": ("NOT-TOLD", "TOLD"),
}
"""By rule: an agency whose November it must find, and one that it must not."""


def plant_months(world: World) -> None:
    for pair in MONTHS.values():
        for code in pair:
            world.agency(code)
    for code, waiting in (("MANY-WAIT", 12), ("FEW-WAIT", 2)):
        for number in range(40):
            moves = [(2, at(2)), (4, at(3)), (9, at(4, 9 + number % 8))]
            if number >= waiting:
                moves.append((10, at(10, 9 + number % 8)))
            many(world, code, number, moves, received_at=at(2))
    for code, gap in (("AT-ONCE", timedelta(seconds=90)), ("LATER", timedelta(minutes=5))):
        for number in range(30):
            ready = at(16, 9, number)
            many(world, code, number, [(2, at(9)), (4, at(10)), (9, ready), (10, ready + gap)], received_at=at(9))
    for number in range(30):
        # Eleven changes of one user within five minutes at a quarter to five; the other's are spread over the day.
        late = at(18, 16, 45) + timedelta(seconds=25 * number) if number < 11 else at(18, 9, number)
        many(world, "BATCH", number, [(2, at(16, 9, number)), (4, late, f"batch.{number >= 11}")])
        many(world, "STEADY", number, [(2, at(16, 9, number)), (4, at(18, 9 + number % 8, number), "steady")])
    for code, beating in (("BEATS", 10), ("WAITS", 2)):
        for number in range(40):
            if number < beating:
                # To 9 on the eve, five minutes to five; collected a week after the appointed day.
                moves = [(2, at(2)), (4, at(3)), (9, at(10, 16, 50), f"c{number}"), (10, at(18, 9 + number % 7))]
            else:
                moves = [(2, at(2)), (4, at(3)), (9, at(10, 9 + number % 7)), (10, at(11, 9 + number % 7))]
            many(world, code, number, moves, received_at=at(2), due_at=at(11, 17))
    for code, late in (("PARKS", 12), ("ASKS-EARLY", 1)):
        for number in range(40):
            paused = at(17, 9 + number % 7) if number < late else at(4, 9 + number % 7)
            many(world, code, number, [(2, at(2)), (5, paused)], received_at=at(2), due_at=at(18, 17))
    for code, missing in (("BAD-PHONES", 5), ("GOOD-PHONES", 3)):
        for number in range(30):
            refusal = "landline" if number < missing else None
            many(world, code, number, [(2, at(16)), (4, at(23))], phone_refusal=refusal)
    for code, lost in (("NOT-TOLD", 4), ("TOLD", 3)):
        for number in range(30):
            moves = [(2, at(16)), (4, at(17)), (9, at(18, 9 + number % 7)), (10, at(19, 9 + number % 7))]
            dossier = many(world, code, number, moves)
            state = "undelivered" if number < lost else "delivered"
            world.message(dossier, state, at(18, 9 + number % 7), f"+84916{dossier:06d}")
        # Neither counts: switched off by the agency, and still on its way.
        for number, (state, reason) in enumerate((("suppressed", "kind_off"), ("queued", None)), 30):
            dossier = many(world, code, number, [(2, at(16)), (4, at(17)), (9, at(23))])
            world.message(dossier, state, at(23), f"+84916{dossier:06d}", reason=reason)


def many(world: World, agency: str, number: int, moves: list[tuple[Any, ...]], **row: Any) -> int:
    """One of an agency's dossiers, changed by a user of its own unless told otherwise."""
    dossier = world.dossier(f"{agency} {number}", agency, **{"status_code": moves[-1][0]} | row)
    for step in moves:
        actor = step[2] if len(step) > 2 else f"{agency}.{number}"
        world.move(dossier, step[0], step[1], actor=actor)
    return dossier


# ------------------------------------------------------------------------------------------- sources

SOURCES = {
    "S1": ("failing", "khanhhoa"),
    "S2": ("silent", "khanhhoa"),
    "S3": ("khanhhoa QUIET", "khanhhoa TALKS"),
    "S4": ("fallen", "khanhhoa"),
    "S5": ("unknown_codes", "khanhhoa"),
    "S6": ("unusable", "khanhhoa"),
    "S7": ("no_register", "khanhhoa"),
}


def plant_sources(world: World) -> None:
    for name in ("failing", "silent", "fallen", "unknown_codes", "unusable", "no_register"):
        world.source(name)
    world.connection.execute("UPDATE motcua.sources SET failed_at = %s, failure = 'x' WHERE name = 'failing'", (NOW,))
    for source, agency, until in (
        ("silent", "SILENT", 20),
        ("fallen", "FALLEN", 17),
        ("khanhhoa", "QUIET", 18),
        ("khanhhoa", "TALKS", 23),
    ):
        world.agency(agency)
        dossier = world.dossier(f"of {agency}", agency, source)
        day = datetime(2026, 10, 12, 2, tzinfo=UTC)
        while day <= at(until, 23):
            for minute in range(20 if day.weekday() < 5 else 0):
                world.move(
                    dossier, 4, day + timedelta(minutes=minute), actor=f"{agency} {minute}",
                    source_id=world.sources[source],
                )  # fmt: skip
            day += DAY
        if source == "fallen":
            world.move(dossier, 4, at(23), source_id=world.sources[source])
    for source, reason, when in (
        ("unknown_codes", "status_unknown", NOW - timedelta(hours=1)),
        ("unusable", "dossier_missing", NOW - timedelta(hours=30)),
        ("khanhhoa", "dossier_missing", NOW - timedelta(hours=2)),
    ):
        world.insert(
            "quarantine",
            source_id=world.sources[source],
            row_kind="transition",
            row_key=reason,
            reason=reason,
            payload=json.dumps({}),
            first_seen_at=when,
            last_seen_at=when,
        )


# ------------------------------------------------------------------------------------------- the run


@dataclass(frozen=True)
class Found:
    """What the one run of this module found."""

    subjects: dict[str, set[str]]
    """By rule: dossier codes, agencies with their months, sources."""
    sentences: dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def found(postgres: Server, migrated: str) -> Iterator[Found]:
    with quality_ledger(postgres, migrated) as world, extra_database(postgres) as (one_stop, address):
        world.insert("gateways", name="kannel")
        world.source("khanhhoa")
        world.agency("A")
        world.agency("SAT")
        world.insert(
            "office_hours", agency_code="SAT", valid_from="2026-01-01", opens="7:00", morning_ends="11:30",
            afternoon_begins="13:30", closes="17:00", saturday_mornings=True, authority="Thông báo 1",
        )  # fmt: skip
        with world.connection.transaction():
            plant_cases(world)
            plant_months(world)
            plant_sources(world)
        one_stop.execute(
            "CREATE SCHEMA onestop; CREATE TABLE onestop.desk_register (agency_code text, dossier_code text,"
            " result_ready_at timestamptz, handed_over_at timestamptz)"
        )
        for code, (ready, handed) in REGISTER.items():
            one_stop.execute("INSERT INTO onestop.desk_register VALUES ('A', %s, %s, %s)", (code, ready, handed))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AIRFLOW_CONN_ONESTOP_KHANHHOA", address)
            environment.setenv("MOTCUA_SOURCES", ",".join(world.sources))
            settings.cache_clear()
            counts = check_quality("rules", NOW)
        assert counts.broken == 0
        with connect() as connection:
            rows = list(rows_to_correct(connection, counts.run_no))
        keys = {
            row["finding_id"]: row["subject"]
            for row in world.connection.execute("SELECT finding_id, subject FROM motcua.findings")
        }
        subjects: dict[str, set[str]] = {code: set() for code in load_rules().rules}
        sentences = {}
        for row in rows:
            subject = row.dossier_code or keys[row.finding_id]
            subjects[row.rule.code].add(subject)
            sentences[row.rule.code, subject] = row.what
        yield Found(subjects, sentences)


def test_every_rule_is_tried_with_a_bad_row_and_a_good_one():
    tried = {(case.rule, case.is_bad) for case in CASES}
    tried |= {(rule, is_bad) for rule in (*MONTHS, *SOURCES) for is_bad in (True, False)}
    assert tried == {(code, is_bad) for code in load_rules().rules for is_bad in (True, False)}
    assert len({case.code for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{'bad' if case.is_bad else 'good'}-{case.why}")
def test_rule_about_dossiers(found, case):
    assert (case.code in found.subjects[case.rule]) is case.is_bad


@pytest.mark.parametrize("rule", MONTHS)
def test_rule_about_an_agencys_month(found, rule):
    guilty, innocent = MONTHS[rule]
    accused = {subject.split(" ")[0] for subject in found.subjects[rule]}
    assert guilty in accused
    assert innocent not in accused


@pytest.mark.parametrize("rule", SOURCES)
def test_rule_about_sources(found, rule):
    broken, whole = SOURCES[rule]
    assert broken in found.subjects[rule]
    assert whole not in found.subjects[rule]


def test_sentences_are_complete_vietnamese(found):
    assert found.sentences["R7", "R7: three silent days"] == ("Hẹn trả 20/11/2026, không có chuyển biến từ 18/11/2026.")
    assert found.sentences["R14", "BAD-PHONES 2026-11"] == (
        "25 trên 30 hồ sơ tiếp nhận trong tháng có số nhắn được (83,3\u00a0%; tháng trước chưa có)."
    )
    for sentence in found.sentences.values():
        assert sentence
        assert sentence.endswith((".", "bổ sung", "việc")) or sentence[0].isupper()
        assert "…" not in sentence
        assert "{" not in sentence
