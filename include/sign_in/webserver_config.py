"""FAB's own settings, which Airflow reads by AIRFLOW__FAB__CONFIG_FILE: people sign in in Vietnamese.

FAB ships no Vietnamese; the words are in vi/LC_MESSAGES/messages.po, and beside it as ``python -m tests.sign_in_words``
compiled them. LDAP or OAuth is set here, too: docs/operations/server.md.
"""

from __future__ import annotations

from pathlib import Path

BABEL_DEFAULT_LOCALE = "vi"
BABEL_TRANSLATION_DIRECTORIES = str(Path(__file__).parent)
LANGUAGES = {"vi": {"flag": "vn", "name": "Tiếng Việt"}}
"""One alone: a browser asks for nothing else."""
