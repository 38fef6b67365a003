"""Build a simulated world for the reconciliation: two sources, a phone network, and two months of invented dossiers.

The reconciliation compares the ledger with the sources, and counts the figures of each finished period. The two sources
have different one-stop software. The life of each dossier follows a story with a known end, for example that its result
is collected, taken back or lost. All events and all runs of the system's jobs are on one timeline, so the real jobs and
the oracle see the same days.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from motcua.domain.run_window import EVERYTHING, Window
from motcua.gateways import open_gateway
from motcua.gateways.adapter import GatewayCall, InquiryReading
from motcua.jobs.notices.answering import answer
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import SourceFailed, pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.receiving import store_and_read_receipt
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.settling import settle
from motcua.jobs.tasks.apologize_due_tomorrow import read_source
from motcua.sandbox.network.scripted import TAKEN, Answer
from motcua.store.agencies import list_agencies, save_agencies
from motcua.store.ledger.database import open_connection
from motcua.store.notices.sources import map_status
from tests.ground import CONTRACT_KEYS, CONTRACT_TABLES, Desks, agency, in_ledger
from tests.prove.worlds.ledgers import LEDGER_CLOCK
from tests.prove.worlds.reconciliation_oracle import (
    LANDLINE,
    ZONE,
    Dossier,
    Message,
    Office,
    Oracle,
    Row,
    Step,
    at,
    day_of,
)

ODD_STATUS = 12
"""Status that some desks write in place of 9; the system cannot use it until a person maps it to status 9."""
NEVER_HEARD_OF = "X.99"
"""Another code of the fourth agency. A person enters it as the agency's alias on the day ``Schedule.alias``."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Schedule:
    """Days of the simulation on which something special happens, counted from 0; ``None`` if it never happens."""

    days: int
    first_day: date
    after: int = 6
    """Number of days for which the system still runs after the last new dossier."""
    joins: int = 0
    """Day on which the sixth agency starts to take part, at noon.

    On the day ``joins_again`` this start is moved two days earlier.
    """
    joins_again: int | None = None
    unread: int | None = None
    """Day that is closed while the second source does not answer."""
    missed: int | None = None
    """Day on whose evening the second source does not answer until it is too late for apologies."""
    caught_up: int | None = None
    """Day on whose evening the second source does not answer until 20:00; then the apologies are planned late."""
    rewritten: int | None = None
    cleaned: int | None = None
    rowless: int | None = None
    moved: int | None = None
    """Day on which the ninth agency's start is moved to two days before this day.

    On the day ``moved_back`` the start is moved back to the beginning.
    """
    moved_back: int | None = None
    sending: int | None = None
    mapped: int | None = None
    unplanned: int | None = None
    deleted: int | None = None
    very_late: int | None = None
    alias: int | None = None
    healed: int | None = None
    without_message: int | None = None
    forged: int | None = None

    def day(self, number: int | None) -> date:
        """Return the date of a numbered day; a date far in the past if there is no number."""
        return date(1990, 1, 1) if number is None else self.first_day + number * DAY


TWO_MONTHS = Schedule(
    days=61, first_day=date(2024, 11, 1), joins=10, joins_again=14, unread=12, missed=15, caught_up=17, rewritten=16,
    cleaned=18, rowless=19, moved=20, moved_back=38, sending=22, mapped=25, unplanned=27, deleted=29, very_late=32,
    alias=40, healed=36, without_message=42, forged=45,
)  # fmt: skip
"""November and December 2024, with the end of a quarter and of a year.

The months are long past, so that a source's cursor (the newest time read) is never later than the server's own clock.
"""
EIGHT_DAYS = Schedule(
    days=8, first_day=date(2024, 12, 28), after=2, joins=2, unread=2, missed=3, caught_up=2, rewritten=2, cleaned=3,
    rowless=2, moved=5, sending=4, mapped=4, unplanned=1, deleted=4, very_late=5, alias=5, healed=6, without_message=5,
    forged=6,
)  # fmt: skip
"""Eight days across the end of a month, a quarter and a year."""
THREE_DAYS = Schedule(days=3, first_day=date(2024, 5, 13), after=1, deleted=2, cleaned=1)
"""Three days, for the simulations in which the system is broken on purpose."""


def offices(schedule: Schedule) -> list[Office]:
    began = at(schedule.first_day, 0, 0)
    code = "000.00.{:02}.H32".format
    return [
        Office(code(1), "one", began),
        Office(code(2), "one", began, accented=True, same_day_excluded=True),
        Office(code(3), "one", began, kinds_off=("supplement", "apology")),
        Office(code(4), "one", began, aliases=("H32.4",)),
        Office(code(5), "two", began),
        Office(code(6), "two", at(schedule.first_day + schedule.joins * DAY, 12, 0)),
        Office(code(7), "two", began, hold=2 * HOUR),
        Office(code(8), "one", None),
        Office(code(9), "one", began),
    ]


# ---------------------------------------------------------------------------------------------------- the sources

