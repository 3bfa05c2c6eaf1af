"""What one needs beside the images to make instances: keys, groups, user data."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend.sections.base import (
    Action,
    Column,
    F,
    Facts,
    Filter,
    Form,
    Related,
    Section,
)
from frontend.sections.columns import (
    CREATED,
    DOMAIN,
    ID,
    NAME,
    OWNER,
    OWNER_ONLY,
)

SSHKEYS = Section(
    key="sshkeys",
    title=_("SSH keys"),
    one=_("SSH key"),
    icon="key",
    list="listSSHKeyPairs",
    state_field="",
    about=_("A public key that is put into new instances, so that you sign in without a password."),
    columns=(
        NAME,
        Column("fingerprint", _("Fingerprint"), "mono"),
        Column("account", _("Account")),
        DOMAIN,
    ),
    facts=(Facts(_("SSH key"), (ID, Column("fingerprint", _("Fingerprint"), "mono"))), OWNER_ONLY),
    actions=(
        Action(
            "deleteSSHKeyPair",
            _("Delete"),
            "trash",
            param="name",
            source="name",
            danger=True,
            bulk=True,
            sends={"account": "account", "domainid": "domainid", "projectid": "projectid"},
            ask=_("New instances can no longer be given it. Instances that have it keep it."),
        ),
    ),
    create=(
        Action(
            "registerSSHKeyPair",
            _("Add a key"),
            "plus",
            form=Form(
                ("name", F("publickey", widget="textarea", placeholder="ssh-ed25519 AAAA…")),
                more=("account", "domainid"),
            ),
        ),
        Action(
            "createSSHKeyPair",
            _("Generate a pair"),
            "key",
            form=Form(("name",), more=("account", "domainid")),
            ask=_("The private key is shown this once, and not kept."),
        ),
    ),
)

AFFINITY_TYPES = (
    ("host anti-affinity", _("Apart: each on another host")),
    ("host affinity", _("Together: all on one host")),
    ("non-strict host anti-affinity", _("Apart where possible")),
    ("non-strict host affinity", _("Together where possible")),
)
#: Made with a dedication, never by hand.
_ALL_TYPES = (*AFFINITY_TYPES, ("ExplicitDedication", _("On what is dedicated to the owner")))

#: The cloud describes the group of a dedication itself.
DESCRIBED = Column(
    "description",
    _("Description"),
    make=lambda r: (
        _("Machines that use what is dedicated to their owner")
        if r.get("type") == "ExplicitDedication"
        else r.get("description")
    ),
)

AFFINITY = Section(
    key="affinitygroups",
    title=_("Affinity groups"),
    one=_("Affinity group"),
    icon="affiliate",
    list="listAffinityGroups",
    state_field="",
    about=_(
        "Keeps instances on different hosts, so that one failure does not take all of them – or on "
        "the same host, so that they are near."
    ),
    columns=(
        NAME,
        Column(
            "type",
            _("Type"),
            make=lambda r: dict(_ALL_TYPES).get(r.get("type", ""), r.get("type")),
        ),
        DESCRIBED,
        Column("account", _("Account")),
        DOMAIN,
    ),
    filters=(Filter("type", _("Type"), choices=_ALL_TYPES),),
    facts=(
        Facts(
            _("Affinity group"),
            (
                ID,
                Column(
                    "type",
                    _("Type"),
                    make=lambda r: dict(_ALL_TYPES).get(r.get("type", ""), r.get("type")),
                ),
                DESCRIBED,
            ),
        ),
        OWNER_ONLY,
    ),
    actions=(
        Action(
            "deleteAffinityGroup",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("Its instances stay where they are and are free to move."),
        ),
    ),
    create=(
        Action(
            "createAffinityGroup",
            _("New affinity group"),
            "plus",
            form=Form(
                ("name", F("type", choices=AFFINITY_TYPES), "description"),
                more=("account", "domainid"),
            ),
        ),
    ),
    tabs=(Related("instances", "affinitygroupid", preset={"affinitygroupids": "id"}),),
)

GROUPS = Section(
    key="instancegroups",
    title=_("Instance groups"),
    one=_("Instance group"),
    icon="folders",
    list="listInstanceGroups",
    state_field="",
    about=_("A name for instances that belong together, to find them by."),
    columns=(NAME, Column("account", _("Account")), DOMAIN, CREATED),
    facts=(Facts(_("Instance group"), (ID,)), OWNER),
    actions=(
        Action(
            "updateInstanceGroup",
            _("Edit"),
            "edit",
            primary=True,
            form=Form(("name",), prefill=True),
        ),
        Action(
            "deleteInstanceGroup",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("Its instances stay; they only lose the group."),
        ),
    ),
    create=(
        Action(
            "createInstanceGroup",
            _("New group"),
            "plus",
            form=Form(("name",), more=("account", "domainid")),
        ),
    ),
    tabs=(Related("instances", "groupid"),),
)

USERDATA = Section(
    key="userdata",
    title=_("User data"),
    one=_("User data"),
    icon="file-code",
    list="listUserData",
    state_field="",
    about=_(
        "A script or cloud-init document that a new instance runs at its first start, kept to be "
        "used again."
    ),
    columns=(
        NAME,
        Column("params", _("Parameters"), "words"),
        Column("account", _("Account")),
        DOMAIN,
    ),
    facts=(Facts(_("User data"), (ID, Column("params", _("Parameters"), "words"))), OWNER_ONLY),
    actions=(
        Action(
            "deleteUserData",
            _("Delete"),
            "trash",
            danger=True,
            bulk=True,
            ask=_("New instances can no longer use it."),
        ),
    ),
    create=(
        Action(
            "registerUserData",
            _("New user data"),
            "plus",
            form=Form(
                ("name", F("userdata", widget="base64", placeholder="#cloud-config")),
                more=("params", "account", "domainid"),
            ),
        ),
    ),
)


SECTIONS = (
    SSHKEYS,
    AFFINITY,
    GROUPS,
    USERDATA,
)
