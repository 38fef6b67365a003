"""Load the texts about DAGs that people read in Airflow, in Vietnamese for staff and in English for engineers.

The texts are in include/templates/airflow. DAG files name the DAG, task or parameter that they need texts for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from motcua.settings import include_dir


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """Return the content of include/templates/airflow/dags.yaml."""
    read: dict[str, Any] = yaml.load((_folder() / "dags.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return read


def misunderstanding(dag_id: str, conf: Mapping[str, Any], *, is_backfill: bool, by_a_person: bool) -> str | None:
    """Return the reason in Vietnamese why a run with these parameters is refused; ``None`` if the run is not refused.

    Airflow itself refuses values of the wrong type, but ignores parameters that the DAG does not have.
    """
    refusals, known = words()["refused"], words()["dags"][dag_id].get("params", {})
    for name in sorted(set(conf) - set(known)):
        return str(refusals["unknown" if known else "none"].format(name=name, known=", ".join(known)))
    for name, param in known.items():
        if param["backfill_only"] and conf.get(name) and not is_backfill:
            return str(refusals["backfill_only"].format(title=param["title"]["vi"]))
        if param["signed"] and conf.get(name) and not by_a_person:
            return str(refusals["unsigned"].format(title=param["title"]["vi"]))
    return None


def _folder() -> Any:  # noqa: ANN401 - a path
    return include_dir() / "templates" / "airflow"


class DagTexts:
    """The texts of one DAG, as keyword arguments of Airflow's decorators."""

    def __init__(self, dag_id: str) -> None:
        """Raise ``KeyError`` if the DAG has no texts."""
        self.dag_id = dag_id
        self._own: dict[str, Any] = words()["dags"][dag_id]

    @property
    def of_dag(self) -> dict[str, Any]:
        """Return the arguments of Airflow's decorator ``@dag``."""
        parts = [
            f"## {head}\n\n{(_folder() / f'{self.dag_id}.{language}.md').read_text(encoding='utf-8')}"
            for language, head in words()["heads"].items()
        ]
        parts += words()["zone"].values()
        return {
            "dag_id": self.dag_id,
            "dag_display_name": self._own["name"],
            "description": f"{self._own['vi']} / {self._own['en']}",
            "doc_md": "\n".join(parts),
            "tags": [words()["common_tag"], *self._own["tags"]],
        }

    def of_task(self, task_id: str) -> dict[str, Any]:
        """Return the arguments of ``@task``. Raise ``KeyError`` if the task has no texts."""
        own_texts = self._own["tasks"].get(task_id) or words()["shared_tasks"][task_id]
        return {"task_display_name": own_texts["name"], "doc_md": f"{own_texts['vi']}\n\n{own_texts['en']}"}

    def of_param(self, name: str) -> dict[str, Any]:
        """Return the arguments of ``Param``. Raise ``KeyError`` if the parameter has no texts."""
        own_texts, zone = self._own["params"][name], words()["zone"]
        return {
            "title": f"{own_texts['title']['vi']} / {own_texts['title']['en']}",
            # The form for a backfill has two date fields without a time zone. Each text therefore names the zone.
            "description_md": "\n\n".join(f"{own_texts[language]} {zone[language]}" for language in zone),
        }
