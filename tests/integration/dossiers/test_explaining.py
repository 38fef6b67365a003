"""Test the sentence that explains to staff why a citizen got no SMS, and the dossier's history below the sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from motcua.domain.phones.reading import holds_phone, mask_for_staff
from motcua.gateways.adapter import InquiryReading
from motcua.jobs.explaining import ExplainedDossier, axis_lines, explain_dossier, find_by_code
from motcua.jobs.handed_in.complaints import Entry, record_complaint
from motcua.jobs.notices.answering import answer
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import connect
from tests.ground import NHA_TRANG, NOW, TU_PHAP, agency, in_ledger, take_in, type_command

CODE = "160915001"
MINUTE = timedelta(minutes=1)
RESULT = {"status_code": 9, "at_one_stop_desk": True}


def run(now: datetime = NOW) -> None:
    take_in(now=now)


def explained(now: datetime = NOW, code: str = CODE, agencies: list[str] | None = None) -> ExplainedDossier:
    (found,) = in_ledger(find_by_code, code, agencies).dossiers
    known = in_ledger(explain_dossier, found.dossier_id, agencies, now, masked)
    assert known is not None
    return known


def masked(number: str | None) -> str:
    return mask_for_staff(number) if number else ""


def sentence(now: datetime = NOW, code: str = CODE) -> str:
    return explained(now, code).sentence


def states(rows: Callable[..., list[dict[str, Any]]]) -> list[tuple[str, str | None]]:
    return [(row["state"], row["reason"]) for row in rows("SELECT state, reason FROM motcua.messages ORDER BY 1, 2")]


# --------------------------------------------------------------- each promise of the sentence is fulfilled


@pytest.mark.guarantee(
    "dossiers",
    "the sentence promises a message after a phone correction only if one would be sent, and gives the deadline",
)
def test_mended_phone_sends_the_message_until_the_moment_that_was_told_and_not_after(one_stop, rows):
    for code in (CODE, "160915002"):
        one_stop.both(9, code, applicant_phone="")
    run()
    promised = "sửa số trong phần mềm một cửa trước 10:00 ngày 28/11/2026 thì tin tự gửi."
    assert sentence() == (
        f"Chưa nhắn tin mời nhận kết quả vì không có số điện thoại; phần mềm một cửa ghi kết quả đang ở quầy; "
        f"{promised}"
    )
    ends = datetime(2026, 11, 28, 3, tzinfo=UTC)
    for code, moment, state in (
        (CODE, ends - MINUTE, ("queued", "phone_mended")),
        ("160915002", ends, ("suppressed", "missing")),
    ):
        assert ("thì tin tự gửi" in sentence(moment, code)) == (state[0] == "queued")
        one_stop.dossier(code, **RESULT, updated_at=moment)
        run(moment)
        assert state in states(rows)
    assert "nay đã quá muộn để nhắn" in sentence(ends, "160915002")


@pytest.mark.parametrize(("state", "reason"), [("undelivered", "gateway status 2"), ("rejected", "phone")])
def test_message_that_failed_goes_to_another_number_as_promised_and_not_to_the_same(one_stop, rows, state, reason):
    """A failed message is queued again when the phone number changes, and not when another field changes."""
    one_stop.both(9)
    run()
    for at in ("sending", state):
        rows("UPDATE motcua.messages SET state = %s, reason = %s", at, reason)
    assert "nếu số đã sai thì sửa trong phần mềm một cửa trước" in sentence()
    one_stop.dossier(**RESULT, step_name="Trả", updated_at=NOW + MINUTE)
    run(NOW + MINUTE)
    assert states(rows) == [(state, reason)]
    one_stop.dossier(**RESULT, applicant_phone="0905123457", updated_at=NOW + 2 * MINUTE)
    run(NOW + 2 * MINUTE)
    assert states(rows) == [("queued", "phone_mended")]


def test_nothing_is_promised_of_a_phone_once_the_dossier_went_on(one_stop, rows):
    """While the phone number is missing, the sentence promises no message about a step that the dossier has left."""
    one_stop.both(5, applicant_phone="")
    run()
    assert "thì tin tự gửi" in sentence()
    one_stop.move(4, desk=False, at=NOW + MINUTE)
    one_stop.dossier(applicant_phone="", updated_at=NOW + MINUTE)
    run(NOW + MINUTE)
    shown = sentence(NOW + MINUTE)
    assert shown.startswith("Chưa nhắn tin mời bổ sung giấy tờ vì không có số điện thoại; hồ sơ đang ở bước")
    assert shown.endswith(
        "có kết quả thì chưa nhắn được vì không có số điện thoại, sửa số trong phần mềm một cửa thì tin tự gửi."
    )
    one_stop.dossier(updated_at=NOW + 2 * MINUTE)
    run(NOW + 2 * MINUTE)
    assert states(rows) == [("suppressed", "missing")]
    assert sentence(NOW + 2 * MINUTE).endswith("có kết quả tại quầy thì tin tự gửi.")
    one_stop.move(9, at=NOW + 3 * MINUTE)
    run(NOW + 3 * MINUTE)
    assert ("queued", None) in states(rows)


# ---------------------------------------------------------------- dossiers without a message


def test_what_the_ledger_knows_of_a_dossier_without_a_message_is_told(one_stop, rows):
    """The sentence must fit each state of the ledger. tests/unit/reports/test_explaining.py tests the wording alone."""
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=None)], "tests")
    one_stop.dossier()
    run()
    assert sentence().startswith("Không nhắn vì cơ quan chưa dùng tin nhắn tự động")
    in_ledger(save_agencies, [agency(NHA_TRANG)], "tests")
    assert sentence() == (
        "Chưa có gì phải nhắn; hồ sơ đang ở bước Xử lý, hẹn trả 10:00 ngày 27/11/2026; "
        "có kết quả tại quầy thì tin tự gửi."
    )
    one_stop.move(9, at=NOW + MINUTE)
    pick_up("khanhhoa", now=NOW + MINUTE)
    assert "đang lập tin" in sentence(NOW + MINUTE)
    plan(now=NOW + MINUTE)
    assert "đang chờ đến lượt gửi" in sentence(NOW + MINUTE)
    stops = "INSERT INTO motcua.stops (kind, stopped_at, until, stopped_by, reason) VALUES ('result', %s, %s, 'a', 'b')"
    rows(stops, NOW, NOW + timedelta(hours=5))
    assert "vì Sở tạm dừng gửi đến 15:00 ngày 25/11/2026" in sentence(NOW + MINUTE)
    gaps = "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages) VALUES ('other_journal', %s, 0, 1)"
    rows(gaps, NOW)
    assert "mọi tin được giữ lại" in sentence(NOW + MINUTE)


def test_row_that_cannot_be_used_or_was_typed_in_late_is_told(one_stop):
    """The sentence must name a quarantined row, or a step typed in late, as the reason for a missing message."""
    one_stop.both(99)
    one_stop.move(9, "160915009")
    one_stop.both(4, "LATE", desk=False, at=NOW - MINUTE)
    one_stop.move(9, "LATE", at=NOW - timedelta(days=1), recorded_at=NOW)
    run()
    assert "ghi trạng thái chưa khai báo" in sentence()
    assert "nhập muộn" in sentence(code="LATE")
    found = in_ledger(find_by_code, "160915009", None)
    assert (found.dossiers, [each.reason for each in found.unusable]) == ((), ["dossier_missing"])


# ---------------------------------------------------------------- finding a dossier by its code


def test_code_is_found_in_any_spelling_that_9029_reads_and_whatever_else_is_typed_breaks_nothing(one_stop):
    one_stop.dossier()
    run()
    for typed in (CODE, "  160915001\n", "MCKH 160915001", "16O9I5OO1", "hồ sơ 160 915 001 ạ", "160915001."):
        assert explained(code=typed).dossier.dossier_code == CODE
    for typed in ("", " ", "x" * 10_000, "a\x00b", "'; DROP TABLE motcua.dossiers --", "%s%(x)s", "１６", "🙂"):
        assert in_ledger(find_by_code, typed, None).dossiers == (), typed


def test_code_of_several_agencies_lists_them_unless_one_is_named(one_stop):
    one_stop.dossier()
    one_stop.dossier(agency_code=TU_PHAP)
    run()
    with connect() as connection:
        both = find_by_code(connection, CODE, None)
        assert {each.agency_code for each in both.dossiers} == {NHA_TRANG, TU_PHAP}
        (named,) = find_by_code(connection, f"{CODE} H32.30", None).dossiers
        assert named.agency_code == NHA_TRANG
        (own,) = find_by_code(connection, CODE, [TU_PHAP]).dossiers
        assert own.agency_code == TU_PHAP
        assert find_by_code(connection, CODE, []).dossiers == ()
        assert explain_dossier(connection, own.dossier_id, [NHA_TRANG], NOW) is None


# ---------------------------------------------------------------- the history below the sentence


def history(one_stop: Any, rows: Callable[..., list[dict[str, Any]]]) -> None:
    """Write a dossier whose history has an entry of each sort."""
    one_stop.dossier(applicant_phone="")
    one_stop.move(4, desk=False, at=NOW - timedelta(hours=2), to_step="Gọi lại 0905 111 222")
    run(NOW - timedelta(hours=1))
    one_stop.dossier(**RESULT, due_at=NOW + timedelta(days=4), updated_at=NOW)
    one_stop.move(9, note="riêng 0905 333 444", actor="Trần Văn Riêng")
    run()
    rows(
        "INSERT INTO motcua.gateways (name) VALUES ('kannel');"
        " UPDATE motcua.messages SET state = 'sending', attempts_made = 1;"
        " INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at,"
        " answered_at, outcome, http_status, gateway_code) SELECT message_id, 'kannel', 'r1', 1, 'tests', msisdn,"
        " 'delivered', now(), now(), 'accepted', 202, '0: to 0905123456' FROM motcua.messages;"
        " UPDATE motcua.messages SET state = 'accepted', accepted_at = now();"
        " INSERT INTO motcua.receipts (gateway, reference, gateway_status, raw) VALUES ('kannel', 'r1', '1', '{}');"
        " INSERT INTO motcua.receipt_readings (receipt_id, attempt_id, meaning, effect)"
        " SELECT 1, attempt_id, 'delivered', 'applied' FROM motcua.attempts;"
        " UPDATE motcua.messages SET state = 'delivered';"
    )
    in_ledger(answer, "kannel", InquiryReading("+84905123456", f"MCKH {CODE}", "m1", None), datetime.now(UTC))
    typed = Entry(NHA_TRANG, CODE, "2026-11-25 11:00", "desk", "never_received", "Bà Lan nói chưa nhận")
    in_ledger(record_complaint, typed, "f" * 32, "lan", datetime(2026, 11, 25, 5, tzinfo=UTC))


def test_axis_has_everything_in_time_order_with_no_number_name_or_note(one_stop, rows):
    history(one_stop, rows)
    known = explained(datetime.now(UTC))
    lines = axis_lines(known, masked)
    assert {line.sort for line in lines} >= {
        "step", "first_version", "version", "message", "attempt", "receipt", "inquiry", "complaint",
    }  # fmt: skip
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)
    shown = [text for line in lines for text in (line.title, *line.details)]
    assert [text for text in shown if holds_phone(text)] == []
    together = "\n".join(shown)
    for secret in ("Lan", "Riêng", "can.bo", "333", "0905"):
        assert secret not in together, secret
    for expected in (
        "Điện thoại đổi từ không có số thành 09•• ••• 456",
        "Hẹn trả đổi từ 10:00 ngày 27/11/2026 thành 10:00 ngày 29/11/2026",
        "lập tin số 1",
        "Lập tin số 1, tin mời nhận kết quả: đang chờ",
        "Tin số 1: đã tới máy",
        "từ số 09•• ••• 456",
        "Không nhận được tin",
        "“Thong bao: Ho so cua quy Ong/Ba (160915001) da duoc giai quyet xong.",
    ):
        assert expected in together, expected
    # A reader without the right to phone numbers must not see any digit of a number.
    hidden = "\n".join(text for line in axis_lines(known, lambda _: "") for text in (line.title, *line.details))
    assert "456" not in hidden


# ---------------------------------------------------------------- the command


@pytest.mark.guarantee("dossiers", "`motcua dossiers show` prints the sentence of the page, and no whole phone number")
def test_command_prints_the_same_sentence_and_axis(one_stop, rows):
    history(one_stop, rows)
    done = type_command("dossiers", "show", "mckh 16o915001")
    assert done.output.splitlines()[0] == sentence(datetime.now(UTC))
    assert "Chuyển" not in done.output
    assert "Tin số 1" in done.output
    assert not holds_phone(done.output)


def test_command_that_finds_no_single_dossier_says_what_to_check(one_stop):
    one_stop.dossier()
    one_stop.dossier(agency_code=TU_PHAP)
    run()
    for arguments, said in (
        (["999"], "No dossier 999"),
        ([CODE], "2 dossiers match 160915001"),
        ([CODE, "--agency", "nobody"], "There is no agency nobody"),
        (["0905 123 456"], "looks like a phone number"),
        (["[red]\x1b[31m<script>"], "No dossier"),
    ):
        done = type_command("dossiers", "show", *arguments, exits=2)
        assert said in re.sub(r"\s+", " ", done.output)
        assert "\x1b" not in done.output.replace("\x1b[31m", "").replace("\x1b[0m", "")
    type_command("dossiers", "show", CODE, "--agency", "H32.30")
