"""Read texts to 9029: find the dossier code that a citizen asks for, and decide whether the dossier is on time.

9029 is the short number to which citizens text inquiries about dossiers. The functions are pure, and no text makes them
raise. docs/decisions/inquiries.md describes the grammar.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.texts import remove_accents

InquiryResult: TypeAlias = Literal[
    "answered", "help", "unknown_code", "several_agencies", "too_many", "service_off", "error"
]
Punctuality: TypeAlias = Literal["on_time", "late", "no_due_date"]

KEYWORD = "MCKH"
CODE_LIMIT = 40
_READ_AT_MOST = 500
"""Maximum number of characters that are read of a text: the length of three SMS."""
_WORDS_AT_MOST = 24
_JOINED_AT_MOST = 6
"""Maximum number of words that may form one code written with blanks."""

_OUTSIDE_A_CODE = re.compile(r"[^0-9A-Z./-]+")
_CODE = re.compile(r"[0-9A-Z][0-9A-Z./-]{2,39}")
_BLANKS_AROUND_A_SIGN = re.compile(r"\s*([./-])\s*")
_BLANKS_AMONG_DIGITS = re.compile(r"(?<=[0-9])\s*([./-])\s*(?=[0-9])")
_DIGIT = re.compile(r"[0-9]")
_VIETNAMESE = re.compile(r"(?:(?:\+|00)?84|0)([1-9][0-9]{8,9})")
_FOREIGN = re.compile(r"(?:\+|00)(?!84|0)([0-9]{8,15})")
_EDGES = "./-"
_ALIKE = str.maketrans("OIL", "011", " _")


@dataclass(frozen=True, slots=True)
class AskedCodes:
    """The codes that a text may ask for.

    ``literal`` are the codes as typed, the most likely one first. If the ledger has none of these codes, a second
    search treats O as 0, and I and l as 1. ``words`` are the words of the text in the form that ``fold`` returns,
    including agency codes.
    """

    literal: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys under which the database stores the codes."""
        return tuple(dict.fromkeys(map(code_key, self.literal)))

    def shown(self, agencies: Collection[str] = ()) -> str | None:
        """Return the code that the reply names if no dossier has it; ``None`` if the text has nothing like a code.

        Only a word with a digit is returned, because every real code contains one. Otherwise a greeting would be
        mistaken for the code of an unknown dossier. ``agencies`` are keys of agency codes, which are not dossier codes.
        """
        for code in self.literal:
            if _DIGIT.search(code) and code_key(code) not in agencies:
                return code.rstrip(_EDGES) or code
        return None


def fold(text: str) -> str:
    """Return the text in upper case and without accents, with each kind of blank as a space. Never raises."""
    return remove_accents(text).upper()


def code_key(code: str) -> str:
    """Return the key of a folded code: O is written as 0, I and l as 1, and blanks are removed.

    The database's function ``motcua.code_key`` returns the same key.
    """
    return code.translate(_ALIKE)


def read_inquiry_text(text: str) -> AskedCodes:
    """Read a text to 9029, with or without its keyword, in any spelling. Never raises."""
    folded = fold(text[:_READ_AT_MOST])
    words, whole = _split_words(folded)
    # “0012 / 2016” is one code and comes before “0012”, which may be another dossier's code. Words with only blanks
    # between them may be one code too.
    numbers, _ = _split_words(_BLANKS_AMONG_DIGITS.sub(r"\1", folded))
    drawn_together, _ = _split_words(_BLANKS_AROUND_A_SIGN.sub(r"\1", folded))
    singles = [spelling for word in [*numbers, *words] for spelling in _spellings(word)]
    joined = [spelling for word in drawn_together for spelling in _spellings(word)]
    joined += [
        spelling
        for first in range(len(words))
        for last in range(first + 2, min(first + _JOINED_AT_MOST, len(words)) + 1)
        for spelling in _spellings("".join(words[first:last]))
        if _DIGIT.search(spelling)
    ]
    found = (code for code in [*singles, *joined, *whole] if _CODE.fullmatch(code))
    return AskedCodes(tuple(dict.fromkeys(found)), tuple(words))


