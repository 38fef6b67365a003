"""Answers as clients of the protocol read them: by ``error_code``, if at all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias

import yaml
from fastapi.responses import JSONResponse

from motcua.jobs.intake.taking import Refusal, Taken
from motcua.settings import include_dir

Code: TypeAlias = Literal["00", "01", "02", "03", "04", "05", "06", "07", "99"]
DONE: Final = "00"
_STATUS: dict[Code, HTTPStatus] = {
    "05": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "06": HTTPStatus.TOO_MANY_REQUESTS,
    "99": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Of what the request itself is refused for. All else is 200: clients read the code of no other answer."""


class Refused(Exception):
    """A call is refused as a whole, with this code."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


@cache
def _words() -> dict[str, dict[str, str]]:
    path = include_dir() / "templates" / "intake" / "answers.vi.yaml"
    words: dict[str, dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return words


def answer(code: Code, *, is_sign_in: bool = False, **more: Any) -> JSONResponse:  # noqa: ANN401 - any JSON
    """An answer. The code is a whole number where a client signs in, and a text elsewhere, as clients take it."""
    given = int(code) if is_sign_in else code
    status = _STATUS.get(code, HTTPStatus.OK)
    # What is left of a body that is far too large is not read.
    headers = {"Connection": "close"} if status != HTTPStatus.OK else None
    content = {"error_code": given, "message": _words()["code"][code], **more}
    return JSONResponse(content, status_code=status, headers=headers)


def answer_of(taken: Taken) -> JSONResponse:
    """What became of a push. One that was taken in part is done: a client that sent it again would never come to the
    steps of those dossiers that are good."""
    more: dict[str, Any] = {
        "received": taken.taken + taken.waiting,
        "repeated": taken.repeated,
        "refused": taken.refused,
    }
    if taken.refusals:
        more["errors"] = _told(taken.refusals)
    if taken.unused:
        more["warnings"] = _told(taken.unused)
    if taken.dossier_no is not None:
        more["data"] = {"idHoSo": str(taken.dossier_no)}
    return answer("04" if taken.is_refused else DONE, **more)


def _told(records: Sequence[Refusal]) -> list[dict[str, Any]]:
    return [
        {
            "index": each.place,
            "MaHoSo": each.dossier_code,
            "field": each.field,
            "reason": each.reason,
            "message": _words()["reason"][each.reason],
        }
        for each in records
    ]
