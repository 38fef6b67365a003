"""Reads a file of strangers, which a browser sent or which was dropped as an export, in a process of its own, with
bounds on its memory and its time.

The API server also serves tasks: what a hostile file takes of it, messages would wait for. The process knows no
connection and no password; it gets the open file and says in JSON what it read. Of two files the second one waits.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import IO, Any, Final, Literal

from motcua.domain.words import AgencyWords
from motcua.jobs.exports.forms import ExportForm
from motcua.jobs.exports.reading import PreviewedExport, ReadExport, preview_export, read_export
from motcua.jobs.handed_in.faults import FileFault, FileRefused
from motcua.jobs.handed_in.phones import (
    Finding,
    check_phones,
    mask_field,
    rows_of_content,
    workbook_of,
)
from motcua.jobs.handed_in.statement_files import load_form, read_statement

log = logging.getLogger(__name__)

_MEMORY: Final = 4 * 1024**3
"""Bytes of addresses that reading a file may take: of what it maps it uses a part."""
_PROCESSOR: Final = 90
"""Seconds of a processor likewise."""
_TURN: Final = 30
"""Seconds to wait until the file before this one was read."""
_MOST_TOLD: Final = 200
"""Rows of a list of phones that a page shows."""
_MOST_ROWS: Final = 20_000
"""Rows to mend that its workbook holds."""
_reading = threading.Lock()


@dataclass(frozen=True, slots=True)
class Reader:
    """The process that reads."""

    program: Sequence[str] = (sys.executable, "-P", "-m", "motcua.jobs.uploads.reading")
    patience: float = 100.0
    """Seconds until whoever sent the file is told that it takes too long."""


READER: Final = Reader()


class ReaderBusy(Exception):
    """Others send files at this moment."""


def read_statement_apart(
    file: IO[bytes], name: str, form: str, month: date | None, now: datetime, by: Reader = READER
) -> dict[str, Any]:
    """What a statement says: ``month``, ``lines``, ``segments``, ``amount``, ``inquiries``, ``revenue``.

    Raises:
        FileRefused: it cannot be taken.
        ReaderBusy: others are read.
    """
    asked = {"form": form, "month": month and month.isoformat(), "now": now.isoformat()}
    return _read_apart("statement", file, name, asked, by)


def check_phones_apart(file: IO[bytes], name: str, province: str, by: Reader = READER) -> dict[str, Any]:
    """What a list of phones holds: counts, the first rows to mend and to look at, all of them as a workbook.

    Nothing of it is on a disk at any time: the process gets it in memory.

    Raises:
        FileRefused: it is no table, or one of something else.
        ReaderBusy: others are read.
    """
    file.seek(0)
    with os.fdopen(os.memfd_create("phones"), "w+b") as held:
        shutil.copyfileobj(file, held)
        return _read_apart("phones", held, name, {"province": province}, by)


def read_export_apart(
    file: IO[bytes],
    name: str,
    form: ExportForm,
    agencies: AgencyWords,
    own: Sequence[str],
    now: datetime,
) -> ReadExport:
    """What an export says.

    Raises:
        FileRefused: it cannot be taken.
        ReaderBusy: others are read.
    """
    return ReadExport(**_told_of_export("export", file, name, _asked_of_export(form, agencies, own, now)))


def preview_export_apart(
    file: IO[bytes],
    name: str,
    form: ExportForm | None,
    agencies: AgencyWords,
    own: Sequence[str],
    now: datetime,
) -> PreviewedExport:
    """What a form makes of an export; without one its headings alone.

    Raises:
        ReaderBusy: others are read.
    """
    try:
        told = _told_of_export("preview", file, name, _asked_of_export(form, agencies, own, now))
    except FileRefused as refused:
        # It could not even be looked into.
        return PreviewedExport(is_refused=True, faults=list(refused.faults))
    return PreviewedExport(**told)


def _told_of_export(
    what: Literal["export", "preview"], file: IO[bytes], name: str, asked: Mapping[str, object]
) -> dict[str, Any]:
    read: dict[str, Any] = _read_apart(what, file, name, asked)["read"]
    return read | {
        "faults": [FileFault(**fault) for fault in read["faults"]],
        "keys": [(agency, code) for agency, code in read["keys"]],
    }


def _asked_of_export(
    form: ExportForm | None, agencies: AgencyWords, own: Sequence[str], now: datetime
) -> dict[str, object]:
    return {
        "form": form and form.model_dump(mode="json"),
        "agencies": dict(agencies),
        "own": list(own),
        "now": now.isoformat(),
    }


def _read_apart(
    what: Literal["statement", "phones", "export", "preview"],
    file: IO[bytes],
    name: str,
    asked: Mapping[str, object],
    by: Reader = READER,
) -> dict[str, Any]:
    if not _reading.acquire(timeout=_TURN):
        raise ReaderBusy
    try:
        read = _answer(what, file, name, asked, by)
    finally:
        _reading.release()
    if "faults" in read:
        refused = FileRefused(name, [FileFault(**fault) for fault in read["faults"]])
        refused.month = date.fromisoformat(read["month"]) if read["month"] else None
        raise refused
    return read


def _answer(what: str, file: IO[bytes], name: str, asked: Mapping[str, object], by: Reader) -> dict[str, Any]:
    heavy = {"faults": [asdict(FileFault("too_heavy"))], "month": None}
    given = json.dumps({"what": what, "name": name, **asked}).encode()
    # It looks at a file of strangers: it is told where to find code and words, and nothing that is secret.
    kept = {
        key: value
        for key, value in os.environ.items()
        if key in ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME") or key == "MOTCUA_HOME"
    }
    environment = kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
    file.flush()
    descriptor = file.fileno()
    try:
        done = subprocess.run(
            [*by.program, str(descriptor)],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[descriptor],
            env=environment,
            timeout=by.patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return heavy
    if done.returncode < 0 or done.returncode == _OUT_OF_MEMORY:
        return heavy
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        answer = {"failed": f"exit code {done.returncode}"}
    if "failed" in answer:
        # By its kind alone: what it says may hold a cell.
        log.error("a file that was sent could not be read: %s", answer["failed"])
        return {"faults": [asdict(FileFault("not_a_table"))], "month": None}
    return answer


# --- In the process that reads ----------------------------------------------------------------------------------

_OUT_OF_MEMORY: Final = 77


def _bounded() -> None:
    import resource

    for bound, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _PROCESSOR),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(bound)
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(bound, (wanted, wanted))
    # Where memory runs out for all, this one goes first, and not the server.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def _statement(content: bytes, asked: Mapping[str, Any]) -> dict[str, Any]:
    month = date.fromisoformat(asked["month"]) if asked["month"] else None
    now = datetime.fromisoformat(asked["now"])
    read = read_statement(content, asked["name"], load_form(asked["form"]), month, now)
    return {
        "month": read.month.isoformat(),
        "lines": len(read.lines),
        "segments": read.segments,
        "amount": str(read.amount),
        "inquiries": read.inquiries,
        "revenue": str(read.revenue),
    }


def _export(content: bytes, asked: Mapping[str, Any]) -> dict[str, Any]:
    form = None if asked["form"] is None else ExportForm.model_validate(asked["form"])
    now = datetime.fromisoformat(asked["now"])
    given = asked["agencies"], asked["own"], now
    if asked["what"] == "preview":
        return {"read": asdict(preview_export(content, asked["name"], form, *given))}
    assert form is not None
    return {"read": asdict(read_export(content, asked["name"], form, *given))}


def _phones(content: bytes, asked: Mapping[str, Any]) -> dict[str, Any]:
    check = check_phones(rows_of_content(content, asked["name"]), asked["province"])
    reasons: Counter[str] = Counter()
    for counts in check.by_agency.values():
        reasons.update({str(reason): number for reason, number in counts.items() if reason})
    whole = len(check.to_correct) <= _MOST_ROWS and len(check.to_look_at) <= _MOST_ROWS
    mend, look = len(check.to_correct), len(check.to_look_at)
    check.to_correct, check.to_look_at = check.to_correct[:_MOST_ROWS], check.to_look_at[:_MOST_ROWS]
    return {
        "total": check.total,
        "textable": check.textable,
        "reasons": reasons.most_common(),
        "mend": mend,
        "look": look,
        "to_mend": [_told(each) for each in check.to_correct[:_MOST_TOLD]],
        "to_look_at": [_told(each) for each in check.to_look_at[:_MOST_TOLD]],
        "whole": whole,
        "workbook": b64encode(workbook_of(check)).decode() if check.total else "",
    }


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "place": finding.row.place,
        "written": mask_field(finding.row.phone),
        "code": finding.code,
        "owners": finding.owners,
    }


_READERS: Final[Mapping[str, Callable[[bytes, Mapping[str, Any]], dict[str, Any]]]] = {
    "statement": _statement,
    "phones": _phones,
    "export": _export,
    "preview": _export,
}


def read(content: bytes, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Reads a file as ``asked`` says: what is told of it, its ``faults``, or of what kind a mistake of ours is."""
    try:
        return _READERS[asked["what"]](content, asked)
    except FileRefused as refused:
        month = refused.month and refused.month.isoformat()
        return {"faults": [asdict(fault) for fault in refused.faults], "month": month}
    except MemoryError:
        raise
    except Exception as failure:
        return {"failed": type(failure).__name__}


def main() -> None:
    """Reads the file whose descriptor is named, as the JSON on standard input says."""
    _bounded()
    asked = json.loads(sys.stdin.buffer.read())
    try:
        with os.fdopen(int(sys.argv[1]), "rb") as file:
            file.seek(0)
            answer = read(file.read(), asked)
    except MemoryError:
        sys.exit(_OUT_OF_MEMORY)
    sys.stdout.write(json.dumps(answer, default=str))


if __name__ == "__main__":
    main()
