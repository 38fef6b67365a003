"""What the last task of every DAG says when it is red."""

from __future__ import annotations


class RunIncomplete(Exception):
    """Something failed that may be retried; the run must be red, so that a backfill finds it."""
