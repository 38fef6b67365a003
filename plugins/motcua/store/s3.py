"""Buckets that say what is the matter as a folder would: by an ``OSError`` whose message is a sentence."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError
from s3fs import S3FileSystem

_SAME_FOR_ALL = {
    # Newer clients add check sums of their own, which older stores refuse; what is published has a SHA-256 of ours.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    "retries": {"mode": "standard", "max_attempts": 2},
}


class Buckets(S3FileSystem):  # type: ignore[misc]
    """An S3-compatible store by the keys of an Airflow connection. What a listing said is never believed later."""

    cachable = False
    retries = 3

    def __init__(self, connection: str, **options: Any) -> None:  # noqa: ANN401 - s3fs's own options
        super().__init__(config_kwargs=_SAME_FOR_ALL, use_listings_cache=False, **options)
        self._of = connection

    async def _call_s3(self, method: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as in s3fs
        try:
            return await super()._call_s3(method, *arguments, **named)
        except BotoCoreError as error:
            raise OSError(f"{self._place} does not answer: {error}") from error
        except OSError as error:
            code = _code(error)
            if code in ("PreconditionFailed", "412") and "IfNoneMatch" in named:
                raise FileExistsError(f"{named['Bucket']}/{named['Key']} is there already") from error
            if code == "NoSuchBucket":
                # Not as a file that is missing: then nothing would be missing but the file.
                raise OSError(f"{self._place} has no bucket {named['Bucket']}") from error
            if isinstance(error, PermissionError):
                raise PermissionError(
                    f"{self._place} refuses the access key of the Airflow connection {self._of}, or what it may do in "
                    f"the bucket {named.get('Bucket')} ({code}: {error})"
                ) from error
            raise

    @property
    def _place(self) -> str:
        return f"the S3 store {self.endpoint_url or 'of Amazon'}"


def _code(error: OSError) -> str:
    """What the store called the error."""
    response: dict[str, Any] = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
