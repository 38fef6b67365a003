"""Fixtures for tests of exports: a source whose files lie in a folder, and functions that import and query files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from motcua.domain.clock import VIETNAM
from motcua.jobs.exports.forms import read_export_form
from motcua.jobs.exports.taking import SETTLED, take_files
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.store.intake.clients import open_account
from motcua.store.intake.exports import Export, account_of, list_exports, set_form
from motcua.store.ledger.database import connect
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger

SOURCE = "tep"
HEADINGS = "Mã hồ sơ;Cơ quan;Số điện thoại;Ngày nhận;Hẹn trả;Trạng thái;Bước"
FORM = """
kind: whole
columns:
  dossier_code: [Mã hồ sơ]
  agency: [Cơ quan]
  applicant_phone: [Số điện thoại]
  received_at: [Ngày nhận]
  due_at: [Hẹn trả]
  status: [Trạng thái]
  step: [Bước]
  occurred_at: [Lúc]
statuses:
  1: [Mới đăng ký]
  4: [Đang xử lý]
  5: [Chờ bổ sung]
  9: [Chờ trả kết quả]
  10: [Đã trả]
supplements_at_desk: true
"""
CHANGES = FORM.replace("kind: whole", "kind: changes")


def line(code: str, status: str = "Đang xử lý", step: str = "Xử lý", **changes: str) -> str:
    """Return a line of an export."""
    cells = {"agency": NHA_TRANG, "phone": "0905123456", "received": "20/11/2026", "due": "5/12/2030"} | changes
    return ";".join((code, cells["agency"], cells["phone"], cells["received"], cells["due"], status, step))


@dataclass
class Software:
    """One-stop software that can only export files. ``now`` is the time at which files are written and read."""

    folder: Path
    now: datetime
    number: int = 0

    def drop(self, *lines: str, name: str = "", headings: str = HEADINGS, after: float = 60, ends: str = "\n") -> Path:
        """Write a file with headings and these lines, ``after`` seconds after the previous file."""
        return self.put(("\ufeff" + "\n".join((headings, *lines)) + ends).encode(), name, after)

    def put(self, content: bytes, name: str = "", after: float = 60) -> Path:
        self.now += timedelta(seconds=after)
        self.number += 1
        path = self.folder / (name or f"xuat-{self.number}.csv")
        path.write_bytes(content)
        os.utime(path, (self.now.timestamp(), self.now.timestamp()))
        return path

    def read(self) -> dict[str, int]:
        """Check the folder twice, so that its files count as complete; return the number of files of each outcome."""
        first = take_files(SOURCE, self.now)
        self.now += SETTLED
        second = take_files(SOURCE, self.now)
        found = {
            name: getattr(first, name) + getattr(second, name) for name in ("taken", "repeated", "outdated", "refused")
        }
        return {name: number for name, number in found.items() if number}


def set_form_of(form: str, *agencies: str) -> None:
    with connect() as connection:
        if account_of(connection, SOURCE) is None:
            open_account(connection, SOURCE, agencies or (NHA_TRANG, TU_PHAP), "hoa", datetime.now(UTC))
        set_form(connection, SOURCE, read_export_form(form).model_dump(mode="json"), "hoa", datetime.now(UTC))


@pytest.fixture
def software(ledger: str, agencies: None, read_here: None, configure: Callable[..., None], tmp_path: Path) -> Software:
    """Set up the source ``tep``. Each of its exports lists all dossiers of both agencies."""
    configure(MOTCUA_SOURCES=f"{SOURCE}=files", MOTCUA_FILES=f"file://{tmp_path / 'files'}")
    folder = tmp_path / "files" / SOURCE
    folder.mkdir(parents=True)
    set_form_of(FORM)
    return Software(folder, datetime.now(UTC) - timedelta(hours=2))


@pytest.fixture
def run(software: Software) -> Callable[[], set[str]]:
    """Return a function that reads files, picks up rows, plans messages, and returns reasons of quarantined rows."""

    def go() -> set[str]:
        software.read()
        counts = pick_up(SOURCE)
        plan()
        return set(counts.quarantined_by_reason)

    return go


@pytest.fixture
def states(rows: Callable[..., list[dict[str, Any]]]) -> Callable[[], dict[str, int]]:
    """Return a function that reads each dossier's status from the source's view."""

    def found() -> dict[str, int]:
        return {
            row["dossier_code"]: row["status_code"]
            for row in rows("SELECT dossier_code, status_code FROM intake.source_dossiers")
        }

    return found


@pytest.fixture
def steps(rows: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[int]]:
    """Return a function that reads the statuses of a dossier's steps, in the order of the steps' numbers."""

    def found(code: str) -> list[int]:
        return [
            row["status_code"]
            for row in rows(
                "SELECT status_code FROM intake.source_transitions WHERE dossier_code = %s ORDER BY transition_id", code
            )
        ]

    return found


def last() -> Export:
    """Return the export with the newest modification time."""
    return max(in_ledger(list_exports, SOURCE), key=lambda each: each.modified_at)


def faults_of(export: Export) -> list[tuple[str, int | None]]:
    """Return the code and the line number of each fault of a file."""
    return [(fault["code"], fault["line"]) for fault in export.faults]


def local(moment: datetime) -> str:
    """Return a time as exports write it, in Vietnam's time zone."""
    return f"{moment.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"
