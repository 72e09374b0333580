"""How a colleague gets a role: on a page of their own user, without a list of 120 permissions. All of it is in the audit log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blogs import audit
from blogs.desk.base import actor
from blogs.desk.staff.roles import ROLES

NO_ROLE = ""

admin.site.unregister(User)
admin.site.unregister(Group)


class RoleForm(forms.Form):
    """One role, or none; and why."""

    role = forms.ChoiceField(choices=[(NO_ROLE, "no role: may not open the desk")], required=False)
    reason = forms.CharField(max_length=300, widget=forms.TextInput(attrs={"size": 60}))

    def __init__(self, *args: Any, offered: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(NO_ROLE, "no role: may not open the desk"), *((role, role) for role in offered)]


class _Audited:
    """Writes what Django's own pages of users and groups change into the audit log."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return audit.record(actor(request), "add", f"{obj._meta.verbose_name} {obj.pk}", after=str(message))

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return audit.record(actor(request), "change", f"{obj._meta.verbose_name} {obj.pk}", after=str(message))

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            audit.record(actor(request), "delete", f"{obj._meta.verbose_name} {obj.pk}", before=str(obj))


@admin.register(Group)
class RoleGroupAdmin(_Audited, GroupAdmin):
    """Superusers alone edit groups: who may could give their own group every permission there is."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(User)
class ColleagueAdmin(_Audited, UserAdmin):  # type: ignore[type-arg]
    """Django's page of users, with roles. Superusers alone edit users themselves."""

    list_display = ("username", "email", "role", "change_role", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "groups")

    @admin.display(description="role")
    def role(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all() if group.name in ROLES)) or "none"

    @admin.display(description="")
    def change_role(self, user: User) -> SafeString:
        return format_html('<a href="{}">Give a role</a>', reverse("admin:auth_user_role", args=[user.pk]))

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        found: QuerySet[User] = super().get_queryset(request)
        return found.prefetch_related("groups")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse all but superusers: who may edit a user could give themselves every permission there is."""
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.role_view)
        return [path("<int:user_id>/role/", view, name="auth_user_role"), *super().get_urls()]

    def role_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        colleague = get_object_or_404(User, pk=user_id)
        offered = _may_give(request, colleague)
        form = RoleForm(request.POST or None, offered=offered, initial={"role": _role_of(colleague)})
        if request.method == "POST" and form.is_valid():
            _give(request, colleague, form.cleaned_data["role"], form.cleaned_data["reason"])
            self.message_user(
                request, f"{colleague} is {form.cleaned_data['role'] or 'without a role'} now.", messages.SUCCESS
            )
            return HttpResponseRedirect(reverse("admin:auth_user_changelist"))
        shown = {
            "title": f"Role of {colleague}",
            "colleague": colleague,
            "form": form,
            "opts": self.opts,
            "roles": ROLES,
        }
        return render(request, "admin/auth/role.html", {**self.admin_site.each_context(request), **shown})


def _may_give(request: HttpRequest, colleague: User) -> list[str]:
    """List the roles that may be given to this colleague. Raises PermissionDenied, and says why.

    Staff give only what they have themselves, and never to themselves; a superuser's or a stronger colleague's role they leave.
    """
    giver = request.user
    if not giver.has_perm("blogs.give_roles"):
        raise PermissionDenied("You lack the right to give roles (blogs.give_roles).")
    if giver.pk == colleague.pk:
        raise PermissionDenied("No one changes their own role; ask a colleague who may.")
    if not giver.is_superuser and (colleague.is_superuser or not _has_all_of(giver, colleague.get_all_permissions())):
        raise PermissionDenied("This colleague may do what you may not, so you can't change their role.")
    return [role for role, names in ROLES.items() if giver.is_superuser or _has_all_of(giver, names)]


def _has_all_of(user: Any, names: Any) -> bool:
    return bool(set(names) <= user.get_all_permissions())


def _role_of(user: User) -> str:
    return next((name for name in reversed(ROLES) if user.groups.filter(name=name).exists()), NO_ROLE)


def _give(request: HttpRequest, colleague: User, role: str, reason: str) -> None:
    """Let the colleague have this role and no other one, nor rights of their own. A first role opens the desk, none closes it."""
    with transaction.atomic():
        before = _role_of(colleague)
        colleague.groups.remove(*Group.objects.filter(name__in=ROLES))
        # Those that were carried over from before there were roles, too.
        colleague.user_permissions.clear()
        if role:
            colleague.groups.add(Group.objects.get(name=role))
        User.objects.filter(pk=colleague.pk).update(is_staff=bool(role))
        audit.record(
            actor(request), "give_role", f"user {colleague.pk}: {colleague}", before=before, after=role, reason=reason
        )
