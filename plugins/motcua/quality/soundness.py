"""Read the expectations about the snapshot and the words for their faults (``include/quality/snapshot.yaml``).

The snapshot is the copy of the ledger's data that a check of data quality judges.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from motcua.settings import include_dir


class SnapshotFileInvalid(Exception):
    """Raised if the expectations about the snapshot cannot be used. The message gives the reason."""


class Expected(BaseModel):
    """One expectation in the form of Great Expectations, with the fault to report if the expectation does not hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: str
    type: Annotated[str, Field(pattern=r"^expect_[a-z_]+$")]
    kwargs: dict[str, Any]


class Soundness(BaseModel):
    """The expectations by table of the snapshot, and the words of each fault for staff."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    faults: dict[Annotated[str, Field(pattern=r"^[a-z_]+$")], str]
    tables: dict[Annotated[str, Field(pattern=r"^[a-z_]+$")], tuple[Expected, ...]]

    @field_validator("faults")
    @classmethod
    def _are_text(cls, faults: dict[str, str]) -> dict[str, str]:
        for name, text in faults.items():
            if not text.strip() or unicodedata.normalize("NFC", text) != text:
                raise ValueError(f"{name}: must be Vietnamese text, not empty, in Unicode form NFC")
        return faults

    @model_validator(mode="after")
    def _name_the_same(self) -> Soundness:
        told = {each.fault for expected in self.tables.values() for each in expected}
        if differing := told ^ set(self.faults):
            raise ValueError(
                f"expectations and faults must name the same faults; only one names {', '.join(sorted(differing))}"
            )
        return self

    def in_words(self, faults: Iterable[str]) -> str:
        """Return the faults in an agency's part of the snapshot, as one sentence.

        A fault without words appears with its code.
        """
        said = "; ".join(self.faults.get(fault, fault) for fault in sorted(set(faults)))
        return f"{said[:1].upper()}{said[1:]}."


@lru_cache(maxsize=1)
def load_soundness() -> Soundness:
    """Load the expectations from the file.

    Raises:
        SnapshotFileInvalid: the file cannot be used.
    """
    path = include_dir() / "quality" / "snapshot.yaml"
    try:
        return Soundness.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise SnapshotFileInvalid(f"{path.name}: {error}") from None
