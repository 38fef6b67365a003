"""Texts to 9029: which dossier code a citizen asks for, and whether its dossier is on time.

Everything here is pure and raises for no text. The grammar is written down in docs/decisions/inquiries.md.
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
"""Characters of a text that are read: three SMS."""
_WORDS_AT_MOST = 24
_JOINED_AT_MOST = 6
"""Words that may be one code written with blanks."""

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
    """What a text may ask for.

    ``literal`` are the codes as typed, the likeliest first; each is also looked for with O and 0, and I, l and 1,
    taken for each other, once no literal one is known. ``words`` are the folded words, agency codes among them.
    """

    literal: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Under which the database knows the codes."""
        return tuple(dict.fromkeys(map(code_key, self.literal)))

    def shown(self, agencies: Collection[str] = ()) -> str | None:
        """The code that an answer about an unknown one names; ``None``: the text holds nothing like a code.

        Every real code holds a digit; without one, a greeting would be called an unknown dossier. ``agencies``
        are keys of agency codes, which are not asked for.
        """
        for code in self.literal:
            if _DIGIT.search(code) and code_key(code) not in agencies:
                return code.rstrip(_EDGES) or code
        return None


def fold(text: str) -> str:
    """Upper case, without accents, every blank a space. Never raises."""
    return remove_accents(text).upper()


def code_key(code: str) -> str:
    """The key of a folded code: O and 0, I, l and 1 alike, no blanks. The database's ``motcua.code_key`` agrees."""
    return code.translate(_ALIKE)


def read_inquiry_text(text: str) -> AskedCodes:
    """Read a text to 9029, with or without its keyword, however it is typed. Never raises."""
    folded = fold(text[:_READ_AT_MOST])
    words, whole = _words(folded)
    # “0012 / 2016” is one code, before “0012”, which may be another's; so may be what stands with blanks and no sign
    # between.
    numbers, _ = _words(_BLANKS_AMONG_DIGITS.sub(r"\1", folded))
    drawn_together, _ = _words(_BLANKS_AROUND_A_SIGN.sub(r"\1", folded))
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


def _words(folded: str) -> tuple[list[str], list[str]]:
    """Words without the keyword, and those that hold a digit as they stood with it: a code may begin so itself."""
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
    """The word as it stands, then without the punctuation of a sentence around it."""
    return word.lstrip(_EDGES), word.strip(_EDGES)


# ---------------------------------------------------------------- at the counter


_WORD_OF_LETTERS = re.compile(r"[A-Z]{2,}")
_AROUND_CODES = frozenset({KEYWORD, "HO", "SO", "MA", "HS"})
"""Words that are typed before a code."""
_SHORTEST_TAIL = 3


@dataclass(frozen=True, slots=True)
class CodeTail:
    """The last signs of a dossier's code."""

    signs: str
    """As the database compares them: a key without points and strokes."""
    agencies: frozenset[str]
    """Those that were named before it; none: whichever may be seen."""

    def is_last_of(self, dossier_code: str) -> bool:
        """Whether a code ends with it and has a point or a stroke before it: `0007` is no tail of `…-10007`."""
        signs = "[./-]*".join(map(re.escape, self.signs))
        return re.search(rf"(?:^|[./-]){signs}$", code_key(fold(dossier_code))) is not None


def read_tail(text: str, agencies: Mapping[str, str]) -> CodeTail | None:
    """Reads the tail of a code, with or without its agency before it; ``None``: the text holds none. Never raises.

    Args:
        text: as typed: ``0007``, ``261126 0007``, ``h32.30-261126-0007``.
        agencies: keys of agency codes and aliases → agency codes.
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
    """Whether a text is somebody's name rather than a code: letters alone, or two words of them."""
    folded = fold(text[:_READ_AT_MOST])
    if not _DIGIT.search(folded):
        return any(letter.isalpha() for letter in folded)
    words = {word for word in folded.split() if _WORD_OF_LETTERS.fullmatch(word)}
    return len(words - _AROUND_CODES) > 1


