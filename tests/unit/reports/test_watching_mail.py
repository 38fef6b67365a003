"""Test the mails of the watch: subject and body agree, and the mail at the end says what was wrong and how it ended."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.checks import CHECKS, DOCTOR, HOURLY
from motcua.domain.watching.alerts import Alert
from motcua.reports.checks import check_words, look_in_words
from motcua.reports.watching import compose_alerts, compose_life

NOW = datetime(2026, 11, 27, 0, 30, tzinfo=UTC)


def alert(**changes: object) -> Alert:
    kept = Alert("disk_low", "ledger", {"free": 1e9}, NOW, raised_at=NOW - timedelta(minutes=12), gone=3)
    for name, value in changes.items():
        setattr(kept, name, value)
    return kept


@pytest.mark.guarantee("watch", "the mail that an alert is over gives its cause, its duration and how it ended")
def test_mail_that_an_alert_is_over_says_what_it_was_how_long_and_how_it_ended():
    mail = compose_alerts([], [alert(over_at=NOW, acknowledged_by="<lan>")], [], "r", None, NOW)
    assert mail.subject == "[MotcuaSMS] Đã hết: Đĩa của ledger chỉ còn 1,0 GB"
    assert "kéo dài 12 phút" in mail.text
    assert "Trước đó: Khi đĩa đầy, PostgreSQL dừng hẳn" in mail.text
    assert "Nay: 3 lần xem liền nhau không còn thấy nữa; <lan> đã nhận xử lý." in mail.text
    assert "3 lần xem liền nhau không còn thấy nữa; &lt;lan&gt; đã nhận xử lý." in mail.html
    assert "12 phút" in mail.html


@pytest.mark.parametrize(
    ("state", "said"),
    [("ok", "không có cảnh báo"), ("not_set", "không có cảnh báo"), ("alert", "chưa có cảnh báo, 1 mục đang xem lại")],
)
def test_subject_and_body_of_the_daily_mail_say_the_same(state, said):
    look = look_in_words("airflow", state, {})
    assert look is not None
    mail = compose_life([], [look], "r", None, began_at=NOW, now=NOW)
    assert mail.subject.endswith(f": {said}")
    for text in (mail.text, mail.html):
        assert said[1:] in text, "the sentence must be in the body, with a capital letter"
        assert f": {check_words()['states']['alert']}" not in text
        assert f">{check_words()['states']['alert']}<" not in text
    open_one = compose_life([alert()], [look], "r", None, began_at=NOW, now=NOW)
    assert open_one.subject.endswith(": 1 cảnh báo còn mở")
    assert (f"Airflow: {check_words()['states'][state]}") in open_one.text


def test_nothing_that_is_told_to_staff_asks_for_a_shell():
    """Texts for staff name no commands. Alerts link to the handbook, which has the commands.

    Only texts of the doctor's own checks may name commands, because a person who runs the doctor has a shell. The watch
    repeats some of these checks each hour.
    """
    told = check_words()
    of_doctor = [each.id for each in CHECKS.values() if not each.asked_by & ~(DOCTOR | HOURLY)]
    of_staff = {name: said for name, said in told["checks"].items() if name not in of_doctor}
    rest = {name: said for name, said in told.items() if name != "checks"}
    assert len(of_staff) > 80
    assert re.findall(r"(?:motcua [a-z]+|docker [a-z]+|systemctl)", str(of_staff) + str(rest)) == []
