"""Count the occasions of which citizens should have been informed, from the tables of a source, for reconciliation.

The *pick-up* reads a source's rows into the ledger, and *planning* makes messages from these rows. The count reads only
the source's tables, with its own SQL statements (include/sql/sources/counting.sql). If the pick-up or planning loses or
changes an occasion, the count therefore still contains the occasion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, LiteralString

from motcua.domain.apologies import Evening
from motcua.domain.dossiers import NAME_LIMIT, SourceTransition, clean_label, kept_code
from motcua.sources.contract import ContractSource

RESULT, SUPPLEMENT, WORKED_ON, ENDING = 9, 5, (2, 4), (3, 7, 10)
"""National status codes (QĐ 766/QĐ-TTg): đã xử lý xong; yêu cầu bổ sung; được tiếp nhận and đang xử lý; từ chối, rút hồ
sơ and đã trả kết quả."""


class SourceCount:
    """Counts the occasions of one source.

    Args:
        source: the source's adapter, with a connection that nothing else uses.
        statuses: the source's codes that differ from the national ones, with the national code of each.
        written: every code under which the source may know an agency, with the agency's code in the ledger.
    """

    def __init__(self, source: ContractSource, statuses: Mapping[int, int], written: Mapping[str, str]) -> None:
        self._source, self._written = source, written
        national = {code: code for code in range(1, 11)} | dict(statuses)
        self._codes = {
            "known_codes": sorted(code for code, means in national.items() if 1 <= means <= 10),
            "result_codes": sorted(code for code, means in national.items() if means == RESULT),
            "supplement_codes": sorted(code for code, means in national.items() if means == SUPPLEMENT),
            "working_codes": sorted(code for code, means in national.items() if means in WORKED_ON),
            "ending_codes": sorted(code for code, means in national.items() if means in ENDING),
        }

    @cached_property
    def _several_codes(self) -> dict[str, str]:
        """Returns the codes of agencies for which the source writes more than one code, each with its agency.

        Usually the result is empty.
        """
        agencies = Counter(self._written.values())
        candidates = [written for written, agency_code in self._written.items() if agencies[agency_code] > 1]
        used = [row["written"] for row in self._source.stream_counted("codes_in_use", {"codes": candidates})]
        several = Counter(self._written[written] for written in used)
        return {written: agency for written in used if several[agency := self._written[written]] > 1}

    def _count(self, name: LiteralString, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        # If the source writes several codes for one agency, the rows get one code, so that no dossier counts twice. If
        # each agency has one code, the rows stay unchanged, so that PostgreSQL can use the source's indexes.
        several = self._several_codes
        numberings = self._source.numbers.numberings
        codes = {
            "written": list(several),
            "agencies": list(several.values()),
            "renumbered_from": [each.recorded_from for each in numberings],
            "renumbered_by": [each.added for each in numberings],
        }
        return self._source.stream_counted(
            name, parameters | self._codes | codes, by_agency=bool(several or numberings)
        )

    def occasions(self, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        """Stream results and supplements that the source recorded in [start, end), each with all its transitions.

        If the source has a dossier twice, each of its occasions is returned twice.
        """
        return map(_with_plain_codes, self._count("occasions", {"start": start, "end": end}))

    def apologies(
        self, evenings: Sequence[Evening], clock_skew: timedelta, old_steps_since: datetime
    ) -> Iterator[dict[str, Any]]:
        """Stream the dossiers whose citizens should get an apology on these evenings.

        An evening is the hour of one day at which one agency's apologies for due dates to come are planned. A dossier
        is judged by its state on the evening, as the source's present rows show this state.

        Args:
            evenings: the evenings, each with its agency and its due dates.
            clock_skew: how far the source's clocks may be wrong.
            old_steps_since: since when old steps are recognized. An old step was typed in late, after a transition
                with a lower number. It counts only if the dossier's row agrees with it.
        """
        rows = [
            (written, evening)
            for evening in evenings
            for written, agency_code in self._written.items()
            if agency_code == evening.agency_code
        ]
        parameters = {
            "agency_codes": [written for written, _ in rows],
            "evenings": [evening.evening_at for _, evening in rows],
            "first_days": [evening.first_due for _, evening in rows],
            "last_days": [evening.last_due for _, evening in rows],
            "clock_skew": clock_skew,
            "old_steps_since": old_steps_since,
        }
        return map(_with_plain_codes, self._count("apologies_due", parameters))

    def by_day(
        self, start: datetime, end: datetime, begins: Mapping[str, datetime | None]
    ) -> Counter[tuple[date, str, str, str, str]]:
        """Count the results and supplements that the source recorded in [start, end).

        The keys are the day of Vietnam, agency, procedure, kind, and ``at_source`` or ``out_of_scope``.
        ``out_of_scope`` marks occasions from before the agency was enabled. The counts leave out occasions that only a
        dossier's row shows, without a transition, and rows that name no dossier.

        ``begins`` maps every code of an agency to the time when the agency was enabled.
        """
        parameters = {
            "start": start,
            "end": end,
            "scopes": list(begins),
            "enabled_from": list(begins.values()),
        }
        counts: Counter[tuple[date, str, str, str, str]] = Counter()
        for row in self._count("occasions_by_day", parameters):
            agency_code = self._written.get(plain_code(row["agency_code"]), "")
            for figure in ("at_source", "out_of_scope"):
                key = (row["day"], agency_code, _procedure(row["procedure_code"]), row["kind"], figure)
                counts[key] += row[figure]
        return counts

    def transitions(self, numbers: Sequence[int]) -> list[SourceTransition]:
        """Return the transitions with these ledger numbers as the source has them now."""
        numbers_of_ours = self._source.numbers
        rows = self._source.transitions_by_number(sorted({numbers_of_ours.at_source(number) for number in numbers}))
        if not numbers_of_ours.numberings:
            return rows
        ours = [
            replace(row, transition_id=numbers_of_ours.ours(row.transition_id or 0, row.recorded_at)) for row in rows
        ]
        return [row for row in ours if row.transition_id in numbers]

    def is_of_earlier_numbers(self, number: int) -> bool:
        """Return whether the source has restarted its numbering since it gave the number of this transition.

        When a source restarts its numbering, it may delete transitions.
        """
        return number < self._source.numbers.added

    def kind_of(self, transition: SourceTransition) -> str | None:
        """Return the kind of message that a transition requires, as the source has the transition now."""
        if not transition.at_one_stop_desk:
            return None
        if transition.status_code in self._codes["result_codes"]:
            return "result"
        return "supplement" if transition.status_code in self._codes["supplement_codes"] else None


def plain_code(code: str | None) -> str:
    """Return an agency's or dossier's code as the ledger writes it; empty if there is no code.

    An invalid code is returned in the form that the quarantine stores.
    """
    return kept_code(code or "")


@lru_cache(maxsize=4096)
def _procedure(code: str | None) -> str:
    return clean_label(code, NAME_LIMIT) or ""


def _with_plain_codes(row: dict[str, Any]) -> dict[str, Any]:
    """Returns an occasion with its codes in the ledger's form, for the comparison with the ledger's messages."""
    return row | {
        "agency_code": plain_code(row["agency_code"]),
        "dossier_code": plain_code(row["dossier_code"]),
        "procedure_code": _procedure(row["procedure_code"]),
    }
