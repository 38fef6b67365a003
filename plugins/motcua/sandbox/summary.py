"""Show the ledger's figures as a table in a terminal while the demo runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from motcua.domain.reconciliation import STATES
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.notices.inquiries import InquiryCount, inquiries_by_outcome
from motcua.store.notices.messages import StateCount, by_state
from motcua.store.notices.quarantine import open_quarantine
from motcua.store.oversight.accounting import IdentityRow, Latency, identity, latency

LATENCY_OVER = timedelta(minutes=10)
"""The latency is measured over messages accepted within this time."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The ledger's figures at one moment."""

    at: datetime
    transitions: dict[str, int]
    messages: Sequence[StateCount]
    """The numbers of messages by agency, kind, state and reason."""
    identity: Sequence[IdentityRow]
    """The accounting identity by agency and kind."""
    latency: Latency
    quarantined: int
    agencies: dict[str, str]
    inquiries: Sequence[InquiryCount] = ()
    """The numbers of inquiries by gateway and outcome."""

    @property
    def difference(self) -> int:
        """Return the sum of the absolute differences of the accounting identity over all agencies and kinds."""
        return sum(abs(row.difference) for row in self.identity)

    def count(self, **wanted: str) -> int:
        """Return the number of messages with these values of ``kind``, ``state``, ``reason`` or ``agency_code``."""
        return sum(
            row.messages for row in self.messages if all(getattr(row, name) == value for name, value in wanted.items())
        )


def read_summary(connection: Connection, now: datetime, begun: datetime | None = None) -> Summary:
    """Read the figures in one transaction.

    Args:
        connection: a connection to the ledger.
        now: the present time.
        begun: when the senders began. Messages recorded earlier waited for the senders and do not count in the latency.

    Raises:
        psycopg.Error: the ledger does not answer.
    """
    with connection.transaction():
        transitions = connection.execute(statement("sandbox/ledger/summary_transitions")).fetchone()
        return Summary(
            at=now,
            transitions=dict(transitions or {}),
            messages=by_state(connection),
            identity=identity(connection),
            latency=latency(connection, max(filter(None, (now - LATENCY_OVER, begun)))),
            quarantined=sum(row.rows for row in open_quarantine(connection)),
            agencies={a.agency_code: a.short_name or a.name for a in list_agencies(connection)},
            inquiries=inquiries_by_outcome(connection),
        )


def _by_kind(summary: Summary) -> Table:
    table = Table(title="Messages", title_justify="left", box=None, padding=(0, 1))
    table.add_column("kind")
    shown = [state for state in reversed(STATES) if state == "accepted" or summary.count(state=state)]
    for state in shown:
        table.add_column(state, justify="right")
    table.add_column("all", justify="right")
    for kind in sorted({row.kind for row in summary.messages}):
        counts = {state: summary.count(kind=kind, state=state) for state in shown}
        if kind == "reply":
            # Replies have no delivery receipts, so nothing more than the gateway's acceptance can be known.
            counts["accepted"] += counts.pop("unconfirmed", 0)
        cells = [str(counts.get(state, "")) for state in shown]
        table.add_row(kind, *cells, str(summary.count(kind=kind)))
    return table


def _by_agency(summary: Summary) -> Table:
    table = Table(title="Agencies", title_justify="left", box=None, padding=(0, 1))
    table.add_column("agency", max_width=24, no_wrap=True)
    for name in ("messages", "waiting", "accepted", "delivered", "failed", "suppressed"):
        table.add_column(name, justify="right")
    table.add_column("mostly because")
    for code, name in summary.agencies.items():
        rows = [row for row in summary.messages if row.agency_code == code]
        if not rows:
            continue
        states: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for row in rows:
            states[row.state] += row.messages
            if row.state == "suppressed":
                reasons[row.reason or ""] += row.messages
        table.add_row(
            name,
            str(states.total()),
            str(states["queued"] + states["sending"] + states["unknown"]),
            str(states["accepted"] + states["unconfirmed"]),
            str(states["delivered"]),
            str(states["undelivered"] + states["rejected"] + states["expired"]),
            str(states["suppressed"]),
            ", ".join(f"{reason} {number}" for reason, number in reasons.most_common(2)),
        )
    return table


def identity_line(summary: Summary) -> str:
    """Return the accounting identity over all agencies and kinds in one line, without terms that are zero."""
    totals = {term: sum(getattr(row, term) for row in summary.identity) for term in ("expected", *STATES)}
    terms = " + ".join(f"{totals[term]} {term}" for term in STATES if totals[term]) or "0"
    return f"Accounting: {totals['expected']} expected = {terms}; difference {summary.difference}"


def inquiries_line(summary: Summary) -> str:
    """Return the inquiries by outcome and their fees for citizens in one line."""
    outcomes: Counter[str] = Counter()
    for row in summary.inquiries:
        outcomes[row.outcome] += row.inquiries
    fees = sum(row.fees for row in summary.inquiries)
    announced = sum(row.told_result for row in summary.inquiries)
    kinds = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common()) or "none yet"
    return (
        f"Inquiries to 9029: {kinds}; {fees} đồng; {announced} about a result that was announced and is not handed over"
    )


def render(summary: Summary) -> RenderableType:
    """Return the summary in the form that a terminal shows."""
    seen, taken = summary.transitions, summary.latency
    lines = [
        f"Transitions: {seen['picked_up']} picked up, {seen['unplanned']} waiting to be planned, "
        f"{seen['began_a_message']} with a message, {seen['no_message']} that need no message, "
        f"{seen['out_of_scope']} older than their agency's start; {summary.quarantined} rows in quarantine",
        identity_line(summary),
        inquiries_line(summary),
    ]
    if taken.messages:
        lines.append(
            f"Recorded → accepted, last {LATENCY_OVER // timedelta(minutes=1)} minutes: "
            f"p50 {taken.p50:.1f} s, p95 {taken.p95:.1f} s over {taken.messages} messages"
        )
    return Group(_by_kind(summary), Text(), _by_agency(summary), Text(), *map(Text, lines))
