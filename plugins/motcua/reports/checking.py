"""What a check of a source found, in the words of include/templates/checking/findings.vi.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import yaml

from motcua.domain.checking.kinds import Finding
from motcua.reports.wording import count, percent
from motcua.settings import include_dir


@dataclass(frozen=True, slots=True)
class ToldFinding:
    """A finding as whoever runs the one-stop software reads it."""

    severity: str
    title: str
    found: str
    why: str
    action: str


@dataclass(frozen=True, slots=True)
class SourceFault:
    """What forbids to promise anybody a message by a source, as a mail tells it. Holds no code of a dossier."""

    source: str
    said: ToldFinding
    since: datetime
    is_new: bool
    """Found since the mail before."""


@lru_cache(maxsize=1)
def check_words() -> dict[str, Any]:
    """The words of include/templates/checking/findings.vi.yaml."""
    text = (include_dir() / "templates" / "checking" / "findings.vi.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def words_of(kind: str, adapter: str = "") -> dict[str, str]:
    """``title``, ``found``, ``why`` and ``action`` of a kind of finding, for whoever runs software of that adapter.

    Raises:
        KeyError: there is no such kind.
    """
    words = check_words()
    said: dict[str, str] = dict(words["findings"][kind])
    said.update(words["of_adapter"].get(adapter, {}).get(kind, {}))
    return said


def told(finding: Finding, adapter: str = "") -> ToldFinding:
    """A finding in words; ``adapter``: that of its source."""
    words = check_words()
    said = words_of(finding.kind, adapter)
    # Questions have names of their own; whatever else is named stands as it is.
    names = [words["question"].get(each, each) for each in finding.names]
    found = said["found"].format(
        rows=_count(finding.rows),
        of=_count(finding.of),
        share=percent(finding.rows / finding.of) if finding.rows is not None and finding.of else "",
        names="; ".join(names),
        first=names[0] if names else "",
        second=names[1] if len(names) > 1 else "",
    )
    return ToldFinding(words["severity"][finding.severity], said["title"], found, said["why"], said["action"])


def terms_of(adapter: str) -> str:
    """How the columns that findings name are to be read where no view stands behind a source; empty where one does."""
    return str(check_words()["terms"].get(adapter, ""))


def verdict(severities: list[str]) -> str:
    """What a check came to, in a sentence."""
    said = check_words()["verdict"]
    return str(said["forbidden" if "forbids" in severities else "warned" if severities else "clean"])


def _count(number: int | None) -> str:
    return "" if number is None else count(number)
