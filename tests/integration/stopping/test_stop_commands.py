"""Test ``motcua stop``, ``motcua go`` and the counts of messages: only the Department may stop sending."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.clock import VIETNAM
from motcua.jobs.notices.sending.sender import send
from tests.ground import NHA_TRANG, TU_PHAP, take_in, type_command

WHY = "Mẫu tin ghi sai tên cơ quan"


@pytest.fixture
def typed(monkeypatch):
    """Return a function that runs a command as the person with the login ``lan``."""
    monkeypatch.delenv("MOTCUA_PERSON")
    monkeypatch.setenv("LOGNAME", "lan")

    def run(*words, code=0):
        done = type_command(*map(str, words), exits=code, columns=300)
        return " ".join(done.output.split())

    return run


def in_hours(hours):
    return f"{datetime.now(VIETNAM) + timedelta(hours=hours):%Y-%m-%d %H:%M}"


def queue(one_stop, *agencies):
    now = datetime.now(UTC)
    for agency in agencies:
        one_stop.both(9, "D", agency, at=now)
    take_in(now=now)


def test_stop_and_go_by_command_say_and_keep_what_who_why_and_until_when(one_stop, gateway, rows, typed):
    queue(one_stop, NHA_TRANG, TU_PHAP)
    until = in_hours(4)
    stop = ["stop", "--kind", "result", "--agency", "H32.30", "--reason", WHY, "--until", until]
    day, clock = until.split()
    shown = f"{day[8:]}/{day[5:7]}/{day[:4]} {clock}:00"
    said = typed(*stop, "--as-department")
    assert f"Stop 1: result of {NHA_TRANG} until {shown}, clock of Vietnam (UTC+7)." in said
    assert "1 message(s) wait for it." in said
    send("run")
    assert len(gateway.asked) == 1, "only the other agency's message goes"
    listed = typed("stop", "--list")
    for word in (f"result of {NHA_TRANG}", shown, "in force", "lan", WHY, "clock of Vietnam"):
        assert word in listed
    waiting = typed("messages", "stopped")
    assert f"Stop 1: result of {NHA_TRANG} until {shown}: {WHY}" in waiting
    assert typed("go", 1, "--as-department").startswith(f"Stop 1, result of {NHA_TRANG}, is over. 1 message(s) go")
    assert "Nothing is stopped." in typed("messages", "stopped")
    assert "by lan" in typed("stop", "--list")
    send("run")
    assert len(gateway.asked) == 2
    (kept,) = rows("SELECT kind, agency_code, stopped_by, reason, ended_by, ended_at FROM audit.stops")
    assert (kept["kind"], kept["agency_code"], kept["stopped_by"], kept["reason"]) == ("result", NHA_TRANG, "lan", WHY)
    assert kept["ended_by"] == "lan"
    assert "stop 1 is not in force" in typed("go", 1, "--as-department", code=2)


@pytest.mark.guarantee(
    "stops", "only the Department can stop sending, and only for a kind, an agency or everything, never for one message"
)
@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["--everything"], "Only the Department may do this"),
        (["--as-department"], "Name a --kind, an --agency, or both; or --everything."),
        (["--as-department", "--everything", "--kind", "result"], "or --everything"),
        (["--as-department", "--agency", "H99"], "there is no agency H99"),
        (["--as-department", "--kind", "everything"], "'everything' is not one of"),
        (["--as-department", "--everything", "--dossier", "D"], "No such option"),
        (["--as-department", "--everything", "D-1"], "unexpected extra argument"),
        (["--as-department", "--everything", "--until", in_hours(24 * 8)], "the stop must end within 7 days"),
    ],
)
def test_stop_is_the_departments_alone_and_of_kinds_and_agencies_only(agencies, rows, typed, words, refusal):
    said = typed("stop", "--reason", WHY, "--until", in_hours(1), *words, code=2)
    assert "Missing option" in typed("stop", "--everything", "--as-department", "--until", in_hours(1), code=2)
    assert refusal.lower() in said.lower()
    assert rows("SELECT 1 FROM motcua.stops") == []
    assert "Only the Department may do this" in typed("go", 1, code=2)


def test_what_went_is_counted_by_agency_kind_and_text(one_stop, gateway, typed):
    """``motcua messages sent`` counts messages by agency, kind and text, and prints no phone number."""
    queue(one_stop, NHA_TRANG, TU_PHAP)
    gateway.script = ["hang"]
    send("run")
    said = typed("messages", "sent", "--since", f"{datetime.now(VIETNAM) - timedelta(hours=1):%Y-%m-%d %H:%M:%S}")
    assert "result.v1" in said
    assert "A gateway accepted 1 message(s). The outcome of 1 is not known yet." in said
    assert NHA_TRANG in said
    assert "0905" not in said
    assert "No message was handed to a gateway" in typed(
        "messages", "sent", "--since", "2026-01-01", "--until", "2026-01-02"
    )
