"""Test the sentence that explains why a citizen got no SMS.

For each state and reason that the ledger can hold there must be exactly one sentence. The sentence must promise
no message that the rules would not send.
"""

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
FOUND_BY_CHECK = {("queued", "gap"), ("queued", "earlier_unknown")}
"""States and reasons that no table holds. The software finds them when it checks a queued message."""


# ---------------------------------------------------------------- what the ledger can hold


def reasons_in_schema() -> Iterator[tuple[str, str]]:
    """Yield the states with the reasons that constraints and rows of ``message_moves`` name."""
    schema = (ROOT / "include/sql/schema/messages.sql").read_text(encoding="utf-8")
    (suppressed,) = re.findall(r"CHECK \(state <> 'suppressed' OR reason IN \((.*?)\)\)", schema, re.S)
    yield from (("suppressed", reason) for reason in re.findall(r"'([a-z0-9_]+)'", suppressed))
    (moves,) = re.findall(r"INSERT INTO motcua\.message_moves \([a-z_, ]*only_for\) VALUES(.*?);", schema, re.S)
    yield from re.findall(r"\('[a-z]+', '([a-z]+)', '(?:[^']|'')*', '([a-z_]+)'\)", moves)


def reasons_in_statements() -> Iterator[tuple[str | None, str]]:
    """Yield the states with the reasons that our SQL statements write.

    The state is ``None`` if another part of the software chooses it.
    """
    for path in sorted((ROOT / "include/sql").rglob("*.sql")):
        if path.parent.name in ("schema", "migrations"):
            continue
        for update in re.findall(
            r"UPDATE motcua\.messages(.*?)(?=\n\s*(?:FROM|WHERE|\))|\Z)", path.read_text("utf-8"), re.S
        ):
            (state,) = re.findall(r"^\s*(?:SET )?state = '([a-z]+)'", update, re.M)[:1] or [None]
            for value in re.findall(r"\breason = (.+?)(?=,\s+[a-z_]+ =|\Z)", update, re.S):
                # A text that is only compared is not written.
                for reason in re.findall(
                    r"(?<!= )(?<!IN \()'([a-z_]+)'", re.sub(r"WHEN .*? THEN", "", value, flags=re.S)
                ):
                    yield state, reason
    read = (ROOT / "include/sql/definitions/receipts.sql").read_text("utf-8")
    (value,) = re.findall(r"CASE((?:(?!CASE).)*?)END AS reason", read, re.S)
    yield from ((None, reason) for reason in re.findall(r"THEN '([a-z_]+)'", value))


PLACES = {"MessageOutcome": 2, "Postponed": 2, "TurnedAway": 2}
"""Classes whose objects give a message a new state, and the index of the reason among their arguments."""


def _texts(node: ast.AST | None) -> Iterator[str]:
    """Yield the texts that an expression may have as its value."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from (*_texts(body), *_texts(other))
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(end))]):
            # A refusal of the whole gateway has no reason of this form; its reason is gateway_stopped.
            yield from (f"{concern}{end}" for concern in get_args(Concern) if concern != "gateway")
        case ast.JoinedStr(values=[ast.Constant(value=str(begin)), *_]):
            yield begin


def reasons_in_code() -> Iterator[tuple[str | None, str]]:
    """Yield the states with the reasons that rules and jobs choose."""
    for folder in ("domain", "jobs/notices", "jobs/restoring"):
        for path in sorted((ROOT / "plugins/motcua" / folder).rglob("*.py")):
            if path.parent.name == "explaining":
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                yield from _reasons_in_rules(node) if folder == "domain" else _reasons_in_jobs(node)


def _reasons_in_rules(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield state and reason that a node of a domain rule returns."""
    match node:
        case ast.Return(value=ast.Tuple(elts=[ast.Constant(value=str(state)), reasons])) if state in STATES:
            yield from ((state, reason) for reason in _texts(reasons))
        case ast.Return(value=ast.IfExp(body=body, orelse=other)):
            yield from (*_reasons_in_rules(ast.Return(body)), *_reasons_in_rules(ast.Return(other)))
        case ast.BoolOp(values=[ast.Attribute(attr="gone"), ast.Constant(value=str(reason))]):
            yield "cancelled", reason


def _reasons_in_jobs(node: ast.AST) -> Iterator[tuple[str | None, str]]:
    """Yield state and reason that a node of a job passes on; the state is ``None`` if the node does not name it."""
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


def reasons_of_hindrances() -> Iterator[tuple[str, str]]:
    """Yield state and reason of apologies that are not sent because something hindered all apologies of the evening."""
    rule = (ROOT / "plugins/motcua/domain/apologies.py").read_text("utf-8")
    (names,) = re.findall(r"hindrance: Literal\[([^\]]*)\]", rule)
    yield from (("expired", name) for name in re.findall(r'"([a-z_]+)"', names))


def written() -> set[tuple[str | None, str]]:
    """Return all states with the reasons that any part of the software writes."""
    return {*reasons_in_schema(), *reasons_in_statements(), *reasons_in_code(), *reasons_of_hindrances()}