def _split_words(folded: str) -> tuple[list[str], list[str]]:
    """Split a text into its words, and remove the keyword from the beginning of a word.

    The second list has the unchanged words that begin with the keyword and contain a digit. Such a word may be a code
    itself.
    """
    words: list[str] = []
    whole: list[str] = []
    for word in _OUTSIDE_A_CODE.split(folded):
        bare = word
        if word.startswith(KEYWORD):
            bare = word[len(KEYWORD) :].lstrip(_EDGES)
            if _DIGIT.search(word):
                whole.append(word)
        if bare.strip(_EDGES):
            words.append(bare)
    return words[:_WORDS_AT_MOST], whole[:_WORDS_AT_MOST]


def _spellings(word: str) -> tuple[str, ...]:
    """Return the word unchanged, and the word without the punctuation around it."""
    return word.lstrip(_EDGES), word.strip(_EDGES)


# ---------------------------------------------------------------- at the counter


_WORD_OF_LETTERS = re.compile(r"[A-Z]{2,}")
_AROUND_CODES = frozenset({KEYWORD, "HO", "SO", "MA", "HS"})
"""Words that people type before a code."""
_SHORTEST_TAIL = 3


@dataclass(frozen=True, slots=True)
class CodeTail:
    """The last characters of a dossier's code, as a clerk types them."""

    signs: str
    """The characters in the form that the database compares: a ``code_key`` without dots, dashes and slashes."""
    agencies: frozenset[str]
    """Agency codes that the clerk typed before the tail. If empty, all agencies that the clerk may see are searched."""

    def is_last_of(self, dossier_code: str) -> bool:
        """Return whether a code ends with the tail, and the tail follows a dot, dash or slash or is the whole code.

        `0007` is a tail of `…-0007` and no tail of `…-10007`.
        """
        signs = "[./-]*".join(map(re.escape, self.signs))
        return re.search(rf"(?:^|[./-]){signs}$", code_key(fold(dossier_code))) is not None


def read_tail(text: str, agencies: Mapping[str, str]) -> CodeTail | None:
    """Read the tail of a code, with or without its agency before it; ``None`` if the text contains none. Never raises.

    Args:
        text: the text as it was typed, such as ``0007``, ``261126 0007`` or ``h32.30-261126-0007``.
        agencies: maps the key of each agency code and alias to the agency code.
    """
    named: set[str] = set()
    signs = ""
    for part in re.split(r"[^0-9A-Z./]+", fold(text[:_READ_AT_MOST])):
        key = code_key(part.strip(_EDGES))
        if key in agencies:
            named.add(agencies[key])
        elif _DIGIT.search(part):
            signs += re.sub(r"[./]", "", key)
    return CodeTail(signs, frozenset(named)) if _SHORTEST_TAIL <= len(signs) <= CODE_LIMIT else None


def reads_as_name(text: str) -> bool:
    """Return whether a text looks like a person's name and not like a code.

    Such a text has letters and no digit, or at least two words of letters that are not usual before a code.
    """
    folded = fold(text[:_READ_AT_MOST])
    if not _DIGIT.search(folded):
        return any(letter.isalpha() for letter in folded)
    words = {word for word in folded.split() if _WORD_OF_LETTERS.fullmatch(word)}
    return len(words - _AROUND_CODES) > 1


@dataclass(frozen=True, slots=True)
class InquiryAnswer:
    """The answer to one text to 9029."""

    text: str
    accented: bool
    outcome: InquiryResult


