"""Why a citizen got no SMS: for whatever the ledger can hold there is exactly one sentence, which promises no more than
the rules keep."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.dossiers import Kind, RowRefusal
from motcua.domain.explaining import DossierStory, MessageFact, MessageSent, clause_of, explain
from motcua.domain.occasions import PlanningResult, PlanningRules, SendCandidate
from motcua.domain.phones.reading import REFUSALS
from motcua.domain.reconciliation import STATES
from motcua.domain.routing import Concern
from motcua.reports.explaining import clauses, sentence, words_of_clause
from motcua.settings import include_dir

ROOT = include_dir().parent
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
RULES = PlanningRules(timedelta(days=3), timedelta(minutes=10))
KINDS: tuple[Kind, ...] = get_args(Kind)
AFTER_A_LOOK = {("queued", "gap"), ("queued", "earlier_unknown")}
"""What is not written down, but seen when a queued message is looked at."""


# ---------------------------------------------------------------- what the ledger can hold


def of_schema() -> Iterator[tuple[str, str]]:
    """States with the reasons that constraints and moves name."""
    schema = (ROOT / "include/sql/schema/messages.sql").read_text(encoding="utf-8")
    (suppressed,) = re.findall(r"CHECK \(state <> 'suppressed' OR reason IN \((.*?)\)\)", schema, re.S)
    yield from (("suppressed", reason) for reason in re.findall(r"'([a-z0-9_]+)'", suppressed))
    (moves,) = re.findall(r"INSERT INTO motcua\.message_moves \([a-z_, ]*only_for\) VALUES(.*?);", schema, re.S)
    yield from re.findall(r"\('[a-z]+', '([a-z]+)', '(?:[^']|'')*', '([a-z_]+)'\)", moves)


def of_statements() -> Iterator[tuple[str | None, str]]:
    """States with the reasons that our statements write; ``None``: a state that is chosen elsewhere."""
    for path in sorted((ROOT / "include/sql").rglob("*.sql")):
        if path.parent.name in ("schema", "migrations"):
            continue
        for update in re.findall(
            r"UPDATE motcua\.messages(.*?)(?=\n\s*(?:FROM|WHERE|\))|\Z)", path.read_text("utf-8"), re.S
        ):
            (state,) = re.findall(r"^\s*(?:SET )?state = '([a-z]+)'", update, re.M)[:1] or [None]
            for value in re.findall(r"\breason = (.+?)(?=,\s+[a-z_]+ =|\Z)", update, re.S):
                # Of a comparison nothing is written.
                for reason in re.findall(
                    r"(?<!= )(?<!IN \()'([a-z_]+)'", re.sub(r"WHEN .*? THEN", "", value, flags=re.S)
                ):
                    yield state, reason
    read = (ROOT / "include/sql/definitions/receipts.sql").read_text("utf-8")
    (value,) = re.findall(r"CASE((?:(?!CASE).)*?)END AS reason", read, re.S)
    yield from ((None, reason) for reason in re.findall(r"THEN '([a-z_]+)'", value))


PLACES = {"MessageOutcome": 2, "Postponed": 2, "TurnedAway": 2}
"""Calls that settle a message, and which of their arguments is the reason."""


def _texts(node: ast.AST | None) -> Iterator[str]:
    """The texts that an expression may be."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from (*_texts(body), *_texts(other))
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(end))]):
            # The gateway's own have a name of their own.
            yield from (f"{concern}{end}" for concern in get_args(Concern) if concern != "gateway")
        case ast.JoinedStr(values=[ast.Constant(value=str(begin)), *_]):
            yield begin


def of_code() -> Iterator[tuple[str | None, str]]:
    """States with the reasons that rules and jobs choose."""
    for folder in ("domain", "jobs/notices", "jobs/restoring"):
        for path in sorted((ROOT / "plugins/motcua" / folder).rglob("*.py")):
            if path.parent.name == "explaining":
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                yield from _of_rules(node) if folder == "domain" else _of_jobs(node)


