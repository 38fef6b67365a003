"""The page *Tin nhắn*: the messages behind every live figure, by filters of the address, and all of them as a file."""

from __future__ import annotations

from fastapi import APIRouter

from motcua.jobs.listing.lists import MESSAGES
from motcua.web.lists.page import list_page

router = APIRouter()
list_page(router, "/messages", MESSAGES)