_OPENCPS = """
CREATE SCHEMA opencps;
CREATE TABLE opencps."HoSo" (
    "MaHoSo" text PRIMARY KEY, "MaTTHC" text, "TenTTHC" text, "TenLinhVuc" text, "ChuHoSo" text, "SoDienThoai" text,
    "HinhThuc" text, "NgayTiepNhan" text, "NgayHenTra" text, "TrangThaiHoSo" text, "TrangThaiBoSung" text,
    "PhongBanXuLy" text, "NgayKetThucXuLy" text, "NgayTra" text, "DonViXuLy" text, "GhiChu" text,
    "NgayCapNhat" timestamptz NOT NULL
);
CREATE INDEX ON opencps."HoSo" ("NgayCapNhat");
CREATE TABLE opencps."TienDoXuLy" (
    "TienDoXuLyId" bigint PRIMARY KEY, "MaHoSo" text NOT NULL, "NguoiXuLy" text, "ThoiDiemXuLy" text,
    "PhongBanXuLy" text, "NoiDungXuLy" text, "GhiChu" text, "TrangThai" text, "TrangThaiBoSung" text, "DonViXuLy" text,
    "NgayGhi" timestamptz NOT NULL
);
CREATE INDEX ON opencps."TienDoXuLy" ("NgayGhi");
CREATE INDEX ON opencps."TienDoXuLy" ("MaHoSo");
"""


def _upsert(table: str, key: tuple[str, ...], values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    names = [f'"{name}"' for name in values]
    places = [f"%({name})s" for name in values]
    changes = [f'"{name}" = excluded."{name}"' for name in values]
    keys = ", ".join(f'"{name}"' for name in key)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(places)})"
        f" ON CONFLICT ({keys}) DO UPDATE SET {', '.join(changes)}",
        values,
    )


class ContractSource:
    """A source database with the two views of the source contract."""

    adapter, tables = "contract", CONTRACT_TABLES + CONTRACT_KEYS

    @staticmethod
    def row(dossier: Dossier, row: Row) -> tuple[str, dict[str, Any]]:
        return _upsert(
            "onestop.dossiers",
            ("agency_code", "dossier_code"),
            {
                "dossier_code": dossier.code, "agency_code": dossier.written, "procedure_code": row.procedure,
                "procedure_name": f"Thủ tục {row.procedure}", "field_name": "Hộ tịch", "applicant_name": "Lan",
                "applicant_phone": row.phone, "phone_entered_at": row.received_at, "submitted_via": row.via,
                "received_at": row.received_at, "due_at": row.due_at, "step_name": "Xử lý", "status_code": row.status,
                "at_one_stop_desk": row.desk, "finished_at": row.finished_at, "returned_at": row.returned_at,
                "updated_at": row.updated_at,
            },
        )  # fmt: skip

    @staticmethod
    def step(dossier: Dossier, step: Step) -> tuple[str, dict[str, Any]]:
        return _upsert(
            "onestop.transitions",
            ("transition_id",),
            {
                "transition_id": step.number, "agency_code": dossier.written, "dossier_code": dossier.code,
                "from_step": "Xử lý", "to_step": "Xử lý", "status_code": step.status, "at_one_stop_desk": step.desk,
                "occurred_at": step.occurred_at, "recorded_at": step.recorded_at, "actor": "can.bo",
            },
        )  # fmt: skip


def _without_separators(moment: datetime | None) -> str | None:
    return moment and moment.astimezone(ZONE).strftime("%Y%m%d%H%M%S")


class OpencpsSource:
    """A source database with the tables of OpenCPS: dates are text, and the desk is a department."""

    adapter, tables = "opencps", _OPENCPS

    @staticmethod
    def _desk(status: int, desk: bool) -> dict[str, Any]:
        return {
            "TrangThaiBoSung": "MotCua" if desk and status == 5 else None,
            "PhongBanXuLy": "MOT_CUA" if desk and status != 5 else "CHUYEN_MON",
        }

    @classmethod
    def row(cls, dossier: Dossier, row: Row) -> tuple[str, dict[str, Any]]:
        values = {
            "MaHoSo": dossier.code, "MaTTHC": row.procedure, "TenTTHC": f"Thủ tục {row.procedure}",
            "TenLinhVuc": "Hộ tịch", "ChuHoSo": "Nguyễn Thị Lan", "SoDienThoai": row.phone,
            "HinhThuc": {"direct": "0", "postal": "1", "online": "2"}[row.via],
            "NgayTiepNhan": _without_separators(row.received_at), "NgayHenTra": _without_separators(row.due_at),
            "TrangThaiHoSo": str(row.status), "NgayKetThucXuLy": _without_separators(row.finished_at),
            "NgayTra": _without_separators(row.returned_at), "DonViXuLy": dossier.written,
            "NgayCapNhat": row.updated_at,
        } | cls._desk(row.status, row.desk)  # fmt: skip
        return _upsert('opencps."HoSo"', ("MaHoSo",), values)

    @classmethod
    def step(cls, dossier: Dossier, step: Step) -> tuple[str, dict[str, Any]]:
        values = {
            "TienDoXuLyId": step.number, "MaHoSo": dossier.code, "ThoiDiemXuLy": _without_separators(step.occurred_at),
            "NoiDungXuLy": "Xử lý", "TrangThai": str(step.status), "DonViXuLy": dossier.written,
            "NgayGhi": step.recorded_at,
        } | cls._desk(step.status, step.desk)  # fmt: skip
        return _upsert('opencps."TienDoXuLy"', ("TienDoXuLyId",), values)


MAKES: dict[str, type[ContractSource] | type[OpencpsSource]] = {"one": ContractSource, "two": OpencpsSource}

# ----------------------------------------------------------------------------------------------- the phone network

SAID: dict[str, Answer] = {"202": TAKEN, "400": (400, "receiver rejected"), "503": (503, "busy"), "reset": "reset"}
"""Name of an answer in a story → the gateway's answer over HTTP."""


GSM_TWICE = set("^{}\\[~]|€")


