"""One-stop software that pushes to us in the protocol of the National Public Service Portal."""

from __future__ import annotations

from motcua.sources.contract import ContractSource
from motcua.store.ledger.database import LEDGER, Connection
from motcua.store.ledger.queries import statement


class NationalSyncSource(ContractSource):
    """Reads what was pushed, from the ledger's own tables (docs/decisions/intake.md).

    Status 9 is at the one-stop desk, as it means that the result was passed there. A supplement (5) is only where the
    push itself says so (``TrangThaiBoSung``, ``PhongBanXuLy``), or its client's setting of that time.
    """

    folder = "sources/national_sync"
    mapping = (*ContractSource.mapping, "name_source")
    is_pushed = True

    def __init__(self, connection: Connection, source: str) -> None:
        connection.execute(statement("sources/national_sync/name_source"), {"source": source})
        connection.commit()
        super().__init__(connection, source)

    @classmethod
    def connection_id(cls, source: str) -> str:
        """The ledger's: it is where pushes are kept."""
        return LEDGER
