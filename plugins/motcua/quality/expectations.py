"""Run Great Expectations, which gives every verdict of a run about data quality. No other module calls it.

A run judges a snapshot, which is a copy of the ledger's data. First, built-in expectations of Great Expectations judge
the snapshot itself, in one batch for each table. If one fails, the fault is reported for the agencies whose rows it
concerns. Then the rules become one suite for each table. The suite counts and returns the offending rows by SQL in the
database. Data outside the suites are not judged and appear in no report. An expectation that cannot be run is *broken*:
it gives no verdict about the data, neither good nor bad.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from motcua.domain.quality import CheckStatus
from motcua.quality.rules import Asked
from motcua.quality.soundness import Expected, Soundness
from motcua.store.ledger.database import Connection, connect

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.datasource.fluent.postgres_datasource import PostgresDatasource
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

log = logging.getLogger(__name__)

_PATIENCE_MS = 300_000
"""Time limit in milliseconds for one query of one rule. A slower query makes the check broken."""
_DATABASE_SAYS = re.compile(r"\(psycopg\.errors\.(\w+)\)([^\n]*)")
# The messages of these errors name tables and columns only, so they may be shown. Messages of other errors may quote
# values of rows.
_NAMES_NO_VALUE = ("UndefinedColumn", "UndefinedTable", "UndefinedFunction", "SyntaxError", "QueryCanceled")


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """The verdict of Great Expectations on one rule."""

    rule: str
    status: CheckStatus
    found: int
    broken_reason: str | None = None


@dataclass(frozen=True, slots=True)
class SnapshotVerdict:
    """The verdict of Great Expectations on the snapshot itself."""

    faults: Mapping[str, frozenset[str]]
    """The faults in each agency's part of the snapshot, by agency."""
    of_no_agency: Mapping[str, frozenset[str]]
    """The faults of rows that belong to no agency, by table."""
    broken_reason: str | None = None
    """Why the snapshot could not be judged completely; no finding of the run counts then. ``None`` if it could."""


Row: TypeAlias = Mapping[str, Any]
"""One offending row: ``subject, agency_code, since, facts``."""
Keep: TypeAlias = Callable[[str, list[Row]], None]
"""Function that receives a rule's code and all offending rows of the rule."""


def build_suites(asked: Sequence[Asked]) -> dict[str, ExpectationSuite]:
    """Build a Great Expectations suite for each table of the snapshot, with one expectation for each rule."""
    import great_expectations as gx
    from great_expectations.expectations.metadata_types import FailureSeverity

    offending_rows = _offending_rows()
    by_table: dict[str, list[Any]] = {}
    for each in asked:
        by_table.setdefault(each.table, []).append(
            offending_rows(
                unexpected_rows_query=each.query,
                description=each.rule.title,
                severity=FailureSeverity(each.rule.severity),
                meta={"rule": each.rule.code, "owner": each.rule.owner},
            )
        )
    return {table: gx.ExpectationSuite(name=table, expectations=found) for table, found in by_table.items()}


@lru_cache(maxsize=1)
def _offending_rows() -> type[UnexpectedRowsExpectation]:
    """Return Great Expectations' own expectation class without its sample of rows, which nothing here uses.

    For the sample, Great Expectations would run each rule's query again and transfer all rows of the result to take the
    first 200. The verdict needs only the count, and ``_fetch`` fetches the rows.
    """
    from great_expectations.expectations.core import unexpected_rows_expectation as theirs

    class OffendingRows(theirs.UnexpectedRowsExpectation):
        metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

        def _validate(self, metrics: dict[str, Any], *given: Any, **named: Any) -> Any:  # noqa: ANN401 - theirs
            return super()._validate({"unexpected_rows_query.table": [], **metrics}, *given, **named)

    return OffendingRows


