"""FAB's own settings, which Airflow reads by AIRFLOW__FAB__CONFIG_FILE: people sign in in Vietnamese.

Who guesses a password is slowed down twice: FAB takes AIRFLOW__FAB__AUTH_RATE_LIMIT attempts of an address, and an
account rests after wrong passwords in a row, wherever they came from.

FAB ships no Vietnamese; the words are in vi/LC_MESSAGES/messages.po, and beside it as ``python -m tests.sign_in_words``
compiled them. LDAP or OAuth is set here, too: docs/operations/server.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.fab.auth_manager.security_manager.override import FabAirflowSecurityManagerOverride
from flask import current_app
from werkzeug.security import check_password_hash

BABEL_DEFAULT_LOCALE = "vi"
BABEL_TRANSLATION_DIRECTORIES = str(Path(__file__).parent)
LANGUAGES = {"vi": {"flag": "vn", "name": "Tiếng Việt"}}
"""One alone: a browser asks for nothing else."""


WRONG_IN_A_ROW = 5
RESTS_FOR = timedelta(minutes=15)


class LockingSecurityManager(FabAirflowSecurityManagerOverride):
    """Refuses also the right password for ``RESTS_FOR`` after ``WRONG_IN_A_ROW`` wrong ones.

    FAB counts wrong passwords since the last right one and keeps no moment of them; ``changed_on`` keeps it here.
    A new password (``airflow users reset-password``) ends the rest at once.
    """

    def auth_user_db(self, username: str | None, password: str, rotate_session_id: bool = True) -> Any:  # noqa: ANN401
        """Returns the user whose name (or mail address) and password these are; ``None``: nobody, or he rests."""
        user = (self.find_user(username=username) or self.find_user(email=username)) if username else None
        if user is not None and _rests(user.fail_login_count, user.changed_on):
            # As long as for a password that is looked at, and as silent: who guesses does not learn that it rests.
            check_password_hash(current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"], "password")
            return None
        return super().auth_user_db(username, password, rotate_session_id)

    def update_user_auth_stat(self, user: Any, success: bool = True) -> None:  # noqa: ANN401
        """Counts an attempt, and keeps the moment of a wrong one."""
        if not success:
            user.changed_on = datetime.now(UTC).replace(tzinfo=None)
        super().update_user_auth_stat(user, success)

    def reset_password(self, userid: int, password: str) -> bool:
        """Gives a user another password, and ends his rest."""
        if user := self.get_user_by_id(userid):
            user.fail_login_count = 0
        return super().reset_password(userid, password)


def _rests(wrong_in_a_row: int | None, last_wrong: datetime | None) -> bool:
    if (wrong_in_a_row or 0) < WRONG_IN_A_ROW or last_wrong is None:
        return False
    return datetime.now(UTC).replace(tzinfo=None) - last_wrong.replace(tzinfo=None) < RESTS_FOR


SECURITY_MANAGER_CLASS = LockingSecurityManager
