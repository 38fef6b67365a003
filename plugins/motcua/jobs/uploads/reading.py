"""Read a file from outside in a separate process with limits on its memory and time.

Such a file comes from a browser, or somebody put it into a folder for exports. Airflow's API server shows the upload
pages and also serves the tasks that send messages. A hostile file that the server itself read could delay messages. The
separate process has no connection to a database and no password. It gets the open file and returns its result as JSON.
Only one file is read at a time.
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

_MOST_MEMORY: Final = 4 * 1024**3
"""Bytes of address space that the process may map. Only a part of them takes memory."""
_MOST_PROCESSOR_SECONDS: Final = 90
"""Seconds of processor time that the process may use."""
_LONGEST_WAIT: Final = 30
"""Seconds to wait until the previous file is read."""
_MOST_SHOWN: Final = 200
"""Largest number of rows of a list of phones that a page shows."""
_MOST_ROWS: Final = 20_000
"""Largest number of rows to correct, and of rows to review, in the workbook."""
_reading = threading.Lock()


@dataclass(frozen=True, slots=True)
class Reader:
    """The program that reads, and how long the caller waits for it."""

    program: Sequence[str] = (sys.executable, "-P", "-m", "motcua.jobs.uploads.reading")
    patience: float = 100.0
    """Seconds until the file is refused because reading takes too long."""


READER: Final = Reader()


class ReaderBusy(Exception):
    """Other files are being read at this moment."""


def read_statement_apart(
    file: IO[bytes], name: str, form: str, month: date | None, now: datetime, by: Reader = READER
) -> dict[str, Any]:
    """Read a carrier statement and return ``month``, ``lines``, ``segments``, ``amount``, ``inquiries``, ``revenue``.

    Raises:
        FileRefused: the file cannot be imported.
        ReaderBusy: other files are being read.
    """
    asked = {"form": form, "month": month and month.isoformat(), "now": now.isoformat()}
    return _read_apart("statement", file, name, asked, by)


def check_phones_apart(file: IO[bytes], name: str, province: str, by: Reader = READER) -> dict[str, Any]:
    """Check a list of phones and return the counts, the first rows to correct and to review, and a workbook.

    The process gets the list in memory, so that the list is never written to a disk.

    Raises:
        FileRefused: the file is no table, or is a table of something else.
        ReaderBusy: other files are being read.
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
    *,
    is_accepted: bool,
) -> ReadExport:
    """Read an export and return its content.

    Raises:
        FileRefused: the file cannot be imported.
        ReaderBusy: other files are being read.
    """
    asked = _export_arguments(form, agencies, own, now) | {"is_accepted": is_accepted}
    return ReadExport(**_read_export_fields("export", file, name, asked))


def preview_export_apart(
    file: IO[bytes],
    name: str,
    form: ExportForm | None,
    agencies: AgencyWords,
    own: Sequence[str],
    now: datetime,
) -> PreviewedExport:
    """Preview an export as a form (the description of a source's files) would read it.

    Without a form, the preview has only the headings and the sheets of the file.

    Raises:
        ReaderBusy: other files are being read.
    """
    try:
        read = _read_export_fields("preview", file, name, _export_arguments(form, agencies, own, now))
    except FileRefused as refused:
        # The process could not read enough of the file for a preview.
        return PreviewedExport(is_refused=True, faults=list(refused.faults))
    return PreviewedExport(**read)


def _read_export_fields(
    what: Literal["export", "preview"], file: IO[bytes], name: str, asked: Mapping[str, object]
) -> dict[str, Any]:
    """Read an export in the separate process and return the fields of ``ReadExport`` or ``PreviewedExport``."""
    read: dict[str, Any] = _read_apart(what, file, name, asked)["read"]
    return read | {
        "faults": [FileFault(**fault) for fault in read["faults"]],
        "keys": [(agency, code) for agency, code in read["keys"]],
    }


def _export_arguments(
    form: ExportForm | None, agencies: AgencyWords, own: Sequence[str], now: datetime
) -> dict[str, object]:
    """Return the arguments for reading an export, as JSON values."""
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
    """Read a file in the separate process, once no other file is being read.

    Raises:
        FileRefused: the process refused the file.
        ReaderBusy: other files were read for ``_LONGEST_WAIT`` seconds.
    """
    if not _reading.acquire(timeout=_LONGEST_WAIT):
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
    """Start the process, give it the file, and return its answer. If the process fails, the answer has ``faults``."""
    heavy = {"faults": [asdict(FileFault("too_heavy"))], "month": None}
    given = json.dumps({"what": what, "name": name, **asked}).encode()
    # The process reads a file from outside. Its environment has the paths of code and texts, and no secrets.
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key in ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME") or key == "MOTCUA_HOME"
    }
    environment = inherited | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
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
        # The log has only the kind of the error, because its text may hold a cell.
        log.error("a file that was sent could not be read: %s", answer["failed"])
        return {"faults": [asdict(FileFault("not_a_table"))], "month": None}
    return answer


# --- In the process that reads ----------------------------------------------------------------------------------

_OUT_OF_MEMORY: Final = 77


def _limit_resources() -> None:
    """Set the limits of this process."""
    import resource

    for bound, most in (
        (resource.RLIMIT_AS, _MOST_MEMORY),
        (resource.RLIMIT_CPU, _MOST_PROCESSOR_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(bound)
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(bound, (wanted, wanted))
    # If the machine runs out of memory, the kernel ends this process first and not the server.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def _read_statement(content: bytes, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Read a carrier statement and return its figures."""
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


def _read_export(content: bytes, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Read or preview an export."""
    form = None if asked["form"] is None else ExportForm.model_validate(asked["form"])
    now = datetime.fromisoformat(asked["now"])
    given = asked["agencies"], asked["own"], now
    if asked["what"] == "preview":
        return {"read": asdict(preview_export(content, asked["name"], form, *given))}
    assert form is not None
    return {"read": asdict(read_export(content, asked["name"], form, *given, is_accepted=asked["is_accepted"]))}


def _read_phones(content: bytes, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Check a list of phones and return its counts and findings."""
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
        "to_mend": [_shown_finding(each) for each in check.to_correct[:_MOST_SHOWN]],
        "to_look_at": [_shown_finding(each) for each in check.to_look_at[:_MOST_SHOWN]],
        "whole": whole,
        "workbook": b64encode(workbook_of(check)).decode() if check.total else "",
    }


def _shown_finding(finding: Finding) -> dict[str, Any]:
    """Return a finding as a page shows it, with the number masked."""
    return {
        "place": finding.row.place,
        "written": mask_field(finding.row.phone),
        "code": finding.code,
        "owners": finding.owners,
    }


_READERS: Final[Mapping[str, Callable[[bytes, Mapping[str, Any]], dict[str, Any]]]] = {
    "statement": _read_statement,
    "phones": _read_phones,
    "export": _read_export,
    "preview": _read_export,
}


def read(content: bytes, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Read a file as ``asked`` describes, and return its content.

    The result has ``faults`` if the file is refused, and ``failed`` with the error's class if our own code fails.
    """
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
    """Read the file whose descriptor is the first argument, as the JSON on standard input describes."""
    _limit_resources()
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
