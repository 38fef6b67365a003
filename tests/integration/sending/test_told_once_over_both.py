"""Test with random answers of Zalo and of the SMS gateway, at random hours: no citizen is texted twice.

Each citizen is texted exactly once, or not at all if one of Zalo's answers is in ``NEVER_BY_SMS``.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motcua.jobs.notices.settling import settle
from motcua.sandbox.network.scripted import TAKEN, http
from tests.ground import NOW, send_at, take_in

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SILENT = ["reset", http(500, "an error of theirs")]
"""Answers that leave open whether the gateway has the message. The test counts each of them as a delivery."""
ZALO = [0, -100, -108, -114, -115, -118, -119, -124, -131, -132, -133, -144, *SILENT]
SMS = [TAKEN, (429, ""), (503, ""), (403, "Not routable"), *SILENT]
NEVER_BY_SMS = {-114, -119}
_numbers, _days = count(), count()


@pytest.mark.guarantee(
    "once",
    "whatever Zalo and SMS answer, at whatever hour, a citizen is texted once, or never if Zalo answers -114 or -119",
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answers=st.lists(
        st.tuples(st.lists(st.sampled_from(ZALO), max_size=2), st.lists(st.sampled_from(SMS), max_size=2)),
        min_size=1,
        max_size=5,
    ),
    hour=st.integers(0, 23),
)
def test_each_is_told_once_over_both(answers, hour, one_stop, channels, rows):
    begin = NOW + next(_days) * 10 * DAY + hour * HOUR
    given_to = {}
    for of_zalo, of_sms in answers:
        number = next(_numbers)
        phone = f"84905{number:06}"
        channels.zalo.by_number[phone] = list(of_zalo)
        channels.sms.by_number[f"+{phone}"] = list(of_sms)
        given_to[phone] = (list(of_zalo), list(of_sms))
        one_stop.both(9, f"D-{number}", at=begin, applicant_phone=f"0{phone[2:]}", updated_at=begin)
    take_in(begin)
    for later in (0 * MINUTE, MINUTE, 20 * MINUTE, 7 * HOUR, 14 * HOUR, DAY, 2 * DAY):
        send_at(begin + later)
        settle("settle", clock=lambda moment=begin + later: moment)
    sent = [asked["phone"] for asked in channels.zalo.sent]
    texted = [asked["to"].removeprefix("+") for asked in channels.sms.asked]
    states = {
        row["msisdn"].removeprefix("+"): row["state"] for row in rows("SELECT msisdn, state FROM motcua.messages")
    }
    for phone, (of_zalo, of_sms) in given_to.items():
        came_to_zalo = [*of_zalo, 0, 0, 0, 0, 0][: sent.count(phone)]
        came_to_sms = [*of_sms, TAKEN, TAKEN, TAKEN, TAKEN][: texted.count(phone)]
        deliveries = sum(each in (0, -100, *SILENT) for each in came_to_zalo)
        deliveries += sum(each in (TAKEN, *SILENT) for each in came_to_sms)
        if NEVER_BY_SMS.intersection(came_to_zalo):
            assert (deliveries, states[phone]) == (0, "rejected")
        else:
            assert deliveries == 1, (came_to_zalo, came_to_sms, states[phone])
            assert states[phone] in ("accepted", "unknown")
