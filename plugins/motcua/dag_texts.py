"""What people read of DAGs in Airflow: Vietnamese for staff and English for engineers, each whole.

The texts stand in include/templates/airflow; DAG files name what they are about.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

from motcua.settings import include_dir


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The words of include/templates/airflow/dags.yaml."""
    read: dict[str, Any] = yaml.safe_load((_folder() / "dags.yaml").read_text(encoding="utf-8"))
    return read


def misunderstanding(dag_id: str, conf: Mapping[str, Any], *, is_backfill: bool, by_a_person: bool) -> str | None:
    """Why a run that was started with these parameters is refused, in Vietnamese; ``None``: it is not.

    Airflow refuses values of the wrong type itself. It passes over names that the DAG does not have.
    """
    told, known = words()["refused"], words()["dags"][dag_id].get("params", {})
    for name in sorted(set(conf) - set(known)):
        return str(told["unknown" if known else "none"].format(name=name, known=", ".join(known)))
    for name, param in known.items():
        if param["backfill_only"] and conf.get(name) and not is_backfill:
            return str(told["backfill_only"].format(title=param["title"]["vi"]))
        if param["signed"] and conf.get(name) and not by_a_person:
            return str(told["unsigned"].format(title=param["title"]["vi"]))
    return None


def _folder() -> Any:  # noqa: ANN401 - a path
    return include_dir() / "templates" / "airflow"


class DagTexts:
    """The texts of one DAG, as keyword arguments of Airflow's decorators."""

    def __init__(self, dag_id: str) -> None:
        """Raises ``KeyError`` where the DAG has no texts."""
        self.dag_id = dag_id
        self._own: dict[str, Any] = words()["dags"][dag_id]

    @property
    def of_dag(self) -> dict[str, Any]:
        """For ``@dag``."""
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
        """For ``@task``; raises ``KeyError`` where the task has no texts."""
        told = self._own["tasks"].get(task_id) or words()["shared_tasks"][task_id]
        return {"task_display_name": told["name"], "doc_md": f"{told['vi']}\n\n{told['en']}"}

    def of_param(self, name: str) -> dict[str, Any]:
        """For ``Param``; raises ``KeyError`` where the parameter has no texts."""
        told, zone = self._own["params"][name], words()["zone"]
        return {
            "title": f"{told['title']['vi']} / {told['title']['en']}",
            # Beside the two fields of a backfill, which say no zone.
            "description_md": "\n\n".join(f"{told[language]} {zone[language]}" for language in zone),
        }
