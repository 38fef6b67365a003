"""How questions are asked: each thing until it can be written, each answer until it is good or kept as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from string import Formatter
from typing import Any, Protocol, TypeAlias

from motcua.domain.checks import Finding
from motcua.jobs.installing.files import Files
from motcua.reports.checks import english_words
from motcua.reports.wording import words_in

Wrong: TypeAlias = tuple[str, dict[str, object]] | None
"""Why an answer is none, by the name of the words that say so, and what they are told."""


class Speaker(Protocol):
    """Whoever answers: a terminal, or lines of a file."""

    def say(self, words: str, style: str = "") -> None:
        """Shows a sentence; ``style``: good, wrong or head."""

    def ask(self, words: str, *, secret: bool = False) -> str:
        """What was typed, without its end of line; a secret is not shown.

        Raises:
            EOFError: nobody answers any more.
        """


def words() -> Mapping[str, Any]:
    """The words of include/templates/set_up.vi.yaml."""
    return words_in("set_up.vi")


@dataclass(slots=True)
class Talk:
    """A conversation: who speaks, what is written so far, and what was said."""

    speaker: Speaker
    files: Files
    now: datetime
    made_key: bool = False
    """The backups' pair of keys was made in it."""
    mailed: set[str] = field(default_factory=set)
    """Whom a mail was sent to."""

    # --- Speaking ----------------------------------------------------------------------------------------------------

    def tell(self, key: str, style: str = "", **facts: object) -> None:
        """Says a sentence of the words by its name."""
        self.speaker.say(str(words()[key]).format(**facts).rstrip(), style)

    def field(
        self,
        name: str,
        default: str = "",
        /,
        *,
        wrong: Callable[[str], Wrong] = lambda said: None,
        secret: bool = False,
        may_be_empty: bool = False,
        **facts: object,
    ) -> str:
        """Asks for one thing until it is answered so that it can be written.

        Args:
            name: of the words that ask.
            default: what Enter keeps.
            wrong: why an answer is none.
            secret: it is not shown, neither typed nor kept.
            may_be_empty: nothing is an answer, and a dash takes away what is there.
            **facts: what the words are told.
        """
        prompt = str(words()["fields"][name]).format(**facts)
        shown = words()["kept_secret"] if secret and default else words()["default"].format(default=default)
        while True:
            said = self.speaker.ask(f"{prompt}{shown if default else ''}: ", secret=secret)
            # A password may begin or end with a blank.
            said = said if secret else said.strip()
            if not said:
                said = default
            elif may_be_empty and said == words()["cleared"]:
                return ""
            if not said and may_be_empty:
                return ""
            told: Wrong = ("empty", {}) if not said else _unwritable(said, secret=secret) or wrong(said)
            if told is None:
                return said
            self.speaker.say("  " + str(words()["wrong"][told[0]]).format(**told[1]), "wrong")

    def find(self, found: Iterable[Finding]) -> None:
        """Says what the check of an answer found: what it is, what was answered, what is to be done."""
        for each in found:
            said = _words_of(each)
            facts = {**each.facts, "subject": each.subject, "detail": each.detail}
            self.tell("found", "wrong", what=said["what"].format(**facts))
            # Where the sentence tells it, it is not told again.
            if each.detail and not {name for _, name, _, _ in Formatter().parse(said["what"]) if name} - {"subject"}:
                self.tell("answered", detail=each.detail)
            self.tell("todo", todo=said["todo"].format(**facts))

    def is_kept(self) -> bool:
        """Whether an answer that was found wrong is kept as it is."""
        return self.speaker.ask(f"{words()['again']}: ").strip().casefold() in words()["keep"]

    def good(self, question: str, **facts: object) -> None:
        """Says that an answer was tried, and is one."""
        said = str(words()["questions"][question].get("good", "")).format(**facts)
        self.tell("good", "good", what=said)

    def trying(self, question: str, **facts: object) -> None:
        """Says what is tried now, which may take some seconds."""
        self.tell("trying", what=str(words()["questions"][question]["tries"]).format(**facts))


def _unwritable(said: str, *, secret: bool) -> Wrong:
    is_fit = said.isprintable() and (secret or not {"'", "\\"} & set(said))
    return None if is_fit else ("letters", {})


def _words_of(found: Finding) -> dict[str, str]:
    said = words()["findings"].get(found.name)
    if said is None:
        return english_words(found.name)
    # Of some there are several, told apart by why.
    why = str(found.facts.get("why", ""))
    return said if "what" in said else said.get(why) or english_words(found.name)


def until_good(talk: Talk, answer: Callable[[Files], Iterable[Finding]]) -> bool:
    """Has a question answered on a draft until nothing is found wrong with it, or it is kept as it is, and saves that;
    whether it is good. What was typed is the default of the next time."""
    draft = talk.files.draft()
    while True:
        found = list(answer(draft))
        talk.find(found)
        if not found or talk.is_kept():
            break
    talk.files = draft
    draft.save()
    return not found
