"""Write mails for SMTP, and compose the mails about runs that failed or evening runs that take too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime
from pathlib import PurePosixPath
from typing import Any

from motcua.domain.checks import Finding
from motcua.domain.clock import VIETNAM
from motcua.reports.checks import InWords, in_words
from motcua.reports.quality.charts import Picture
from motcua.reports.wording import words_in
from motcua.templating import templates

_TYPES = {
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".pdf": ("application", "pdf"),
    ".json": ("application", "json"),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file attached to a mail. The suffix of its name gives its type, such as ``.xlsx`` or ``.pdf``."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, before its recipients are known."""

    reference: str
    """The text that identifies the report within this ledger. The Message-ID begins with it."""
    subject: str
    text: str
    html: str
    pictures: tuple[tuple[str, Picture], ...] = ()
    """Pictures, each with the name by which the HTML references it (``cid:``)."""
    attachments: tuple[Attachment, ...] = ()


def write_message(mail: Mail, sender: str, recipient: str, message_id: str, at: datetime) -> bytes:
    """Return the bytes of the mail for one recipient, in the form that SMTP sends.

    Headers are not folded, because up to Python 3.12 folding loses the space between two encoded words of a subject.
    Lines of the parts have at most 76 characters and all bytes are ASCII, so that any server accepts the mail.

    Args:
        mail: the mail.
        sender: the sender's address.
        recipient: one address.
        message_id: the Message-ID, with its angle brackets.
        at: the moment for the mail's date.
    """
    message = EmailMessage(policy=default.clone(max_line_length=76))
    message["Subject"] = mail.subject
    message["From"] = sender
    message["To"] = recipient
    message["Date"] = format_datetime(at.astimezone(VIETNAM))
    message["Message-ID"] = message_id
    # Both headers prevent out-of-office replies. RFC 3834 defines the first, Exchange the second.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    html_part = message.get_payload()[1]  # type: ignore[index]
    for cid, picture in mail.pictures:
        name = f"{cid.partition('@')[0]}.png"
        html_part.add_related(  # type: ignore[union-attr]
            picture.png, "image", "png", cid=f"<{cid}>", disposition="inline", filename=name
        )
    for attached in mail.attachments:
        main, sub = _TYPES[PurePosixPath(attached.name).suffix]
        message.add_attachment(attached.content, main, sub, filename=attached.name)
    return message.as_bytes(policy=SMTP.clone(max_line_length=998))


_ROWS, _END_OF_ROWS = "<!-- rows -->", "<!-- end of rows -->"
"""The marks that stand before and after the rows in the layout of a mail."""


def bound(mails: Sequence[Mail]) -> Mail:
    """Join several mails to one recipient into one mail. Each part keeps its heading.

    The new mail's reference consists of the references of all parts.
    """
    first, *others = mails
    head, _, rest = first.html.partition(_ROWS)
    rows, _, tail = rest.partition(_END_OF_ROWS)
    of_others = [each.html.partition(_ROWS)[2].partition(_END_OF_ROWS)[0] for each in others]
    # A mail has only one h1 heading, because people with a screen reader jump from heading to heading.
    of_others = [each.replace("<h1 ", "<h2 ").replace("</h1>", "</h2>") for each in of_others]
    # A subject begins with a name, for example of an agency, and a colon. If two mails in a row begin with the same
    # name, the joined subject does not repeat the name.
    whose = [each.subject.partition(": ")[0] + ": " for each in mails]
    subjects = [each.subject.removeprefix(before) for each, before in zip(others, whose[:-1], strict=True)]
    return replace(
        first,
        reference="+".join(each.reference for each in mails),
        subject="; ".join([first.subject, *subjects]),
        text="\n\n".join(each.text for each in mails),
        html="".join([head, _ROWS, rows, *of_others, _END_OF_ROWS, tail]),
        pictures=tuple(picture for each in mails for picture in each.pictures),
        attachments=tuple(attached for each in mails for attached in each.attachments),
    )


def tidy(text: str) -> str:
    """Return a plain text without consecutive empty lines."""
    lines: list[str] = []
    for line in (each.rstrip() for each in text.splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip() + "\n"


def inline_styles(html: str) -> str:
    """Return an HTML text with its styles moved to the elements, as Outlook and Gmail require."""
    from css_inline import CSSInliner

    inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False, minify_css=True)
    return inliner.inline("\n".join(line for line in map(str.strip, html.splitlines()) if line))


# --- About runs ------------------------------------------------------------------------------------------------------


def red_run_mail(dag: str, run_id: str, left: Sequence[Finding], page_url: str | None) -> Mail:
    """Compose the mail that reports a failed run.

    Args:
        dag: the DAG's name for people.
        run_id: the run.
        left: the findings of the run's gate.
        page_url: the address of the run's page; ``None`` if it is not known.
    """
    return _mail("red", dag, run_id, [in_words(each) for each in left], page_url)


def late_apologies_mail(dag: str, run_id: str, by: str, page_url: str | None) -> Mail:
    """Compose the mail that reports that an evening's run has not ended by the hour ``by``, such as ``17:36``."""
    return _mail("late_apologies", dag, run_id, [], page_url, by=by)


def _mail(kind: str, dag: str, run_id: str, reasons: list[InWords], page_url: str | None, **told: str) -> Mail:
    texts = words_in("mail/run.vi")[kind]
    values: dict[str, Any] = {name: words.format(dag=dag, **told) for name, words in texts.items()}
    values |= {"dag": dag, "run_id": run_id, "reasons": reasons, "page_url": page_url}
    environment = templates("mail")
    return Mail(
        f"luot-chay.{kind}",
        values["subject"],
        tidy(environment.get_template("run.txt").render(values)),
        inline_styles(environment.get_template("run.html").render(values)),
    )
