"""What a quality check says, and of what: in the ledger as in reports."""

from __future__ import annotations

from typing import Literal, TypeAlias

CheckStatus: TypeAlias = Literal["checked", "broken"]
"""broken: the check itself failed; it says nothing about the data, neither green nor bad."""
Dimension: TypeAlias = Literal["agency", "procedure", "desk_user"]
"""Whose dossiers of an agency are told apart: all, those of a procedure, those of a desk user."""
