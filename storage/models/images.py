"""Secondary storage: stores, and the templates, ISOs and snapshots that lie in them."""

from __future__ import annotations

import uuid as uuids

from django.db import models
from django.db.models import Q

from accounts.models import Account, Entity, OfProject, Owned
from accounts.querysets import AdminQuerySet, LiveManager, OwnedQuerySet, owned_by_caller
from core.config import Setting
from core.states import Stateful
from storage import states
from storage.models.pools import StoragePool
from storage.models.quota import Counted

SHARE_PUBLIC = Setting(
    "share.public.templates.with.other.domains", True,
    "Whether public templates are seen outside the domain of their owner.",
)  # fmt: skip


class ImageStore(Stateful, Entity):
    """A folder that keeps templates, ISOs and snapshots of a zone (of all zones: no zone)."""

    TRANSITIONS = states.STORE
    KIND = "Image store"

    name = models.CharField(max_length=255)
    zone = models.ForeignKey(
        "infra.Zone", null=True, on_delete=models.PROTECT, related_name="image_stores"
    )
    provider = models.CharField(max_length=64, default="NFS")
    protocol = models.CharField(max_length=16, default="file")
    url = models.CharField(max_length=2048)
    path = models.CharField(max_length=255)
    state = models.CharField(max_length=16, default=states.Stores.CREATING.value)
    read_only = models.BooleanField(default=False)
    details = models.JSONField(default=dict)
    capacity_bytes = models.BigIntegerField(default=0)
    used_bytes = models.BigIntegerField(default=0)
    measured = models.DateTimeField(null=True)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "alive"], name="image_store_name_unique"),
            models.UniqueConstraint(fields=["path", "alive"], name="image_store_path_unique"),
        ]


class TemplateQuerySet(OwnedQuerySet):
    def visible_to(self, caller):
        """One's own, the public ones, and those whose owner named one's account."""
        if caller.is_root_admin:
            return self
        return self.filter(self._owned(caller) | self.public_for(caller) | self.shared(caller))

    def usable_by(self, caller):
        return self.visible_to(caller).filter(state=states.Templates.ACTIVE.value)

    def operable_by(self, caller):
        return self.owned_within(caller)

    def owned_within(self, caller):
        return self if caller.is_root_admin else self.filter(self._owned(caller))

    @staticmethod
    def _owned(caller) -> Q:
        return owned_by_caller(caller, "account")

    @staticmethod
    def public_for(caller) -> Q:
        if SHARE_PUBLIC.get():
            return Q(is_public=True)
        return Q(is_public=True) & (Q(account__domain=caller.domain) | Q(account__domain__level=0))

    @staticmethod
    def shared(caller) -> Q:
        """With the caller's account, or with a project it is in."""
        return TemplateQuerySet.shared_with([caller.account.pk, *caller.memberships])

    @staticmethod
    def shared_with(accounts) -> Q:
        named = TemplatePermission.objects.filter(account__in=accounts)
        return Q(pk__in=named.values("template"))

    def ready(self, zone=None):
        """Those that a store (of this zone) has whole."""
        copies = TemplateCopy.objects.filter(state=states.Copies.READY)
        if zone is not None:
            copies = copies.filter(Q(store__zone=zone) | Q(store__zone=None))
        return self.filter(pk__in=copies.values("template"))


class Template(Stateful, Counted, Owned):
    """An image machines start from (TEMPLATE) or have in their CD drive (ISO).

    ``zone`` None: for all zones. The files are in the copies; ``size_bytes`` (what a guest
    sees) and ``physical_bytes`` are known once one copy is complete.
    """

    TRANSITIONS = states.TEMPLATE
    KIND = "Template"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="templates")
    of_project = OfProject()
    name = models.CharField(max_length=255)
    display_text = models.CharField(max_length=4096, blank=True)
    kind = models.CharField(max_length=8, default="TEMPLATE")  # TEMPLATE, ISO
    type = models.CharField(max_length=16, default="USER")  # USER, BUILTIN, SYSTEM, …
    state = models.CharField(max_length=16, default=states.Templates.ACTIVE.value)
    format = models.CharField(max_length=16, default="QCOW2")
    hypervisor = models.CharField(max_length=32, blank=True)  # empty for ISOs
    arch = models.CharField(max_length=16, default="x86_64")
    os_type = models.ForeignKey(
        "infra.OsType", null=True, on_delete=models.PROTECT, related_name="templates"
    )
    zone = models.ForeignKey(
        "infra.Zone", null=True, on_delete=models.PROTECT, related_name="templates"
    )
    url = models.CharField(max_length=2048, blank=True)
    wanted_checksum = models.CharField(max_length=255, blank=True)
    checksum = models.CharField(max_length=255, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    physical_bytes = models.BigIntegerField(default=0)
    bits = models.PositiveSmallIntegerField(default=64)
    is_public = models.BooleanField(default=False)
    is_featured = models.BooleanField(default=False)
    is_extractable = models.BooleanField(default=False)
    is_dynamically_scalable = models.BooleanField(default=False)
    bootable = models.BooleanField(default=True)
    password_enabled = models.BooleanField(default=False)
    ssh_key_enabled = models.BooleanField(default=False)
    requires_hvm = models.BooleanField(default=True)
    tag = models.CharField(max_length=255, blank=True)  # host tag it needs
    sort_key = models.IntegerField(default=0)
    details = models.JSONField(default=dict)
    source_template = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, related_name="derived"
    )

    objects = LiveManager.from_queryset(TemplateQuerySet)()
    everything = models.Manager.from_queryset(TemplateQuerySet)()

    class Meta:
        indexes = [
            models.Index(
                fields=["kind", "removed", "-sort_key", "id", "of_project", "is_public"],
                name="template_by_kind",
            ),
            models.Index(fields=["account", "removed"], name="template_by_account"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="TEMPLATE") | Q(hypervisor=""), name="iso_has_no_hypervisor"
            )
        ]

    @property
    def is_iso(self) -> bool:
        return self.kind == "ISO"


