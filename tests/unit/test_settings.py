"""Every setting stands in an example and in the handbook, and what cannot be read is refused with what to do."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from motcua.settings import GONE, Settings, SettingsUnusable, settings
from tests import settings_page
from tests.settings_page import ROOT, default_of, examples


def test_each_setting_stands_in_one_example_and_nothing_else_does():
    assert Counter(each.name for each in examples()) == Counter(dict.fromkeys(Settings.model_fields, 1))


def test_handbook_tells_each_setting_as_the_example_and_the_code_have_it():
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page(), "python -m tests.settings_page"
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("each", list(examples()), ids=lambda each: each.name)
def test_example_shows_the_default_or_what_can_be_read(each, configure):
    configure(**{f"MOTCUA_{each.name.upper()}": each.value})
    read = getattr(settings(), each.name)
    if default_of(each.name) not in (None, (), {}) and each.name not in ("home", "data", "gateways"):
        assert read == default_of(each.name)


def test_nothing_that_is_read_by_us_names_a_setting_that_there_is_not():
    ours = {f"MOTCUA_{name.upper()}" for name in Settings.model_fields}
    pages = [path for place in ("docs", "include/templates") for path in (ROOT / place).rglob("*.md")]
    named = {name for path in pages for name in re.findall(r"\bMOTCUA_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    assert named & GONE.keys() == set()
    assert ours & GONE.keys() == set()


@pytest.mark.parametrize("name", GONE)
def test_setting_of_an_earlier_version_is_refused_with_what_to_do(configure, name):
    configure(**{name: "PT1H"})
    with pytest.raises(SettingsUnusable, match=f"^{name}: it is .* now"):
        settings()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LATE_COMMIT", "-PT5M", "greater than or equal"),
        ("USEFUL_FOR", "ba ngày", "valid timedelta"),
        ("APOLOGY_TIME", "25:30", "valid time"),
        ("BACKUP_KEEP", "P90D", "less than or equal to 35 days"),
        ("SENDERS", "0", "greater than or equal to 1"),
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
    # All at once.
    assert str(refused.value).startswith("MOTCUA_WATCH_EVERY: it is called MOTCUA_LOOK_EVERY now; ")
    assert re.search(rf"; MOTCUA_{name}: .*{said}", str(refused.value))
