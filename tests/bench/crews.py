"""Processes of a benchmark that ask PostgreSQL directly, each with Django set up: `with crew(2) as pool: pool.submit(...)`."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import django


def crew(processes: int) -> ProcessPoolExecutor:
    """Processes that are spawned, since a connection doesn't survive a fork."""
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=django.setup)
