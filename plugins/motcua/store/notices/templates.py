"""Load the SMS templates in include/templates/sms: one YAML file for each template and version."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationError,
    field_validator,
)

from motcua.domain.texts import PARAMETER_LIMITS, PLACEHOLDER, UNKNOWN_CHARACTER, Template, remove_accents
from motcua.settings import include_dir

_VERSION = re.compile(r"(?P<id>[a-z][a-z0-9_]*)\.v(?P<version>[1-9][0-9]{0,3})")


class TemplateFileError(ValueError):
    """Raised if a template file cannot be used. The error's text names the file and the field."""


class _EachFieldOnce(yaml.SafeLoader):
    """A YAML loader that raises an error if a key occurs twice. A plain loader silently uses the last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for position, name in enumerate(names):
            if name in names[:position]:
                raise yaml.constructor.ConstructorError(None, None, f"{name}: stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _TemplateFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: StrictStr
    version: Annotated[StrictInt, Field(ge=1)]
    body: StrictStr
    parameters: tuple[StrictStr, ...]
    choices: dict[StrictStr, dict[StrictStr, Annotated[StrictStr, Field(min_length=1)]]] = {}

    @field_validator("body")
    @classmethod
    def _body_can_be_sent(cls, body: str) -> str:
        body = unicodedata.normalize("NFC", body)
        if not body or body != body.strip():
            raise ValueError("must not be empty, nor begin or end with a blank")
        unseen = sorted({f"U+{ord(character):04X}" for character in body if not character.isprintable()})
        if unseen:
            raise ValueError(f"must be one line of visible characters, but holds {', '.join(unseen)}")
        words = PLACEHOLDER.sub("", body)
        if "{" in words or "}" in words:
            raise ValueError("has a brace that encloses no parameter's name")
        if remove_accents(words).count(UNKNOWN_CHARACTER) > words.count(UNKNOWN_CHARACTER):
            raise ValueError("has a character that cannot be written without accents in GSM-7")
        return body


def load_templates(folder: Path | None = None) -> dict[str, Template]:
    """Return the newest version of each template, by template id.

    Raises:
        TemplateFileError: a file is malformed, or the folder holds no file.
    """
    newest: dict[str, Template] = {}
    for (template_id, _), template in sorted(load_template_versions(folder).items()):
        newest[template_id] = template
    return newest


def load_template_versions(folder: Path | None = None) -> dict[tuple[str, int], Template]:
    """Return every version of every template, by (template id, version).

    Raises:
        TemplateFileError: a file is malformed, or the folder holds no file.
    """
    folder = folder or include_dir() / "templates" / "sms"
    paths = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not paths:
        raise TemplateFileError(f"{folder}: holds no template files")
    templates = map(_read_template, paths)
    return {(template.template_id, template.version): template for template in templates}


def version_in_name(name: str) -> tuple[str, int] | None:
    """Return the template id and version in a name such as ``result.v1``, or ``None`` if the name has another form."""
    found = _VERSION.fullmatch(name)
    return (found["id"], int(found["version"])) if found else None


def _read_template(path: Path) -> Template:
    named = version_in_name(path.stem) if path.suffix == ".yaml" else None
    if named is None:
        raise TemplateFileError(f"{path}: file name: must be <id>.v<version>.yaml, such as result.v1.yaml")
    try:
        written = path.read_bytes()
    except OSError as error:
        raise TemplateFileError(f"{path}: cannot be read as YAML: {error}") from error
    return _parse(path, named, written)


@lru_cache(maxsize=256)
def _parse(path: Path, named: tuple[str, int], written: bytes) -> Template:
    """Parse the content of a template file. The result is cached, because planning and sending load all files often."""
    try:
        content = yaml.load(written.decode("utf-8"), _EachFieldOnce)  # noqa: S506 - a SafeLoader
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        # A ValueError means that the file is not UTF-8, or holds an impossible date or number. A RecursionError means
        # that brackets are nested too deeply.
        raise TemplateFileError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise TemplateFileError(f"{path}: must hold the fields id, version, body and parameters")
    try:
        file = _TemplateFile.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise TemplateFileError(f"{path}: {faults}") from error
    if file.id != named[0]:
        raise TemplateFileError(f"{path}: id: is {file.id!r}, the file name says {named[0]!r}")
    if file.version != named[1]:
        raise TemplateFileError(f"{path}: version: is {file.version}, the file name says {named[1]}")
    _check_parameters(path, file)
    return Template(
        file.id,
        file.version,
        file.body,
        file.parameters,
        file.choices,
    )


def _check_parameters(path: Path, file: _TemplateFile) -> None:
    places = tuple(PLACEHOLDER.findall(file.body))
    if places != file.parameters:
        raise TemplateFileError(
            f"{path}: parameters: are {list(file.parameters)}, but the body has {list(places)} in braces"
        )
    for position, name in enumerate(file.parameters):
        if name not in PARAMETER_LIMITS:
            known = ", ".join(PARAMETER_LIMITS)
            raise TemplateFileError(f"{path}: parameters: {name!r} is not known; known are {known}")
        if name in file.parameters[:position]:
            raise TemplateFileError(f"{path}: parameters: {name!r} stands twice; the body may use it only once")
    for name in file.choices:
        if name not in file.parameters:
            raise TemplateFileError(f"{path}: choices: {name!r} is not a parameter of this template")


@lru_cache(maxsize=1)
def national_statuses() -> Mapping[int, str]:
    """Return the national status codes with the names that messages to citizens use."""
    newest = max(version for name, version in load_template_versions() if name == "reply")
    return {int(code): name for code, name in load_template_versions()["reply", newest].choices["step_name"].items()}
