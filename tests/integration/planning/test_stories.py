"""Test short stories of dossiers: which messages a dossier leads to, also when rows come late, twice or wrong.

All stories share one ledger. Each story has its own dossier and its own day.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from operator import methodcaller

import pytest

from motcua.store.oversight.accounting import identity
from tests.ground import NOW, in_ledger, reference_of, report, run_at, send_at, take_in

LANDLINE = "02583822001"


class Desk:
    """A helper that writes a story's dossier at the source and reads the dossier's messages.

    Times are minutes after 10:00 of the story's day.
    """

    def __init__(self, one_stop, gateway, rows):
        self.one_stop, self.gateway, self.rows = one_stop, gateway, rows
        self.day = -1

    def next_day(self):
        self.day += 1
        self.code, self.phones = f"D-{self.day}", {"first": f"0905100{self.day:03}", "mended": f"0905200{self.day:03}"}
        # Step numbers that a story sets must be lower than the automatic step numbers.
        self.numbers, self.one_stop.number = 1000 * self.day, 1000 * self.day + 100

    def at(self, minute):
        return None if minute is None else NOW + timedelta(days=self.day, minutes=minute)

    def row(self, minute, status=4, *, desk=False, phone="first", returned=None):
        self.one_stop.dossier(
            self.code,
            status_code=status,
            at_one_stop_desk=desk,
            applicant_phone=self.phones.get(phone, phone),
            updated_at=self.at(minute),
            returned_at=self.at(returned),
            received_at=self.at(-2 * 24 * 60),
            due_at=self.at(2 * 24 * 60),
        )

    def step(self, minute, status, *, desk=True, number=None, typed=None):
        """Write a step that happened at ``minute`` and was recorded at ``typed``, by default also at ``minute``."""
        number = None if number is None else self.numbers + number
        recorded = minute if typed is None else typed
        self.one_stop.move(
            status, self.code, desk=desk, at=self.at(recorded), occurred_at=self.at(minute), number=number
        )

    def plan(self, minute):
        take_in(self.at(minute))

    def run(self, *minutes):
        for minute in minutes:
            run_at(self.at(minute))

    def send(self, minute):
        send_at(self.at(minute))

    def receipt(self, status, attempt=-1):
        report(reference_of(self.rows, attempt), status)

    def stands(self, *expected):
        assert self.messages == list(expected)

    @property
    def messages(self):
        found = self.rows(
            "SELECT m.kind, m.state, m.reason FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d"
            " USING (dossier_id) WHERE d.dossier_code = %s ORDER BY m.message_id",
            self.code,
        )
        return [" ".join(filter(None, row.values())) for row in found]

    @property
    def texted(self):
        """The names of the dossier's phones that were texted, in order."""
        names = {f"+84{number[1:]}": name for name, number in self.phones.items()}
        return [names[asked["to"]] for asked in self.gateway.asked if asked["to"] in names]


