"""Test the demo's one-stop software that pushes: the ledger ends with exactly the pushed data, even if calls fail."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from motcua.sandbox.vendor.joining import join, pushing, read_account
from motcua.sandbox.vendor.office import AT_FIRST
from motcua.sandbox.vendor.portal import NoAnswer, PortalClient
from motcua.sandbox.vendor.software import Software
from motcua.store.agencies import list_agencies
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger
from tests.integration.intake.conftest import PASSWORD, SOURCE, register


class Noting(PortalClient):
    """A portal client that records each dossier's steps and last state, and breaks off some calls."""

    def __init__(self, url, breaks_off=0):
        super().__init__(url, SOURCE, PASSWORD)
        self.steps, self.states, self.calls, self.breaks_off = [], {}, 0, breaks_off

    def _post(self, service, path, body):
        if path == "/call":
            self.calls += 1
            if service == "CapNhatTienDoHoSoMC":
                self.steps += body["data"]
            if service == "DongBoHoSoMC":
                self.states |= {record["MaHoSo"]: record["TrangThaiHoSo"] for record in body["data"]}
            if self.breaks_off and self.calls % self.breaks_off == 0:
                # Break off after the intake processed the call, so that the software cannot know of its success.
                super()._post(service, path, body)
                raise NoAnswer("broken off")
        return super()._post(service, path, body)


@pytest.fixture
def begin(served, tmp_path):
    """Return a function that starts the software on one folder, with a clock that the test moves.

    ``begin.live`` lets started software work for some seconds; ``begin.said`` lists its log sentences.
    """
    clock = [datetime.now(UTC) - timedelta(minutes=20)]
    said = []

    def start(client):
        agency = pushing().agency.model_copy(update={"code": NHA_TRANG, "aliases": ("H32.30",)})
        software = Software(
            tmp_path, agency, "UBND", "H32.30", client, said.append, random=Random(7), clock=lambda: clock[0]
        )
        software.memory.next_birth += timedelta(days=1)
        return software

    def live(software, seconds):
        for _ in range(seconds):
            clock[0] += timedelta(seconds=1)
            software.tick()

    start.live, start.said = live, said
    return start


@pytest.mark.parametrize("breaks_off", [0, 4], ids=["all goes well", "every fourth call breaks off"])
def test_ledger_holds_each_step_once_and_each_dossier_as_it_is(begin, served, run, rows, breaks_off):
    register(SOURCE, NHA_TRANG)
    client = Noting(f"{served.base_url}/intake", breaks_off)
    begin.live(begin(client), 40)
    # Restarted software must push everything that it had not pushed before.
    again = begin(client)
    begin.live(again, 200)
    assert again.memory.outbox == []
    assert run() == set()
    wanted = {(step["MaHoSo"], step["TrangThai"], step["NoiDungXuLy"], step["ThoiDiemXuLy"]) for step in client.steps}
    assert len({code for code, *_ in wanted}) == AT_FIRST
    found = rows(
        "SELECT d.dossier_code, t.status_code, t.to_step, t.occurred_at FROM motcua.transitions AS t"
        " JOIN motcua.dossiers AS d USING (dossier_id) WHERE NOT t.from_row"
    )
    at = timedelta(hours=7)
    assert len(found) == len(wanted)
    assert {
        (row["dossier_code"], str(row["status_code"]), row["to_step"], f"{row['occurred_at'] + at:%Y%m%d%H%M%S}")
        for row in found
    } == wanted
    now = {row["dossier_code"]: row["status_code"] for row in rows("SELECT * FROM intake.source_dossiers")}
    assert now == {code: int(status) for code, status in client.states.items()}
    assert bool(begin.said) == bool(breaks_off)


def test_push_that_is_refused_for_good_does_not_hold_up_those_behind_it(begin, served):
    register(SOURCE, TU_PHAP)
    software = begin(Noting(f"{served.base_url}/intake"))
    begin.live(software, 20)
    assert software.memory.outbox == []
    assert (software.memory.pushed, software.memory.refused > 0) == (0, True)
    assert begin.said
    assert {sentence.rpartition(" ")[2] for sentence in begin.said} == {"agency_refused"}


def test_push_that_nobody_answers_waits(begin, served):
    """Pushes without an answer must survive a restart of the software and be repeated when the intake answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        software = begin(Noting(f"http://127.0.0.1:{silent.getsockname()[1]}/intake"))
        begin.live(software, 20)
    waiting = len(software.memory.outbox)
    assert waiting >= AT_FIRST
    register(SOURCE, NHA_TRANG)
    again = begin(Noting(f"{served.base_url}/intake"))
    assert len(again.memory.outbox) == waiting
    begin.live(again, 1)
    assert again.memory.outbox == []
    assert again.memory.pushed >= waiting


def test_pushing_agency_joins_once_and_its_account_signs_in(served, configure, rows, tmp_path):
    now = datetime.now(UTC)
    url = f"{served.base_url}/intake"
    assert not join(tmp_path, url, now), "the agency must not join where its source is not read"
    assert read_account(tmp_path) is None
    source = pushing().source
    configure(MOTCUA_SOURCES=f"{source}=national_sync")
    codes = [pushing().agency.code, pushing().agency.written_code]
    passwords = []
    for _ in range(2):
        assert join(tmp_path, url, now)
        account = read_account(tmp_path)
        assert (account.url, account.client, account.unit in codes) == (url, source, True)
        assert PortalClient(account.url, account.client, account.password).sign_in().is_done
        passwords.append(account.password)
    assert len(set(passwords)) == 1
    (joined,) = (each for each in in_ledger(list_agencies) if each.agency_code == codes[0])
    assert joined.enabled_from == now
    (tmp_path / "account.json").unlink()
    assert join(tmp_path, url, now)
    account = read_account(tmp_path)
    assert account.password not in passwords
    assert PortalClient(account.url, account.client, account.password).sign_in().is_done
    assert [row["change"] for row in rows("SELECT change FROM intake.client_changes ORDER BY 1")] == [
        "password",
        "registered",
    ]