def _of_rules(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Return(value=ast.Tuple(elts=[ast.Constant(value=str(state)), reasons])) if state in STATES:
            yield from ((state, reason) for reason in _texts(reasons))
        case ast.Return(value=ast.IfExp(body=body, orelse=other)):
            yield from (*_of_rules(ast.Return(body)), *_of_rules(ast.Return(other)))
        case ast.BoolOp(values=[ast.Attribute(attr="gone"), ast.Constant(value=str(reason))]):
            yield "cancelled", reason


def _of_jobs(node: ast.AST) -> Iterator[tuple[str | None, str]]:
    match node:
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in PLACES:
            given = [*args[PLACES[name] : PLACES[name] + 1], *(k.value for k in keywords if k.arg == "reason")]
            of = {"Postponed": "queued"}.get(name) or next((t for a in args[1:2] for t in _texts(a)), None)
            yield from ((of, reason) for value in given for reason in _texts(value))
        case ast.Call(func=ast.Name(id="ReceiptToRead" | "Report" | "StoredReceipt"), keywords=keywords):
            yield from ((None, reason) for k in keywords if k.arg == "reason" for reason in _texts(k.value))
        case ast.Assign(targets=[ast.Name(id="reason")], value=value):
            yield from ((None, reason) for reason in _texts(value))
        case ast.Assign(targets=[ast.Tuple(elts=[*_, ast.Name(id="reason")])], value=ast.Tuple(elts=[*_, value])):
            yield from ((None, reason) for reason in _texts(value))


def of_hindrances() -> Iterator[tuple[str, str]]:
    """Why an evening can tell nobody: named by the rule that takes them."""
    rule = (ROOT / "plugins/motcua/domain/apologies.py").read_text("utf-8")
    (names,) = re.findall(r"hindrance: Literal\[([^\]]*)\]", rule)
    yield from (("expired", name) for name in re.findall(r'"([a-z_]+)"', names))


def written() -> set[tuple[str | None, str]]:
    return {*of_schema(), *of_statements(), *of_code(), *of_hindrances()}


def worded() -> set[tuple[str, str]]:
    return {(state, reason) for state, reasons in clauses()["told"].items() for reason in reasons}


@pytest.mark.guarantee("dossiers", "every state and reason of a message has a sentence that explains it to the citizen")
def test_every_state_and_reason_that_the_ledger_can_hold_has_words():
    ours = {reason for _, reason in worded()}
    without = sorted(
        f"{state}: {reason}"
        for state, reason in written()
        if not ((state, reason) in worded() if state else reason in ours) and not reason.startswith("gateway status")
    )
    assert without == []
    assert {state for state, _ in worded()} == set(STATES)


def test_no_words_are_kept_for_what_nothing_writes():
    """Each place that reasons come from is found, or its words would stand here."""
    reasons = {reason for _, reason in written()} | {reason for _, reason in AFTER_A_LOOK}
    assert sorted(r for _, r in worded() if r not in reasons | {"plain", "gateway_status"}) == []


def test_every_refusal_of_a_phone_and_of_a_row_has_words():
    assert set(clauses()["phone"]) == set(REFUSALS)
    assert set(clauses()["none"]["unusable"]) == set(get_args(RowRefusal))
    assert set(clauses()["kind"]) == set(KINDS)


# ---------------------------------------------------------------- one message


CANDIDATE = SendCandidate(
    kind="result",
    occurred_at=NOW - timedelta(hours=1),
    useful_until=NOW + timedelta(days=2),
    occasion_holds=True,
    returned_at=None,
    kind_off=False,
    phone_refusal=None,
    told_at=None,
    unsettled_since=None,
)
STORY = DossierStory(
    status_code=9,
    at_one_stop_desk=True,
    step_name="Trả kết quả",
    due_at=NOW + timedelta(days=3),
    returned_at=None,
    handed_over=False,
    is_late=False,
    phone_refusal=None,
    enabled_from=NOW - timedelta(days=90),
    kinds_off=(),
    is_told_same_day=True,
    present_outcome="message",
)


def message(state: str = "queued", reason: str | None = None, kind: Kind = "result", **changes: Any) -> MessageFact:
    seen = {name: changes.pop(name) for name in list(changes) if hasattr(CANDIDATE, name) and name != "useful_until"}
    until = changes.get("useful_until", NOW + timedelta(days=2))
    plain = MessageFact(
        message_id=1,
        kind=kind,
        state=state,
        reason=reason,
        useful_until=until,
        next_attempt_at=NOW,
        accepted_at=NOW - timedelta(minutes=30),
        attempted_at=NOW - timedelta(minutes=31),
        stopped_until=None,
        went_to_present_number=True,
        candidate=replace(CANDIDATE, kind=kind, useful_until=until, **seen),
    )
    return replace(plain, **changes)


def told(story: DossierStory, *messages: MessageFact, now: datetime = NOW) -> str:
    story = replace(story, messages=messages or story.messages)
    return sentence(explain(story, now, RULES), story, "160915001")


IN_STATE = {"stopped": {"stopped_until": NOW + timedelta(hours=5)}, "old_step": {"waits_for_row": True}}
"""What else is known of a queued message that waits for such a reason."""


def test_a_message_in_any_state_for_any_reason_is_told_in_its_own_words():
    wrong = []
    for state, reason in sorted(worded() - AFTER_A_LOOK):
        given = {"plain": None, "gateway_status": "gateway status 2"}.get(reason, reason)
        clause = clause_of(state, given)
        assert words_of_clause(clause) == clauses()["told"][state][reason]
        for kind in KINDS:
            each = message(state, given, kind, **(IN_STATE.get(reason, {}) if state == "queued" else {}))
            story = STORY if kind in ("result", "reply") else replace(STORY, status_code=4 if kind == "apology" else 5)
            answer = explain(replace(story, messages=[each]), NOW, RULES)
            # A reply is no dossier's own message.
            is_first = answer.clauses[0] == clause and clauses()["kind"][kind] in told(story, each)
            if not (is_first or kind == "reply") or not told(story, each).endswith("."):
                wrong.append((kind, state, reason))
    assert wrong == []


# ---------------------------------------------------------------- sentences as they are read


def test_missing_phone_is_told_with_what_to_do_and_until_when():
    story = replace(STORY, phone_refusal="missing")
    assert told(story, message("suppressed", "missing", phone_refusal="missing")) == (
        "Chưa nhắn tin mời nhận kết quả vì không có số điện thoại; phần mềm một cửa ghi kết quả đang ở quầy; "
        "sửa số trong phần mềm một cửa trước 10:00 ngày 27/11/2026 thì tin tự gửi."
    )


def test_delivered_message_is_told_with_when():
    assert told(STORY, message("delivered")) == (
        "Đã nhắn tin mời nhận kết quả từ MotcuaSMS lúc 9:30 ngày 25/11/2026, nhà mạng báo tới máy; phần mềm một cửa ghi"
        " kết quả đang ở quầy."
    )


def test_sender_end_of_the_number_and_arrival_are_told_where_they_are_known():
    answer = explain(replace(STORY, messages=[message("delivered")]), NOW, RULES)
    over_zalo = MessageSent("+84905123482", "zalo", "message", NOW)
    assert sentence(answer, STORY, "160915001", over_zalo, "482").startswith(
        "Đã nhắn tin mời nhận kết quả qua Zalo tới số có ba số cuối 482 lúc 9:30 ngày 25/11/2026, nhà mạng báo tới máy"
        " lúc 10:00 ngày 25/11/2026;"
    )
    assert "482" not in sentence(answer, STORY, "160915001", over_zalo)


def test_nothing_to_tell_yet_says_where_the_dossier_is_and_what_comes():
    story = replace(STORY, status_code=4, at_one_stop_desk=False, step_name="Thẩm định", present_outcome=None)
    assert told(story) == (
        "Chưa có gì phải nhắn; hồ sơ đang ở bước Thẩm định, hẹn trả 10:00 ngày 28/11/2026; "
        "có kết quả tại quầy thì tin tự gửi."
    )
    assert "vì ô số điện thoại ghi số giống số căn cước" in told(replace(story, phone_refusal="id_card_like"))
    assert "tự gửi" not in told(replace(story, kinds_off=("result",)))
    assert "tự gửi" not in told(replace(story, is_told_same_day=False))
    assert "tự gửi" not in told(replace(story, enabled_from=None))


@pytest.mark.parametrize(
    ("changes", "story"),
    [
        ({"useful_until": NOW}, {}),
        ({"kind_off": True}, {}),
        ({"occasion_holds": False}, {"status_code": 10}),
        ({}, {"handed_over": True, "returned_at": NOW}),
        ({"stopped_until": NOW + timedelta(days=3)}, {}),
    ],
    ids=["too late", "kind off", "returned", "handed over", "stopped for longer than it is useful"],
)
def test_a_mended_phone_is_promised_nothing_where_nothing_would_go(changes, story):
    for state, reason in (("suppressed", "landline"), ("undelivered", "gateway status 2"), ("rejected", "phone")):
        shown = told(
            replace(STORY, phone_refusal="landline", **story),
            message(state, reason, phone_refusal="landline", **changes),
        )
        assert "thì tin tự gửi" not in shown or "không gửi" in shown, shown


def test_undelivered_is_promised_a_message_to_another_number_only():
    """The rule that queues it again asks for a number other than the one that failed."""
    failed = message("undelivered", "gateway status 2")
    assert "nếu số đã sai thì sửa" in told(STORY, failed)
    assert "số đã được sửa" in told(STORY, replace(failed, went_to_present_number=False))
    assert "soạn MCKH 160915001 gửi 9029" in told(replace(STORY, can_ask_9029=True), failed)
    assert "9029" not in told(STORY, failed)


def test_queued_message_that_would_be_turned_away_is_told_as_that():
    assert "hồ sơ đã chuyển sang bước khác" in told(replace(STORY, status_code=4), message(occasion_holds=False))
    assert "vì số điện thoại là số cố định" in told(
        replace(STORY, phone_refusal="landline"), message(phone_refusal="landline")
    )
    assert "loại tin này đã tắt" in told(STORY, message(kind_off=True))
    assert "chưa gửi được" in told(STORY, message(useful_until=NOW))


def test_what_keeps_a_message_back_is_told_with_when_it_goes():
    gap = replace(STORY, nothing_sent_since=NOW)
    assert "từ 10:00 ngày 25/11/2026 mọi tin được giữ lại" in told(gap, message())
    assert "hết tạm dừng lúc 15:00 ngày 25/11/2026 thì tin tự gửi" in told(
        STORY, message("queued", "stopped", stopped_until=NOW + timedelta(hours=5))
    )
    assert "nên sẽ không gửi" in told(STORY, message(stopped_until=NOW + timedelta(days=4)))
    assert "tin tự gửi lúc 12:00 ngày 25/11/2026" in told(STORY, message(next_attempt_at=NOW + timedelta(hours=2)))
    # A stop that was ended is no reason any more.
    assert "tạm dừng" not in told(STORY, message("queued", "stopped"))


def test_message_not_sent_because_the_citizen_knew_leads_to_the_one_that_told():
    first = message("delivered", occasion_holds=False)
    second = replace(message("suppressed", "already_told"), message_id=2)
    assert told(STORY, first, second).startswith("Đã nhắn tin mời nhận kết quả từ MotcuaSMS lúc 9:30")
    assert told(STORY, second).startswith("Không nhắn thêm")


def test_what_the_dossier_calls_for_now_comes_before_what_was_told_of_the_past():
    past = message("delivered", None, "supplement", occasion_holds=False)
    now = replace(message("suppressed", "missing", phone_refusal="missing"), message_id=2)
    assert told(replace(STORY, phone_refusal="missing"), past, now).startswith("Chưa nhắn tin mời nhận kết quả")
    # Also where there is no message of it.
    assert "bắt đầu dùng tin nhắn tự động" in told(replace(STORY, present_outcome="out_of_scope"), past)
    assert "đang lập tin" in told(replace(STORY, present_outcome=None), past)
    assert "trạng thái chưa khai báo" in told(replace(STORY, unusable_rows=["status_unknown"]), past)
    in_work = replace(STORY, status_code=4, is_late=True)
    assert told(in_work, past) == (
        "Đã nhắn tin mời bổ sung giấy tờ từ MotcuaSMS lúc 9:30 ngày 25/11/2026, nhà mạng báo tới máy; hồ sơ đang ở "
        "bước Trả kết quả, đã quá ngày hẹn trả 10:00 ngày 28/11/2026; có kết quả tại quầy thì tin tự gửi."
    )


def test_after_handing_over_it_is_the_result_that_is_asked_about():
    over = replace(STORY, status_code=10, returned_at=NOW, handed_over=True)
    sent = message("delivered")
    later = replace(message("cancelled", "taken_back", "supplement"), message_id=2)
    assert told(over, sent, later) == (
        "Đã nhắn tin mời nhận kết quả từ MotcuaSMS lúc 9:30 ngày 25/11/2026, nhà mạng báo tới máy; phần mềm một cửa ghi"
        " đã trao kết quả ngày 25/11/2026."
    )
    assert told(over) == (
        "Không nhắn vì phần mềm một cửa không ghi lúc nào kết quả chờ tại quầy; phần mềm một cửa ghi đã trao kết quả"
        " ngày 25/11/2026."
    )
    assert "trước khi tin gửi đi" in told(over, message("cancelled", "handed_over"))


def test_step_that_holds_a_phone_number_is_told_without():
    story = replace(STORY, status_code=4, step_name="Gọi 0905 123 456")
    assert "123 456" not in told(story)


# ---------------------------------------------------------------- whatever there is

moments = st.integers(-200, 200).map(lambda hours: NOW + timedelta(hours=hours))
maybe = st.none() | moments


def built(of: type[Any], **others: Any) -> st.SearchStrategy[Any]:
    """Values of a class: its moments near this one, yes or no, and what is given."""
    known = {"datetime": moments, "datetime | None": maybe, "bool": st.booleans()}
    own = {each.name: known[str(each.type)] for each in fields(of) if str(each.type) in known}
    return st.builds(of, **own | others)


refusals, kinds = st.none() | st.sampled_from(REFUSALS), st.sampled_from(KINDS)
gone = st.none() | st.sampled_from(["taken_back", "outdated", "superseded"])
candidates = built(SendCandidate, kind=kinds, phone_refusal=refusals, gone=gone)
holdings = st.sampled_from(sorted(worded())) | st.tuples(st.sampled_from(STATES), st.text("abc_", max_size=4))
messages = holdings.flatmap(
    lambda at: built(
        MessageFact,
        state=st.just(at[0]),
        reason=st.just({"plain": None, "gateway_status": "gateway status 2"}.get(at[1], at[1])),
        message_id=st.integers(1, 9),
        kind=kinds,
        candidate=candidates,
    )
)
stories = built(
    DossierStory,
    status_code=st.none() | st.integers(1, 10),
    step_name=st.none() | st.text(min_size=1, max_size=20),
    phone_refusal=refusals,
    kinds_off=st.sets(kinds),
    present_outcome=st.none() | st.sampled_from(get_args(PlanningResult)),
    messages=st.lists(messages, max_size=5),
    unusable_rows=st.lists(st.sampled_from(get_args(RowRefusal)), max_size=2),
)


@given(stories)
def test_there_is_always_exactly_one_sentence(story):
    answer = explain(story, NOW, RULES)
    assert answer.clauses[0].startswith(("told.", "none."))
    assert len([name for name in answer.clauses if name.startswith(("told.", "none."))]) == 1
    assert len([name for name in answer.clauses if name.startswith("place.")]) <= 1
    assert len(set(answer.clauses)) == len(answer.clauses)
    shown = sentence(answer, story, "160915001")
    step = story.step_name or ""
    assert shown[0].isupper()
    assert shown.endswith(".")
    assert len(shown.splitlines()) == 1
    assert "None" not in shown.replace(step, "")


@given(stories)
def test_nothing_goes_by_itself_where_the_citizen_has_the_result(story):
    answer = explain(replace(story, handed_over=True), NOW, RULES)
    assert not [name for name in answer.clauses if name.startswith(("now.", "next."))]


def test_words_are_in_composed_form():
    page = (include_dir() / "templates/report/dossiers.vi.yaml").read_text("utf-8")
    assert unicodedata.is_normalized("NFC", page)
