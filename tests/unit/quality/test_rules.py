"""Test the file of the quality rules, and which of their thresholds a deployment may change."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
import yaml

from motcua.domain.phones.reading import REFUSALS
from motcua.quality.rules import RulesInvalid, _validated, ask, load_rules, snapshot_thresholds
from motcua.settings import SettingsUnusable, include_dir

NOW = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
"""The moment 05:30 in Khánh Hòa on 25/11/2026."""


@pytest.fixture
def content():
    return yaml.safe_load((include_dir() / "quality" / "rules.yaml").read_text(encoding="utf-8"))


def test_every_pattern_and_every_refusal_has_its_rule():
    """Each reason for which a phone field is refused needs a rule, or nobody would be asked to correct it."""
    rules = load_rules({}).rules
    assert {f"R{number}" for number in range(1, 16)} <= set(rules)
    phones = " ".join(rule.where for code, rule in rules.items() if code.startswith("P"))
    assert [refusal for refusal in REFUSALS if f"'{refusal}'" not in phones] == []


def test_months_begin_at_midnight_in_vietnam():
    book = load_rules({})
    assert book.since(NOW) == datetime(2026, 8, 31, 17, tzinfo=UTC)
    assert load_rules({"months_before": 0}).since(NOW) == datetime(2026, 10, 31, 17, tzinfo=UTC)
    assert book.since(datetime(2026, 12, 31, 17, 30, tzinfo=UTC)) == datetime(2026, 10, 31, 17, tzinfo=UTC)


def test_override_changes_the_query_the_snapshot_and_what_is_shown(configure):
    """A deployment's threshold must reach the rule's query, the snapshot, the shown thresholds and the rule's hash."""
    configure(MOTCUA_QUALITY_THRESHOLDS=" R7.days=5, R4.seconds=30 ")
    book = load_rules()
    asked = {each.rule.code: each for each in ask(book, NOW, book.since(NOW))}
    assert "f.idle_days >= 5" in asked["R7"].query
    assert snapshot_thresholds(book)["r4_seconds"] == 30
    used = {(each.rule, each.name): (each.value, each.default) for each in book.thresholds_used()}
    assert used["R7", "days"] == (5, 3)
    before = {each.rule.code: each.digest for each in ask(load_rules({}), NOW, book.since(NOW))}
    assert asked["R7"].digest != before["R7"]
    assert asked["R1"].digest == before["R1"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("R7.days", "is not like R3.days=15"),
        ("R7.days=five", "is not like R3.days=15"),
        ("R7.weeks=5", "no threshold R7.weeks"),
        ("R4.share=1.5", "not between 0.1 and 1"),
    ],
)
def test_override_that_cannot_be_used_is_one_clear_sentence(configure, written, said):
    configure(MOTCUA_QUALITY_THRESHOLDS=written)
    with pytest.raises((RulesInvalid, SettingsUnusable), match=said):
        load_rules()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"where": "f.idle_days >= %(dayz)s"}, "no threshold dayz"),
        ({"where": "TRUE; DROP TABLE motcua.dossiers"}, "without ;"),
        ({"where": "f.facts = '{a :b}'"}, "single colon"),
        ({"where": "f.colour = 1 AND f.ended"}, "asks for colour, which dossier_facts does not have"),
        ({"what": "Quá hạn {ngày}."}, "no fact ngày"),
        ({"facts": {"due": "f.due_at", "since": "f.due_at"}}, "are given to every sentence"),
        ({"severity": "grave"}, "severity"),
        ({"title": unicodedata.normalize("NFD", "Quá hẹn")}, "NFC"),
        ({"wehre": "TRUE"}, "wehre"),
        ({"thresholds": {"days": {"value": 0, "least": 1, "meaning": "ngày"}}}, "not between"),
    ],
)
def test_mistake_in_the_file_is_named_with_its_rule(content, change, said):
    content["rules"]["R7"] |= change
    with pytest.raises(RulesInvalid, match=said) as refused:
        _validated(content, "rules.yaml")
    assert "R7" in str(refused.value)


def test_braces_reach_the_database_as_they_are_written(content):
    """Braces in the condition of a rule must not be read as a placeholder for a value."""
    content["rules"]["R7"]["where"] = "f.phone_notes = '{a}'"
    content["rules"]["R7"].pop("thresholds")
    book = _validated(content, "rules.yaml")
    query = next(each.query for each in ask(book, NOW, book.since(NOW)) if each.rule.code == "R7")
    assert "f.phone_notes = '{a}'" in query.format(batch="x")
