"""Templates and ISOs."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend import tabs
from frontend.sections.base import (
    Action,
    Column,
    F,
    Facts,
    Filter,
    Form,
    Related,
    Section,
    Tab,
    Text,
)
from frontend.sections.columns import (
    CREATED,
    DESCRIPTION,
    DOMAIN,
    ID,
    NAME,
    OWNER,
    TAGS,
    ZONE_FILTER,
)

#: One that is in every zone has none of its own.
ZONES = Column(
    "zonename", _("Zone"), to="zones", by="zoneid",
    make=lambda r: r.get("zonename") or (_("All zones") if r.get("crossZones") else ""),
)  # fmt: skip

FILTERS = (
    ("all", _("All")),
    ("self", _("My own")),
    ("featured", _("Featured")),
    ("community", _("Public")),
    ("sharedexecutable", _("Shared with me")),
)


def _handing_out(kind: str) -> tuple[Action, ...]:
    """Who else may use it, and where: alike for a Template and an Iso."""
    permissions = f"update{kind}Permissions"
    flags = (
        F("ispublic", widget="checkbox"),
        F("isfeatured", widget="checkbox", admin=True),
        F("isextractable", widget="checkbox"),
    )
    ways = (("add", _("Add")), ("remove", _("Remove")), ("reset", _("Nobody")))
    how = F("op", choices=ways, initial="add", help=_("Whom it is shared with from now on"))
    with_accounts = Form((how, F("accounts", label=_("Accounts"))))
    return (
        Action(permissions, _("Share"), "share", form=Form(flags, prefill=True)),
        Action(
            permissions,
            _("Share with accounts"),
            "share",
            key="accounts",
            hidden=True,
            form=with_accounts,
        ),
        Action(
            f"copy{kind}",
            _("Copy to another zone"),
            "copy",
            form=Form(("destzoneids",)),
            sends={"sourcezoneid": "zoneid"},
        ),
    )


def _image_columns(kind: str) -> tuple[Column, ...]:
    return (
        NAME,
        Column(
            "status",
            _("State"),
            make=lambda r: "Ready" if r.get("isready") else (r.get("status") or "Not ready"),
            kind="state",
        ),
        Column("displaytext", _("Description")),
        Column("ostypename", _("OS type")),
        Column("size", _("Size"), "bytes"),
        Column("ispublic", _("Public"), "flag"),
        ZONES,
        Column("account", _("Account")),
        Column("isfeatured", _("Featured"), "flag", shown=False),
        Column("hypervisor", _("Hypervisor"), shown=False),
        Column("format", _("Format"), shown=False),
        Column("arch", _("Architecture"), shown=False),
        DOMAIN,
        CREATED,
        TAGS,
    )


def _image_facts(title: Text) -> tuple[Facts, ...]:
    return (
        Facts(
            title,
            (
                ID,
                DESCRIPTION,
                Column("status", _("Download"), "word"),
                Column("ostypename", _("OS type")),
                Column("format", _("Format")),
                Column("hypervisor", _("Hypervisor")),
                Column("arch", _("Architecture")),
                Column("size", _("Size"), "bytes"),
                Column("physicalsize", _("On disk"), "bytes"),
                Column("checksum", _("Checksum"), "mono"),
                Column("url", _("URL"), "mono"),
                ZONES,
            ),
        ),
        Facts(
            _("Permissions"),
            (
                Column("ispublic", _("Public"), "flag"),
                Column("isfeatured", _("Featured"), "flag"),
                Column("isextractable", _("Can be downloaded"), "flag"),
                Column("passwordenabled", _("Password can be reset"), "flag"),
                Column("sshkeyenabled", _("SSH key can be reset"), "flag"),
                Column("bootable", _("Bootable"), "flag"),
            ),
        ),
        OWNER,
    )


TEMPLATES = Section(
    key="templates",
    title=_("Templates"),
    one=_("Template"),
    icon="template",
    list="listTemplates",
    resource_type="Template",
    base={"templatefilter": "all"},
    base_of_users={"templatefilter": "executable"},
    picks={"templatefilter": "executable"},
    state_field="status",
    about=_(
        "A template is a disk image that new instances start from. Register one by its address; it "
        "is checked before it is used."
    ),
    columns=_image_columns("template"),
    filters=(
        Filter("templatefilter", _("Which"), choices=FILTERS),
        ZONE_FILTER,
        Filter("hypervisor", _("Hypervisor")),
    ),
    facts=_image_facts(_("Template")),
    actions=(
        Action(
            "deployVirtualMachine",
            _("New instance from it"),
            "rocket",
            param="templateid",
            primary=True,
            url="/instances/new?templateid={id}",
        ),
        Action(
            "updateTemplate",
            _("Edit"),
            "edit",
            form=Form(
                ("name", "displaytext", "ostypeid"),
                more=(
                    "passwordenabled",
                    "sshkeyenabled",
                    "requireshvm",
                    "isdynamicallyscalable",
                    "details",
                ),
                prefill=True,
            ),
        ),
        *_handing_out("Template"),
        Action(
            "deleteTemplate",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            form=Form(("forced",)),
            ask=_("New instances can no longer start from it. Instances made from it stay."),
        ),
    ),
    create=(
        Action(
            "registerTemplate",
            _("Register a template"),
            "plus",
            form=Form(
                (
                    "name",
                    F("url", placeholder="https://"),
                    F("zoneids", section="zones", required=True),
                    F(
                        "hypervisor",
                        initial="KVM",
                        choices=(("KVM", "KVM"), ("Simulator", "Simulator")),
                    ),
                    F(
                        "format",
                        initial="QCOW2",
                        choices=(
                            ("QCOW2", "QCOW2"),
                            ("RAW", "RAW"),
                            ("VHD", "VHD"),
                            ("OVA", "OVA"),
                            ("VMDK", "VMDK"),
                        ),
                    ),
                    "ostypeid",
                    "displaytext",
                ),
                more=(
                    "checksum",
                    "ispublic",
                    "isfeatured",
                    "isextractable",
                    "passwordenabled",
                    "sshkeyenabled",
                    "requireshvm",
                    "isdynamicallyscalable",
                    "arch",
                    "details",
                ),
            ),
        ),
    ),
    tabs=(
        Related("instances", "templateid", preset={"templateid": "id"}),
        Tab(
            "sharing",
            _("Shared with"),
            "frontend/tabs/sharing.html",
            tabs.sharing,
            needs="listTemplatePermissions",
            operates=True,
        ),
    ),
)

ISOS = Section(
    key="isos",
    title=_("ISOs"),
    one=_("ISO"),
    icon="disc",
    list="listIsos",
    resource_type="ISO",
    base={"isofilter": "all"},
    base_of_users={"isofilter": "executable"},
    picks={"isofilter": "executable"},
    state_field="status",
    about=_(
        "An ISO is a disc image: an installer to boot from, or files to attach to an instance."
    ),
    columns=_image_columns("iso"),
    filters=(
        Filter("isofilter", _("Which"), choices=FILTERS),
        ZONE_FILTER,
        Filter("bootable", _("Bootable"), choices=(("true", _("Yes")), ("false", _("No")))),
    ),
    facts=_image_facts(_("ISO")),
    actions=(
        Action(
            "deployVirtualMachine",
            _("New instance from it"),
            "rocket",
            param="templateid",
            primary=True,
            url="/instances/new?templateid={id}",
            unless=lambda r: "" if r.get("bootable") else _("It cannot be booted from."),
        ),
        Action(
            "updateIso",
            _("Edit"),
            "edit",
            form=Form(("name", "displaytext", "ostypeid", "bootable"), prefill=True),
        ),
        *_handing_out("Iso"),
        Action(
            "deleteIso",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("It is deleted for good. An ISO that is attached to an instance cannot be."),
        ),
    ),
    create=(
        Action(
            "registerIso",
            _("Register an ISO"),
            "plus",
            form=Form(
                (
                    "name",
                    "displaytext",
                    F("url", placeholder="https://"),
                    F("zoneid", help=_("Where it is kept")),
                    F("bootable", initial="true"),
                    "ostypeid",
                ),
                more=("checksum", "ispublic", "isfeatured", "isextractable", "arch"),
            ),
        ),
    ),
    tabs=(Related("instances", "isoid", preset={"templateid": "id"}),),
)

SECTIONS = (
    TEMPLATES,
    ISOS,
)
