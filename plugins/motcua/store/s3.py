"""Access to S3 buckets. Errors are raised as for a folder: as an ``OSError`` with a sentence as its message."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError
from s3fs import S3FileSystem

_SAME_FOR_ALL = {
    # Newer clients add checksums, which older stores refuse. Published files have a SHA-256 and need no checksums.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    "retries": {"mode": "standard", "max_attempts": 2},
}


class Buckets(S3FileSystem):  # type: ignore[misc]
    """An S3-compatible store, opened with the keys of an Airflow connection. No listing of a folder is cached."""

    cachable = False
    retries = 3

    def __init__(self, connection: str, **options: Any) -> None:  # noqa: ANN401 - s3fs's own options
        super().__init__(config_kwargs=_SAME_FOR_ALL, use_listings_cache=False, **options)
        self._conn_id = connection

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
                # A FileNotFoundError would suggest that only the file is missing.
                raise OSError(f"{self._place} has no bucket {named['Bucket']}") from error
            if isinstance(error, PermissionError):
                raise PermissionError(
                    f"{self._place} refuses the access key of the Airflow connection {self._conn_id}, or the key has "
                    f"too few rights in the bucket {named.get('Bucket')} ({code}: {error})"
                ) from error
            raise

    @property
    def _place(self) -> str:
        return f"the S3 store {self.endpoint_url or 'of Amazon'}"


def _code(error: OSError) -> str:
    """Return the error code in the store's answer, or an empty text if the answer has no code."""
    response: dict[str, Any] = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
