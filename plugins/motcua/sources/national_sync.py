"""One-stop software that pushes to us in the protocol of the National Public Service Portal."""

from __future__ import annotations

import re

from motcua.sources.contract import ContractSource
from motcua.store.ledger.database import LEDGER, Connection
from motcua.store.ledger.queries import statement

_OF_THE_SESSION = "current_setting('motcua.source')"
_GIVEN = re.compile(r"%\((recorded_since|updated_since|after)\)s")


class NationalSyncSource(ContractSource):
    """Reads pushed dossiers from the ledger's own tables (docs/decisions/intake.md).

    A dossier with status 9 is at the one-stop desk, because this status means that the result was passed to the desk. A
    dossier that needs a supplement (5) is at the desk only if the push itself states this (``TrangThaiBoSung``,
    ``PhongBanXuLy``), or if the setting of the pushing client stated it at the time of the push.
    """

    file = "sources/national_sync"
    mapping = (*ContractSource.mapping, "name_source")
    is_pushed = True

    def __init__(self, connection: Connection, source: str) -> None:
        connection.execute(statement("sources/national_sync/name_source"), {"source": source})
        connection.commit()
        super().__init__(connection, source)

    @classmethod
    def watch_many(cls) -> str:
        """Return the watcher's query (``watch``) for many sources at once.

        The query has four lists as parameters, with one entry for each source: the name, the recorded time and the
        updated time from which rows are counted, and the number above which rows are counted.
        """
        # The counting has the same SQL text as ``watch`` for a single source, because the watcher compares its result
        # with the result that a pick-up stored.
        sources = {view: statement(f"{cls.file}/{view}") for view in ("dossiers", "transitions")}
        of_each = {view: text.replace(_OF_THE_SESSION, "asked.source") for view, text in sources.items()}
        watch = _GIVEN.sub(r"asked.\1", statement("sources/reading/watch"))
        return (
            "SELECT asked.source, counted.* FROM unnest($1, $2, $3, $4)"  # noqa: S608 - of texts of our own alone
            " AS asked (source, recorded_since, updated_since, after) CROSS JOIN LATERAL ("
            f"WITH source_dossiers AS NOT MATERIALIZED ({of_each['dossiers']}),"
            f" source_transitions AS NOT MATERIALIZED ({of_each['transitions']}) {watch}) AS counted"
        )

    @classmethod
    def connection_id(cls, source: str) -> str:
        """Return the name of the ledger's connection, because pushes are stored in the ledger's database."""
        return LEDGER
