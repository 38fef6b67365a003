"""Why a staff page that was asked for cannot be shown."""

from __future__ import annotations

from typing import Literal, TypeAlias

PageRefusal: TypeAlias = Literal[
    "no_such_page",
    "no_such_year",
    "no_such_day",
    "no_such_agency",
    "not_yours",
    "of_all_agencies",
    "department_only",
    "shared_account",
    "no_such_closing",
    "no_such_run",
    "no_such_figure",
    "no_such_dossier",
    "no_phone_search",
    "file_changed",
    "files_unreachable",
    "file_cut_off",
    "file_too_large",
    "folder_failed",
    "reader_busy",
    "not_so",
    "may_not_acknowledge",
    "may_not_check",
    "may_not_record",
    "may_not_set",
    "database_away",
    "took_too_long",
    "failed",
]
"""What include/templates/web/refusal.html has words for."""


class PageRefused(Exception):
    """The page that was asked for cannot be shown; ``words`` fill the places of the refusal's text."""

    def __init__(self, status: int, refusal: PageRefusal, **words: object) -> None:
        super().__init__(refusal)
        self.status, self.refusal, self.words = status, refusal, words
