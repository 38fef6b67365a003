"""Simulate software that can only export files, and the clerk who puts each export into a folder.

``python -m motcua.sandbox.vendor.clerk --folder F --into I`` runs both until SIGTERM. The folder F has the software's
state. Exports are written into the folder I.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import xlsxwriter  # type: ignore[import-untyped]

from motcua.jobs.exports.forms import Column, ExportForm
from motcua.sandbox.machine.parts import told_to_stop
from motcua.sandbox.vendor.joining import exporting
from motcua.sandbox.vendor.office import AT_FIRST, Office, OfficeMemory
from motcua.sandbox.vendor.portal import status_at
from motcua.sandbox.world.happenings import Dossier, Effects
from motcua.sandbox.world.procedures import ZONE, Agency
from motcua.settings import settings

FIRST_AFTER: Final = timedelta(seconds=3)
"""Time from the start to the first export. By then the first dossiers were received, and none has a result."""
EVERY: Final = timedelta(seconds=40)
_MOST_DOSSIERS: Final = 300
"""How many dossiers an export has at most. The oldest ended dossiers are left out."""
_KEPT: Final = 20
"""How many exports the clerk leaves in the folder."""


class _Memory(OfficeMemory):
    """The state of the software, with the number of its exports."""

    exports: int = 0


class Clerk(Office[_Memory]):
    """The software of one agency, and its clerk."""

    def __init__(
        self,
        folder: Path,
        into: Path,
        agency: Agency,
        form: ExportForm,
        say: Callable[[str], None],
        *,
        every: timedelta = EVERY,
        first: int = AT_FIRST,
        random: Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Continue with the state in ``folder``, as if no time had passed; without a state, begin anew.

        Args:
            folder: the software's own folder.
            into: the folder for exports.
            agency: the agency that uses the software. Its fields also state how its dossiers proceed.
            form: headings and words of the exports.
            say: function that gets a sentence about each failure. The sentence contains no personal data.
            every: time between two exports.
            first: number of dossiers that are received at the first start.
            random: generator of random numbers.
            clock: returns aware datetimes.
        """
        self._into, self._form, self._say = into, form, say
        self._every = every
        super().__init__(folder / "clerk.json", _Memory, agency, first=first, random=random, clock=clock)
        self._next_export = self._clock() + FIRST_AFTER

    def tick(self) -> None:
        """Let due events happen, and write an export if it is time."""
        now = self.live()
        if now < self._next_export:
            return
        self._next_export = now + self._every
        try:
            self._export(now)
        except OSError as error:
            self._say(f"no export could be written: {error.strerror}")
        self._store_state(now)

    def _dossier_changed(self, effects: Effects) -> None:
        """Do nothing: the next export shows the change."""

    def _dossier_ended(self, code: str) -> None:
        alive = {each.dossier for each in self.memory.planned}
        over = [each for each in self.memory.dossiers if each not in alive]
        for each in over[: max(0, len(self.memory.dossiers) - _MOST_DOSSIERS)]:
            del self.memory.dossiers[each]

    def _export(self, now: datetime) -> None:
        self._into.mkdir(parents=True, exist_ok=True)
        path = self._into / f"ho-so {now.astimezone(ZONE):%Y-%m-%d %H%M%S}.xlsx"
        draft = path.with_suffix(".part")
        with xlsxwriter.Workbook(draft) as book:
            sheet = book.add_worksheet(self._form.sheets[0])
            columns = list(self._form.columns)
            sheet.write_row(0, 0, [self._form.columns[column][0] for column in columns])
            known = [each for each in self.memory.dossiers.values() if each.status is not None]
            # The clerk's list begins with the newest dossier.
            for line, dossier in enumerate(reversed(known), start=1):
                for place, column in enumerate(columns):
                    sheet.write_string(line, place, self._cell_text(dossier, column))
        draft.replace(path)
        self.memory.exports += 1
        for old in sorted(self._into.glob("ho-so *.xlsx"))[:-_KEPT]:
            old.unlink(missing_ok=True)

    def _cell_text(self, dossier: Dossier, column: Column) -> str:
        status = status_at(dossier.status, desk=dossier.desk)
        cells: dict[Column, str] = {
            "dossier_code": dossier.written_code,
            "applicant_name": dossier.applicant_name,
            "applicant_phone": dossier.phone.written or "",
            "procedure_code": dossier.procedure.code,
            "procedure_name": dossier.procedure.name,
            "field_name": dossier.procedure.field,
            "submitted_via": self._form.submitted_via[dossier.submitted_via][0],
            "received_at": _written_time(dossier.received_at),
            "due_at": _written_time(dossier.due_at),
            "finished_at": _written_time(dossier.finished_at) if status in (9, 10) else "",
            "returned_at": _written_time(dossier.returned_at),
            "status": "" if status is None else self._form.statuses[status][0],
            "step": dossier.step or "",
            "desk": "Bộ phận Một cửa" if dossier.desk else "Phòng chuyên môn",
            "actor": dossier.last.actor if dossier.last else "",
        }
        return cells[column]


def _written_time(moment: datetime | None) -> str:
    return moment.astimezone(ZONE).strftime("%d/%m/%Y %H:%M:%S") if moment else ""


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run software and clerk until SIGTERM or SIGINT, and return the exit code."""
    played = exporting()
    parser = argparse.ArgumentParser(prog="python -m motcua.sandbox.vendor.clerk", description=__doc__)
    parser.add_argument("--folder", type=Path, default=settings().data / "clerk", help="the software's own folder")
    parser.add_argument(
        "--into", type=Path, default=settings().data / "files" / played.source, help="folder for exports"
    )
    parser.add_argument("--every", type=float, default=EVERY.total_seconds(), help="seconds between two exports")
    parser.add_argument("--first", type=int, default=AT_FIRST, help="dossiers that are received at the first start")
    given = parser.parse_args(arguments)
    stop = told_to_stop()

    given.folder.mkdir(parents=True, exist_ok=True)
    every = timedelta(seconds=given.every)
    clerk = Clerk(given.folder, given.into, played.agency, played.form, _say, every=every, first=given.first)
    printed_exports = clerk.memory.exports
    while not stop.wait(0.2):
        clerk.tick()
        if clerk.memory.exports != printed_exports:
            printed_exports = clerk.memory.exports
            at = datetime.now(UTC).isoformat(timespec="seconds")
            print(
                json.dumps({"at": at, "exports": printed_exports, "dossiers": len(clerk.memory.dossiers)}), flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