def prepare() -> None:
    """Load Great Expectations, which takes seconds.

    Callers may call this function while they wait for something else. The call is optional, because ``judge`` loads the
    library if needed.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # The level must be set before the import, during which the library logs about two hundred lines.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import_module("great_expectations.expectations.core.unexpected_rows_expectation")


def judge_snapshot(expected: Soundness, parameters: Mapping[str, Sequence[str]]) -> SnapshotVerdict:
    """Run the expectations about the snapshot itself.

    Args:
        expected: the expectations, by table.
        parameters: the value sets that the expectations name by ``$PARAMETER``.

    Raises:
        psycopg.OperationalError: the ledger does not answer.
    """
    faults: dict[str, set[str]] = {}
    of_no_agency: dict[str, set[str]] = {}
    reasons: list[str] = []
    with _great_expectations() as context, _ledger_source(context) as source:
        for table, listed in expected.tables.items():
            whole = _whole_table(source, table)
            held = _validate_batch(f"sound {table}", whole, listed, "BOOLEAN_ONLY", parameters)
            errors = [error for said in held for error in _errors(said.exception_info)]
            reasons += [f"{table}: {_reason(errors)}"] if errors else []
            failed = [each for each, said in zip(listed, held, strict=True) if not said.success]
            if reasons or not failed:
                continue
            # Rows are fetched only for failed expectations. An expectation that holds therefore costs only a count.
            wanted = {"result_format": "COMPLETE", "unexpected_index_column_names": ["agency_code"]}
            found = _validate_batch(f"faults of {table}", whole, failed, wanted, parameters)
            for each, said in zip(failed, found, strict=True):
                rows = said.result.get("unexpected_index_list")
                if not rows:
                    reasons.append(f"{table}: the expectation {each.fault} failed, but its rows were not returned")
                for agency in {row["agency_code"] for row in rows or ()}:
                    place, key = (of_no_agency, table) if agency is None else (faults, agency)
                    place.setdefault(key, set()).add(each.fault)
    return SnapshotVerdict(_freeze_values(faults), _freeze_values(of_no_agency), "; ".join(reasons) or None)


def _freeze_values(faults: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {key: frozenset(its) for key, its in faults.items()}


def _validate_batch(
    name: str,
    batch: Batch,
    listed: Sequence[Expected],
    result_format: Any,  # noqa: ANN401 - Great Expectations' own union of text and mapping
    parameters: Mapping[str, Sequence[str]],
) -> list[ExpectationValidationResult]:
    """Return the result of Great Expectations for each expectation in ``listed``, in the same order."""
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    suite = gx.ExpectationSuite(
        name=name,
        expectations=[
            ExpectationConfiguration(type=each.type, kwargs=dict(each.kwargs), meta={"place": place})
            for place, each in enumerate(listed)
        ],
    )
    given = {key: list(values) for key, values in parameters.items()}
    results = batch.validate(suite, result_format=result_format, expectation_parameters=given).results
    said = {(each.expectation_config.meta or {})["place"]: each for each in results if each.expectation_config}
    return [said[place] for place in range(len(listed))]


def judge(asked: Sequence[Asked], keep: Keep) -> tuple[RuleVerdict, ...]:
    """Run every rule on the snapshot.

    Args:
        asked: the rules.
        keep: function that receives each rule's code and all its offending rows. It is called rule by rule, so that
            only one rule's rows are in memory at a time.

    Raises:
        psycopg.OperationalError: the ledger does not answer.
    """
    verdicts: list[RuleVerdict] = []
    with _great_expectations() as context, _ledger_source(context) as source:
        for table, suite in build_suites(asked).items():
            queries = {each.rule.code: each.query for each in asked if each.table == table}
            verdicts += _judge_table(_whole_table(source, table), suite, queries, keep)
    return tuple(verdicts)


def software() -> str:
    """Return the name and version of the library that gives the verdicts."""
    from importlib.metadata import version

    return f"great-expectations {version('great-expectations')}"


def _whole_table(source: PostgresDatasource, table: str) -> Batch:
    """Return all rows of a table as one batch.

    The batch has no stored definition. Storing definitions and results takes long, and nothing here reads them.
    """
    asset = source.add_table_asset(table, table_name=table)
    return asset.get_batch(asset.build_batch_request())


def _judge_table(
    batch: Batch, suite: ExpectationSuite, queries: Mapping[str, str], keep: Keep
) -> Iterator[RuleVerdict]:
    for said in batch.validate(suite, result_format="BASIC").results:
        configuration = said.expectation_config
        rule = str((configuration.meta or {})["rule"]) if configuration else ""
        yield _verdict(rule, said, partial(_fetch, batch, queries[rule]), keep)


def _fetch(batch: Batch, query: str) -> list[Row]:
    from great_expectations.metrics.metric_results import MetricErrorResult
    from great_expectations.metrics.query.batch_table import QueryBatchTable

    # This call draws a progress bar on stderr, whatever the context's settings are.
    with redirect_stderr(StringIO()):
        found = batch.compute_metrics(QueryBatchTable(query=query, fetch_all=True))
    if isinstance(found, MetricErrorResult):
        raise RuntimeError(found.value.exception_message)
    return list(found.value)


def _verdict(rule: str, said: ExpectationValidationResult, fetch: Callable[[], list[Row]], keep: Keep) -> RuleVerdict:
    errors = list(_errors(said.exception_info))
    count = said.result.get("observed_value")
    if errors or count is None:
        return RuleVerdict(rule, "broken", 0, _reason(errors))
    if said.success:
        return RuleVerdict(rule, "checked", 0)
    try:
        rows = fetch()
    except RuntimeError as error:
        return RuleVerdict(rule, "broken", 0, _reason([str(error)]))
    if len(rows) != count:
        return RuleVerdict(rule, "broken", 0, f"{count} rows were counted, but {len(rows)} were returned")
    keep(rule, rows)
    return RuleVerdict(rule, "checked", count)


def _errors(info: Mapping[str, Any]) -> Iterator[str]:
    # ``info`` describes one exception, or contains a description for each metric, by the metric's id.
    if "raised_exception" in info:
        if info["raised_exception"]:
            yield str(info.get("exception_message") or "")
        return
    for each in info.values():
        if isinstance(each, Mapping):
            yield from _errors(each)


def _reason(errors: Iterable[str]) -> str:
    """Return the reason of a failure. Leave out messages of the database that may quote values of rows."""
    for error in errors:
        if said := _DATABASE_SAYS.search(error):
            name, words = said[1], said[2].strip()
            return f"{name}: {words}" if name in _NAMES_NO_VALUE else name
        return error.partition(":")[0].partition("\n")[0][:80] or "unknown"
    return "no result"


@contextmanager
def _great_expectations() -> Iterator[EphemeralDataContext]:
    """Yield an ephemeral context that prints nothing, stores nothing and sends nothing."""
    prepare()
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # The library's own log lines may contain rows. A check that fails to run is reported as broken instead.
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("great_expectations")]:
        # Setting a level clears the caches of all loggers.
        if (logger := logging.getLogger(name)).level != logging.CRITICAL + 1:
            logger.setLevel(logging.CRITICAL + 1)
    yield gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        ),
    )


@contextmanager
def _ledger_source(context: EphemeralDataContext) -> Iterator[PostgresDatasource]:
    """Yield the snapshot as a data source of Great Expectations, and close its connections at the end."""
    source = context.data_sources.add_postgres("ledger", **_address())
    try:
        yield source
    finally:
        source.get_engine().dispose()
        source.get_execution_engine().engine.dispose()


def _address() -> dict[str, Any]:
    """Return the address of the ledger for SQLAlchemy. The connection string might be shown, so it has no password."""
    with connect() as connection:
        given = _parameters(connection)
    return {
        "connection_string": f"postgresql+psycopg://{given['user']}@{given['host']}:{given['port']}/{given['dbname']}",
        "kwargs": {"connect_args": given, "pool_size": 1},
    }


def _parameters(connection: Connection) -> dict[str, str]:
    info = connection.info
    options = (
        f"-c search_path=quality -c timezone=UTC -c statement_timeout={_PATIENCE_MS}"
        " -c default_transaction_read_only=on"
    )
    return {
        **info.get_parameters(),
        "host": info.host,
        "port": str(info.port),
        "dbname": info.dbname,
        "user": info.user,
        "password": info.password,
        "options": options,
    }