@dataclass(frozen=True, slots=True)
class Hit:
    """A dossier that one of the asked codes may mean."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    is_askers: bool
    """``True`` if the text came from the phone number of this dossier."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The dossier to answer about, or the code that dossiers of several agencies have.

    Both are ``None`` if no dossier has a code of the text, or if the found dossiers have different codes that are only
    similar to a code of the text.
    """

    hit: Hit | None = None
    shared_code: str | None = None


def choose(asked: AskedCodes, hits: Iterable[Hit], agencies: Mapping[str, str]) -> Choice:
    """Choose the dossier that the text means: a dossier with the first code of the text that the ledger knows.

    All codes are compared as typed first, then with similar characters treated as equal. If several dossiers have the
    code, the dossier of an agency that the text names is chosen, or else the dossier of the phone that sent the text.
    If only one dossier has the code, the dossier is chosen whichever phone sent the text. ``agencies`` maps keys of
    agency codes and aliases to agency codes.
    """
    by_key: dict[str, list[Hit]] = {}
    for hit in hits:
        by_key.setdefault(code_key(fold(hit.dossier_code)), []).append(hit)
    if not by_key:
        return Choice()
    spelled = [spelling for word in asked.words for spelling in _spellings(word)]
    # An agency code that was written with blanks, such as “H32 . 30”, appears only among the literal codes.
    named = _named_agencies(spelled, agencies) or _named_agencies(asked.literal, agencies)
    for literal in (True, False):
        for code in asked.literal:
            found = by_key.get(code_key(code), [])
            if literal:
                found = [hit for hit in found if _without_blanks(hit.dossier_code) == code]
            if not found:
                continue
            choice = _choose_among(found, named)
            # If the codes of the found dossiers differ, they are equal only because O counts as 0, and I and l as 1. No
            # dossier is chosen then.
            if choice.hit or len({_without_blanks(hit.dossier_code) for hit in found}) == 1:
                return choice
    return Choice()


def _named_agencies(words: Iterable[str], agencies: Mapping[str, str]) -> set[str]:
    return {agencies[key] for key in map(code_key, words) if key in agencies}


def _without_blanks(code: str) -> str:
    return fold(code).translate({ord(" "): None, ord("_"): None})


def _choose_among(found: Sequence[Hit], named: Collection[str]) -> Choice:
    for narrower in (found, [h for h in found if h.agency_code in named], [h for h in found if h.is_askers]):
        if len(narrower) == 1:
            return Choice(hit=narrower[0])
    return Choice(shared_code=found[0].dossier_code)


# ---------------------------------------------------------------- punctuality


STOPPED = frozenset({5, 6, 8})
"""National statuses in which the time limit is suspended (QĐ 766/QĐ-TTg)."""
_ENDED = frozenset({3, 7, 9, 10})


@dataclass(frozen=True, slots=True)
class DossierState:
    """The facts of a dossier by which ``punctuality`` decides whether it is late. Times have a time zone."""

    status_code: int | None
    due_at: datetime | None
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    status_since: datetime | None = None
    """When the dossier got its status. Consecutive statuses 5, 6 and 8 count as one status, as do 9 and 10."""


def punctuality(state: DossierState, now: datetime) -> Punctuality:
    """Decide whether a dossier is late: it is open after its due time, or was finished after its due time.

    A suspended or ended dossier is judged at the moment of its suspension or end. If ``finished_at`` is not known, the
    earlier one of ``status_since`` and ``returned_at`` counts as the end, because a citizen may fetch a result days
    after it was ready. A due time of midnight in Vietnam stands for a date, and that whole day is on time.
    """
    if state.due_at is None:
        return "no_due_date"
    moment = now
    if state.status_code in STOPPED:
        moment = state.status_since or now
    elif state.status_code in _ENDED:
        signs = [moment for moment in (state.returned_at, state.status_since) if moment]
        moment = state.finished_at or min(signs, default=now)
    elif state.status_code is None:
        # The dossier's status is unknown, but its dates are known.
        moment = state.finished_at or state.returned_at or now
    return "late" if moment >= _late_from(state.due_at) else "on_time"


def _late_from(due_at: datetime) -> datetime:
    """Return the moment from which on a dossier with this due time is late."""
    if due_at.astimezone(VIETNAM).time() == time(0):
        return due_at + timedelta(days=1)
    return due_at + timedelta(microseconds=1)


# ---------------------------------------------------------------- senders and repeats


def asking_phone(sender: str) -> str | None:
    """Return the sender's phone number in E.164; ``None`` if the sender is a name or a short code. Never raises.

    The carrier gives the number, so it exists. The phone rules are not applied: they would reject numbers that look as
    if somebody at a desk had invented them.
    """
    sender = sender.strip()
    if number := _VIETNAMESE.fullmatch(sender):
        return f"+84{number[1]}"
    number = _FOREIGN.fullmatch(sender)
    return f"+{number[1]}" if number else None


def dedupe_key(message_id: str | None, sender: str, text: str, sent_at: datetime) -> str:
    """Return a key that is equal each time the provider delivers the same text.

    The key is made from the provider's id, or from sender, text and minute if there is no id.
    """
    if message_id:
        parts: tuple[str, ...] = ("id", message_id)
    else:
        parts = ("text", sender, text, sent_at.astimezone(VIETNAM).strftime("%Y%m%d%H%M"))
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
