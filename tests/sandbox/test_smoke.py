"""Test that each check of the smoke test fails when it should, because a check that cannot fail proves nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from motcua.domain.reconciliation import STATES
from motcua.sandbox.smoke import (
    ENOUGH,
    KINDS,
    REACHED,
    Evidence,
    check_delivery,
    check_dropped,
    check_identity,
    check_logs,
    check_network,
    check_pushed,
    check_replies,
)
from motcua.sandbox.summary import Summary
from motcua.sandbox.vendor.joining import exporting, pushing
from motcua.store.notices.messages import StateCount
from motcua.store.oversight.accounting import IdentityRow, Latency

AGENCY = "000.00.04.H32"


def failed(checks: Any) -> list[str]:
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


def test_too_few_messages_of_a_kind_none_suppressed_or_an_identity_without_rows_fails():
    assert not failed([*check_delivery(summary()), *check_identity(summary())])
    assert len(failed(check_delivery(summary(delivered=ENOUGH - 1)))) == len(KINDS)
    assert failed(check_delivery(summary(suppressed=0))) == ["at least one message is suppressed"]
    assert len(failed(check_identity(summary(identity=[])))) == len(KINDS)
    # Differences of opposite sign must not cancel out.
    off = [identity_row(KINDS[0], 4, 1, delivered=3), identity_row(KINDS[1], 4, -1, delivered=5)]
    off.append(identity_row(KINDS[2], 1, accepted=1))
    assert failed(check_identity(summary(identity=off))) == ["the accounting identity holds"]


def test_no_delivered_text_about_pushed_or_about_exported_dossiers_fails():
    of_others = summary()
    for check, agency in ((check_pushed, pushing), (check_dropped, exporting)):
        assert len(failed(check(of_others))) == 1
        for state in ("delivered", "accepted", "suppressed"):
            its = StateCount(agency().agency.code, "result", state, None, 1)
            told = failed(check(replace(of_others, messages=[*of_others.messages, its])))
            assert bool(told) == (state != "delivered")


def test_no_reply_a_reply_with_a_wrong_step_or_to_a_wrong_phone_fails():
    asked = [{"dossier_code": "16-1", "steps": ["Thẩm định"], "phone": "0987650000"}]
    reply = {"kind": "reply", "number": "0987650000"}
    right = "Ho so cua quy Ong/Ba (16-1) hien dang o buoc Tham dinh, trang thai ho so: Dung han."
    assert not failed(check_replies(asked, [reply | {"text": right}]))
    wrong = right.replace("Tham dinh", "Ky duyet")
    for replies in ([], [reply | {"text": wrong}], [{**reply, "number": "1", "text": right}]):
        assert failed(check_replies(asked, replies))
    assert failed(check_replies([], []))


def attempt(
    reference: str, message_id: int = 1, state: str = "delivered", message: str = "delivered"
) -> dict[str, Any]:
    told = {"reference": reference, "message_id": message_id, "kind": "result"}
    return told | {"state": state, "message_state": message}


def accepted(reference: str, number: str = "0905123456", received: bool = True) -> dict[str, Any]:
    return {"reference": reference, "number": number, "will_be_received": received}


def test_each_difference_between_the_ledger_and_the_phone_networks_own_log_fails():
    taken = "messages that the gateway accepted are at the network"
    delivered = "messages that the ledger calls delivered are at a phone"
    a, b, on_its_way = attempt("a"), attempt("b", 2), attempt("b", 2, "accepted", "accepted")
    for before, network, after, expected in (
        ([a], [accepted("a")], [a], []),
        ([a], [accepted("a"), accepted("b", "0912000111")], [a, b], []),
        ([a, on_its_way], [accepted("a")], [a, b], [taken]),
        ([a], [accepted("a"), accepted("z")], [a], ["messages at the network are in the ledger"]),
        ([a], [accepted("a", received=False)], [a], [delivered]),
        (
            [a, attempt("b")],
            [accepted("a"), accepted("b")],
            [a, attempt("b")],
            ["no message was accepted twice for one phone"],
        ),
        # The desk corrected the phone number, and the same message went to the new number.
        (
            [attempt("a", state="undelivered"), attempt("b")],
            [accepted("a", received=False), accepted("b", "0912000111")],
            [a, attempt("b")],
            [],
        ),
        ([], [], [], [taken, delivered]),
    ):
        assert failed(check_network(Evidence(before, network, after))) == expected


def test_a_phone_number_in_any_log_fails(tmp_path):
    log = tmp_path / "airflow" / "dag" / "attempt=1.log"
    log.parent.mkdir(parents=True)
    for line, found in {
        "to +84905123456 now": True,
        "to=84905123456&text=": True,
        "0905123456": True,
        "to=%2B84905123456": True,
        "0905***456": False,
        "1732532400905123456": False,
        "0905123457": False,
    }.items():
        log.write_text(f"before\n{line}\nafter\n", encoding="utf-8")
        (check,) = check_logs(tmp_path, {"+84905123456"})
        assert check.good is not found, line
        assert "0905123456" not in check.seen
    (check,) = check_logs(tmp_path, set())
    assert not check.good, "a log that was compared with no number proves nothing"
