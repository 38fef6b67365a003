"""Test that every DAG's texts are complete in Vietnamese for staff and in English for engineers.

Test that the forms with which people start a run refuse bad values.
"""

from __future__ import annotations

import os
import re
from types import SimpleNamespace

import pytest
from jsonschema import Draft7Validator

from motcua.dag_texts import words
from motcua.domain.people import NotAPerson
from motcua.jobs import run_alerts
from motcua.orchestration import RunRefused, begin_work, refuse_misunderstandings, release_by, tell_red_gate
from motcua.settings import include_dir
from motcua.store.ledger import sessions
from tests.ground import NOW

FOLDER = include_dir() / "templates" / "airflow"
VIETNAMESE = re.compile("[ăâđêôơưàáảãạèéẻẽẹìíỉĩịòóỏõọùúủũụỳýỷỹỵẠ-ỹ]", re.IGNORECASE)
HEADS = {
    "vi": ("### Mục đích", "### Lịch chạy", "### Xem lượt chạy đã làm gì", "### Khi bị lỗi"),
    "en": ("### Purpose", "### Schedule", "### What a run did", "### When a run is red"),
}


@pytest.fixture(scope="module")
def dags(bag):
    return list(bag.dags.values())


def is_vietnamese(text: str) -> bool:
    return len(VIETNAMESE.findall(text)) >= len(text) / 20


def is_english(text: str) -> bool:
    # Leave out words in *…*: an English text quotes the names of pages in Vietnamese.
    return not VIETNAMESE.search(re.sub(r"(?<!\*)\*[^*]+\*(?!\*)", "", text))


@pytest.mark.guarantee("airflow", "each DAG's page is complete in Vietnamese and in English")
def test_each_dags_page_is_whole_in_both_languages(dags):
    assert len(dags) > 1
    for dag in dags:
        parts = {language: (FOLDER / f"{dag.dag_id}.{language}.md").read_text(encoding="utf-8") for language in HEADS}
        assert is_vietnamese(parts["vi"]), dag.dag_id
        assert is_english(parts["en"]), dag.dag_id
        for language, part in parts.items():
            assert part.strip() in dag.doc_md
            assert words()["zone"][language] in dag.doc_md, "the page names the time zone of its schedule"
            assert re.findall(r"^#.*", part, re.M) == list(HEADS[language]), dag.dag_id
            sections = re.split(r"^#.*\n", part, flags=re.M)[1:]
            assert all(len(section.split()) >= 10 for section in sections), dag.dag_id
        assert dag.doc_md.index(parts["vi"].strip()) < dag.doc_md.index(parts["en"].strip())


def test_whatever_one_language_tells_of_a_red_run_the_other_tells_too(dags):
    """Both languages of a DAG's page must list the same reasons why a run is red."""
    assert len(dags) > 1
    for dag in dags:
        said = {}
        for language in HEADS:
            page = (FOLDER / f"{dag.dag_id}.{language}.md").read_text(encoding="utf-8")
            red = page.partition(HEADS[language][-1])[2]
            said[language] = re.findall(r"^- \*([^*]+)\*", red, re.M)
        assert said["vi"] == said["en"], dag.dag_id


def says_both(text: str, between: str) -> bool:
    """Return whether a text has a Vietnamese part and, after ``between``, an English part."""
    vietnamese, _, english = text.partition(between)
    return is_vietnamese(vietnamese) and is_english(english) and len(english.split()) > 4


def test_each_dag_and_each_task_has_a_name_and_says_what_it_does_in_both_languages(dags):
    assert len(dags) > 1
    for dag in dags:
        assert is_vietnamese(dag.dag_display_name), dag.dag_id
        assert says_both(dag.description, " / "), dag.dag_id
        assert "Một cửa" in dag.tags
        assert any(is_english(tag) for tag in dag.tags), dag.dag_id
        assert sum(is_vietnamese(tag) for tag in dag.tags) == 2, dag.dag_id
        assert dag.tasks
        for task in dag.tasks:
            assert is_vietnamese(task.task_display_name), task
            assert says_both(task.doc_md, "\n\n"), task