row, step, plan, run, send, receipt, stands = (
    partial(methodcaller, act) for act in ("row", "step", "plan", "run", "send", "receipt", "stands")
)
RESULT = partial(row, status=9, desk=True)
"""An act that writes the dossier's row with the result at the desk."""
OLD_STEP = partial(step, -1080, desk=False, typed=0.1)
"""An act that writes a step that happened eighteen hours before the story and is recorded at minute 0.1."""
TOLD = ["first"]
STORIES = {
    # Only some rows lead to a message.
    "a result needs the status and the desk": (
        [row(-60), step(0, 9, desk=False), plan(0), stands(), step(1, 9), run(1)],
        ["result accepted"], TOLD,
    ),
    "whichever half comes second, also when only the row tells of it; the step that follows is the same occasion": (
        [row(-60), step(0, 9, desk=False), plan(0), RESULT(1), plan(1), stands("result queued"), step(2, 9), run(2)],
        ["result accepted"], TOLD,
    ),
    "a row older than the step does not take it back": (
        [row(-1), step(0, 9), plan(0), RESULT(1), plan(1)], ["result queued"], [],
    ),
    "a step recorded far back is read by its number": (
        [row(-2880), step(-2880, 4, desk=False), plan(0), step(-1440, 9), plan(1)], ["result queued"], [],
    ),
    # Two events of one pick-up contradict each other: the newer event counts.
    "a supplement after the result": (
        [row(-60), step(0, 9), step(1, 5), plan(1)], ["result cancelled superseded", "supplement queued"], [],
    ),
    "the result is taken back": (
        [row(-60), step(0, 9), step(1, 4, desk=False), plan(1)], ["result cancelled taken_back"], [],
    ),
    "the result is handed over": ([row(-60), step(0, 9), step(1, 10), plan(1)], ["result cancelled handed_over"], []),
    "it was handed over before anybody read of it": (
        [row(-1, returned=0), step(-1, 9), plan(1)], ["result cancelled handed_over"], [],
    ),
    # The dossier is checked again just before its message leaves.
    "it is taken back before it is sent": (
        [row(-60), step(0, 9), plan(0), step(1, 4, desk=False), run(1)], ["result cancelled taken_back"], [],
    ),
    "it is handed over before it is sent": (
        [row(-60), step(0, 9), plan(0), RESULT(1, returned=1), run(1)], ["result cancelled handed_over"], [],
    ),
    # Phones are missing, corrected or spoilt.
    "a missing phone is mended": (
        [
            row(-60, phone=None), step(0, 9), plan(0), stands("result suppressed missing"),
            RESULT(1, phone="mended"), plan(1), stands("result queued phone_mended"), run(1),
        ],
        ["result accepted"], ["mended"],
    ),
    "a phone is mended after the result was handed over": (
        [
            row(-60, phone=None), step(0, 9), plan(0), step(1, 10), row(1, 10, phone="mended", returned=1), run(1),
        ],
        ["result suppressed missing"], [],
    ),
    "a phone is spoilt, and restored to what it was": (
        [
            row(-60), step(0, 9), plan(0), RESULT(1, phone=LANDLINE), run(1), stands("result suppressed landline"),
            RESULT(2), run(2),
        ],
        ["result accepted"], TOLD,
    ),
    # The citizen was texted already.
    "it comes back within ten minutes": (
        [row(-60), step(0, 9), run(0), step(1, 4, desk=False), step(9, 9), run(9)],
        ["result accepted", "result suppressed already_told"], TOLD,
    ),
    "it comes back after ten minutes": (
        [row(-60), step(0, 9), run(0), step(1, 4, desk=False), step(11, 9), run(11)], ["result accepted"] * 2, TOLD * 2,
    ),
    "what was not delivered does not count as told": (
        [row(-60), step(0, 9), run(0), receipt("2"), step(1, 4, desk=False), step(2, 9), run(2)],
        ["result undelivered gateway status 2", "result accepted"], TOLD * 2,
    ),
    "receipts contradict each other: both numbers were first reported as failed and later as delivered": (
        [
            row(-60), step(0, 9), run(0), receipt("2"), RESULT(1, phone="mended"), run(1), receipt("2"),
            receipt("1", -2), receipt("1"), RESULT(2), run(2),
        ],
        ["result delivered"], ["first", "mended"],
    ),
    # Rows are committed late, or clocks differ.
    "leaving and returning were committed late behind a message that was accepted": (
        [row(-60), step(-5, 9, number=10), run(0), step(-3, 4, desk=False, number=11), step(-2, 9, number=12), run(1)],
        ["result accepted", "result suppressed already_told"], TOLD,
    ),
    "a step with the status alone was committed late behind a row": (
        [
            row(-60), step(-30, 4, desk=False, number=10), plan(-20), RESULT(0), plan(0), stands("result queued"),
            step(-1, 9, desk=False, number=11), run(1), run(2),
        ],
        ["result accepted"], TOLD,
    ),
    "a change has a slightly older stamp": (
        [row(4), plan(0), RESULT(2, phone="mended"), step(5, 9), run(5)], ["result accepted"], ["mended"],
    ),
    "a source's clock is ahead: its row is older than the step": (
        [row(-60), step(-30, 4, desk=False), plan(-20), row(2, phone="mended"), step(3, 9), run(0)],
        ["result accepted"], ["mended"],
    ),
    # Old steps are typed in late.
    "a result comes after an old one that was not believed": (
        [row(-60), step(0, 4, desk=False), OLD_STEP(9, desk=True), run(0.2, 6), step(60, 9), RESULT(60), run(61)],
        ["result accepted"], TOLD,
    ),
    "only the row says so after an old one that was not believed, of four days ago": (
        [row(-60), step(0, 4, desk=False), step(-5760, 9, typed=0.1), run(0.2, 6), RESULT(60), run(61)],
        ["result accepted"], TOLD,
    ),
    "it is entered again after an old step, and was told": (
        [row(-60), step(0, 9), RESULT(0), run(0.05), OLD_STEP(4), step(60, 9), RESULT(60), run(61, 70)],
        ["result accepted", "result suppressed already_told"], TOLD,
    ),
    "it is entered again after several old steps, and was not told": (
        [
            row(-60), step(0, 9), RESULT(0), OLD_STEP(4), step(-1079, 2, desk=False, typed=0.1), step(60, 9),
            RESULT(60), run(61, 70),
        ],
        ["result cancelled superseded", "result accepted"], TOLD,
    ),
    "its phone is mended after it was entered again": (
        [RESULT(0, phone=""), step(0, 9), OLD_STEP(4), run(0.2), step(10, 9), run(11), RESULT(20), run(21)],
        None, TOLD,
    ),
    "a lower number that comes late makes a step old": (
        [row(-60), step(-1080, 4, desk=False, typed=0.1, number=10), RESULT(0), run(0.15), step(0, 9, number=9),
         run(0.2, 6)],
        None, TOLD,
    ),
    "a source that stays away holds a result no longer than its clocks may be off": (
        [row(-60), step(0, 9), RESULT(0), OLD_STEP(4), run(0.2), stands("result queued old_step"), send(5.3)],
        ["result accepted"], TOLD,
    ),
    "a row without a stamp is read again with its step": (
        [row(-60), plan(0), row(None, phone="mended"), step(0, 9), run(0)], ["result accepted"], ["mended"],
    ),
}  # fmt: skip
"""Each story by its name: its acts, the messages at the end, and the phones that are texted, in order.

If the messages are ``None``, the test does not check the messages.
"""


