"""Finds work that is due and that no process does, whatever the cause.

The watch raises an alert about such work. The gate of a run, its last task, fails because of it. The rules are in
``domain/watching/unserved.py``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from motcua.domain.checks import Finding
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.domain.watching import unserved as rules
from motcua.domain.watching.unserved import SourceNow, StopNow
from motcua.jobs.notices.apologizing import apology_rules
from motcua.jobs.notices.watching import every_source_is_read_in, is_watched, left_unread
from motcua.settings import settings
from motcua.store.ledger.database import Connection, connect
from motcua.store.ledger.locks import LEADING, is_held
from motcua.store.notices.gateways import gateway_stops
from motcua.store.notices.sources import list_sources, source_signals
from motcua.store.watching.watch import enabled_agencies, gateways_now, unplanned_steps, unserved_messages

UNSERVED = "due and served by nobody: "


def find_unserved(ledger: Connection, now: datetime, window: Window = EVERYTHING) -> list[Finding]:
    """Return the work that has been due for longer than ``MOTCUA_SERVED_WITHIN`` and that no process does.

    A window is a span of time. If a window is given, only messages about events in the window and steps in the window
    are checked, and not the sources. The list is empty if no agency is enabled, because no citizen is informed then.
    """
    if not enabled_agencies(ledger, now):
        return []
    within = settings().served_within
    due_by = now - within
    stops = [
        StopNow(each.gateway, each.subject, each.until, each.by_hand or each.expected, each.pause is not None)
        for each in gateway_stops(ledger)
        if each.concerns != "template"
    ]
    ways = rules.ways_of(gateways_now(ledger, settings().gateways, now), stops, now, within)
    apologies = apology_rules()
    rests = any(apologies.quiet.until(moment) is not None for moment in (due_by, now))
    resting = ["apology"] if rests else []
    found = rules.judge_messages(unserved_messages(ledger, ways, window, due_by, now, resting))
    found += rules.judge_steps(*unplanned_steps(ledger, window, due_by))
    if window is EVERYTHING:
        known = {source.name: source for source in list_sources(ledger)}
        signals = source_signals(ledger)
        sources = [
            SourceNow(
                name,
                known[name].picked_up_at if name in known else None,
                name in known and known[name].failed_at is not None,
                name in signals and signals[name].has_unread,
            )
            for name in settings().sources
        ]
        found += rules.judge_sources(sources, now, within, every_source_is_read_in() + within)
    return found


def somebody_looks(ledger: Connection) -> bool:
    """Return whether a process would notice unread rows of a source. A watcher is a process that checks the sources. If
    no watcher runs, a running sender checks the sources."""
    return not settings().sources or is_watched(ledger) or is_held(ledger, LEADING)


def unserved_of_run(window: Window) -> list[Finding]:
    """Return the unserved work as reasons why the gate of a run fails.

    In a run without a window, if no watcher of sources is running, this function itself checks the sources for unread
    rows, for up to ``MOTCUA_SERVED_WITHIN``.
    """
    with connect() as ledger:
        found = find_unserved(ledger, datetime.now(UTC), window)
        looks_itself = window is EVERYTHING and not is_watched(ledger)
    if looks_itself:
        known = {each.key for each in found}
        unread = left_unread(settings().served_within)
        found += [
            each
            for each in rules.judge_sources(
                unread, datetime.now(UTC), settings().served_within, every_source_is_read_in()
            )
            if each.key not in known
        ]
    return [replace(each, facts={**each.facts, "detail": f"{UNSERVED}{_in_words(each)}"}) for each in found]


def _in_words(finding: Finding) -> str:
    facts, since = finding.facts, ""
    if facts["since"]:
        since = f" since {datetime.fromisoformat(str(facts['since'])).astimezone(VIETNAM):%H:%M:%S %d/%m/%Y}"
    if facts["what"] == "messages":
        to = f" to {facts['carriers']}" if facts["carriers"] else ""
        held = f", which is stopped ({facts['stops']})" if facts["stops"] else ""
        return (
            f"{facts['messages']} message(s){to} for gateway {facts['gateway']}{held}, the first{since}: "
            "see motcua gateways list, and the log of the task send"
        )
    if facts["what"] == "steps":
        return (
            f"{facts['steps']} step(s) that were picked up and not planned, the first{since}: "
            "see the log of the task plan"
        )
    does = "has news that no pick-up takes" if facts["what"] == "news" else "is due for a pick-up"
    read = f"not read{since}" if since else "never read"
    return f"source {facts['source']} {does}, {read}: see motcua sources list, and the log of the task pick_up"
