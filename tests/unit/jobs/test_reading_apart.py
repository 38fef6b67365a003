"""Test the separate process that reads files from outside: its limits, its environment and its log lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from tempfile import TemporaryFile
from typing import Any

import pytest

from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.uploads.reading import Reader, check_phones_apart, read_statement_apart
from tests.ground import NOW

STATEMENT = partial(read_statement_apart, form="kannel", month=None, now=NOW)
PHONES = partial(check_phones_apart, province="khanh_hoa")


def refused_by(program: str, patience: float = 60.0, read: Callable[..., Any] = STATEMENT) -> list[str]:
    """Return the fault codes of a file that is refused because ``program`` runs in place of our reader."""
    by = Reader((sys.executable, "-P", "-c", program), patience)
    with TemporaryFile() as file, pytest.raises(FileRefused) as refused:
        read(file, "x.csv", by=by)
    return [fault.code for fault in refused.value.faults]


def test_file_that_takes_too_much_is_refused_as_one_that_cannot_be_read_is():
    """A file that needs too much memory or time is refused like an unreadable file, with a code for staff."""
    assert refused_by("import sys; sys.exit(77)") == ["too_heavy"]
    assert refused_by("import time; time.sleep(60)", 0.2) == ["too_heavy"]
    assert refused_by("print('0905123456')") == ["not_a_table"]


def test_nothing_but_the_code_of_its_failure_is_logged_of_a_file(caplog):
    """A log line about an unreadable file must not quote the file, which may hold a phone number."""
    refused_by("raise ValueError('0905123456')", read=PHONES)
    assert caplog.messages == ["a file that was sent could not be read: exit code 1"]


def test_process_that_reads_knows_no_secret(caplog, monkeypatch):
    """The reading process gets no secret in its environment, because a harmful file may take over the process."""
    monkeypatch.setenv("AIRFLOW_CONN_SMS_OTHER", "http://secret")
    refused_by("import json, os; print(json.dumps({'failed': ' '.join(os.environ)}))")
    (said,) = caplog.messages
    assert set(said.partition(": ")[2].split()) <= {
        *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "HOME", "MOTCUA_HOME", "PYTHONPATH"),
        "OPENBLAS_NUM_THREADS",
    }