def worded() -> set[tuple[str, str]]:
    """Return all states with the reasons that have words in the template."""
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
    """Each reason with a sentence must be in ``written()``. If not, the sentence is obsolete or the search is wrong."""
    reasons = {reason for _, reason in written()} | {reason for _, reason in FOUND_BY_CHECK}
    assert sorted(r for _, r in worded() if r not in reasons | {"plain", "gateway_status"}) == []


def test_every_refusal_of_a_phone_and_of_a_row_has_words():
    assert set(clauses()["phone"]) == set(REFUSALS)
    assert set(clauses()["none"]["unusable"]) == set(get_args(RowRefusal))
    assert set(clauses()["kind"]) == set(KINDS)


# ------------------------------------------------ sentences about one message


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
    """Return the sentence that explains a dossier's story to the citizen."""
    story = replace(story, messages=messages or story.messages)
    return sentence(explain(story, now, RULES), story, "160915001")


IN_STATE = {"stopped": {"stopped_until": NOW + timedelta(hours=5)}, "old_step": {"waits_for_row": True}}
"""Further facts about a queued message that waits for one of these reasons."""


def test_a_message_in_any_state_for_any_reason_is_told_in_its_own_words():
    wrong = []
    for state, reason in sorted(worded() - FOUND_BY_CHECK):
        given = {"plain": None, "gateway_status": "gateway status 2"}.get(reason, reason)
        clause = clause_of(state, given)
        assert words_of_clause(clause) == clauses()["told"][state][reason]
        for kind in KINDS:
            each = message(state, given, kind, **(IN_STATE.get(reason, {}) if state == "queued" else {}))
            story = STORY if kind in ("result", "reply") else replace(STORY, status_code=4 if kind == "apology" else 5)
            answer = explain(replace(story, messages=[each]), NOW, RULES)
            # A reply to an inquiry does not belong to a dossier.
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
    """The sentence names the channel, the last digits and the time of arrival only if they are known."""
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
    """An undelivered message is queued again only for another number, so the sentence may promise no more."""
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
    # A stop that has ended explains nothing.
    assert "tạm dừng" not in told(STORY, message("queued", "stopped"))


def test_message_not_sent_because_the_citizen_knew_leads_to_the_one_that_told():
    """If a second message was not sent because the first had told the citizen, the sentence is about the first."""
    first = message("delivered", occasion_holds=False)
    second = replace(message("suppressed", "already_told"), message_id=2)
    assert told(STORY, first, second).startswith("Đã nhắn tin mời nhận kết quả từ MotcuaSMS lúc 9:30")
    assert told(STORY, second).startswith("Không nhắn thêm")


def test_what_the_dossier_calls_for_now_comes_before_what_was_told_of_the_past():
    past = message("delivered", None, "supplement", occasion_holds=False)
    now = replace(message("suppressed", "missing", phone_refusal="missing"), message_id=2)
    assert told(replace(STORY, phone_refusal="missing"), past, now).startswith("Chưa nhắn tin mời nhận kết quả")
    # The present state of the dossier comes first even if no message belongs to it.
    assert "bắt đầu dùng tin nhắn tự động" in told(replace(STORY, present_outcome="out_of_scope"), past)
    assert "đang lập tin" in told(replace(STORY, present_outcome=None), past)
    assert "trạng thái chưa khai báo" in told(replace(STORY, unusable_rows=["status_unknown"]), past)
    in_work = replace(STORY, status_code=4, is_late=True)
    assert told(in_work, past) == (
        "Đã nhắn tin mời bổ sung giấy tờ từ MotcuaSMS lúc 9:30 ngày 25/11/2026, nhà mạng báo tới máy; hồ sơ đang ở "
        "bước Trả kết quả, đã quá ngày hẹn trả 10:00 ngày 28/11/2026; có kết quả tại quầy thì tin tự gửi."
    )


def test_after_handing_over_it_is_the_result_that_is_asked_about():
    """If a dossier's result was handed over, the sentence is about the message about this result."""
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
    """A phone number that a desk typed into a step must not be in the sentence."""
    story = replace(STORY, status_code=4, step_name="Gọi 0905 123 456")
    assert "123 456" not in told(story)


# -------------------------------------------- sentences for arbitrary facts of a dossier

moments = st.integers(-200, 200).map(lambda hours: NOW + timedelta(hours=hours))
maybe = st.none() | moments


def built(of: type[Any], **others: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a class: moments near ``NOW``, booleans, and the given fields."""
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
    """The sentence must not promise a message to a citizen who has the result."""
    answer = explain(replace(story, handed_over=True), NOW, RULES)
    assert not [name for name in answer.clauses if name.startswith(("now.", "next."))]


def test_words_are_in_composed_form():
    page = (include_dir() / "templates/report/dossiers.vi.yaml").read_text("utf-8")
    assert unicodedata.is_normalized("NFC", page)
