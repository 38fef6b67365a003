"""One-stop software that pushes to us in the protocol of the National Public Service Portal."""

from __future__ import annotations

import re

from motcua.sources.contract import ContractSource
from motcua.store.ledger.database import LEDGER, Connection
from motcua.store.ledger.queries import statement

_OF_THE_SESSION = "current_setting('motcua.source')"
_GIVEN = re.compile(r"%\((recorded_since|updated_since|after)\)s")


class NationalSyncSource(ContractSource):
    """Reads what was pushed, from the ledger's own tables (docs/decisions/intake.md).

    Status 9 is at the one-stop desk, as it means that the result was passed there. A supplement (5) is only where the
    push itself says so (``TrangThaiBoSung``, ``PhongBanXuLy``), or its client's setting of that time.
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
        """What the watcher asks (``watch``), of many sources at once: with lists of their names, of the times that they
        are counted from (recorded, updated), and of the numbers that they are counted after."""
        # One text for one and for many: what it counts is held against what a pick-up counted.
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
        """The ledger's: it is where pushes are kept."""
        return LEDGER
