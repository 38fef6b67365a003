"""Run a local mailbox that receives every mail by SMTP, stores it as an ``.eml`` file, and shows it on a page.

It replaces a mail server for the connection ``smtp_default`` of the demo and the tests. A mail is answered with 250
only after its file is on disk. Names of files begin with the time of receipt, so that the files sort by time.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import functools
import logging
import os
import re
import secrets
import socket
import sys
import time
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import uvicorn
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import HTMLResponse

from motcua.templating import templates

logger = logging.getLogger(__name__)

LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")
LARGEST_MAIL_BYTES = 32 * 1024 * 1024
_MAIL_ID = re.compile(r"\d{19}-[0-9a-f]{8}")


# --- Receiving mail ---------------------------------------------------------------------------------


class Postbox:
    """Writes each mail that arrives by SMTP to a separate file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answer 250 after the mail is on disk, or 452 if there is no space for it."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        trace = [f"Return-Path: <{envelope.mail_from or ''}>"]
        trace += [f"Delivered-To: {receiver}" for receiver in envelope.rcpt_tos]
        try:
            await asyncio.to_thread(self._store, "".join(f"{line}\r\n" for line in trace).encode() + raw)
        except OSError as error:
            logger.error("A mail could not be stored: %s", error.strerror)
            return "452 Insufficient system storage"
        return "250 Message accepted for delivery"

    def _store(self, raw: bytes) -> None:
        name = f"{time.time_ns():019}-{secrets.token_hex(4)}"
        draft = self._folder / f"{name}.part"
        try:
            with draft.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(self._folder / f"{name}.eml")
        finally:
            draft.unlink(missing_ok=True)


def _smtp(folder: Path, username: str, password: str) -> SMTP:
    """Return the SMTP protocol for one connection. It demands a log-in if ``username`` is not empty."""

    def authenticate(
        server: SMTP,
        session: Session,
        envelope: Envelope,
        mechanism: str,
        given: Any,  # noqa: ANN401
    ) -> AuthResult:
        wanted = LoginPassword(username.encode(), password.encode())
        good = isinstance(given, LoginPassword) and all(map(secrets.compare_digest, given, wanted))
        return AuthResult(success=good, handled=good)

    with warnings.catch_warnings():  # log-in without TLS is safe here, because the traffic stays on this machine
        warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
        return SMTP(
            Postbox(folder),
            hostname="localhost",
            ident="MotcuaSMS mailbox",
            data_size_limit=LARGEST_MAIL_BYTES,
            enable_SMTPUTF8=True,
            authenticator=authenticate if username else None,
            auth_required=bool(username),
            auth_require_tls=False,
        )


# --- Reading mail -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attachment:
    """One part of a mail that is not its text. The size is in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Mail:
    """One mail as the page shows it. Times are aware datetimes."""

    id: str
    subject: str
    sender: str
    receivers: str
    sent_at: datetime
    text: str
    html: str
    attachments: tuple[Attachment, ...]

    @property
    def local_time(self) -> str:
        """Return the time of sending in Vietnam's time zone."""
        at = self.sent_at.astimezone(LOCAL_TIME)
        return f"{at:%H:%M:%S} ngày {at.day}/{at.month}/{at.year}"


def mail_ids(folder: Path) -> list[str]:
    """Return the ids of all mails, newest first."""
    return sorted((path.stem for path in folder.glob("*.eml") if _MAIL_ID.fullmatch(path.stem)), reverse=True)


@functools.lru_cache(maxsize=512)
def read_mail(folder: Path, mail_id: str) -> Mail:
    """Read one mail. A broken mail is shown as far as possible.

    Raises:
        LookupError: there is no such mail.
    """
    message = _parse(folder, mail_id)
    text, html, others = _divide(message)
    pictures = {_header(part, "content-id").strip("<> "): part for part in others}
    return Mail(
        id=mail_id,
        subject=_header(message, "subject") or "(không có tiêu đề)",
        sender=_header(message, "from"),
        receivers=_header(message, "to"),
        sent_at=_sent_at(message, mail_id),
        text=_text(text) if text else "",
        html=_with_pictures(_text(html), pictures) if html else "",
        attachments=tuple(
            Attachment(_file_name(part, place), len(_content(part))) for place, part in enumerate(others, 1)
        ),
    )


