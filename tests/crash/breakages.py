"""Break a sender on purpose by one of several mistakes, to test that the judge of the crash tests notices each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from motcua.gateways.adapter import GatewayAnswer
from motcua.gateways.kannel import KannelGateway
from motcua.jobs.notices.sending.heartbeat import Heart
from motcua.store.journal import Journal
from motcua.store.notices import attempts, messages
from tests.crash.steps import replace_everywhere


def _replace(original: Callable[..., Any], replacement: Callable[..., Any]) -> None:
    replace_everywhere((original, functools.wraps(original)(replacement)))


def _leave_behind(message_state: str, attempt_state: str) -> None:
    """Break a sender so that it gives a dead sender's messages and attempts these states without knowing an outcome."""

    def abandon(connection: Any, sender_id: int, now: Any, *_: Any, **__: Any) -> int:
        values = {"sender_id": sender_id, "now": now, "message": message_state, "attempt": attempt_state}
        connection.execute(
            "UPDATE motcua.messages SET state = %(message)s, next_attempt_at = %(now)s WHERE state = 'sending'"
            " AND message_id IN (SELECT message_id FROM motcua.attempts WHERE sender_id = %(sender_id)s"
            " AND state = 'in_flight')",
            values,
        )
        return int(
            connection.execute(
                "UPDATE motcua.attempts SET state = %(attempt)s, answered_at = %(now)s"
                " WHERE sender_id = %(sender_id)s AND state = 'in_flight'",
                values,
            ).rowcount
        )

    _replace(attempts.abandon, abandon)


def _replace_answers(instead: Mapping[str, GatewayAnswer]) -> None:
    """Break the adapter so that some answers are replaced by others."""
    adapter: Any = KannelGateway
    submit = adapter.submit

    def guess(*arguments: Any) -> GatewayAnswer:
        outcome: GatewayAnswer = submit(*arguments)
        return instead.get(outcome.outcome, outcome)

    adapter.submit = guess


def _take_no_answer_for_a_failure() -> None:
    _replace_answers({"unknown": GatewayAnswer("transient")})


def _take_no_answer_for_success() -> None:
    _replace_answers({"unknown": GatewayAnswer("accepted", 202), "transient": GatewayAnswer("accepted", 202)})


def _write_attempts_after_the_call() -> None:
    """Break the sender so that it writes an attempt only after the call of the gateway.

    Before the call, the sender only reserves the message for ten minutes, as usual task queues do. The sender writes no
    journal either, because the next run would read in the journal what was sent.
    """
    begin, save, apply = messages.begin_sending, attempts.save_attempts, messages.apply_outcomes
    begun: dict[int, messages.Departing] = {}
    saved: dict[int, tuple[messages.Departing, Mapping[str, Any]]] = {}

    def begin_later(_: Any, rows: Sequence[messages.Departing]) -> None:
        begun.update({row.message_id: row for row in rows})

    def lease(connection: Any, rows: Sequence[messages.Departing], **named: Any) -> None:
        connection.execute(
            "UPDATE motcua.messages SET next_attempt_at = %(now)s + interval '10 minutes'"
            " WHERE message_id = any(%(leased)s)",
            {"now": named["now"], "leased": [row.message_id for row in rows]},
        )
        saved.update({row.message_id: (row, named) for row in rows})

    def apply_all(connection: Any, rows: Sequence[messages.MessageOutcome]) -> None:
        for row in rows:
            attempt, named = saved.pop(row.message_id)
            begin(connection, [begun.pop(row.message_id)])
            save(connection, [attempt], **named)
        apply(connection, rows)

    journal: Any = Journal
    journal.write = lambda *_: None
    _replace(begin, begin_later)
    _replace(save, lease)
    _replace(apply, apply_all)


def _ignore_deadline() -> None:
    heart: Any = Heart
    heart.may_send = True


@dataclass(frozen=True)
class Breakage:
    """A mistake, and the kind of defect that the judge must find because of it."""

    make: Callable[[], None]
    does: Literal["doubled", "lost"]
    fate: Literal["dies", "freezes", "lives"] = "dies"


BREAKAGES = {
    "sends again what a dead sender left": Breakage(lambda: _leave_behind("queued", "failed"), "doubled"),
    "takes what a dead sender left for accepted": Breakage(lambda: _leave_behind("accepted", "accepted"), "lost"),
    "takes no answer for a failure": Breakage(_take_no_answer_for_a_failure, "doubled", "lives"),
    "takes no answer for success": Breakage(_take_no_answer_for_success, "lost", "lives"),
    "writes attempts after the call and keeps no journal": Breakage(_write_attempts_after_the_call, "doubled"),
    "was frozen and ignores its deadline": Breakage(_ignore_deadline, "doubled", "freezes"),
}
