"""People, companies, the sign-ins that tokens belong to, one-time links, the audit log."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class UserManager(BaseUserManager["User"]):
    """Makes people with hashed passwords."""

    def create_user(self, username: str, password: str | None = None, **fields: object) -> "User":
        """A person who can sign in, or cannot where no password is given."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: object) -> "User":
        """A member of staff who may do everything in the admin."""
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100, blank=True)
    email = models.EmailField(blank=True)
    avatar = models.URLField(blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_bot = models.BooleanField(default=False, help_text="a program that acts by API tokens")
    preferences = models.JSONField(default=dict, blank=True)
    shows_reads = models.BooleanField(default=True, help_text="others see how far this person has read a chat")
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        db_table = "users"

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        """What the admin calls this person."""
        return str(self)

    get_short_name = get_full_name


class Company(models.Model):
    """A company: nothing crosses from one to another."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="CompanyMember", related_name="companies")

    class Meta:
        db_table = "companies"
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class CompanyMember(models.Model):
    """A person's membership of a company."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "company_members"
        constraints = [models.UniqueConstraint(fields=["company", "user"], name="one_membership_a_company")]

    def __str__(self) -> str:
        return str(self.user)


class UserGroup(models.Model):
    """People of a company who are named together in messages."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="user_groups")
    name = models.CharField(max_length=64, help_text="as it is written behind the @, in lower case")
    members = models.ManyToManyField(User, related_name="user_groups")

    class Meta:
        db_table = "user_groups"
        constraints = [models.UniqueConstraint(fields=["company", "name"], name="one_user_group_of_a_name")]

    def __str__(self) -> str:
        return self.name


class SignIn(models.Model):
    """One sign-in on one device: the family of its refresh tokens, of which one is good."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    refresh_id = models.CharField(max_length=32, help_text="of the one refresh token that is still good")
    previous_refresh_id = models.CharField(max_length=32, blank=True, help_text="good for a moment after a renewal")
    renewed_at = models.DateTimeField(null=True)
    user_agent = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True, help_text="of the client that signed in")
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(auto_now=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sign_in_sessions"

    def __str__(self) -> str:
        return self.user_agent or str(self.id)


class ApiToken(models.Model):
    """What a program shows instead of signing in; the token itself is not kept, see `chatsite.accounts.api_tokens`.

    It stands as long as its sign-in: whatever ends that ends the token and its sockets.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sign_in = models.OneToOneField(SignIn, on_delete=models.CASCADE, related_name="api_token")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the token")
    scopes = models.JSONField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "api_tokens"

    def __str__(self) -> str:
        return self.name


class OneTimeLink(models.Model):
    """A link that is good once; its token is not kept, see `chatsite.accounts.links`."""

    class Purpose(models.TextChoices):
        """What a link opens; also the first part of its address."""

        RESET = "reset"
        JOIN = "join"
        SETUP = "setup"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=16, choices=Purpose)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, help_text="whose password it sets")
    company = models.ForeignKey(Company, null=True, on_delete=models.CASCADE, help_text="that who joins is in")
    email = models.EmailField(blank=True, help_text="of who was invited")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "one_time_links"


class _AppendOnly(models.QuerySet["AuditEntry"]):
    """Rows that are read and added, never changed."""

    def update(self, **fields: object) -> int:
        """Refused."""
        raise TypeError("The audit log is never changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refused."""
        raise TypeError("The audit log is never changed.")

    bulk_update = update  # type: ignore[assignment]
    bulk_create = update  # type: ignore[assignment]


class AuditEntry(models.Model):
    """One deed; `chatsite.accounts.audit.record` is the one way to add it."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=64)
    actor = models.UUIDField(null=True, help_text="who did it; nobody where that is not known")
    subject = models.CharField(max_length=100, blank=True, help_text="to whom or what, like user:<id>")
    detail = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, blank=True, help_text="the hash of the entry before")
    hash = models.CharField(max_length=64)

    objects = _AppendOnly.as_manager()

    class Meta:
        db_table = "audit_log"
        verbose_name_plural = "audit log"
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["subject", "number"], name="audit_by_subject"),
            models.Index(fields=["actor", "number"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"

    def save(self, **options: Any) -> None:
        """Add the entry; one that stands already is refused."""
        if not self._state.adding:
            raise TypeError("The audit log is never changed.")
        super().save(**options)

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Refused."""
        raise TypeError("The audit log is never changed.")


class AuditHead(models.Model):
    """The newest entry's number and hash; its row lock puts the entries in one order."""

    ONLY: ClassVar[int] = 1

    id = models.IntegerField(primary_key=True)
    number = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "audit_head"