def test_no_text_is_left_of_a_task_that_is_no_more(dags):
    """A text of a DAG or task that no longer exists must be removed."""
    tasks = {dag.dag_id: {task.task_id for task in dag.tasks} for dag in dags}
    assert words()["dags"].keys() == tasks.keys()
    shared = set(words()["shared_tasks"])
    for dag_id, own in tasks.items():
        assert set(words()["dags"][dag_id]["tasks"]) <= own
    assert shared <= set().union(*tasks.values())
    names = {path.name for path in FOLDER.iterdir()}
    assert names == {"dags.yaml"} | {f"{dag_id}.{language}.md" for dag_id in tasks for language in HEADS}


def test_every_mapped_task_names_what_it_is_about(dags):
    """Airflow shows what each copy of a mapped task works on, such as a source, and not only an index."""
    mapped = [task for dag in dags for task in dag.tasks if task.is_mapped]
    assert {"pick_up", "mail", "take_file", "publish", "send"} <= {task.task_id for task in mapped}
    assert all(task.map_index_template for task in mapped)


# --- Trigger forms ---------------------------------------------------------------------------------------------


def test_every_parameter_is_described_in_both_languages_and_takes_only_what_makes_sense(dags):
    found = {f"{dag.dag_id}: {name}": dag.params.get_param(name) for dag in dags for name in dag.params}
    assert found.keys() == {"notify_transitions: release_unknown"}
    for place, param in found.items():
        vietnamese, _, english = param.schema["title"].partition(" / ")
        assert is_vietnamese(vietnamese), place
        assert english, place
        assert is_english(english), place
        assert says_both(param.schema["description_md"], "\n\n"), place
        # The form shows only one of ``description`` and ``description_md``, so only one may be set.
        assert param.description is None, place
        assert is_bound(param.schema), place
        # Airflow's form shows two dates without a time zone, so the parameter's description must name the zone.
        assert "Asia/Ho_Chi_Minh" in param.schema["description_md"], place
        Draft7Validator.check_schema(param.schema)


def is_bound(schema: dict) -> bool:
    """Return whether the form limits this parameter to sensible values."""
    if "enum" in schema or schema.get("type") == "boolean":
        return True
    if schema.get("type") in ("integer", "number"):
        return {"minimum", "maximum"} <= schema.keys()
    return schema.get("type") == "string" and ("format" in schema or {"pattern", "maxLength"} <= schema.keys())


def started(dag_id: str, conf: dict | None, run_type: str = "manual", by: str | None = "lan") -> dict:
    run = SimpleNamespace(
        dag_id=dag_id,
        run_id="run",
        run_type=run_type,
        conf=conf,
        data_interval_start=NOW,
        data_interval_end=NOW,
        triggering_user_name=by,
    )
    return {"dag_run": run}


@pytest.mark.guarantee("airflow", "a run that asks for the impossible is refused in Vietnamese, and does nothing")
@pytest.mark.parametrize(
    ("dag_id", "conf", "run_type", "why"),
    [
        ("notify_transitions", {"release_unknwon": True}, "backfill", "không có tham số “release_unknwon”"),
        ("notify_transitions", {"release_unknown": True}, "manual", "chỉ dùng khi chạy bù (backfill)"),
        ("check_quality", {"day": "2026-11-25"}, "manual", "không có tham số nào"),
    ],
)
def test_run_that_asks_for_what_there_is_not_is_refused_in_vietnamese_and_not_tried_again(dag_id, conf, run_type, why):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(RunRefused, match=re.escape(why)) as refused:
        refuse_misunderstandings(started(dag_id, conf, run_type))
    assert isinstance(refused.value, AirflowFailException)
    assert is_vietnamese(str(refused.value))


