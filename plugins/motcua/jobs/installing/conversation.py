"""Run the whole conversation of a set-up: the questions in their order, then the secrets and folders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from motcua.jobs.installing.files import Files
from motcua.jobs.installing.making import IDENTITY, for_the_safe, make_folders, make_secrets
from motcua.jobs.installing.questions import NAMES, Name, ask
from motcua.jobs.installing.talking import Speaker, Talk, words


class Stopped(Exception):
    """The input ended before the last question. The message names the question that was open."""


def set_up(files: Files, speaker: Speaker, now: datetime, only: Name | None = None) -> None:
    """Ask the ten questions, or one of them, and generate secrets and folders. Each checked answer is saved at once.

    A set-up that was interrupted can be started again; saved answers become the defaults of their questions.

    Args:
        files: the settings files.
        speaker: where questions are shown and answers are read.
        now: present time. Certificates must be valid then, and an answer that a person signs gets this day.
        only: name of a single question to ask.

    Raises:
        Stopped: the input ended.
        OSError: the files cannot be written.
    """
    talk = Talk(speaker, files, now)
    asked: Sequence[Name] = NAMES if only is None else [only]
    speaker.say(words()["begin" if only is None else "begin_one"])
    if old_names := files.modernize():
        files.save()
        talk.tell("modernized", "head", names=", ".join(old_names))
    for name in asked:
        number = NAMES.index(name) + 1
        try:
            ask(talk, name, number, len(NAMES))
        except EOFError:
            raise Stopped(words()["no_more_lines"].format(number=number, of=len(NAMES), name=name)) from None
    _finish(talk)


def _finish(talk: Talk) -> None:
    """Generate secrets and folders, save the files, and name the files to keep in the safe."""
    texts, folder = words()["end"], talk.files.folder
    talk.speaker.say("")
    if made := make_secrets(talk.files):
        talk.speaker.say(texts["secrets"].format(number=made))
    talk.files.save()
    if left := make_folders(folder):
        talk.speaker.say(texts["owner"].format(names=" ".join(left)), "wrong")
    talk.speaker.say(texts["safe"].format(files=", ".join(for_the_safe(folder))), "head")
    if (Path(folder) / IDENTITY).exists():
        talk.speaker.say(texts["identity"], "head")