class TemplatePermission(models.Model):
    """An account that may use somebody's private template."""

    OWNER = "template__account"
    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="permissions")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "account"], name="template_shared_once")
        ]


class TemplateCopy(Stateful):
    """A template's file in a store. Shown with the template, so it has no scope of its own."""

    TRANSITIONS = states.COPY
    KIND = "Copy of template"
    OWNER = "template__account"

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="copies")
    # A destroyed copy lets go of its store; the row stays for jobs that still name it.
    store = models.ForeignKey(
        ImageStore, null=True, on_delete=models.PROTECT, related_name="copies"
    )
    state = models.CharField(max_length=16, default=states.Copies.ALLOCATED.value)
    percent = models.FloatField(default=0)
    error = models.TextField(blank=True)
    begun = models.DateTimeField(null=True)
    format = models.CharField(max_length=16, blank=True)
    physical_bytes = models.BigIntegerField(default=0)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "store"], name="one_copy_per_store")
        ]

    def __str__(self) -> str:
        return f"{self.template} on {self.store}"

    @property
    def name(self) -> str:
        """Of its file in the store."""
        return str(self.uuid)


class PoolTemplate(Stateful):
    """A template's file on a pool, which overlays build on. The row is deleted with the file;
    while a volume builds on it, PROTECT keeps both."""

    TRANSITIONS = states.COPY
    KIND = "Template on pool"

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    # RESTRICT, not PROTECT: a template is not “in use” because it lies ready on a pool.
    template = models.ForeignKey(Template, on_delete=models.RESTRICT, related_name="on_pools")
    pool = models.ForeignKey(StoragePool, on_delete=models.PROTECT, related_name="templates")
    state = models.CharField(max_length=16, default=states.Copies.ALLOCATED.value)
    reserved_bytes = models.BigIntegerField(default=0)
    installer = models.UUIDField(null=True)  # the job that brings it there
    error = models.TextField(blank=True)
    last_used = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(AdminQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "pool"], name="one_base_per_pool")
        ]

    def __str__(self) -> str:
        return f"{self.template} on {self.pool}"

    @property
    def name(self) -> str:
        """Of its file on the pool."""
        return str(self.uuid)


class Snapshot(Stateful, Counted, Owned):
    """A volume as it was at one moment, whole and independent, in a store."""

    TRANSITIONS = states.SNAPSHOT
    KIND = "Snapshot"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="snapshots")
    name = models.CharField(max_length=255)
    # A snapshot outlives its volume, whose row stays for its name.
    volume = models.ForeignKey(
        "storage.Volume", on_delete=models.DO_NOTHING, related_name="snapshots"
    )
    volume_type = models.CharField(max_length=8, default="DATADISK")
    zone = models.ForeignKey("infra.Zone", on_delete=models.PROTECT, related_name="snapshots")
    store = models.ForeignKey(
        ImageStore, null=True, on_delete=models.PROTECT, related_name="snapshots"
    )
    state = models.CharField(max_length=16, default=states.Snapshots.ALLOCATED.value)
    type = models.CharField(max_length=16, default="MANUAL")
    format = models.CharField(max_length=8, default="QCOW2")
    size_bytes = models.BigIntegerField(default=0)
    physical_bytes = models.BigIntegerField(default=0)
    os_type = models.ForeignKey(
        "infra.OsType", null=True, on_delete=models.PROTECT, related_name="+"
    )
    template = models.ForeignKey(
        Template, null=True, on_delete=models.DO_NOTHING, related_name="+"
    )  # what the volume was made from
    error = models.TextField(blank=True)

    objects = LiveManager.from_queryset(OwnedQuerySet)()
    everything = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["account", "removed"], name="snapshot_by_account"),
        ]

    @property
    def path(self) -> str:
        """Of its file in the store."""
        return str(self.uuid)
