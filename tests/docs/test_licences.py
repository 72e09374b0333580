"""docs/licences.md is what `make licences` writes, and a licence with conditions does not come in unseen."""

from __future__ import annotations

import pytest

from tests import licences
from tests.docs.pages import named

_ACCEPTED = dict.fromkeys(licences.ACCEPTED, "LGPL-3.0-or-later")


def test_the_page_names_each_locked_package_with_its_licence() -> None:
    found = dict(licences.locked())

    assert list(licences.problems(found)) == []
    assert named("docs/licences.md") == licences.page(found), "run `make licences`"


@pytest.mark.parametrize("licence", ["", "GPL-3.0-only", "MIT AND AGPL-3.0-only", "BSD"])
def test_one_that_is_unknown_or_has_conditions_is_a_problem(licence: str) -> None:
    found = list(licences.problems({**_ACCEPTED, "new-package": licence}))

    assert [problem.split(":")[0] for problem in found] == ["new-package"]


@pytest.mark.parametrize("licence", ["MIT", "GPL-3.0-only OR MIT", "Apache-2.0 AND BSD-2-Clause"])
def test_one_without_conditions_is_none(licence: str) -> None:
    assert list(licences.problems({**_ACCEPTED, "new-package": licence})) == []


def test_what_is_accepted_without_need_is_a_problem() -> None:
    assert len(list(licences.problems({**_ACCEPTED, "certifi": "MIT"}))) == 1