def read_attachment(folder: Path, mail_id: str, place: int) -> tuple[str, bytes]:
    """Return the name and content of the attachment at a position, counted from 1.

    Raises:
        LookupError: there is no such mail or attachment.
    """
    *_, others = _divide(_parse(folder, mail_id))
    if not 1 <= place <= len(others):
        raise LookupError("no such attachment")
    part = others[place - 1]
    return _file_name(part, place), _content(part)


def _parse(folder: Path, mail_id: str) -> EmailMessage:
    if not _MAIL_ID.fullmatch(mail_id):
        raise LookupError("no such mail")
    try:
        return message_from_bytes((folder / f"{mail_id}.eml").read_bytes(), policy=policy.default)
    except FileNotFoundError as error:
        raise LookupError("no such mail") from error


def _divide(message: EmailMessage) -> tuple[MIMEPart | None, MIMEPart | None, list[MIMEPart]]:
    """Return the plain text, the HTML and all other parts of a mail."""
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return text, html, [part for part in _leaves(message) if part is not text and part is not html]


def _leaves(part: MIMEPart) -> Iterator[MIMEPart]:
    if part.is_multipart() and part.get_content_type() != "message/rfc822":
        for inner in part.iter_parts():
            yield from _leaves(inner)
    else:
        yield part


def _header(part: MIMEPart, name: str) -> str:
    """Return a decoded header on one line. A broken header does not hide the mail."""
    try:
        value = str(part.get(name, ""))
    except Exception:  # the parser fails in many ways on hostile headers
        value = next((str(raw) for key, raw in part.raw_items() if key.lower() == name), "")
    return " ".join(value.encode("utf-8", "replace").decode().split())


def _sent_at(message: EmailMessage, mail_id: str) -> datetime:
    received_at = datetime.fromtimestamp(int(mail_id.partition("-")[0]) / 1e9, UTC)
    try:
        stated = getattr(message["date"], "datetime", None)
    except Exception:
        return received_at
    if not isinstance(stated, datetime):
        return received_at
    return stated if stated.tzinfo else stated.replace(tzinfo=UTC)


def _text(part: MIMEPart) -> str:
    try:
        return _content(part).decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return _content(part).decode("latin-1")


def _content(part: MIMEPart) -> bytes:
    if part.is_multipart():  # a forwarded mail has parts of its own
        return b"".join(bytes(inner) for inner in part.iter_parts())
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _file_name(part: MIMEPart, place: int) -> str:
    try:
        name = part.get_filename() or ""
    except Exception:  # the parser fails in many ways on hostile headers
        name = ""
    name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", name.encode("utf-8", "replace").decode()).strip(". ")
    return name or (f"thu-{place}.eml" if part.is_multipart() else f"tep-{place}")


def _with_pictures(html: str, pictures: Mapping[str, MIMEPart]) -> str:
    """Put the pictures that a mail contains (``cid:``) into its HTML. External pictures never load."""

    def as_data(found: re.Match[str]) -> str:
        part = pictures.get(found[1])
        if part is None or part.get_content_maintype() != "image":
            return found[0]
        return f"data:{part.get_content_type()};base64,{base64.b64encode(_content(part)).decode()}"

    return re.sub(r"cid:([^\"'\s)>]+)", as_data, html)


# --- The page ---------------------------------------------------------------------------------------


