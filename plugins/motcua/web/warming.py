"""Has an API server read what its pages need before anybody asks for one.

Templates, words and rules are read once a process, on first use: that first page took up to a second. Whoever makes the
pages for the server has them read then; the ledger is not asked, which may be away while Airflow starts.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

from motcua import dag_texts
from motcua.domain.phones.reading import read_phone
from motcua.jobs.handed_in import complaints
from motcua.jobs.handed_in.statement_forms import form_names, load_form
from motcua.jobs.notices.planning import planning_rules
from motcua.quality.rules import load_rules
from motcua.quality.soundness import load_soundness
from motcua.reports import checks, wording
from motcua.reports.explaining import clauses
from motcua.reports.lists.declared import load_every_list
from motcua.store.notices.templates import load_templates
from motcua.web import rendering
from motcua.web.runs import run_words
from motcua.web.settings import typed

_log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def warm_pages() -> None:
    """Reads all of it, once a process. What cannot be read is logged: the page that needs it says what is wrong."""
    for read in _READ:
        try:
            read()
        except Exception as failure:
            _log.warning("the pages' %s could not be read beforehand: %s", read.__name__, failure)
    # What Airflow and the pages loaded stays. Looked through again by the collector, which it would be at the next
    # page, it is a pause of a sixth of a second.
    gc.collect()
    gc.freeze()


def _forms() -> None:
    for name in form_names():
        load_form(name)


def _phones() -> None:
    # Loads the metadata of the numbering plan.
    read_phone("0905771482", None, "")


def _hook() -> None:
    import_module("airflow.providers.postgres.hooks.postgres")


_READ: tuple[Callable[[], object], ...] = (
    rendering.load_every_page,
    wording.words,
    wording.list_words,
    load_every_list,
    wording.publication_words,
    clauses,
    run_words.words,
    typed.words,
    dag_texts.words,
    checks.load_every_sentence,
    complaints.titles,
    load_rules,
    load_soundness,
    load_templates,
    planning_rules,
    _forms,
    _phones,
    _hook,
)
