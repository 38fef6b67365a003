"""The form of a source's exports as it is typed on its page, what is wrong with it, and forms in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from motcua.jobs.exports.forms import Column, ExportForm, Via, faults_in
from motcua.reports import wording

LONGEST: Final = 500
"""Letters of a field."""
COLUMNS: Final[tuple[Column, ...]] = get_args(Column)
_VIA: Final[tuple[Via, ...]] = get_args(Via)
_BETWEEN: Final = ";"
NATIONAL: Final = range(1, 11)
"""Statuses that have a field of their own, whether the form has words for them or not."""


@dataclass(frozen=True, slots=True)
class TypedForm:
    """The fields of the page as they were typed; several headings or words in one stand with semicolons between."""

    kind: str
    columns: Mapping[Column, str]
    statuses: Mapping[str, str]
    """Code as typed → words."""
    submitted_via: Mapping[Via, str]
    at_desk: str
    supplements_at_desk: bool
    sheets: str
    least_percent: str
    other: tuple[str, str] = ("", "")
    """Another code, and its words."""

    @classmethod
    def of_form(cls, form: ExportForm | None) -> TypedForm:
        """As the page shows a form; ``None``: there is none yet."""
        statuses = {str(each): "" for each in NATIONAL}
        if form is None:
            return cls("whole", dict.fromkeys(COLUMNS, ""), statuses, dict.fromkeys(_VIA, ""), "", False, "", "70")
        return cls(
            kind=form.kind,
            columns={column: _joined(form.columns.get(column, ())) for column in COLUMNS},
            statuses=statuses | {str(each): _joined(words) for each, words in sorted(form.statuses.items())},
            submitted_via={way: _joined(form.submitted_via.get(way, ())) for way in _VIA},
            at_desk=_joined(form.at_desk),
            supplements_at_desk=form.supplements_at_desk,
            sheets=_joined(form.sheets),
            least_percent=str(form.least_percent),
        )

    @classmethod
    def of_sent(cls, fields: Mapping[str, str], least_percent: int | None) -> TypedForm:
        """As a browser sends it.

        ``least_percent``: what stays whatever was sent, where it is not the visitor's to set.
        """
        statuses = {
            name.removeprefix("status_"): words.strip() for name, words in fields.items() if name.startswith("status_")
        }
        return cls(
            kind=fields.get("kind", ""),
            columns={column: fields.get(f"column_{column}", "").strip() for column in COLUMNS},
            statuses={str(each): "" for each in NATIONAL} | statuses,
            submitted_via={way: fields.get(f"via_{way}", "").strip() for way in _VIA},
            at_desk=fields.get("at_desk", "").strip(),
            supplements_at_desk=fields.get("supplements_at_desk", "") == "yes",
            sheets=fields.get("sheets", "").strip(),
            least_percent=fields.get("least_percent", "").strip() if least_percent is None else str(least_percent),
            other=(fields.get("other_status", "").strip(), fields.get("other_meaning", "").strip()),
        )

    def read(self) -> tuple[ExportForm | None, dict[str, str]]:
        """The form, or what is wrong with it: the page's field → words."""
        said: Mapping[str, Any] = wording.list_words()["exported"]["fault"]
        faults: dict[str, str] = {}

        def tell(field: str, code: str, words: str = "") -> None:
            faults.setdefault(field, str(said[code]).format(words=words, most=LONGEST))

        columns = {column: _parts(written) for column, written in self.columns.items() if _parts(written)}
        via = {way: _parts(written) for way, written in self.submitted_via.items() if _parts(written)}
        statuses: dict[int, tuple[str, ...]] = {}
        others = [self.other] if any(self.other) else []
        for code, written in [*self.statuses.items(), *others]:
            if not (code.isascii() and code.isdigit() and len(code) <= 4 and int(code)):
                tell("other_status", "status_out_of_range")
            elif words := _parts(written):
                statuses[int(code)] = (*statuses.get(int(code), ()), *words)
            elif others and code == self.other[0]:
                tell("other_status", "no_word")
        for fault in faults_in(columns, statuses, via):
            group, _, meant = fault.field.partition(".")
            prefix = {"columns": "column", "statuses": "status", "submitted_via": "via"}[group]
            tell(f"{prefix}_{meant}", fault.code, fault.words)
        if self.kind not in ("whole", "changes"):
            tell("kind", "no_kind")
        percent = int(self.least_percent) if self.least_percent.isascii() and self.least_percent.isdigit() else -1
        if not 0 <= percent <= 100:
            tell("least_percent", "bad_percent")
        for field, written in self.fields.items():
            if len(written) > LONGEST:
                tell(field, "too_long")
        if faults:
            return None, faults
        return ExportForm.model_validate(
            {
                "kind": self.kind,
                "columns": columns,
                "statuses": statuses,
                "submitted_via": via,
                "at_desk": _parts(self.at_desk),
                "supplements_at_desk": self.supplements_at_desk,
                "sheets": _parts(self.sheets),
                "least_percent": percent,
            }
        ), {}

    @property
    def fields(self) -> dict[str, str]:
        """All that is typed as text, by the page's field."""
        return {
            **{f"column_{column}": written for column, written in self.columns.items()},
            **{f"status_{code}": written for code, written in self.statuses.items()},
            **{f"via_{way}": written for way, written in self.submitted_via.items()},
            "other_status": "".join(self.other),
            "at_desk": self.at_desk,
            "sheets": self.sheets,
        }


def changes_of(before: ExportForm | None, after: ExportForm) -> list[tuple[str, str, str]]:
    """What one form has otherwise than the one before it: setting, before, after, in words."""
    old, new = ({} if before is None else _in_words(before)), _in_words(after)
    names = dict.fromkeys((*new, *old))
    return [(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name, "") != new.get(name, "")]


def _in_words(form: ExportForm) -> dict[str, str]:
    said = wording.list_words()["exported"]
    names = said["typed"]
    typed = TypedForm.of_form(form)
    return {
        names["kind"]: said["kind"][form.kind],
        **{said["column"][column]: written for column, written in typed.columns.items()},
        **{names["status"].format(code=code): written for code, written in typed.statuses.items()},
        **{names["via"][way]: written for way, written in typed.submitted_via.items()},
        names["at_desk"]: typed.at_desk,
        names["supplements_at_desk"]: names["yes"] if form.supplements_at_desk else "",
        names["sheets"]: typed.sheets,
        names["least_percent"]: f"{form.least_percent}%",
    }


def _joined(words: Sequence[str]) -> str:
    # A semicolon in a heading means as little as a comma: both are compared without.
    return f"{_BETWEEN} ".join(each.replace(_BETWEEN, ",") for each in words)


def _parts(written: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for part in written.split(_BETWEEN) if (each := " ".join(part.split()))))
