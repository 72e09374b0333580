from __future__ import annotations

import pytest

from blogs import queue
from blogs.models import SiteLine
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("waiting", "counted"), [(0, 3), (2, 0)])
def test_a_line_that_counts_wrong_is_put_right_and_disturbs_no_other_afterwards(waiting: int, counted: int) -> None:
    site, other = factories.site(), factories.site()
    for _ in range(waiting):
        factories.pending_generation(site)
    SiteLine.objects.update_or_create(site=site, defaults={"waiting": counted, "turn": -1})
    factories.pending_generation(other)

    assert queue.recount() == 1

    assert SiteLine.objects.get(site=site).waiting == waiting
    assert len(queue.claim(factories.WorkerFactory.create(), 10)) == waiting + 1
    assert queue.recount() == 0