def create_app(
    folder: Path, *, smtp_socket: socket.socket | None = None, username: str = "", password: str = ""
) -> FastAPI:
    """Return the page as an app. While it runs, mail is received on ``smtp_socket``.

    Args:
        folder: the folder of the mails, created if missing; it contains one ``.eml`` file for each mail.
        smtp_socket: a bound and listening socket.
        username: the name that SMTP demands for a log-in; empty if no log-in is needed.
        password: the password of that log-in.

    Raises:
        OSError: the folder cannot be created.
    """
    folder.mkdir(parents=True, exist_ok=True)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if smtp_socket is None:
            yield
            return
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _smtp(folder, username, password), sock=smtp_socket)
        yield
        server.close()

    app = FastAPI(title="Mailbox", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    page = templates("web").get_template("mailbox.html")

    def find(mail_id: str) -> Mail:
        try:
            return read_mail(folder, mail_id)
        except LookupError as error:
            raise HTTPException(404, "Không có thư này.") from error

    def show(opened: Mail | None) -> HTMLResponse:
        ids = mail_ids(folder)
        nonce = secrets.token_urlsafe(16)
        policy_line = (
            # The HTML of a mail is shown in a sandboxed frame that inherits this policy. Its styles work, but no script
            # runs and nothing is loaded.
            f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'nonce-{nonce}';"
            " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
        )
        mails = [read_mail(folder, mail_id) for mail_id in ids[:200]]
        body = page.render(mails=mails, number=len(ids), opened=opened, nonce=nonce)
        return HTMLResponse(body, headers={"Content-Security-Policy": policy_line, "Cache-Control": "no-store"})

    @app.get("/")
    def inbox() -> HTMLResponse:
        return show(None)

    @app.get("/mails/{mail_id}")
    def open_mail(mail_id: str) -> HTMLResponse:
        return show(find(mail_id))

    @app.get("/mails/{mail_id}/source")
    def source(mail_id: str) -> Response:
        mail = find(mail_id)
        return _download(f"{mail.id}.eml", (folder / f"{mail.id}.eml").read_bytes())

    @app.get("/mails/{mail_id}/attachments/{place}")
    def attachment(mail_id: str, place: int) -> Response:
        try:
            return _download(*read_attachment(folder, mail_id, place))
        except LookupError as error:
            raise HTTPException(404, "Không có tệp này.") from error

    @app.get("/api/mails")
    def list_mails(limit: int = 200) -> dict[str, Any]:
        ids = mail_ids(folder)
        mails = [read_mail(folder, mail_id) for mail_id in ids[: max(1, min(limit, 1000))]]
        return {
            "number": len(ids),
            "mails": [
                {
                    "id": mail.id,
                    "subject": mail.subject,
                    "from": mail.sender,
                    "to": mail.receivers,
                    "sent_at": mail.sent_at.astimezone(UTC).isoformat(),
                    "attachments": [attached.name for attached in mail.attachments],
                }
                for mail in mails
            ],
        }

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _download(name: str, content: bytes) -> Response:
    """Return bytes as a download that the browser never shows."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
    }
    return Response(content, headers=headers, media_type="application/octet-stream")


# --- Process ----------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Receive and show mail until asked to stop. After a mistake of the operator, print a sentence and end."""
    parser = argparse.ArgumentParser(prog="python -m motcua.sandbox.network.mailbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="port of the web page")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="folder of the received mails")
    options = parser.parse_args(arguments)
    username, password = (os.environ.get(f"MOTCUA_SMTP_{name}", "") for name in ("USERNAME", "PASSWORD"))
    if username and not password:
        sys.exit("MOTCUA_SMTP_USERNAME is set, so MOTCUA_SMTP_PASSWORD must be set too.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd logs each line of each session
    try:
        smtp_socket = socket.create_server((options.host, options.smtp_port))
    except OSError as error:
        sys.exit(f"SMTP port {options.smtp_port} cannot be used: {error.strerror}")
    try:
        app = create_app(options.folder, smtp_socket=smtp_socket, username=username, password=password)
    except OSError as error:
        sys.exit(f"The folder {options.folder} cannot be used: {error.strerror}")
    uvicorn.run(
        app, host=options.host, port=options.port, log_config=None, access_log=False, timeout_graceful_shutdown=3
    )


if __name__ == "__main__":
    main()
