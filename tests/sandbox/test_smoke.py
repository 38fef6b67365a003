"""Each check of the smoke test fails when it should: one that cannot fail says nothing."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from motcua.domain.reconciliation import STATES
from motcua.sandbox.smoke import (
    ENOUGH,
    KINDS,
    REACHED,
    Check,
    Evidence,
    check_delivery,
    check_dropped,
    check_identity,
    check_logs,
    check_network,
    check_pushed,
    check_replies,
)
from motcua.sandbox.summary import Summary, identity_line, render
from motcua.sandbox.vendor.joining import Exporting, Pushing, exporting, pushing
from motcua.store.notices.messages import StateCount
from motcua.store.oversight.accounting import IdentityRow, Latency

AGENCY = "000.00.04.H32"


def failed(checks: list[Check]) -> list[str]:
    return [check.name for check in checks if not check.good]


def identity_row(kind: str, expected: int, difference: int = 0, **terms: int) -> IdentityRow:
    return IdentityRow(AGENCY, "", kind, expected, difference=difference, **dict.fromkeys(STATES, 0) | terms)


def summary(delivered: int = ENOUGH, suppressed: int = 1, identity: list[IdentityRow] | None = None) -> Summary:
    rows = [
        StateCount(AGENCY, kind, state, reason, number)
        for kind in KINDS
        for state, reason, number in ((REACHED[kind], None, delivered), ("suppressed", "missing", suppressed))
        if number
    ]
    return Summary(
        at=datetime(2026, 11, 25, tzinfo=UTC),
        transitions=dict.fromkeys(("picked_up", "unplanned", "began_a_message", "no_message", "out_of_scope"), 1),
        messages=rows,
        identity=[identity_row(kind, 4, delivered=4) for kind in KINDS] if identity is None else identity,
        latency=Latency(7, 1.25, 3.5),
        quarantined=2,
        agencies={AGENCY: "Sở TT-TT"},
    )


def test_enough_of_every_kind_is_good() -> None:
    assert not failed([*check_delivery(summary()), *check_identity(summary())])


@pytest.mark.parametrize("state", ["delivered", "accepted", "suppressed"])
@pytest.mark.parametrize(("check", "agency"), [(check_pushed, pushing), (check_dropped, exporting)])
def test_dossiers_of_software_nobody_sees_into_of_which_no_phone_rang_fail(
    state: str, check: Callable[[Summary], Iterator[Check]], agency: Callable[[], Pushing | Exporting]
) -> None:
    of_others = summary()
    assert len(failed(list(check(of_others)))) == 1
    its = StateCount(agency().agency.code, "result", state, None, 1)
    told = failed(list(check(replace(of_others, messages=[*of_others.messages, its]))))
    assert bool(told) == (state != "delivered")


def test_too_few_delivered_of_each_kind_is_told_apart() -> None:
    assert len(failed(list(check_delivery(summary(delivered=ENOUGH - 1))))) == len(KINDS)


def test_nothing_suppressed_fails() -> None:
    assert failed(list(check_delivery(summary(suppressed=0)))) == ["something is suppressed, with its reason"]


def test_an_identity_over_nothing_fails() -> None:
    assert len(failed(list(check_identity(summary(identity=[]))))) == len(KINDS)


def test_differences_do_not_cancel_each_other_out() -> None:
    off = [identity_row(KINDS[0], 4, 1, delivered=3), identity_row(KINDS[1], 4, -1, delivered=5)]
    off.append(identity_row(KINDS[2], 1, accepted=1))
    assert failed(list(check_identity(summary(identity=off)))) == ["the accounting identity holds"]


def test_the_identity_reads_as_an_equation() -> None:
    rows = [
        identity_row(KINDS[0], 5, delivered=3, suppressed=2),
        identity_row(KINDS[1], 1, accepted=1),
    ]
    assert identity_line(summary(identity=rows)) == (
        "Accounting: 6 expected = 2 suppressed + 1 accepted + 3 delivered; difference 0"
    )


def test_the_summary_shows_agencies_reasons_and_latency() -> None:
    console = Console(width=130, record=True, file=io.StringIO())
    console.print(render(summary()))
    text = console.export_text()
    for words in ("Sở TT-TT", "missing 3", "p50 1.2 s, p95 3.5 s over 7 messages", "2 rows in quarantine"):
        assert words in text


def test_a_phone_that_was_told_another_step_or_nothing_fails() -> None:
    asked = [{"dossier_code": "16-1", "steps": ["Thẩm định"], "phone": "0987650000"}]
    reply = {"kind": "reply", "number": "0987650000"}
    right = "Ho so cua quy Ong/Ba (16-1) hien dang o buoc Tham dinh, trang thai ho so: Dung han."
    assert not failed(list(check_replies(asked, [reply | {"text": right}])))
    for wrong in (
        [],
        [reply | {"text": right.replace("Tham dinh", "Ky duyet")}],
        [{**reply, "number": "1", "text": right}],
    ):
        assert failed(list(check_replies(asked, wrong)))
    assert failed(list(check_replies([], [])))


def attempt(
    reference: str, message_id: int = 1, state: str = "delivered", message_state: str = "delivered"
) -> dict[str, Any]:
    return {
        "reference": reference,
        "message_id": message_id,
        "state": state,
        "kind": "result",
        "message_state": message_state,
    }


def accepted(reference: str, number: str = "0905123456", received: bool = True) -> dict[str, Any]:
    return {"reference": reference, "number": number, "will_be_received": received}


@pytest.mark.parametrize(
    ("before", "network", "after", "expected"),
    [
        ([attempt("a")], [accepted("a")], [attempt("a")], []),
        ([attempt("a")], [accepted("a"), accepted("b", "0912000111")], [attempt("a"), attempt("b", 2)], []),
        (
            [attempt("a"), attempt("b", 2, "accepted", "accepted")],
            [accepted("a")],
            [attempt("a"), attempt("b", 2)],
            ["what the gateway took is at the network"],
        ),
        ([attempt("a")], [accepted("a"), accepted("z")], [attempt("a")], ["what is at the network is in the ledger"]),
        (
            [attempt("a")],
            [accepted("a", received=False)],
            [attempt("a")],
            ["what the ledger calls delivered is at a phone"],
        ),
        (
            [attempt("a"), attempt("b")],
            [accepted("a"), accepted("b")],
            [attempt("a"), attempt("b")],
            ["no message was accepted twice for one phone"],
        ),
        # The desk mended the phone: the same message to another number.
        (
            [attempt("a", state="undelivered"), attempt("b")],
            [accepted("a", received=False), accepted("b", "0912000111")],
            [attempt("a"), attempt("b")],
            [],
        ),
        (
            [],
            [],
            [],
            ["what the gateway took is at the network", "what the ledger calls delivered is at a phone"],
        ),
    ],
)
def test_the_networks_own_log_decides(
    before: list[dict[str, Any]], network: list[dict[str, Any]], after: list[dict[str, Any]], expected: list[str]
) -> None:
    assert failed(list(check_network(Evidence(before, network, after)))) == expected


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("to +84905123456 now", True),
        ("to=84905123456&text=", True),
        ("0905123456", True),
        ("to=%2B84905123456", True),
        ("0905***456", False),
        ("1732532400905123456", False),
        ("0905123457", False),
        ("", False),
    ],
)
def test_a_number_in_any_log_is_found(tmp_path: Path, line: str, found: bool) -> None:
    (tmp_path / "airflow" / "dag").mkdir(parents=True)
    (tmp_path / "airflow" / "dag" / "attempt=1.log").write_text(f"before\n{line}\nafter\n", encoding="utf-8")
    (check,) = check_logs(tmp_path, {"+84905123456"})
    assert check.good is not found
    assert "0905123456" not in check.seen


def test_logs_held_against_no_number_prove_nothing(tmp_path: Path) -> None:
    (check,) = check_logs(tmp_path, set())
    assert not check.good
