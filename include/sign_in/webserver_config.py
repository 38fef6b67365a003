"""Configure FAB (Flask AppBuilder), which signs people in to Airflow. AIRFLOW__FAB__CONFIG_FILE names this file.

The sign-in pages are in Vietnamese. FAB has no Vietnamese words, so they are in vi/LC_MESSAGES/messages.po.
``python -m tests.sign_in_words`` compiles them to messages.mo.

Two limits make it slow to guess a password. FAB accepts only AIRFLOW__FAB__AUTH_RATE_LIMIT attempts from one IP
address. An account is locked after several wrong passwords in a row, whichever addresses they came from.

LDAP or OAuth is also configured in this file (docs/operations/server.md).
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
"""The only language. The browser's language therefore does not change the pages."""


WRONG_IN_A_ROW = 5
RESTS_FOR = timedelta(minutes=15)


class LockingSecurityManager(FabAirflowSecurityManagerOverride):
    """Locks an account for ``RESTS_FOR`` after ``WRONG_IN_A_ROW`` wrong passwords in a row.

    A locked account refuses the right password, too. FAB counts the wrong passwords since the last right one, but does
    not store their times. This class stores the time of the last wrong password in the account's ``changed_on``. A new
    password (``airflow users reset-password``) unlocks the account at once.
    """

    def auth_user_db(self, username: str | None, password: str, rotate_session_id: bool = True) -> Any:  # noqa: ANN401
        """Return the user with this name (or mail address) and password.

        ``None`` if the name or the password is wrong, or if the account is locked.
        """
        user = (self.find_user(username=username) or self.find_user(email=username)) if username else None
        if user is not None and _rests(user.fail_login_count, user.changed_on):
            # Take as long as for an unlocked account, so that the time of the answer does not reveal the lock.
            check_password_hash(current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"], "password")
            return None
        return super().auth_user_db(username, password, rotate_session_id)

    def update_user_auth_stat(self, user: Any, success: bool = True) -> None:  # noqa: ANN401
        """Count an attempt to sign in, and store the time of a wrong password."""
        if not success:
            user.changed_on = datetime.now(UTC).replace(tzinfo=None)
        super().update_user_auth_stat(user, success)

    def reset_password(self, userid: int, password: str) -> bool:
        """Set a new password of a user, and unlock the account."""
        if user := self.get_user_by_id(userid):
            user.fail_login_count = 0
        return super().reset_password(userid, password)


def _rests(wrong_in_a_row: int | None, last_wrong: datetime | None) -> bool:
    if (wrong_in_a_row or 0) < WRONG_IN_A_ROW or last_wrong is None:
        return False
    return datetime.now(UTC).replace(tzinfo=None) - last_wrong.replace(tzinfo=None) < RESTS_FOR


SECURITY_MANAGER_CLASS = LockingSecurityManager