@pytest.mark.guarantee("airflow", "a run releases messages only in the name of the person who started it")
@pytest.mark.parametrize("by", [None, "airflow"])
def test_run_that_releases_is_refused_where_no_person_started_it(by):
    asks = {"release_unknown": True}
    with pytest.raises(RunRefused, match="một người có tên") as refused:
        refuse_misunderstandings(started("notify_transitions", asks, "backfill", by))
    assert is_vietnamese(str(refused.value))
    with pytest.raises(NotAPerson):
        release_by(started("notify_transitions", asks, "backfill", by) | {"params": asks})
    # A run that releases nothing needs no person: the scheduler starts it.
    assert refuse_misunderstandings(started("notify_transitions", {}, "scheduled", by)) is None


def test_run_releases_in_the_name_of_whoever_started_it():
    """A run that releases messages of unknown outcome stores the name of the person who started it."""
    asks = {"release_unknown": True}
    run = started("notify_transitions", asks, "backfill", "lan")
    assert refuse_misunderstandings(run) is None
    assert release_by(run | {"params": asks}) == "lan, run"
    assert release_by(run | {"params": {"release_unknown": False}}) is None


def test_nobody_is_mailed_of_a_run_that_was_refused(monkeypatch):
    """The person who started a refused run sees the reason in Airflow, so no mail is sent."""
    told = []
    monkeypatch.setattr(run_alerts, "mail_red_run", lambda *given: told.append(given))
    monkeypatch.setattr(run_alerts, "save_red_run", lambda *given: None)
    dag = SimpleNamespace(dag_display_name="DAG")
    tell_red_gate(started("check_quality", {}) | {"dag": dag, "exception": RunRefused("no")})
    assert told == []
    tell_red_gate(started("check_quality", {}) | {"dag": dag, "exception": RuntimeError("left")})
    assert len(told) == 1


@pytest.mark.parametrize(
    ("conf", "run_type"),
    [
        (None, "scheduled"),
        ({"release_unknown": False}, "manual"),
        ({"release_unknown": True}, "backfill"),
    ],
)
def test_run_with_valid_parameters_may_begin(conf, run_type):
    assert refuse_misunderstandings(started("notify_transitions", conf, run_type)) is None


def test_every_task_begins_by_refusing_and_by_saying_whose_work_it_is(dags):
    """Before its work, each task must refuse bad parameters, and tag its ledger sessions with its run."""
    tasks = [task for dag in dags for task in dag.tasks]
    assert {task.is_mapped for task in tasks} == {True, False}
    assert all(task.partial_kwargs["pre_execute"] is begin_work for task in tasks if task.is_mapped)
    assert all(task._pre_execute_hook is begin_work for task in tasks if not task.is_mapped)


def test_each_task_says_whose_work_it_is_and_steps_aside_where_no_citizen_waits(dags, monkeypatch):
    """Tasks for which no citizen waits run with low priority, so that they do not delay messages."""
    aside: list[int] = []
    monkeypatch.setattr(os, "nice", aside.append)
    works: list[sessions.Run] = []
    monkeypatch.setattr(sessions, "work_for", works.append)
    stepped = {}
    for dag in dags:
        for task in dag.tasks:
            pool = task.partial_kwargs.get("pool") if task.is_mapped else task.pool
            begin_work(started(dag.dag_id, {}) | {"task": SimpleNamespace(pool=pool)})
            stepped.setdefault(dag.dag_id, set()).add(bool(aside))
            aside.clear()
    assert {work.dag_id for work in works} == {dag.dag_id for dag in dags}, (
        "each task writes in the name of its run's DAG"
    )
    citizens_wait_for = {"notify_transitions", "apologize_due_tomorrow", "settle_messages"}
    assert stepped == {dag.dag_id: {dag.dag_id not in citizens_wait_for} for dag in dags}
    rules = {
        dag.dag_id: {
            str(task.partial_kwargs.get("weight_rule") if task.is_mapped else task.weight_rule) for task in dag.tasks
        }
        for dag in dags
    }
    # By default a task's priority grows with the number of tasks after it. Tasks of DAGs for which citizens wait must
    # come first, so the tasks of all other DAGs have a fixed priority.
    for name in rules.keys() - citizens_wait_for:
        assert all("bsolute" in rule for rule in rules[name]), rules[name]
    assert not any("bsolute" in rule for name in citizens_wait_for for rule in rules[name])
