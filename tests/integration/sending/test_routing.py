"""Test several gateways: priority, carriers, limits and failover.

No second gateway gets a message while its outcome at the first is unknown.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from motcua.domain.routing import day_of
from motcua.domain.run_window import EVERYTHING
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.sending.sender import send, unresolved
from motcua.jobs.tasks.notify_transitions import send_messages
from motcua.jobs.texts import unregister_text
from motcua.sandbox.network.scripted import TAKEN, ScriptedGateway
from motcua.store.journal import JournaledAnswer
from motcua.store.ledger.database import connect
from motcua.store.notices.gaps import take_answers
from motcua.store.notices.gateways import days_used_up, lock_allowance, start_gateway, use_allowance
from tests.ground import (
    NOW,
    gateway_connection,
    in_ledger,
    red_gate,
    register_templates,
    report,
    send_at,
    states,
    take_in,
    type_command,
    words_of_left,
)

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
VIETTEL, MOBIFONE, ITEL = "0981234", "0905123", "0871234"


def connection_of(port, **extra):
    return gateway_connection(
        port, **{"concurrency": 4, "answer_timeout": 0.5, "callback_url": None, "callback_secret": None} | extra
    )


@pytest.fixture
def two(configure):
    """Set up two gateways, ``kannel`` preferred to ``second``.

    The fixture's value is a function: ``two(kannel={…}, second={…})`` adds to their connections' extra fields.
    """
    doubles = {"kannel": ScriptedGateway(), "second": ScriptedGateway()}

    def set_up(**extra):
        configure(
            MOTCUA_GATEWAYS="kannel,second",
            **{
                f"AIRFLOW_CONN_SMS_{name.upper()}": connection_of(double.port, **extra.get(name, {}))
                for name, double in doubles.items()
            },
        )
        return doubles["kannel"], doubles["second"]

    set_up()
    yield set_up
    for double in doubles.values():
        double.close()


@pytest.fixture(autouse=True)
def _register_at_second_gateway(ledger):
    """Register the templates at the second gateway too."""
    register_templates(ledger, "second")


def queue(one_stop, *blocks, at=NOW):
    start = one_stop.number
    for number, block in enumerate(blocks, start):
        one_stop.both(9, f"D-{number}", at=at, applicant_phone=f"{block}{number:03}")
    take_in(now=at)


def numbers(double):
    return sorted(asked["to"] for asked in double.asked)


def changes(rows):
    return [
        (row["gateway"], row["subject"], row["change"])
        for row in rows("SELECT gateway, subject, change FROM motcua.gateway_changes ORDER BY change_id")
    ]


def test_each_carrier_goes_where_the_brandname_is_registered(one_stop, two, rows):
    first, second = two(kannel={"carriers": ["Viettel"]}, second={"carriers": "MobiFone, viettel"})
    queue(one_stop, VIETTEL, MOBIFONE, VIETTEL)
    counts = send_at()
    assert numbers(first) == ["+84981234000", "+84981234002"]
    assert numbers(second) == ["+84905123001"]
    assert counts.by_gateway == {"kannel": 2, "second": 1}
    assert [r["carrier"] for r in rows("SELECT carrier FROM motcua.messages ORDER BY 1")] == [
        "MobiFone",
        "Viettel",
        "Viettel",
    ]


@pytest.mark.guarantee(
    "registrations",
    "without a brandname registered at the carrier a message waits and the run is red; no message goes anonymously",
)
def test_unregistered_carrier_is_reported_and_never_sent_anonymously(one_stop, two, rows):
    first, second = two(kannel={"carriers": ["Viettel"]}, second={"carriers": ["MobiFone"]})
    queue(one_stop, ITEL, MOBIFONE)
    counts = send_at()
    assert numbers(first) == []
    assert numbers(second) == ["+84905123001"]
    assert counts.unregistered == {"no gateway's brandname is registered at iTel": 1}
    assert states(rows) == [("queued", "carrier_unregistered"), ("accepted", None)]
    rows(
        "UPDATE motcua.messages SET next_attempt_at = now() - interval '1 minute',"
        " useful_until = now() + interval '1 day' WHERE state = 'queued'"
    )
    with red_gate(r"1 message\(s\) wait: no gateway's brandname is registered at iTel"):
        send_messages("red", EVERYTHING)


def test_mended_number_of_a_registered_carrier_goes_although_the_old_one_had_none(one_stop, two, rows):
    """A message whose carrier had no gateway must go out once its corrected number belongs to a served carrier."""
    first, _ = two(kannel={"carriers": ["Viettel"]}, second={"carriers": ["MobiFone"]})
    queue(one_stop, ITEL)
    send_at()
    one_stop.dossier("D-0", applicant_phone="0981234567", status_code=9, at_one_stop_desk=True)
    pick_up("khanhhoa", now=NOW + 2 * MINUTE)
    send_at(NOW + 6 * MINUTE)
    send_at(NOW + 7 * MINUTE)
    assert numbers(first) == ["+84981234567"]


@pytest.mark.guarantee(
    "gateways-that-fail",
    "a gateway that refuses the account is paused at once and the pause is recorded; another gateway takes over",
)
def test_configuration_error_fails_over_at_once_and_the_gateway_is_preferred_again_later(one_stop, two, rows):
    first, second = two()
    first.answer = (403, "Authorization failed for sendsms")
    queue(one_stop, *[VIETTEL] * 12)
    send_at()
    assert len(first.asked) <= 4
    assert sorted(numbers(second)) == [f"+84981234{n:03}" for n in range(12)]
    assert set(states(rows)) == {("accepted", None)}
    assert any("gateway kannel stopped: 403" in line for line in words_of_left(unresolved("run", now=NOW)))
    first.answer, first.seconds, begun = (202, "0: Accepted for delivery"), 0.05, []
    first.asked.clear()
    first.before_answer = lambda query: begun.append(first.in_flight)
    queue(one_stop, *[VIETTEL] * 8, at=NOW + 6 * MINUTE)
    send_at(NOW + 6 * MINUTE)
    assert begun[:2] in ([1], [1, 1]), "a gateway that was paused must get its first two requests one after the other"
    assert (len(first.asked), len(second.asked)) == (8, 12)
    assert changes(rows) == [("kannel", "", "stopped"), ("kannel", "", "started")]


@pytest.mark.guarantee(
    "gateways-that-fail",
    "in an outage only messages in flight become unknown, and another gateway takes over",
)
def test_outage_fails_over(one_stop, two, rows):
    first, second = two()
    first.answer = (503, "Temporal failure, try again later.")
    queue(one_stop, *[VIETTEL] * 10)
    send_at()
    assert len(first.asked) <= 6
    send_at(NOW + MINUTE)
    assert len(second.asked) == 10
    assert set(states(rows)) == {("accepted", None)}


@pytest.mark.guarantee(
    "once",
    "a time-out, a reset, 500 or 502 makes the message `unknown`, and it is not sent again to any gateway",
)
def test_unknown_message_is_not_given_to_another_gateway(one_stop, two, rows):
    first, second = two()
    first.script = ["hang"]
    queue(one_stop, VIETTEL)
    for minutes in (0, 6, 60):
        send_at(NOW + minutes * MINUTE)
    assert len(first.asked) == 1
    assert second.asked == []
    assert states(rows) == [("unknown", "no_answer")]


@pytest.mark.guarantee(
    "gateways-that-fail",
    "a message whose carrier is refused goes to the next gateway, and the carrier is not paused yet",
)
def test_not_routable_number_goes_to_the_next_gateway_and_stops_nothing_at_first(one_stop, two, rows):
    first, second = two()
    first.script = [(403, "Not routable")]
    queue(one_stop, VIETTEL, VIETTEL, VIETTEL)
    send_at()
    assert len(first.asked) == 3
    assert len(second.asked) == 1
    assert set(states(rows)) == {("accepted", None)}
    assert changes(rows) == []


@pytest.mark.guarantee(
    "gateways-that-fail",
    "ten refused numbers of a carrier in a row pause the carrier at that gateway until a try succeeds",
)
def test_carrier_that_is_refused_again_and_again_is_stopped_there_and_only_there(one_stop, two, rows):
    """The refusals of all runs must count together."""
    first, second = two()
    first.answer = (403, "Not routable")
    queue(one_stop, *[VIETTEL] * 6)
    send_at()
    assert changes(rows) == []
    queue(one_stop, *[VIETTEL] * 18)
    send_at(run_id="another run")
    assert 10 <= len(first.asked) <= 15
    assert len(second.asked) == 24
    assert ("kannel", "Viettel", "stopped") in changes(rows)
    first.answer = (202, "0: Accepted for delivery")
    queue(one_stop, MOBIFONE, VIETTEL, at=NOW + SECOND)
    send_at(NOW + SECOND)
    assert first.asked[-1]["to"].startswith("+84905123")
    assert second.asked[-1]["to"].startswith("+84981234")


def test_message_that_every_gateway_refuses_waits_and_is_tried_again(one_stop, two, rows):
    """A message that all gateways refuse must be retried after a pause and must not be lost."""
    first, second = two()
    first.answer = second.answer = (403, "Not routable")
    queue(one_stop, VIETTEL)
    send_at()
    assert (len(first.asked), len(second.asked)) == (1, 1)
    assert states(rows) == [("queued", "carrier_refused")]
    send_at(NOW + MINUTE)
    assert (len(first.asked), len(second.asked)) == (1, 1)
    second.answer = (202, "0: Accepted for delivery")
    send_at(NOW + 10 * MINUTE)
    assert states(rows) == [("accepted", None)]


@pytest.mark.guarantee("limits", "all senders together keep to the limit of segments a second")
def test_limit_a_second_is_kept_by_all_senders_together(one_stop, gateway, configure, rows):
    configure(AIRFLOW_CONN_SMS_KANNEL=connection_of(gateway.port, concurrency=16, segments_per_second=20))
    now = NOW
    queue(one_stop, *[VIETTEL] * 50, at=now)
    came: list[float] = []
    gateway.before_answer = lambda query: came.append(time.monotonic())
    began = time.monotonic()
    moment = lambda: now + timedelta(seconds=time.monotonic() - began)  # noqa: E731
    senders = [threading.Thread(target=send, args=(f"run {n}",), kwargs={"clock": moment}) for n in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    came.sort()
    assert len(came) == 50
    # Check only that no request is early. On a busy machine, several requests may be late and leave together.
    assert [at for number, at in enumerate(came) if at - began < number / 20] == []


def test_refusal_and_claim_of_two_senders_never_wait_for_each_other(one_stop, gateway, rows):
    """Senders must lock the row of ``gateway_days`` before the row of ``gateways``, or they deadlock.

    Writing a refusal locks the row of ``gateway_days``. In the same transaction a sender then reserves the next
    messages, which locks the row of ``gateways``.
    """
    queue(one_stop, VIETTEL)
    gateway.script = ["hang"]
    send_at()
    refusal = JournaledAnswer(rows("SELECT reference FROM motcua.attempts")[0]["reference"], NOW, "transient", None)

    def refuse_and_claim():
        with connect() as ledger:
            take_answers(ledger, [refusal], NOW)
            lock_allowance(ledger, "kannel", day_of(NOW))

    with ThreadPoolExecutor(1) as pool, connect() as ledger:
        lock_allowance(ledger, "kannel", day_of(NOW))
        other = pool.submit(refuse_and_claim)
        time.sleep(0.5)
        use_allowance(ledger, "kannel", day=day_of(NOW), segments=3)
        ledger.commit()
        other.result()
    assert rows("SELECT segments FROM motcua.gateway_days") == [{"segments": 3}]


@pytest.mark.guarantee(
    "limits", "when a day's segments are used up the gateway is paused, and another gateway takes over"
)
def test_limit_a_day_fails_closed_and_another_gateway_takes_over(one_stop, two, rows):
    first, second = two(kannel={"segments_per_day": 3})
    # Refused messages must not count towards the day's limit.
    first.script = [(400, "Missing receiver number, rejected")] * 2
    queue(one_stop, *[VIETTEL] * 10)
    send_at()
    send_at(NOW + MINUTE)
    assert len(first.asked) == 2 + 3
    assert len(second.asked) == 5
    segments = {r["gateway"]: r["segments"] for r in rows("SELECT gateway, segments FROM motcua.gateway_days")}
    assert segments == {"kannel": 3, "second": 5}
    assert "the 3 segments of the day are used" in rows("SELECT reason FROM motcua.gateway_changes")[0]["reason"]
    (used_up,) = in_ledger(days_used_up, ["kannel", "second"], NOW + MINUTE)
    assert (used_up.gateway, used_up.used, used_up.segments_per_day, used_up.elsewhere) == ("kannel", 3, 3, 5)
    assert unresolved("run", now=NOW + MINUTE) == []
    tomorrow = NOW + timedelta(hours=15)  # It is 1:00 in Vietnam, so the limit of a new day applies.
    queue(one_stop, VIETTEL, at=tomorrow)
    send_at(tomorrow)
    assert len(first.asked) == 6
    assert in_ledger(days_used_up, ["kannel", "second"], tomorrow) == []


@pytest.mark.guarantee("limits", "a message counts towards its day's limit unless the gateway certainly refused it")
def test_units_of_a_day_follow_what_becomes_known_later(one_stop, two, rows):
    first, _ = two()

    def units():
        return rows("SELECT segments FROM motcua.gateway_days WHERE gateway = 'kannel'")[0]["segments"]

    first.script = [(400, "Missing receiver number, rejected"), "hang", TAKEN]
    queue(one_stop, *[VIETTEL] * 3)
    send_at()
    assert units() == 2
    refused, unanswered = (
        rows("SELECT reference FROM motcua.attempts WHERE state = %s", state)[0]["reference"]
        for state in ("rejected", "unknown")
    )
    report(refused, "1")
    assert units() == 3, "a delivery receipt contradicts the refusal"
    answer = JournaledAnswer(unanswered, NOW, "transient", None)
    assert in_ledger(take_answers, [answer], NOW) == 1
    assert units() == 2, "the journal knows that the gateway refused"


@pytest.mark.guarantee(
    "registrations", "a message whose template the first gateway does not know goes through the second gateway"
)
def test_template_that_the_first_gateway_does_not_know_goes_through_the_second(one_stop, two, rows):
    unregister_text("kannel", "result.v1", "Lan", "nhà cung cấp báo hết hạn")
    first, second = two()
    queue(one_stop, VIETTEL)
    counts = send_at()
    assert (len(first.asked), len(second.asked)) == (0, 1)
    assert counts.unregistered == {}


def test_gateway_with_a_broken_connection_does_not_stop_the_other(one_stop, two, rows, configure):
    _, second = two()
    configure(AIRFLOW_CONN_SMS_KANNEL=connection_of(1, segments_per_second="many"))
    queue(one_stop, VIETTEL)
    send_at()
    assert len(second.asked) == 1
    assert any("segments_per_second" in line for line in words_of_left(unresolved("run", now=NOW)))
    configure(MOTCUA_GATEWAYS="kannel")
    queue(one_stop, VIETTEL)
    with pytest.raises(GatewayMisconfigured):
        send_at()
    assert states(rows)[-1] == ("queued", None), "without another gateway the message stays queued"


@pytest.mark.guarantee("limits", "a limit that cannot be read pauses the gateway")
def test_limit_that_cannot_be_read_does_not_mean_no_limit(configure):
    for name, value in (
        ("segments_per_second", 0),
        ("segments_per_second", "x"),
        ("segments_per_day", -1),
        ("segments_per_day", []),
        ("carriers", ["Vietel"]),
        ("carriers", []),
        ("carriers", 7),
        ("price", "free"),
        ("price", {"Vietel": 350}),
        ("price", {}),
        ("when_unknown", "resend"),
        ("when_unknown", None),
        ("horizon_hours", 0),
        ("unknown_after_hours", "soon"),
        ("concurrency", "many"),
        ("concurrency", 0),
        ("answer_timeout", "20s"),
    ):
        configure(AIRFLOW_CONN_SMS_KANNEL=connection_of(1, **{name: value}))
        with pytest.raises(GatewayMisconfigured, match="carriers must be a list of" if name == "carriers" else name):
            open_gateway("kannel")


def test_operator_sees_stops_limits_and_changes(one_stop, two, rows):
    first, _ = two(kannel={"carriers": ["Viettel"], "segments_per_day": 100})
    first.answer = (403, "Authorization failed for sendsms")
    queue(one_stop, VIETTEL)
    send_at()
    shown = type_command("gateways", "list", exits=None).output
    assert "Viettel" in shown
    assert "of 100" in shown
    assert "403" in shown
    assert "stopped" in type_command("gateways", "changes", exits=None).output
    type_command("gateways", "stop", "second", "--reason", "contract ended")
    assert "contract ended" in type_command("gateways", "changes", exits=None).output
    assert not any("contract ended" in line for line in words_of_left(unresolved("run")))
    type_command("gateways", "start", "nobody", exits=2)
    assert in_ledger(start_gateway, "second", changed_by="tests", reason="test") == 1
    first.answer = (202, "0: Accepted for delivery")
    type_command("gateways", "start", "kannel")
    queue(one_stop, VIETTEL, at=NOW + MINUTE)
    send_at(NOW + MINUTE)
    assert numbers(first)[-1] == "+84981234001", "a gateway that a person started is used at once"


@pytest.mark.guarantee("workers", "a single new message does not wait behind thousands of older ones")
def test_single_message_does_not_wait_behind_thousands(one_stop, two, rows):
    kannel, _ = two(kannel={"concurrency": 2})
    queue(one_stop, *[MOBIFONE] * 60)
    rows("UPDATE motcua.messages SET next_attempt_at = %s", NOW - MINUTE)
    queue(one_stop, VIETTEL)
    send("run", clock=lambda: NOW)
    numbers = [each["to"] for each in kannel.asked]
    assert len(numbers) == 61
    single = next(place for place, number in enumerate(numbers) if "98123" in number)
    assert single < 20, "the single message must be among the first"
