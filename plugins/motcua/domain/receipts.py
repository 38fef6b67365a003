"""What a delivery report says of a message, whatever its gateway calls it."""

from __future__ import annotations

from typing import Literal, TypeAlias

Meaning: TypeAlias = Literal["accepted", "delivered", "undelivered", "refused", "absent", "pending", "unreadable"]
"""``refused``: the carrier refused the message, or one part of it, which is then not whole whatever else is reported;
``absent``: the gateway never had it."""