@pytest.mark.guarantee(
    "what-fires",
    "a dossier gets a result message at status 9 at the desk, and a supplement message at status 5 at the desk",
)
@pytest.mark.guarantee(
    "what-fires",
    "an event begins when a dossier has the status and is at the desk, even if only the dossier's row shows this",
)
@pytest.mark.guarantee("what-fires", "if two events that are read together contradict each other, the newer counts")
@pytest.mark.guarantee(
    "what-fires",
    "a result that was already handed over gets no message, even if the desk records the hand-over afterwards",
)
@pytest.mark.guarantee(
    "what-fires",
    "once a phone is corrected, before or after its message failed, the message is sent if still true and useful",
)
@pytest.mark.guarantee(
    "what-fires",
    "a dossier that returns to the condition within ten minutes of an accepted message gets no second message",
)
@pytest.mark.guarantee("what-fires", "an undelivered message does not count as received by the citizen")
@pytest.mark.guarantee("what-fires", "a result that follows an old step which did not count gets its message")
@pytest.mark.guarantee("what-fires", "a result that is entered again after old steps alone causes no second message")
def test_each_life_of_a_dossier_is_told_as_it_should_be(one_stop, gateway, rows):
    desk, found = Desk(one_stop, gateway, rows), {}
    for story, (acts, *_) in STORIES.items():
        desk.next_day()
        for act in acts:
            act(desk)
        found[story] = desk.messages, desk.texted
    for story, (_, messages, texted) in STORIES.items():
        expected = found[story][0] if messages is None else messages
        assert found[story] == (expected, texted), story
    assert [row for row in in_ledger(identity) if row.difference] == []