def segments_of(text: str, accented: bool) -> int:
    """Return the number of SMS segments of a text by GSM 03.38 and 03.40.

    A text in one segment has up to 160 characters, or 70 with accents. Each segment of a longer text has 153
    characters, or 67 with accents.
    """
    length = len(text.encode("utf-16-be")) // 2 if accented else sum(1 + (c in GSM_TWICE) for c in text)
    alone, part = (70, 67) if accented else (160, 153)
    return 1 if length <= alone else -(-length // part)


def international(phone: str) -> str:
    return f"+84{phone[1:]}"


# -------------------------------------------------------------------------------------------------------- the world


@dataclass(frozen=True)
class Receipt:
    """A receipt that the network sends when the time ``after`` has passed since it accepted the message."""

    after: timedelta
    status: int


@dataclass
class Fate:
    """Behaviour of the phone network for one number: its answers in turn, and the receipts of each accepted attempt."""

    answers: list[str] = field(default_factory=list)
    receipts: list[list[Receipt]] = field(default_factory=list)
    """Receipts of each accepted attempt; an attempt beyond this list is delivered within a minute and a half."""


STORIES = {
    "result texted, then fetched or left at the desk": 26, "supplement asked for, which comes or does not": 9,
    "processing is suspended; some dossiers go on": 4, "no phone": 5, "its phone is corrected, for some too late": 3,
    "done on the day": 4, "taken back and given again: two occasions": 3,
    "taken back and given again within ten minutes of the message: no second message": 2,
    "two events in one pick-up that exclude each other: the newer wins": 3,
    "its appointed day is moved once or twice": 3, "its procedure is corrected after the message was sent": 3,
    "the row alone shows the result, and is changed back without a step": 2,
    "row and transition are minutes apart, in either order": 2,
    "the row shows the result a day before the transition": 1, "committed minutes after it was recorded": 3,
    "recorded after the day's last pick-up": 3, "fetched before the result was read": 2,
    "handed over without an earlier result": 2, "withdrawn": 2, "not accepted for processing": 2, "late": 6,
    "done on the appointed day, after the apology": 6,
    "fetched, and taken up again when its day and month are closed": 2, "a status that nobody knows yet": 2,
    "an agency's code that nobody knows yet": 1, "recorded days after it happened": 1,
    "recorded before midnight, committed when the day is closed": 1,
    "stopped or withdrawn on the appointed day, after the apology": 2,
}  # fmt: skip
"""Story of a life → its relative frequency."""


class World:
    """All events of the simulated days on one timeline, drawn from one seed."""

    def __init__(self, seed: int, schedule: Schedule, per_day: int) -> None:
        self.random = random.Random(seed)
        self.schedule = schedule
        self.offices = offices(schedule)
        self.by_code = {office.code: office for office in self.offices}
        self.days = [schedule.first_day + n * DAY for n in range(schedule.days)]
        self.end = at(self.days[-1] + DAY, 0, 0)
        self.procedures = [f"1.{1000 + 37 * n:06}" for n in range(30)]
        self.fates: dict[str, Fate] = {}
        self.acts: list[tuple[datetime, int, Callable[[Stage], None]]] = []
        self._order = itertools.count()
        self._codes = itertools.count(1)
        self._phones = itertools.count(905310001)
        self._steps: list[tuple[str, datetime, int, Step]] = []
        self.planted: dict[str, Any] = {}
        """Name of a special event → dossier that it happens to."""
        for day in self.days:
            for office in self.offices:
                for _ in range(per_day):
                    self._add_life(office, day)
        self._add_special_dossiers()
        for source in ("one", "two"):
            steps = sorted((each for each in self._steps if each[0] == source), key=lambda each: each[1:3])
            for number, (_, _, _, step) in enumerate(steps, 10):
                step.number = number

    # --- adding events

    def do(self, moment: datetime, act: Callable[[Stage], None]) -> None:
        heapq.heappush(self.acts, (moment, next(self._order), act))

    def moment(self, day: date, first: float = 7.5, last: float = 17.0) -> datetime:
        """Return a random moment of a day between two hours, never within two minutes of a run of the jobs."""
        while True:
            moment = at(day, 0, 0) + timedelta(seconds=self.random.randint(int(first * 3600), int(last * 3600)))
            clock = moment.hour * 60 + moment.minute
            if all(abs(clock - run) > 2 for run in (360, 660, 900, 1050, 1051, 1200)):
                return moment

    def phone(self) -> str:
        return f"0{next(self._phones)}"

    def dossier(self, office: Office, received: datetime, *, written: str | None = None, **changes: Any) -> Dossier:
        """Add a dossier that is received at a moment, with its row and its first transition."""
        lot = self.random
        code = f"{office.code[7:9]}{received.astimezone(ZONE):%m%d}{next(self._codes):05}"
        dossier = Dossier(office.source, written or office.code, code)
        if written is None and office.aliases and lot.random() < 0.5:
            dossier.written = office.aliases[0]
        due = received + lot.randint(3, 12) * DAY
        values: dict[str, Any] = {
            "procedure": lot.choice(self.procedures[:: 1 + (office.source == "two")]),
            "received_at": received,
            "due_at": at(day_of(due), *lot.choice([(16, 30), (11, 30), (17, 0)])),
            "phone": self.phone(),
            "via": lot.choice(["direct", "direct", "online", "postal"]),
        } | changes
        row = Row(status=2, desk=False, updated_at=received, **values)
        self.do(received, lambda stage: stage.begin(dossier, row))
        self.step(dossier, received, 2)
        return dossier

    def step(
        self, dossier: Dossier, moment: datetime, status: int, desk: bool = False, *, occurred: datetime | None = None,
        visible: datetime | None = None, recorded: datetime | str | None = "as written",
    ) -> Step:  # fmt: skip
        written = moment if recorded == "as written" else recorded
        assert not isinstance(written, str)
        step = Step(0, status, desk, occurred or moment, written)
        self._steps.append((dossier.source, moment, next(self._order), step))
        self.do(visible or moment, lambda stage: stage.write_step(dossier, step))
        return step

    def row(self, dossier: Dossier, moment: datetime, *, visible: datetime | None = None, **changes: Any) -> None:
        self.do(visible or moment, lambda stage: stage.write_row(dossier, moment, changes))

    def both(
        self, dossier: Dossier, moment: datetime, status: int, desk: bool = False, *, visible: datetime | None = None,
        **changes: Any,
    ) -> Step:  # fmt: skip
        if status == 9 and desk:
            changes = {"finished_at": moment} | changes
        if status == 10:
            changes = {"returned_at": moment} | changes
        step = self.step(dossier, moment, status, desk, visible=visible)
        self.row(dossier, moment, visible=visible, status=status, desk=desk, **changes)
        return step

    def later(self, moment: datetime, days: int) -> datetime:
        """Return a random working hour ``days`` days later; for 0 days a moment two to five hours later."""
        if days == 0:
            return moment + timedelta(minutes=self.random.randint(130, 300))
        return self.moment(day_of(moment) + days * DAY)

    def work(self, dossier: Dossier, received: datetime) -> datetime:
        now = received + timedelta(minutes=self.random.randint(5, 50))
        self.both(dossier, now, 4)
        return self.later(now, self.random.choice([0, 1, 1, 2, 3, 5, 8]))

    # --- stories

    def _add_life(self, office: Office, day: date) -> None:
        (story,) = self.random.choices(list(STORIES), list(STORIES.values()))
        self._play_story(story, office, self.moment(day))

    def _draw_fate(self, phone: str | None) -> None:
        """Draw the network's behaviour for a number: most messages are delivered, some are not."""
        if phone is None:
            return
        lot = self.random
        hour = timedelta(seconds=lot.randint(3600, 80_000))
        fates = {
            "delivered": (Fate(), 70),
            "undelivered": (Fate(receipts=[[Receipt(timedelta(seconds=40), 2)]]), 6),
            "no receipt": (Fate(receipts=[[]]), 6),
            "late": (Fate(receipts=[[Receipt(lot.randint(1, 2) * DAY + hour, 1)]]), 6),
            "very late": (Fate(receipts=[[Receipt(lot.randint(4, 6) * DAY + hour, lot.choice([1, 2]))]]), 4),
            "corrected": (Fate(receipts=[[Receipt(timedelta(seconds=9), 2), Receipt(DAY + hour, 1)]]), 2),
            "twice": (Fate(receipts=[[Receipt(timedelta(seconds=9), 8), Receipt(timedelta(seconds=20), 1),
                                      Receipt(timedelta(seconds=30), 1), Receipt(DAY, 2)]]), 2),
            "refused": (Fate(["400"]), 3),
            "busy": (Fate(["503", "202"]), 3),
            "busy for days": (Fate(["503"] * 40), 1),
            "reset": (Fate(["reset"]), 1),
            "reset, then reported": (Fate(["reset"], [[Receipt(DAY + hour, lot.choice([1, 2]))]]), 1),
        }  # fmt: skip
        name = lot.choices(list(fates), [weight for _, weight in fates.values()])[0]
        self.fates[phone] = fates[name][0]

    def _add_inquiry(self, dossier: Dossier | None, moment: datetime, text: str | None = None) -> None:
        phone = self.phone()
        self.do(moment, lambda stage: stage.inquire(dossier, phone, text or f"MCKH {dossier and dossier.code}"))

    def _play_story(self, story: str, office: Office, received: datetime) -> None:
        """Add a life that follows this story of ``STORIES``."""
        lot, both, later, day = self.random, self.both, self.later, day_of(received)

        def due(days: int) -> datetime:
            return at(day + days * DAY, 16, 30)

        def ordinary(**changes: Any) -> tuple[Dossier, datetime]:
            changes.setdefault("phone", self.phone())
            self._draw_fate(changes["phone"])
            dossier = self.dossier(office, received, **changes)
            return dossier, self.work(dossier, received)

        def plain(**changes: Any) -> tuple[Dossier, datetime]:
            """Add a dossier whose messages are all delivered."""
            dossier = self.dossier(office, received, **changes)
            return dossier, self.work(dossier, received)

        match story:
            case "result texted, then fetched or left at the desk":
                dossier, ready = ordinary()
                both(dossier, ready, 9, True)
                if lot.random() < 0.35:
                    self._add_inquiry(dossier, later(ready, lot.choice([1, 1, 2])))
                if lot.random() < 0.7:
                    both(dossier, later(ready, lot.choice([1, 2, 3, 4])), 10)
            case "supplement asked for, which comes or does not":
                dossier, asked = ordinary()
                both(dossier, asked, 5, lot.random() < 0.85)
                if lot.random() < 0.8:
                    again = later(asked, lot.choice([1, 2, 3]))
                    both(dossier, again, 4)
                    both(dossier, later(again, lot.choice([0, 1, 2])), 9, True)
            case "processing is suspended; some dossiers go on":
                dossier, moment = ordinary()
                both(dossier, moment, lot.choice([6, 8]))
                if lot.random() < 0.5:
                    again = later(moment, lot.choice([1, 2, 4]))
                    both(dossier, again, 4)
                    both(dossier, later(again, 1), 9, True)
            case "no phone":
                dossier, ready = ordinary(phone=lot.choice([None, LANDLINE]))
                both(dossier, ready, lot.choice([9, 9, 5]), True)
                if lot.random() < 0.4:
                    self._add_inquiry(dossier, later(ready, 1))
            case "its phone is corrected, for some too late":
                first = lot.choice([None, LANDLINE, self.phone()])
                if first not in (None, LANDLINE):
                    undelivered = Fate(receipts=[[Receipt(timedelta(seconds=30), 2)]])
                    self.fates[first] = undelivered if lot.random() < 0.5 else Fate(["400"])
                dossier, ready = plain(phone=first)
                both(dossier, ready, 9, True)
                self.row(dossier, later(ready, lot.choice([1, 1, 2, 4])), phone=self.phone())
            case "done on the day":
                dossier = self.dossier(office, received, due_at=at(day, 17, 0))
                both(dossier, received + timedelta(minutes=lot.randint(10, 40)), 9, True)
            case "taken back and given again: two occasions":
                dossier, ready = ordinary()
                both(dossier, ready, 9, True)
                back = later(ready, lot.choice([0, 1, 2]))
                both(dossier, back, 4, finished_at=None)
                both(dossier, later(back, lot.choice([0, 1, 3])), 9, True)
            case "taken back and given again within ten minutes of the message: no second message":
                dossier, _ = plain()
                both(dossier, at(day + DAY, 10, 50), 9, True)
                both(dossier, at(day + DAY, 11, 4, 10), 4, finished_at=None)
                both(dossier, at(day + DAY, 11, 8, 20), 9, True)
            case "two events in one pick-up that exclude each other: the newer wins":
                dossier, _ = plain()
                both(dossier, at(day + DAY, 13, 10, 5), 9, True)
                both(dossier, at(day + DAY, 13, 31, 6), lot.choice([5, 4]), True, finished_at=None)
            case "its appointed day is moved once or twice":
                dossier, ready = ordinary(due_at=due(4))
                for days in lot.choice([(1,), (2,), (1, 3)]):
                    moved = due(lot.randint(3, 9))
                    self.row(dossier, later(received, days) + 3 * MINUTE, due_at=moved)
                both(dossier, later(ready, 4), 9, True)
            case "its procedure is corrected after the message was sent":
                first, second = lot.sample(self.procedures[:: 1 + (office.source == "two")], 2)
                dossier, ready = ordinary(due_at=due(200), procedure=first)
                both(dossier, ready, 9, True)
                self.row(dossier, later(ready, lot.choice([0, 1, 3])), procedure=second)
            case "the row alone shows the result, and is changed back without a step":
                dossier, ready = ordinary(due_at=due(100))
                self.row(dossier, ready, status=9, desk=True, finished_at=ready)
                if lot.random() < 0.4:
                    self.row(dossier, later(ready, 1), status=4, desk=False, finished_at=None)
            case "row and transition are minutes apart, in either order":
                dossier, ready = ordinary()
                apart = timedelta(seconds=lot.randint(60, 1200))
                row, step = (ready, ready + apart) if lot.random() < 0.5 else (ready + apart, ready)
                self.row(dossier, row, status=9, desk=True, finished_at=row)
                self.step(dossier, step if day_of(row) == day_of(step) else row, 9, True)
            case "the row shows the result a day before the transition":
                dossier, ready = ordinary(due_at=due(100))
                self.row(dossier, ready, status=9, desk=True, finished_at=ready)
                self.step(dossier, later(ready, 1), 9, True)
            case "committed minutes after it was recorded":
                dossier, ready = ordinary()
                both(dossier, ready, 9, True, visible=ready + timedelta(seconds=lot.randint(30, 560)))
            case "recorded after the day's last pick-up":
                dossier, _ = plain()
                both(dossier, self.moment(day + 9 * DAY, 20.1, 23.9), 9, True)
            case "recorded before midnight, committed when the day is closed":
                dossier, _ = plain()
                both(dossier, at(day + 9 * DAY, 23, 57, 30), 9, True, visible=at(day + 10 * DAY, 6, 20, 5))
            case "fetched before the result was read":
                dossier, _ = plain()
                both(dossier, at(day + 9 * DAY, 8, 10, 7), 9, True)
                both(dossier, at(day + 9 * DAY, 9, 40, 8), 10)
            case "handed over without an earlier result":
                dossier, ready = ordinary()
                both(dossier, ready, 10, finished_at=ready - 3 * MINUTE)
            case "withdrawn":
                dossier, moment = ordinary()
                both(dossier, moment, 7, finished_at=lot.choice([None, moment]))
            case "not accepted for processing":
                both(self.dossier(office, received), received + 7 * MINUTE, lot.choice([1, 3]))
            case "late":
                ordinary(due_at=due(lot.randint(1, 5)))
            case "done on the appointed day, after the apology":
                dossier = self.dossier(office, received)
                both(dossier, received + 9 * MINUTE, 4)
                days = lot.randint(1, 4)
                self.row(dossier, received + 15 * MINUTE, due_at=due(days))
                both(dossier, self.moment(day + days * DAY, 8, 16), 9, True)
            case "stopped or withdrawn on the appointed day, after the apology":
                dossier = self.dossier(office, received, due_at=due(2))
                both(dossier, received + 9 * MINUTE, 4)
                both(dossier, self.moment(day + 2 * DAY, 8, 16), lot.choice([8, 7, 6]))
            case "fetched, and taken up again when its day and month are closed":
                dossier, ready = ordinary()
                both(dossier, ready, 9, True)
                fetched = later(ready, 1)
                both(dossier, fetched, 10)
                again = later(fetched, lot.choice([2, 5, 9]))
                both(dossier, again, 4, finished_at=None, returned_at=None)
                both(dossier, later(again, 3), 9, True)
            case "a status that nobody knows yet":
                dossier, ready = ordinary()
                self.step(dossier, ready, ODD_STATUS, True)
            case "an agency's code that nobody knows yet":
                dossier = self.dossier(self.offices[3], received, written=NEVER_HEARD_OF)
                both(dossier, self.work(dossier, received), 9, True)
            case "recorded days after it happened":
                dossier = self.dossier(office, received)
                ready = later(received, 5)
                self.step(dossier, ready, 9, True, occurred=ready - 4 * DAY)
                self.row(dossier, ready, status=9, desk=True, finished_at=ready)

    # --- special dossiers

    def _add_special_dossiers(self) -> None:
        """Add dossiers with special events, and inquiries and receipts that belong to no dossier."""
        plan, lot = self.schedule, self.random
        one, five = self.by_code["000.00.01.H32"], self.by_code["000.00.05.H32"]

        def ready(name: str, office: Office, moment: datetime, **changes: Any) -> Dossier:
            changes.setdefault("due_at", at(day_of(moment) + 100 * DAY, 16, 30))
            dossier = self.dossier(office, moment - 26 * HOUR, **changes)
            self.planted[name] = dossier
            return dossier

        for day in self.days:
            self._add_inquiry(None, at(day, 23, 30, 7), "MCKH")
            for n in range(2):
                self._add_inquiry(
                    None, self.moment(day, 8, 23.9), lot.choice(["MCKH 9999999999", "MCKH", "alo", f"MCKH 77{n}"])
                )
        for n in (1, 3, plan.days // 2):
            day = self.days[min(n, plan.days - 1)]
            self.do(self.moment(day), lambda stage: stage.stray_receipt())
        if plan.rewritten is not None:
            # The source rewrites two recorded steps: one result disappears as if it had never been there, and another
            # result appears as if it had always been there.
            moment = at(plan.day(plan.rewritten), 9, 15)
            gone, come = ready("rewritten away", one, moment - DAY), ready("rewritten into", five, moment - DAY)
            was, became = self.both(gone, moment - DAY, 9, True), self.both(come, moment - DAY, 4)
            self.do(moment, lambda stage: stage.rewrite(gone, was, 4, False))
            self.do(moment, lambda stage: stage.rewrite(come, became, 9, True))
            edited = ready("procedure edited", one, moment - DAY, procedure=self.procedures[0])
            self.both(edited, moment - DAY, 9, True)
            self.row(edited, moment, procedure=self.procedures[1])
        if plan.missed is not None:
            # This dossier needs an apology that is not planned before the closing of its day.
            due = at(plan.day(plan.missed) + DAY, 16, 30)
            dossier = ready("evening missed", five, at(plan.day(plan.missed), 12, 0), due_at=due)
            self.both(dossier, at(plan.day(plan.missed), 12, 0), 4)
        if plan.cleaned is not None:
            # One step has no recorded time, and another step was recorded in the last century.
            moment = at(plan.day(plan.cleaned), 9, 20)
            for name, recorded in (("no recorded time", None), ("recorded in 1999", at(date(1999, 12, 31), 9, 0))):
                self.step(ready(name, one, moment), moment, 9, True, recorded=recorded)
        if plan.rowless is not None:
            # The row of this transition's dossier appears a day later.
            moment = at(plan.day(plan.rowless), 10, 10)
            rowless = Dossier("one", one.code, f"01rowless{next(self._codes):05}")
            self.do(moment, lambda stage: stage.begin(rowless, None))
            self.step(rowless, moment, 9, True)
            values = Row(self.procedures[0], moment - DAY, None, self.phone(), "direct", 9, True, moment + DAY)
            self.do(moment + DAY, lambda stage: stage.begin(rowless, values))
            # This row shows a result one day before its transition appears.
            early = ready("row a day before", five, moment)
            self.row(early, moment, status=9, desk=True, finished_at=moment)
            self.step(early, moment + DAY, 9, True)
        if plan.unplanned is not None:
            # This transition is read at night, and its message is not planned before the closing.
            moment = at(plan.day(plan.unplanned), 22, 0)
            self.both(ready("not planned", five, moment), moment, 9, True)
        if plan.deleted is not None:
            # This transition is deleted from the ledger after it is read and before its message is planned.
            moment = at(plan.day(plan.deleted), 13, 0)
            self.step(ready("deleted", one, moment), moment, 9, True)
            self.both(ready("read after it", one, moment), moment + 110 * MINUTE, 4)
        if plan.very_late is not None:
            # This transition is committed two days late. Pick-ups miss it, because before their cursor (the newest time
            # read) they read only the last twenty-six hours again.
            moment = at(plan.day(plan.very_late), 10, 0)
            late = ready("committed two days late", one, moment)
            self.both(late, moment, 9, True, visible=moment + 2 * DAY + 150 * MINUTE)
            self.both(ready("read before it", one, moment), moment + 50 * MINUTE, 4)
        if plan.without_message is not None:
            # The message of this dossier is deleted from the ledger later.
            moment = at(plan.day(plan.without_message), 14, 0)
            self.both(ready("its message deleted", one, moment, phone=None), moment, 9, True)
        if plan.forged is not None:
            # A forged message is inserted for this dossier later.
            ready("forged", one, at(plan.day(plan.forged), 9, 0))
        if plan.sending is not None:
            # This message is in flight when its day is closed.
            moment, phone = at(plan.day(plan.sending), 21, 0), self.phone()
            self.fates[phone] = Fate(["503", "202"])
            self.both(ready("in flight", five, moment, phone=phone), moment, 9, True)


# --------------------------------------------------------------------------------------------------- the real system


class Stage:
    """Carries out each act on the sources, the network and the ledger, and reports it to the oracle."""

    def __init__(self, world: World, desks: Desks, ledger_dsn: str) -> None:
        self.world, self.desks, self.network = world, desks, desks.gateway
        self.ledger_dsn = ledger_dsn
        self.ledger = psycopg.connect(ledger_dsn, autocommit=True)
        self.now = at(world.days[0], 0, 0)
        self.oracle = Oracle(world.offices, self.now - DAY)
        self.ledger.execute(LEDGER_CLOCK)
        self._configure()

    def _configure(self) -> None:
        agencies = [
            agency(
                office.code, name=f"Sở số {n}", enabled_from=office.enabled_from, accented=office.accented,
                same_day_excluded=office.same_day_excluded, kinds_off=office.kinds_off, result_hold=office.hold,
                aliases=office.aliases,
            )
            for n, office in enumerate(self.world.offices, 1)
        ]  # fmt: skip
        in_ledger(save_agencies, agencies, "proof")
        self.gateway = open_gateway("kannel")
        # Use one connection for all receipts and inquiries, as a web process does.
        self.callbacks = open_connection()
        for name, numbers in self.world.fates.items():
            self.network.by_number[international(name)] += [SAID[answer] for answer in numbers.answers]
        # The first pick-up of a source begins at its oldest record, so write one row and one step into each source.
        row = Row(None, self.now - DAY, None, None, "direct", 2, False, self.now - DAY)
        for name, make in MAKES.items():
            first = Dossier(name, "nobody", "first")
            self.desks[name].connection.execute(*make.row(first, row))
            self.desks[name].connection.execute(*make.step(first, Step(1, 2, False, self.now - DAY, self.now - DAY)))
            self.set_clock(self.now)
            pick_up(name, now=self.now)

    def set_clock(self, moment: datetime) -> None:
        """Set the clock from which the ledger takes the times of its own records."""
        self.now = moment
        self.ledger.execute("UPDATE prove.clock SET moment = %s", (moment,))

    def close(self) -> None:
        self.ledger.close()
        self.callbacks.close()

    # --- acts at the sources

    def begin(self, dossier: Dossier, row: Row | None) -> None:
        if dossier not in self.oracle.of_source[dossier.source]:
            self.oracle.add(dossier)
        if row is not None:
            self._put_row(dossier, row)

    def _put_row(self, dossier: Dossier, row: Row) -> None:
        self.desks[dossier.source].connection.execute(*MAKES[dossier.source].row(dossier, row))
        self.oracle.write_row(dossier, row)

    def write_row(self, dossier: Dossier, moment: datetime, changes: dict[str, Any]) -> None:
        assert dossier.row is not None
        self._put_row(dossier, replace(dossier.row, updated_at=moment, **changes))

    def write_step(self, dossier: Dossier, step: Step) -> None:
        self.desks[dossier.source].connection.execute(*MAKES[dossier.source].step(dossier, step))
        self.oracle.write_step(dossier, step)

    def rewrite(self, dossier: Dossier, step: Step, status: int, desk: bool) -> None:
        self.oracle.rewrite_step(dossier, step, status, desk)
        self.desks[dossier.source].connection.execute(*MAKES[dossier.source].step(dossier, step))

    # --- acts of the system

    def read(self, source: str, window: Window = EVERYTHING, *, waits: bool = False) -> None:
        try:
            if waits:
                read_source(source, window, self.now)
            else:
                pick_up(source, window, self.now)
        except SourceFailed:
            return
        bounds = (window.start, window.end) if window.start and window.end else None
        self.oracle.read(source, self.now, bounds)

    def plan(self, window: Window = EVERYTHING) -> None:
        plan(window, self.now)
        self.oracle.plan(self.now)

    def apologize(self, *, left_over: bool) -> None:
        apologize(EVERYTHING, self.now, left_over=left_over)
        self.oracle.apologize(self.now, left_over=left_over)

    def send(self) -> None:
        moment = self.now
        if self.ledger.execute("SELECT FROM motcua.messages WHERE state = 'queued' LIMIT 1").fetchone() is not None:
            send(f"run {moment.isoformat()}", clock=lambda: moment)
        self.report_sends_to_oracle()

    def report_sends_to_oracle(self) -> None:
        for message in self.oracle.send(self.now, self._answer):
            self.expect_receipts(message)

    def _answer(self, phone: str) -> str:
        answers = self.world.fates[phone].answers if phone in self.world.fates else []
        return answers.pop(0) if answers else "202"

    def expect_receipts(self, message: Message) -> None:
        """Put the receipts of a message that was just sent on the timeline."""
        assert message.phone is not None
        number = international(message.phone)
        asked = next((asked for asked in reversed(self.network.asked) if asked["to"] == number), None)
        if asked is None:
            return
        message.segments = segments_of(asked["text"], asked["coding"] == "2")
        reference = parse_qs(urlsplit(asked["dlr-url"]).query)["reference"][0]
        message.reference = reference
        if message.state not in ("accepted", "unknown"):
            return
        fate = self.world.fates.get(message.phone)
        receipts = [Receipt(timedelta(seconds=self.world.random.randint(3, 90)), 1)]
        if fate and fate.receipts:
            receipts = fate.receipts.pop(0)
        elif message.state == "unknown":
            receipts = []
        for receipt in receipts:
            self.world.do(
                self.now + receipt.after,
                lambda stage, r=receipt: stage.report(message, reference, r.status),
            )

    def report(self, message: Message, reference: str, status: int) -> None:
        self._store_receipt({"reference": reference, "status": str(status)})
        if message.reference == reference:
            self.oracle.receipt(message, status, self.now)

    def stray_receipt(self) -> None:
        self._store_receipt({"reference": f"nobody {self.now.isoformat()}", "status": "1"})
        self.oracle.stray_receipts.append(self.now)

    def _store_receipt(self, receipt: Mapping[str, str]) -> None:
        store_and_read_receipt(self.callbacks, "kannel", self.gateway.read_receipt(GatewayCall(receipt)))

    def inquire(self, dossier: Dossier | None, phone: str, text: str) -> None:
        reading = InquiryReading(international(phone), text, f"{phone} {self.now.isoformat()}", self.now)
        reply = answer(self.callbacks, "kannel", reading, self.now)
        self.callbacks.commit()
        known = dossier if dossier is not None and dossier.seen else None
        self.oracle.inquire(known, self.now, segments_of(reply.text, reply.accented))

    def settle(self) -> None:
        moment = self.now
        settle(f"settle {moment.isoformat()}", clock=lambda: moment)
        self.oracle.settle(moment)

    # --- acts of people

    def change_agency(self, code: str, **changes: Any) -> None:
        agencies = [replace(each, **changes) for each in in_ledger(list_agencies) if each.agency_code == code]
        in_ledger(save_agencies, agencies, "proof")
        office = self.oracle.offices[code]
        self.oracle.act += 1
        for name, value in changes.items():
            setattr(office, name, value)
        self.oracle.codes.update(dict.fromkeys(office.aliases, code))
        for dossier in self.oracle.of_source[office.source]:
            if self.oracle.agency(dossier) == code:
                self.oracle.note(dossier, "scope_changed")
                for known in dossier.known:
                    if (
                        known.outcome == "out_of_scope"
                        and office.enabled_from
                        and known.occurred_at >= office.enabled_from
                    ):
                        known.outcome = None

    def map_odd_status(self) -> None:
        for source in MAKES:
            in_ledger(map_status, source, ODD_STATUS, 9, "lan")
            self.oracle.statuses[source][ODD_STATUS] = 9

    # --- forbidden changes of the ledger

    def delete_transition(self, dossier: Dossier) -> None:
        """Delete a dossier's last transition from the ledger with triggers and keys switched off."""
        known = dossier.known[-1]
        assert known.step is not None
        self._execute_without_guards(
            "DELETE FROM motcua.transitions AS t USING motcua.dossiers AS d WHERE t.dossier_id = d.dossier_id"
            " AND d.dossier_code = %s AND t.source_transition_id = %s",
            (dossier.code, known.step.number),
        )
        dossier.known.remove(known)
        self.oracle.unread[dossier.source].append((dossier, known.step))

    def delete_message(self, dossier: Dossier) -> None:
        """Delete a dossier's messages from the ledger, with their history."""
        for table in ("message_history", "messages"):
            self._execute_without_guards(
                f"DELETE FROM motcua.{table} WHERE message_id IN (SELECT m.message_id FROM motcua.messages AS m"
                " INNER JOIN motcua.dossiers AS d USING (dossier_id) WHERE d.dossier_code = %s)",
                (dossier.code,),
            )
        for message in dossier.messages:
            self.oracle.messages.remove(message)
        dossier.messages.clear()

    def forge_messages(self, dossier: Dossier) -> None:
        """Insert a message without an event, and a message without a dossier."""
        for dossier_id in (None, 987654321):
            self._execute_without_guards(_FORGE, {"code": dossier.code, "dossier_id": dossier_id, "now": self.now})
            assert dossier.last is not None
            self.oracle.messages.append(
                Message(
                    "result", self.oracle.agency(dossier) or "", dossier.last.procedure or "",
                    None if dossier_id else dossier, self.now, self.now, self.now, self.now, "suppressed", "missing",
                    is_forged=True,
                )
            )  # fmt: skip

    def _execute_without_guards(self, sql: str, values: Any) -> None:
        self.ledger.execute("SET session_replication_role = replica")
        self.ledger.execute(sql, values)
        self.ledger.execute("SET session_replication_role = origin")


_FORGE = """
WITH made AS (
    INSERT INTO motcua.messages (
        kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, text, template_id,
        template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
        next_attempt_at, changed_at
    )
    SELECT
        'result', coalesce(%(dossier_id)s, d.dossier_id), d.agency_code, d.procedure_code, 'forged',
        coalesce(%(dossier_id)s, t.transition_id), 'suppressed', 'missing', 'x', 'result', 1, '{}', FALSE, 1, %(now)s,
        %(now)s, %(now)s, %(now)s, %(now)s, %(now)s
    FROM motcua.dossiers AS d
    INNER JOIN motcua.transitions AS t USING (dossier_id)
    WHERE d.dossier_code = %(code)s
    ORDER BY t.transition_id
    LIMIT 1
    RETURNING message_id
)

INSERT INTO motcua.message_history (message_id, to_state, to_reason)
SELECT message_id, 'suppressed', 'missing' FROM made
"""
