"""The five roles: what migrations made of them, and who may give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from blogs.desk.staff.roles import ROLES
from blogs.models import AuditEntry
from tests.support.blogs import roles

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def written(db: None) -> None:
    """Tests that empty all tables take the groups of the migrations with them."""
    roles.write()


@pytest.fixture
def colleague() -> Callable[..., Client]:
    def with_role(role: str, name: str = "vera") -> Client:
        user = User.objects.create_user(name, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(user)
        return client

    return with_role


def give(client: Client, user: User, role: str, reason: str = "joins the team") -> Any:
    return client.post(f"/admin/auth/user/{user.pk}/role/", {"role": role, "reason": reason})


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_its_permissions_and_no_other(role: str) -> None:
    group = Group.objects.get(name=role)

    held = {f"{app}.{name}" for app, name in group.permissions.values_list("content_type__app_label", "codename")}

    assert held == ROLES[role], (
        "migrations write groups, not ROLES: after a change there, write one more (as blogs/0014)"
    )


def test_migrations_have_written_them() -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= set(ROLES)


def test_a_superuser_gives_a_role_which_opens_the_desk_and_is_in_the_audit_log(desk: Client) -> None:
    vera = User.objects.create_user("vera")

    assert give(desk, vera, "Support").status_code == 302

    vera.refresh_from_db()
    assert vera.is_staff
    assert vera.has_perm("blogs.retry_blogs")
    entry = AuditEntry.objects.get(action="give_role")
    assert (entry.by, entry.before, entry.after, entry.reason) == ("ada", "", "Support", "joins the team")


def test_another_role_takes_the_place_of_the_first(desk: Client) -> None:
    vera = User.objects.create_user("vera")
    give(desk, vera, "Operator")

    give(desk, vera, "Viewer")

    assert [group.name for group in vera.groups.all()] == ["Viewer"]
    give(desk, vera, "")
    assert not User.objects.get(pk=vera.pk).is_staff


def test_another_role_takes_rights_of_their_own_away_too(desk: Client) -> None:
    vera = User.objects.create_user("vera")
    vera.user_permissions.add(Permission.objects.get(codename="put_in_debt"))

    give(desk, vera, "Viewer")

    assert not User.objects.get(pk=vera.pk).has_perm("credits.put_in_debt")


def test_who_may_change_groups_gives_their_own_none(colleague: Callable[..., Client]) -> None:
    vera, me = colleague("Operator"), User.objects.get(username="vera")
    me.user_permissions.add(Permission.objects.get(codename="change_group"))
    group = Group.objects.get(name="Operator")

    answer = vera.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Operator", "permissions": []})

    assert answer.status_code == 403
    assert group.permissions.exists()


def test_an_admin_gives_no_more_than_they_have_and_to_none_who_may_more(
    colleague: Callable[..., Client], admin_user: User
) -> None:
    vera = colleague("Admin")
    newcomer = User.objects.create_user("nils")

    assert give(vera, newcomer, "Admin").status_code == 302
    assert give(vera, admin_user, "Viewer").status_code == 403
    assert give(vera, User.objects.get(username="vera"), "Viewer").status_code == 403


@pytest.mark.parametrize("role", ["Viewer", "Support", "Billing", "Operator"])
def test_no_other_role_gives_any(colleague: Callable[..., Client], role: str) -> None:
    newcomer = User.objects.create_user("nils")

    answer = give(colleague(role), newcomer, "Viewer")

    assert answer.status_code == 403
    assert not newcomer.groups.exists()


def test_an_admin_edits_no_users_permissions(colleague: Callable[..., Client]) -> None:
    vera, me = colleague("Admin"), User.objects.get(username="vera")

    fields = {"username": "vera", "is_superuser": "on", "is_staff": "on", "is_active": "on"}
    answer = vera.post(f"/admin/auth/user/{me.pk}/change/", fields)

    assert answer.status_code == 403
    assert not User.objects.get(pk=me.pk).is_superuser


def test_who_held_the_older_permissions_keeps_what_they_allowed() -> None:
    vera = User.objects.create_user("vera", is_staff=True)
    vera.user_permissions.add(Permission.objects.get(codename="change_bloggeneration"))

    roles.carry_over()

    assert User.objects.get(pk=vera.pk).has_perms(["blogs.retry_blogs", "blogs.cancel_blogs", "blogs.steer_blogs"])
    assert not User.objects.get(pk=vera.pk).has_perm("blogs.refund_blogs")
