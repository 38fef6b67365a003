"""A one-stop database is given to the next test where rows alone were written, and has none of them."""

from __future__ import annotations

from motcua.store.ledger.provisioning import with_database
from tests.ground import NOW, OneStop, Server, ask


def test_rows_and_their_numbers_are_gone(one_stop: OneStop) -> None:
    one_stop.both(9)
    one_stop.connection.execute("UPDATE onestop.dossiers SET updated_at = %s", (NOW,))
    assert one_stop.emptied()
    assert one_stop.move(9) == 1
    counted = "SELECT (SELECT count(*) FROM onestop.transitions) AS moves, (SELECT count(*) FROM onestop.dossiers) AS d"
    assert one_stop.connection.execute(counted).fetchone() == {"moves": 1, "d": 0}


def test_database_of_which_more_than_rows_was_changed_is_nobody_elses(one_stop: OneStop) -> None:
    one_stop.connection.execute("ALTER TABLE onestop.dossiers ADD COLUMN note text")
    assert not one_stop.emptied()


def test_what_another_connection_made_is_noticed(one_stop: OneStop, postgres: Server) -> None:
    address = with_database(postgres.admin_dsn, one_stop.connection.info.dbname)
    ask(address, "CREATE VIEW onestop.made AS SELECT 1 AS one")
    assert not one_stop.emptied()
