"""Ask questions on a terminal. A field is repeated until its answer can be written, and a question until its answer is
good or the person keeps it."""

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
"""Why an answer is refused: the name of the text in set_up.vi.yaml, and the values for its placeholders. ``None`` if
the answer is accepted."""


class Speaker(Protocol):
    """The other side of the conversation: a terminal, or the lines of a file."""

    def say(self, words: str, style: str = "") -> None:
        """Show a sentence in a style: ``good``, ``wrong`` or ``head``."""

    def ask(self, words: str, *, secret: bool = False) -> str:
        """Ask for a line and return it without its line end. A secret is not shown while it is typed.

        Raises:
            EOFError: the input ended.
        """


def words() -> Mapping[str, Any]:
    """Return the texts of include/templates/set_up.vi.yaml."""
    return words_in("set_up.vi")


@dataclass(slots=True)
class Talk:
    """A conversation of a set-up: the person's side, the settings files, and what was done so far."""

    speaker: Speaker
    files: Files
    now: datetime
    made_key: bool = False
    """Whether the backups' key pair was generated in this conversation."""
    mailed: set[str] = field(default_factory=set)
    """Addresses to which a test mail was sent."""

    # --- Speaking ----------------------------------------------------------------------------------------------------

    def tell(self, key: str, style: str = "", **facts: object) -> None:
        """Show a text of set_up.vi.yaml by its name."""
        self.speaker.say(str(words()[key]).format(**facts).rstrip(), style)

    def field(
        self,
        name: str,
        default: str = "",
        /,
        *,
        wrong: Callable[[str], Wrong] = lambda typed: None,
        secret: bool = False,
        may_be_empty: bool = False,
        **facts: object,
    ) -> str:
        """Ask for one field until its answer can be written.

        Args:
            name: name of the prompt in set_up.vi.yaml.
            default: answer for an empty line.
            wrong: returns why an answer is refused.
            secret: whether the answer and the default are hidden.
            may_be_empty: whether an empty answer is allowed. A dash then removes the present value.
            **facts: values for the prompt's placeholders.
        """
        prompt = str(words()["fields"][name]).format(**facts)
        shown = words()["kept_secret"] if secret and default else words()["default"].format(default=default)
        while True:
            typed = self.speaker.ask(f"{prompt}{shown if default else ''}: ", secret=secret)
            # A password may begin or end with a blank, so it is not stripped.
            typed = typed if secret else typed.strip()
            if not typed:
                typed = default
            elif may_be_empty and typed == words()["cleared"]:
                return ""
            if not typed and may_be_empty:
                return ""
            refusal: Wrong = ("empty", {}) if not typed else _why_unwritable(typed, secret=secret) or wrong(typed)
            if refusal is None:
                return typed
            self.speaker.say("  " + str(words()["wrong"][refusal[0]]).format(**refusal[1]), "wrong")

    def find(self, found: Iterable[Finding]) -> None:
        """Show the findings about a person's answer: what is wrong, a detail such as a server's error, what to do."""
        for each in found:
            texts = _finding_words(each)
            facts = {**each.facts, "subject": each.subject, "detail": each.detail}
            self.tell("found", "wrong", what=texts["what"].format(**facts))
            # The detail is shown separately only if the sentence has no placeholder for it.
            if each.detail and not {name for _, name, _, _ in Formatter().parse(texts["what"]) if name} - {"subject"}:
                self.tell("answered", detail=each.detail)
            self.tell("todo", todo=texts["todo"].format(**facts))

    def is_kept(self) -> bool:
        """Ask whether an answer with findings is kept as it is, and return the decision."""
        return self.speaker.ask(f"{words()['again']}: ").strip().casefold() in words()["keep"]

    def good(self, question: str, **facts: object) -> None:
        """Show that an answer was checked and is good."""
        sentence = str(words()["questions"][question].get("good", "")).format(**facts)
        self.tell("good", "good", what=sentence)

    def trying(self, question: str, **facts: object) -> None:
        """Show what is being checked, because it may take some seconds."""
        self.tell("trying", what=str(words()["questions"][question]["tries"]).format(**facts))


def _why_unwritable(said: str, *, secret: bool) -> Wrong:
    """Return why an answer cannot be written to a file."""
    is_fit = said.isprintable() and (secret or not {"'", "\\"} & set(said))
    return None if is_fit else ("letters", {})


def _finding_words(found: Finding) -> dict[str, str]:
    """Return the Vietnamese texts of a finding, or the English ones if there are none."""
    texts = words()["findings"].get(found.name)
    if texts is None:
        return english_words(found.name)
    # Some findings have several texts, which are distinguished by the fact ``why``.
    why = str(found.facts.get("why", ""))
    return texts if "what" in texts else texts.get(why) or english_words(found.name)


def until_good(talk: Talk, answer: Callable[[Files], Iterable[Finding]]) -> bool:
    """Repeat a question until its answer has no findings or the person keeps the answer; then save the draft with the
    answer.

    A repeated question has the previous answer as its default.

    Returns:
        Whether the answer has no findings.
    """
    draft = talk.files.draft()
    while True:
        found = list(answer(draft))
        talk.find(found)
        if not found or talk.is_kept():
            break
    talk.files = draft
    draft.save()
    return not found
