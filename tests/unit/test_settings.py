"""Test the settings: each is in an example file and the handbook, and an unreadable value is refused with advice."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from motcua.settings import BOUNDS, GONE, Settings, SettingsUnusable, settings
from tests import settings_page
from tests.settings_page import ROOT, default_of, examples

OF_0_2 = """
airflow_keep airflow_keep_acts airflow_keep_red already_told_within apology_quiet_from apology_quiet_until
apology_time backup_keep backup_recipients backup_time backups clock_skew committee_recipients data
department_recipients files first_look_back gateway_stop gateways home home_affairs_recipients inquiries_accented
inquiries_on inquiries_per_gateway inquiries_per_phone inquiry_fee intake_calls intake_proxies intake_session
intake_url journal journal_age justice_recipients late_commit linger linger_quiet metrics_secret notify_every
page_patience postgres_programs publications quality_time recheck_after reconcile_time retry_first retry_longest
segment_price senders settle_longest sms_budget source_patience sources statements urge_delivered_below urge_from
urge_late_above urge_phoneless_above urge_untold_above urge_wrong_apologies_above useful_for watch watch_airflow
watch_airflow_password watch_airflow_user watch_apologies_after watch_backup_age watch_callbacks watch_clock_skew
watch_daily_after watch_disk_free watch_disks watch_every watch_intake watch_news_within watch_notify_silence
watch_parts watch_push_refused watch_quiet watch_receipts_within watch_recipients watch_red_after watch_round
watch_source_silence watch_time watch_unknown_after watch_upkeep_after watch_webhook quality_thresholds
"""
"""The settings of version 0.2.0, which the files of a server may still contain."""


def test_what_an_earlier_version_read_is_read_or_refused_and_never_passed_over():
    """A setting of version 0.2.0 in a server's files must be read or refused, and never ignored silently."""
    known = {f"MOTCUA_{name.upper()}" for name in Settings.model_fields} | GONE.keys()
    assert {f"MOTCUA_{name.upper()}" for name in OF_0_2.split()} - known == set()


def test_each_setting_stands_in_one_example_and_nothing_else_does():
    assert Counter(each.name for each in examples()) == Counter(dict.fromkeys(Settings.model_fields, 1))


def test_handbook_tells_each_setting_as_the_example_and_the_code_have_it():
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page(), "run: python -m tests.settings_page"
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_examples_show_the_defaults_or_what_can_be_read(configure):
    shown = list(examples())
    configure(**{f"MOTCUA_{each.name.upper()}": each.value for each in shown})
    own = [each.name for each in shown if default_of(each.name) in (None, (), {})]
    others = {each.name for each in shown} - {*own, "home", "data", "gateways"}
    assert len(others) > 20
    assert {name: getattr(settings(), name) for name in others} == {name: default_of(name) for name in others}


def test_nothing_that_is_read_by_us_names_a_setting_that_there_is_not():
    """Docs and templates must not name a setting that was removed."""
    ours = {f"MOTCUA_{name.upper()}" for name in Settings.model_fields}
    pages = [path for place in ("docs", "include/templates") for path in (ROOT / place).rglob("*.md")]
    named = {name for path in pages for name in re.findall(r"\bMOTCUA_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    assert named & GONE.keys() == set()
    assert ours & GONE.keys() == set()


def test_settings_of_an_earlier_version_are_refused_with_what_to_do(configure):
    configure(**dict.fromkeys(GONE, "PT1H"))
    with pytest.raises(SettingsUnusable) as refused:
        settings()
    assert [name for name in GONE if not re.search(rf"\b{name}: it is .* now", str(refused.value))] == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LATE_COMMIT", "-PT5M", "greater than or equal"),
        ("APOLOGY_TIME", "25:30", "valid time"),
        ("APOLOGY_TIME", "17:30+07:00", "without a time zone"),
        ("WATCH_TIME", "07:30Z", "without a time zone"),
        ("NOTIFY_EVERY", "PT7M", "divide an hour"),
        ("SOURCES", "khánh hòa", "is not 'name' or 'name=adapter'"),
        ("PUBLICATIONS", "/srv/motcua", "is no URL of a folder"),
        ("QUALITY_THRESHOLDS", "R7=5", "is not like R3.days=15"),
    ],
)
def test_setting_that_cannot_be_read_is_named_with_why(configure, name, value, said):
    configure(**{f"MOTCUA_{name}": value, "MOTCUA_WATCH_EVERY": "1"})
    with pytest.raises(SettingsUnusable) as refused:
        settings()
    # One error names all wrong settings at once.
    assert str(refused.value).startswith("MOTCUA_WATCH_EVERY: it is called MOTCUA_LOOK_EVERY now; ")
    assert re.search(rf"; MOTCUA_{name}: .*{said}", str(refused.value))


def test_hour_of_apologies_that_wakes_people_is_named_unless_nights_were_decided(configure):
    """An hour of apologies in the quiet hours is reported, unless the installation has no quiet hours."""
    (bound,) = (each for each in BOUNDS if each.name == "apology_time")
    seen = []
    for at, begin, end in (("17:30", "21:00", "07:00"), ("03:00", "21:00", "07:00"), ("21:30", "22:00", "06:00")):
        configure(MOTCUA_APOLOGY_TIME=at, MOTCUA_APOLOGY_QUIET_FROM=begin, MOTCUA_APOLOGY_QUIET_UNTIL=end)
        seen.append(bound.holds(settings()))
    configure(MOTCUA_APOLOGY_TIME="03:00", MOTCUA_APOLOGY_QUIET_FROM="00:00", MOTCUA_APOLOGY_QUIET_UNTIL="00:00")
    assert (seen, bound.holds(settings())) == ([True, False, False], True)
