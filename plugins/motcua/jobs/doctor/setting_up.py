"""Checks of what people set up in the ledger (agencies, texts, calendars), and of the journal, the watch and
sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from motcua.domain.checks import Finding, fault
from motcua.domain.clock import VIETNAM
from motcua.domain.texts import Template
from motcua.domain.watching.judging import WATCH_SILENT
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.jobs.doctor.examining import Examination, some
from motcua.jobs.restoring import JOURNAL_AGE
from motcua.store.agencies import list_agencies
from motcua.store.calendars import list_unconfirmed
from motcua.store.checking.checks import last_checks
from motcua.store.journal import Journal, JournalFailed
from motcua.store.ledger.inspecting import agencies_without_dossiers
from motcua.store.notices.gaps import journal_of, last_attempt_at
from motcua.store.notices.gateways import days_used_up
from motcua.store.notices.registrations import registrations
from motcua.store.notices.templates import load_templates
from motcua.store.watching.watch import watch_life

_NEXT_YEAR_FROM = 11
"""Month from which the doctor requires the next year's calendar. The watch raises an alert one month later."""


def agencies(examination: Examination) -> Iterator[Finding]:
    """Check that there are agencies, and that a source delivers dossiers of each enabled agency."""
    ledger = examination.open_ledger
    if not list_agencies(ledger):
        yield fault("no_agency", "motcua.agencies")
    for code in agencies_without_dossiers(ledger, examination.now - timedelta(days=1)):
        yield fault("agency_without_source", f"agency {code}")


def texts(examination: Examination) -> Iterator[Finding]:
    """Check that the text in force of each template is registered at every gateway.

    If the gateway's adapter sends ids of templates, each text must also have an id from the gateway's provider.
    """
    known = registrations(examination.open_ledger)
    newest = load_templates().values()
    for gateway in examination.settings.gateways:
        missing = [_name(each) for each in newest if (gateway, each.template_id, each.version) not in known]
        if missing:
            yield fault("text_not_registered", f"gateway {gateway}", some(sorted(missing)))
        if f"sms_{gateway}" in examination.unusable:
            continue
        try:
            opened = open_gateway(gateway)
        except GatewayMisconfigured:
            continue
        without = [
            _name(each)
            for each in newest
            if (found := known.get((gateway, each.template_id, each.version))) is not None
            # A gateway at which accents cost nothing gets only texts with accents, so only the id of that form counts.
            # At any other gateway, the id of one of the two forms is enough.
            and not (
                found.accented_provider_template_id or (not opened.accents_cost_nothing and found.provider_template_id)
            )
        ]
        if opened.takes_template_ids and without:
            yield fault("text_without_id", f"gateway {gateway}", some(sorted(without)))


def limits_of_the_day(examination: Examination) -> Iterator[Finding]:
    """Check that no gateway has used up its daily limit or quota. A limit that is used up may be set too low."""
    for each in days_used_up(examination.open_ledger, examination.settings.gateways, examination.now):
        yield replace(each.finding, subject=f"gateway {each.gateway}")


def _name(template: Template) -> str:
    return f"{template.template_id}.v{template.version}"


def calendar(examination: Examination) -> Iterator[Finding]:
    """Check that this year's calendar is confirmed, and from November on the next year's too."""
    today = examination.now.astimezone(VIETNAM).date()
    years = [today.year, *([today.year + 1] if today.month >= _NEXT_YEAR_FROM else [])]
    for province, year in list_unconfirmed(examination.open_ledger, years):
        yield fault("calendar_unsigned", f"province {province}, year {year}")


def journal(examination: Examination) -> Iterator[Finding]:
    """Check that the journal in the folder belongs to the ledger, lacks no day, and has only readable lines."""
    folder = examination.settings.journal_folder
    try:
        own_journal = Journal(folder)
        damage, here = own_journal.damage(date.min), own_journal.identity()
    except JournalFailed as failure:
        yield fault("journal_damaged", str(folder), str(failure))
        return
    if damage is not None:
        yield fault("journal_damaged", str(folder), damage)
    if not examination.schema_is_ours:
        return
    ledger = examination.open_ledger
    kept_with, last = journal_of(ledger), last_attempt_at(ledger)
    is_another = kept_with is not None and here != kept_with
    # An empty journal is a fault only if a recent attempt should have been written into it.
    if is_another or (here is None and last is not None and last > examination.now - JOURNAL_AGE):
        yield fault("journal_elsewhere", str(folder), "it is empty" if here is None else f"it holds {here}")


def watch(examination: Examination) -> Iterator[Finding]:
    """Check that the watch gave a sign of life recently."""
    life = watch_life(examination.open_ledger)
    if life is None or life.looked_at < examination.now - WATCH_SILENT:
        last_sign = f"last at {life.looked_at.astimezone(VIETNAM):%d/%m/%Y %H:%M}" if life else "never"
        yield fault("watch_silent", "service watch", last_sign)


def source_checks(examination: Examination) -> Iterator[Finding]:
    """Check that the last check of each source found no fault that makes messages about the source's dossiers
    unreliable."""
    adapters = examination.settings.sources
    for source, check in last_checks(examination.open_ledger, list(adapters)).items():
        for each in check.forbidding:
            yield replace(each.finding, facts={**each.finding.facts, "adapter": adapters[source]})