@dataclass(frozen=True, slots=True)
class InquiryAnswer:
    """What the citizen is told."""

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
    """The asking phone is on this dossier."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The dossier to answer, or the code that several agencies use; both empty: nothing is known."""

    hit: Hit | None = None
    shared_code: str | None = None


def choose(asked: AskedCodes, hits: Iterable[Hit], agencies: Mapping[str, str]) -> Choice:
    """The dossier that is meant: the first known code, as typed before as mistaken.

    Of one code at several agencies, the agency that the text names decides, then the asking phone (domain rule: a
    unique code is answered whoever asks). ``agencies`` maps keys of agency codes and aliases to agency codes.
    """
    by_key: dict[str, list[Hit]] = {}
    for hit in hits:
        by_key.setdefault(code_key(fold(hit.dossier_code)), []).append(hit)
    if not by_key:
        return Choice()
    spelled = [spelling for word in asked.words for spelling in _spellings(word)]
    # The literal codes hold what was written with blanks: “H32 . 30”.
    named = _named(spelled, agencies) or _named(asked.literal, agencies)
    for literal in (True, False):
        for code in asked.literal:
            found = by_key.get(code_key(code), [])
            if literal:
                found = [hit for hit in found if _bare(hit.dossier_code) == code]
            if not found:
                continue
            choice = _among(found, named)
            # Several codes that only a mistake makes alike: no guess.
            if choice.hit or len({_bare(hit.dossier_code) for hit in found}) == 1:
                return choice
    return Choice()


def _named(words: Iterable[str], agencies: Mapping[str, str]) -> set[str]:
    return {agencies[key] for key in map(code_key, words) if key in agencies}


def _bare(code: str) -> str:
    return fold(code).translate({ord(" "): None, ord("_"): None})


def _among(found: Sequence[Hit], named: Collection[str]) -> Choice:
    for narrower in (found, [h for h in found if h.agency_code in named], [h for h in found if h.is_askers]):
        if len(narrower) == 1:
            return Choice(hit=narrower[0])
    return Choice(shared_code=found[0].dossier_code)


# ---------------------------------------------------------------- punctuality


STOPPED = frozenset({5, 6, 8})
"""National statuses in which the clock stands (QĐ 766/QĐ-TTg counts them as suspended)."""
_ENDED = frozenset({3, 7, 9, 10})


@dataclass(frozen=True, slots=True)
class DossierState:
    """What punctuality depends on; instants with time zone."""

    status_code: int | None
    due_at: datetime | None
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    status_since: datetime | None = None
    """When it came into its status; of 5, 6 and 8, and of 9 and 10: into the first of those in a row."""


def punctuality(state: DossierState, now: datetime) -> Punctuality:
    """Late: open and past its due time, or released after it; stopped or ended: as it stood at that moment.

    Without a time of release the earliest sign of it counts: a result fetched days later was released in time. A due
    time of midnight is a date: that whole day, in Khánh Hòa, is on time.
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
        # The source's status is not known; its dates are.
        moment = state.finished_at or state.returned_at or now
    return "late" if moment >= _last_moment(state.due_at) else "on_time"


def _last_moment(due_at: datetime) -> datetime:
    """The first instant that is late."""
    if due_at.astimezone(VIETNAM).time() == time(0):
        return due_at + timedelta(days=1)
    return due_at + timedelta(microseconds=1)


# ---------------------------------------------------------------- senders and repeats


def asking_phone(sender: str) -> str | None:
    """The sender in E.164; ``None``: it is no number, but a name or a short code. Never raises.

    A carrier wrote it, so it is real, also where a desk's entry would be taken for a made-up one.
    """
    sender = sender.strip()
    if number := _VIETNAMESE.fullmatch(sender):
        return f"+84{number[1]}"
    number = _FOREIGN.fullmatch(sender)
    return f"+{number[1]}" if number else None


def dedupe_key(message_id: str | None, sender: str, text: str, sent_at: datetime) -> str:
    """The same for each delivery of one text: of the provider's id, else of sender, text and minute."""
    if message_id:
        parts: tuple[str, ...] = ("id", message_id)
    else:
        parts = ("text", sender, text, sent_at.astimezone(VIETNAM).strftime("%Y%m%d%H%M"))
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
