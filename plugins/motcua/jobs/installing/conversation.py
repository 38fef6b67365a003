"""The conversation as a whole: what is asked, in which order, and what is made when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from motcua.jobs.installing.files import Files
from motcua.jobs.installing.making import IDENTITY, for_the_safe, make_folders, make_secrets
from motcua.jobs.installing.questions import NAMES, Name, ask
from motcua.jobs.installing.talking import Speaker, Talk, words


class Stopped(Exception):
    """Nobody answers any more; the message says what was left to be asked."""


def set_up(files: Files, speaker: Speaker, now: datetime, only: Name | None = None) -> None:
    """Asks the ten questions, or one of them, and makes what nobody needs to know. Each answer is written when it was
    tried: whoever stops goes on from there.

    Args:
        files: what stands there.
        speaker: who answers.
        now: the moment that certificates are held against, and the day on which somebody signs.
        only: the question.

    Raises:
        Stopped: nobody answers any more.
        OSError: the files cannot be written.
    """
    talk = Talk(speaker, files, now)
    asked: Sequence[Name] = NAMES if only is None else [only]
    speaker.say(words()["begin" if only is None else "begin_one"])
    if gone := files.modernize():
        files.save()
        talk.tell("modernized", "head", names=", ".join(gone))
    for name in asked:
        number = NAMES.index(name) + 1
        try:
            ask(talk, name, number, len(NAMES))
        except EOFError:
            raise Stopped(words()["no_more_lines"].format(number=number, of=len(NAMES), name=name)) from None
    _finish(talk)


def _finish(talk: Talk) -> None:
    said, folder = words()["end"], talk.files.folder
    talk.speaker.say("")
    if made := make_secrets(talk.files):
        talk.speaker.say(said["secrets"].format(number=made))
    talk.files.save()
    if left := make_folders(folder):
        talk.speaker.say(said["owner"].format(names=" ".join(left)), "wrong")
    talk.speaker.say(said["safe"].format(files=", ".join(for_the_safe(folder))), "head")
    if (Path(folder) / IDENTITY).exists():
        talk.speaker.say(said["identity"], "head")
