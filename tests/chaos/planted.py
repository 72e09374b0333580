"""A worker of a release with a bug: `python -m tests.chaos.planted run_blog_worker …`. The stage PLANTED_BUG raises at its end.

At its end, so that each try has paid for what the stage asked.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def main() -> None:
    import django

    django.setup()

    from django.core.management import execute_from_command_line

    from blogs import pipeline

    pipeline.STEPS = tuple(
        _planted(step) if step.stage == os.environ["PLANTED_BUG"] else step for step in pipeline.STEPS
    )
    execute_from_command_line(sys.argv)


def _planted(step: Any) -> Any:
    def run(inputs: Any) -> Any:
        step.run(inputs)
        raise KeyError("a bug of this release")

    return step._replace(run=run)


if __name__ == "__main__":
    main()
