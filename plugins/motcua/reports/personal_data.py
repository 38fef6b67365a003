"""Write the answer to a citizen who asks for their personal data, or for its erasure.

The answer is a sheet for the paper file, which holds none of the stored values, and a workbook with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.personal_data import WITHHELD, ByCode, Citizen, CitizenDossier, Erased, Held
from motcua.domain.phones.reading import mask_for_staff
from motcua.reports import wording
from motcua.reports.lists import FileColumn, ListHead, Row, list_workbook
from motcua.reports.wording import words_in
from motcua.templating import templates

_IN_A_CELL = 32_767
"""How many characters one cell of a workbook can hold."""
_ROWS_AT_ONCE = 1_000


def _words() -> dict[str, Any]:
    return words_in("personal_data/words.vi")


def workbook(citizen: Citizen, reason: str) -> bytes:
    """Write all stored values as a workbook, one value in each row. The workbook holds personal data."""
    words = _words()
    columns = [FileColumn(head, width) for head, width in zip(words["column"], words["widths"], strict=True)]
    head = ListHead(words["list"], [_asked_for(citizen), reason], citizen.as_of, columns)
    return list_workbook(head, _pieces(citizen), citizen.as_of)


def sheet(citizen: Citizen, by: str, reason: str, erased: Erased | None = None) -> str:
    """Write the sheet for the paper file, as an HTML page for printing.

    The sheet states what is stored where, since when and until when. After an erasure it also states what was erased,
    and why other data stay. It holds no value and no complete phone number.
    """
    words = _words()
    return (
        templates("personal_data")
        .get_template("sheet.html")
        .render(
            title=words["title"]["export" if erased is None else "erase"],
            asked_for=_asked_for(citizen),
            by_number=not isinstance(citizen.asked_for, ByCode),
            reason=reason,
            by=by,
            as_of=citizen.as_of,
            names=citizen.names,
            held=[_held_of(citizen, table) for table in words["table"] if citizen.rows_of(table)],
            dossiers=[
                {
                    "code": each.dossier_code,
                    "agency": each.agency_name,
                    "since": wording.day(each.held_since),
                    "stands": _stands(each, is_erasure=erased is not None, now=citizen.as_of),
                }
                for each in (citizen.dossiers if erased is None else erased.dossiers)
            ],
            elsewhere=citizen.elsewhere,
            erased=erased,
            w=wording,
        )
    )


def _asked_for(citizen: Citizen) -> str:
    words = _words()["asked_for"]
    if (alone := citizen.code_alone) is not None:
        return str(words["code_alone"].format(code=alone.shown_as, agency=alone.agency_name))
    match citizen.asked_for:
        case ByCode(_, dossier_code):
            return str(words["code"].format(code=dossier_code, agency=citizen.dossiers[0].agency_name))
        case by_number:
            return str(words["number"].format(number=mask_for_staff(by_number.msisdn)))


def _held_of(citizen: Citizen, table: str) -> dict[str, Any]:
    words = _words()
    rows = [each for each in citizen.held if each.of_table == table]
    known = [each.kept_until for each in rows if each.kept_until is not None]
    until = [wording.day(max(known))] if known else []
    if len(known) < len(rows):
        until.append(_until_end(citizen))
    return {
        "what": words["table"][table],
        "rows": citizen.rows_of(table),
        "since": wording.day(min(each.held_since for each in rows)),
        "until": "; ".join(until),
        "where": words["where"].format(table=table),
    }


def _until_end(citizen: Citizen) -> str:
    return str(_words()["until_settled" if citizen.code_alone else "until_end"])


def _stands(dossier: CitizenDossier, *, is_erasure: bool, now: datetime) -> list[str]:
    words = _words()["stands"]
    if dossier.purged_at is not None:
        return [words["erased"].format(moment=wording.moment(dossier.purged_at))]
    is_open = dossier.ended_at is None or dossier.ended_at > now
    sentences = []
    if is_erasure:
        why = [
            words[name]
            for name, holds in (
                ("open", is_open),
                ("told", dossier.may_be_told),
                ("complained", dossier.is_complained_of),
            )
            if holds
        ]
        sentences += why or [words["busy"]]
    elif dossier.kept_until is None:
        sentences.append(words["kept_open"])
    else:
        sentences.append(words["kept"].format(moment=wording.day(dossier.kept_until)))
    if dossier.erase_asked_at is not None:
        sentences.append(words["asked"].format(moment=wording.moment(dossier.erase_asked_at)))
    return sentences


def _pieces(citizen: Citizen) -> Iterator[list[Row]]:
    for first in range(0, len(citizen.held), _ROWS_AT_ONCE):
        rows: list[Row] = []
        for each in citizen.held[first : first + _ROWS_AT_ONCE]:
            rows += _rows(each, _until_end(citizen))
        yield rows


def _rows(held: Held, until_end: str) -> Iterator[Row]:
    """Yield the rows of one value: several rows if the value is longer than a cell."""
    words = _words()
    value = _in_words(held)
    until = held.kept_until.astimezone(VIETNAM) if held.kept_until else until_end
    for start in range(0, len(value), _IN_A_CELL):
        yield (
            words["table"][held.of_table],
            held.agency_code,
            held.dossier_code,
            words["field"][held.of_column],
            value[start : start + _IN_A_CELL],
            held.held_since,
            until,
            f"{words['where'].format(table=held.of_table)}.{held.of_column}",
        )


def _in_words(held: Held) -> str:
    """Return a stored value for readers: one of our own codes as words, any other text unchanged."""
    words, published = _words(), wording.publication_words()
    if held.value == WITHHELD:
        return str(words["withheld"])
    match held.of_table, held.of_column:
        case "messages", "kind":
            known = published["kind"]
        case "messages", "state":
            known = published["state"]
        case "attempts", "state":
            known = published["state"] | words["attempt_state"]
        case "inquiries", "outcome":
            known = wording.list_words()["outcome"]
        case "complaints", ("claim" | "outcome") as column:
            known = published[column]
        case _:
            return held.value
    return str(known.get(held.value, held.value))
