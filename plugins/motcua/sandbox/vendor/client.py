"""A client of the national portal's protocol, shape A, as public one-stop software speaks it.

It knows the address, a name and a password, and nothing of who answers: it asks for a session before each call, takes
``error_code`` as a whole number there and as a text everywhere else, and reads little more of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import requests

Records: TypeAlias = Sequence[object]
"""Whatever is pushed: to judge it is the receiver's."""
DONE: Final = "00"
_ANSWERED_WITHIN: Final = 60.0
"""Seconds, as public clients have it."""


class NoAnswer(Exception):
    """Nothing that could be read came back: nobody listens there, or something else than a receiver of the protocol."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of a call."""

    service: str
    code: str
    """The ``error_code``; a sign-in's in the same form."""
    content: Mapping[str, Any]

    @property
    def is_done(self) -> bool:
        """Whether the receiver took the call."""
        return self.code == DONE

    @property
    def refused(self) -> Sequence[Mapping[str, Any]]:
        """Single records that were not taken."""
        errors = self.content.get("errors")
        return [each for each in errors if isinstance(each, Mapping)] if isinstance(errors, list) else []


@dataclass(slots=True)
class PortalClient:
    """Pushes to one address in the name of one account."""

    url: str
    """Of the adapter, below which ``/sign-in`` and ``/call`` are."""
    name: str
    password: str = field(repr=False)
    _http: requests.Session = field(default_factory=requests.Session, repr=False)

    def sign_in(self) -> Answer:
        """Asks for a session.

        Raises:
            NoAnswer: nothing that could be read came back.
        """
        return self._post("sign-in", "/sign-in", {"username": self.name, "password": self.password})

    def look_up(self, dossier_code: str, unit: str) -> Answer:
        """Asks whether a dossier is held, under ``result``.

        Raises:
            NoAnswer: nothing that could be read came back.
        """
        return self._call("TraCuuHoSo", unit, {"mahoso": dossier_code})

    def sync_dossiers(self, records: Records, unit: str, *, is_updating: bool) -> Answer:
        """Pushes dossiers as they are now.

        Raises:
            NoAnswer: nothing that could be read came back.
        """
        return self._call("DongBoHoSoMC", unit, {"isUpdating": str(is_updating), "data": list(records)})

    def update_steps(self, records: Records, unit: str) -> Answer:
        """Pushes steps that were taken.

        Raises:
            NoAnswer: nothing that could be read came back.
        """
        return self._call("CapNhatTienDoHoSoMC", unit, {"data": list(records)})

    def _call(self, service: str, unit: str, more: Mapping[str, Any]) -> Answer:
        opened = self.sign_in()
        if not opened.is_done:
            return opened
        return self._post(
            service, "/call", {"session": opened.content.get("session"), "madonvi": unit, "service": service, **more}
        )

    def _post(self, service: str, path: str, body: Mapping[str, Any]) -> Answer:
        address = self.url.rstrip("/") + path
        try:
            answer = self._http.post(address, json=body, headers={"Charset": "utf-8"}, timeout=_ANSWERED_WITHIN)
            content = answer.json()
        except (requests.RequestException, ValueError) as failure:
            # The library's words may quote the address only, which holds no secret.
            raise NoAnswer(f"{address} gave no answer that can be read ({type(failure).__name__})") from None
        code = content.get("error_code") if isinstance(content, dict) else None
        if code is None:
            raise NoAnswer(f"{address} answered {answer.status_code} without an error_code: it is no such receiver")
        return Answer(service, f"{code:02d}" if isinstance(code, int) else str(code), content)
