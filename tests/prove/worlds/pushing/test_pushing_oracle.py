"""Test that the oracle finds each wrong text in a simulated province whose software pushes its data.

``make prove ONLY=intake`` simulates the whole province.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.prove import __main__ as proving
from tests.prove.notices import intake
from tests.prove.worlds.pushing import oracle
from tests.prove.worlds.pushing.lives import Province
from tests.prove.worlds.pushing.province import Outcome

PROVINCE = Province(3, intake.FIRST_DAY, 2, 4)
SLOTS = intake.syncs(PROVINCE)
WORDS = {
    "result": "Thong bao: Ho so cua quy Ong/Ba ({}) da duoc giai quyet xong.",
    "supplement": "Thong bao: Ho so cua quy Ong/Ba ({}) can bo sung theo quy dinh.",
    "apology": "Thong bao: Ho so cua quy Ong/Ba ({}) chua co ket qua vao ngay 26/11/2026.",
}


def log_of(must: Counter[oracle.Text]) -> list[dict[str, str]]:
    return [{"to": f"+84{each.phone}", "text": WORDS[each.kind].format(each.code)} for each in must.elements()]


def _lose(log: list[dict[str, str]]) -> None:
    del log[2]


FAULTS: dict[str, Callable[[list[dict[str, str]]], None]] = {
    "lost": _lose,
    "doubled": lambda log: log.append(log[0]),
    "wrong_phone": lambda log: log.append(log.pop(1) | {"to": "+84909999999"}),
    "uncalled": lambda log: log.append({"to": "+84909999999", "text": WORDS["result"].format("H-0")}),
}


def test_lives_need_each_kind_of_message_and_their_events_end_minutes_before_each_run() -> None:
    must = intake.texts_due(PROVINCE)
    assert {each.kind for each in must} == {"result", "supplement", "apology"}
    for life in PROVINCE.lives:
        for event in life.events:
            run = PROVINCE.runs[event.slot]
            assert event.at < run.at - timedelta(minutes=7), "a client must have minutes left to try again"
            assert event.slot == 0 or PROVINCE.runs[event.slot - 1].at < event.at
    assert {life.office.shape for life in PROVINCE.lives} == {"A", "B", "C"}


def test_one_message_that_is_wrong_is_found_and_ends_the_proof_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    must = intake.texts_due(PROVINCE)
    assert oracle.judge(must, oracle.texts_in(log_of(must))).wrong == 0
    for fault, make in FAULTS.items():
        log = log_of(must)
        make(log)
        judged = oracle.judge(must, oracle.texts_in(log))
        assert {name: len(getattr(judged, name)) for name in FAULTS} == {name: int(name == fault) for name in FAULTS}
    # `make prove ONLY=intake` runs the proof through this entry point.
    monkeypatch.setattr(intake, "figures", lambda seed: intake.of_phones("pushed", judged, must.total()))
    assert proving.main(["intake"]) == 1
    assert "FALLS SHORT" in capsys.readouterr().out


def test_one_thing_that_differs_between_read_and_pushed_is_found() -> None:
    def outcome() -> Outcome:
        log = log_of(intake.texts_due(PROVINCE))
        row = ("dossiers", (("agency_code", "a"), ("received", 7)))
        return Outcome(log, {"2024-11-28": [row]}, {"2024-11-28": (0, 0)}, {("a", "1"): ("0905123456", 9)}, 0)

    def all_good(read: Outcome, pushed: Outcome) -> bool:
        return all(each.ok for each in [*intake.of_comparison(read, pushed), intake.of_identity("pushed", pushed)])

    assert all_good(outcome(), outcome())
    others = [outcome() for _ in range(len(FAULTS) + 3)]
    for make, other in zip(FAULTS.values(), others, strict=False):
        make(other.network)
    others[-3].closings["2024-11-28"] = [("dossiers", (("agency_code", "a"), ("received", 8)))]
    others[-2].rows["a", "1"] = ("0905123456", 4)
    others[-1].identity["2024-11-28"] = (1, 0)
    assert [all_good(outcome(), other) for other in others] == [False] * len(others)


def test_each_message_that_differs_if_only_last_actions_are_pushed_is_listed_with_a_reason() -> None:
    of_whole = {life.code: oracle.owed(life, oracle.whole(life), PROVINCE.runs) for life in PROVINCE.lives}
    of_last = {life.code: oracle.owed(life, oracle.last_action(life, SLOTS), PROVINCE.runs) for life in PROVINCE.lives}
    listed = oracle.differences(PROVINCE.lives, of_whole, of_last, SLOTS)
    whole, last = intake.texts_due(PROVINCE), intake.texts_due(PROVINCE, SLOTS)
    assert len(listed) == ((whole - last) + (last - whole)).total() > 0
    assert all(each.reason for each in listed)
    # A lost text of a life that was pushed completely must be listed without a reason.
    life = next(life for life in PROVINCE.lives if life.story == "ordinary" and of_last[life.code])
    every_slot = [run.number for run in PROVINCE.runs]
    unexplained = oracle.differences([life], of_whole, {life.code: []}, every_slot)
    assert [each.reason for each in unexplained] == [""]


def test_clients_and_oracle_share_no_code_with_the_system() -> None:
    for name in ("lives", "client", "oracle"):
        tree = ast.parse((Path(intake.__file__).parents[1] / "worlds" / "pushing" / f"{name}.py").read_text())
        nodes = list(ast.walk(tree))
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        others = {each for each in imported if each.partition(".")[0] not in sys.stdlib_module_names}
        assert others <= {"tests.prove.worlds.pushing.lives"}, name
