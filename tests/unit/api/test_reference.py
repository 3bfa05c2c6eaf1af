"""Our commands beside CloudStack's: names, types, flags and the fields of replies.

Differences on purpose are few and listed here with their reasons.
"""

import os
from pathlib import Path

import pytest

from api import coverage, wire
from core.commands import COMMANDS, Command, Param
from core.responses import SUCCESS, Response

REFERENCE = wire.reference()
SNAPSHOT = Path(__file__).with_name("commands.txt")
COVERAGE = Path(__file__).resolve().parents[3] / "docs" / "api-coverage.md"

#: Types of the reference that mean the same to a client as ours.
SAME = {
    "string": {"string"},
    "integer": {"integer", "long", "short"},
    "float": {"float", "double"},
    "boolean": {"boolean"},
    "date": {"date"},
    "uuid": {"uuid"},
    "list": {"list"},
    "map": {"map", "object"},
}

#: Every list takes these, whether CloudStack's does or not.
EVERY_LIST = {"id", "ids", "keyword", "page", "pagesize"}
EVERY_OWNED_LIST = {"account", "domainid", "isrecursive", "listall", "projectid"}

#: Commands that CloudStack does not have, and why we do.
OURS = {
    "cancelAsyncJob": "a job can be undone while it runs",
    "createUserTwoFactorRecoveryCodes": "a way in when the second factor is lost",
    "deleteOtherSessions": "signing out everywhere else",
    "deleteUserIdentities": "an address at a provider that has passed on to somebody else",
    "refreshIdps": "an identity provider that was just added is known at once",
    "deleteLdapLink": "a link made by mistake",
    "listLdapLinks": "who comes in from LDAP to where",
    "deleteSession": "a session somebody forgot, or stole, is ended",
    "listSessions": "who is signed in, from where",
    "deleteUserKeys": "keys that leaked are thrown away, not only replaced",
    "listCapacityHistory": "how full places were, and when they will be full",
    "listHostsUsageHistory": "a host's last day, as CloudStack has it for machines",
    "acknowledgeAlerts": "somebody has taken it on, and it is not mailed again",
    "listTroubles": "what needs a person's attention, with its evidence",
    "repairTrouble": "the button beside a trouble",
    "checkHost": "the preflight of addHost for a host that is there",
    "createHostEnrolment": "a machine elsewhere joins by its agent, with a one-time token",
    "deleteHostEnrolment": "a token given by mistake",
    "endConsoleSession": "an administrator may end a console",
    "explainPermission": "why somebody may or may not do something",
    "listConfigurationHistory": "who set what, when",
    "explainPlacement": "where a machine would go, and why not elsewhere, without making it",
    "listHostEnrolments": "which tokens are about",
}

#: (command, parameter) that CloudStack does not have, or takes otherwise, and why we do.
PARAMETERS = {
    ("listHostsMetrics", "hosttag"): "which hosts an offering can run on",
    ("listVolumesMetrics", "storageid"): "CloudStack takes it as text too",
    ("listZonesMetrics", "allocationstate"): "pages offer enabled zones",
    ("listAnnotations", "userid"): "a uuid in practice, though declared a text",
    ("removeAnnotation", "id"): "a uuid in practice, though declared a text",
    ("updateAnnotationVisibility", "id"): "a uuid in practice, though declared a text",
    ("deployVirtualMachine", "templateid"): "machines are made from templates and ISOs only",
    ("listVolumes", "storageid"): "CloudStack takes it as text too",
    ("updateVolume", "id"): "nothing could be updated without it",
    ("createConsoleEndpoint", "kind"): "a serial console beside the screen",
    ("acquirePodIpAddress", "podid"): "CloudStack takes it as text too",
    ("acquirePodIpAddress", "zoneid"): "CloudStack takes it as text too",
    ("listAsyncJobs", "steps"): "the steps of many jobs in one call",
    ("listAlerts", "acknowledged"): "those that nobody has taken on",
    ("listAlerts", "archived"): "archived alerts can be looked up",
    ("listAlerts", "resolved"): "open alerts first",
    ("listAlerts", "zoneid"): "an administrator of many zones looks at one",
    ("listHosts", "hosttag"): "which hosts an offering can run on",
    ("listZones", "allocationstate"): "pages offer enabled zones",
    ("setupUserTwoFactorAuthentication", "codefor2fa"): "switching it off needs a factor",
    ("setupUserTwoFactorAuthentication", "password"): "switching it off needs a fresh password",
    ("addLdapConfiguration", "cacertificate"): "a certificate is verified, by whichever authority",
    ("addLdapConfiguration", "tls"): "StartTLS as well as ldaps",
    ("importLdapUsers", "dryrun"): "who would come in, before they do",
    ("oauthlogin", "domainId"): "a uuid in practice, though declared a number",
    ("oauthlogin", "secretcode"): "nobody comes in without a code",
    ("verifyOAuthCodeAndGetUser", "secretcode"): "there is nothing to verify without",
    ("registerUserKeys", "keepold"): "programs change over to a new pair one by one",
    **{("samlSlo", name): "the name in the SAML bindings" for name in (
        "RelayState", "SAMLRequest", "SAMLResponse", "SigAlg", "Signature",
    )},
    ("samlSso", "SAMLResponse"): "the name in the SAML bindings",
    ("samlSso", "idpid"): "there may be only one, and answers name none",
    ("login", "domainId"): "a uuid in practice, though declared a number",
    ("updateNetworkOffering", "id"): "nothing could be updated without it",
}

#: (response, field) that CloudStack does not answer, and what it is for.
FIELDS = {
    ("account", "tags"): "tags everywhere",
    ("domain", "tags"): "tags everywhere",
    ("consolesession", "endasked"): "an administrator asked it to end",
    ("consolesession", "kind"): "screen or serial line",
    ("consolesession", "proxy"): "which process carries it",
    ("imagestore", "state"): "a store that cannot be reached says so",
    ("iso", "oscategoryid"): "pages group by it",
    ("logout", "redirecturl"): "the identity provider ends its session, too",
    ("keypair", "domainpath"): "as everything owned has it",
    ("sshkeypair", "domainpath"): "as everything owned has it",
    ("resourcelimit", "note"): "a limit below what is in use says so",
    ("simulatormock", "value"): "what it does",
    ("storagepool", "hostid"): "whose local disk it is",
    ("storagepool", "hostname"): "whose local disk it is",
    ("storagenetworkiprange", "podname"): "people read names",
    ("storagenetworkiprange", "zonename"): "people read names",
    ("template", "oscategoryid"): "pages group by it",
    ("traffictype", "kvmnetworklabel"): "the reference names the wrong object here",
    ("traffictype", "traffictype"): "the reference names the wrong object here",
    ("userdata", "domainpath"): "as everything owned has it",
    ("userdata", "project"): "as everything owned has it",
    ("userdata", "projectid"): "as everything owned has it",
    ("virtualmachine", "keypair"): "Ansible's collection looks for the first key pair by it",
    ("virtualmachine", "powerstate"): "what the host last reported, beside what we want",
    ("virtualmachine", "powerstateupdated"): "when the host reported it",
    ("vlan", "networkname"): "people read names",
    ("vlan", "zonename"): "people read names",
    **{("alert", name): "what an alert is about, where, and whether it is over" for name in (
        "acknowledged", "acknowledgedby", "archived", "clusterid", "clustername", "count",
        "podid", "podname", "resolved", "resourceid", "resourcename", "resourcetype", "zoneid",
        "zonename",
    )},
    **{("configuration", name): "where a value comes from, and what it counts" for name in (
        "inheritedvalue", "isset", "setfor", "setforname", "unit",
    )},
    ("configuration", "maximum"): "what a page may offer",
    ("configuration", "minimum"): "what a page may offer",
    **{("projectaccount", name): "the reference names the wrong object here" for name in (
        "account", "accountid", "accounttype", "project", "projectid", "projectroleid",
        "projectrolename", "role", "user", "userid", "username",
    )},
    **{(kind, "administers"): "pages say beforehand what is for the project's administrators"
       for kind in ("project", "projectaccount", "projectinvitation", "projectrole")},
    ("projectinvitation", "created"): "until when it holds follows from it",
    ("projectinvitation", "role"): "what the invited would be",
    ("host", "accelerator"): "whether guests run under KVM or in emulation",
    ("host", "machinesseen"): "what the host itself reports",
    ("host", "reason"): "why a host is not Up, in a sentence",
    **{("ldapconfiguration", name): "for which domain, how secure" for name in (
        "created", "domain", "tls",
    )},
    ("oauthemail", "email"): "whose code it is; the reference names the wrong object here",
    ("oauthprovider", "issuer"): "any OpenID provider, not only those that are built in",
    ("userkeys", "lastused"): "a pair that nobody uses can be thrown away",
    **{("samlauthorization", name): "whose it is, for people" for name in (
        "domain", "id", "username",
    )},
    ("ldapuser", "reason"): "why somebody did not come in",
    ("user", "language"): "pages speak it",
    **{("asyncjobs", name): "what a job does now, how far it is, and whether it can be stopped"
       for name in ("id", "jobinstancename", "phase", "note", "failure", "steps", "percent",
                    "cancellable")},
    ("asyncjobs", "correlationid"): "one number from the click to the host's log",
    ("event", "correlationid"): "one number from the click to the host's log",
    ("event", "jobid"): "the job that did it",
    ("event", "command"): "by which call it came",
    ("event", "address"): "from where it came",
}

#: Commands declared to answer success whose jobs answer a thing, which libcloud reads.
OBJECTS = {"scaleVirtualMachine": "UserVmResponse"}

#: Jobs of ours where CloudStack answers at once, and why.
FLAGS: dict[str, str] = {}


def known(names=COMMANDS):
    return sorted(n for n in names if n in REFERENCE["commands"])


def theirs(command: str) -> dict[str, dict]:
    return {p["name"].lower(): p for p in REFERENCE["commands"][command]["params"]}


def test_every_command_is_known_or_ours():
    assert set(COMMANDS) - set(REFERENCE["commands"]) == set(OURS)


@pytest.mark.parametrize("name", known())
def test_a_job_only_where_cloudstack_has_one(name):
    """The other way round the dispatcher answers with a job that has ended already."""
    is_job_there = REFERENCE["commands"][name]["async"]
    assert is_job_there or not COMMANDS[name].is_async or name in FLAGS


@pytest.mark.parametrize("name", known())
def test_parameters_agree(name):
    command, reference = COMMANDS[name], theirs(name)
    always = EVERY_LIST if command.listing or command.paged else set()
    if command.listing and command.listing.scoped:
        always = always | EVERY_OWNED_LIST
    if command.listing and command.listing.tagged:
        always = always | {"tags"}
    wrong = [p for p in command.params if p.name not in always and _differs(p, reference)]
    wrong = [p.name for p in wrong if (name, p.name) not in PARAMETERS]
    assert not wrong, f"{name}: {wrong} are not CloudStack's"


def _differs(param: Param, reference: dict[str, dict]) -> bool:
    there = reference.get(param.name.lower())
    if there is None:
        return True
    if there["type"] in SAME[param.kind]:
        return param.kind == "list" and there.get("of", "string") != param.of
    # A uuid may be told as text where -1 or a name is accepted too.
    return not (param.kind == "string" and there["type"] == "uuid")


@pytest.mark.parametrize("name", known())
def test_what_cloudstack_requires_is_taken_and_nothing_more_is_required(name):
    command, reference = COMMANDS[name], theirs(name)
    ours = {p.name.lower(): p for p in command.params}
    lacking = [n for n, p in reference.items() if p["required"] and n not in ours]
    demanding = [
        n for n, p in ours.items()
        if p.required and n in reference and not reference[n]["required"]
    ]  # fmt: skip
    assert not [n for n in lacking + demanding if (name, n) not in PARAMETERS]


@pytest.mark.parametrize("name", known())
def test_fields_of_replies_are_cloudstacks(name):
    response = COMMANDS[name].response
    if response is None or response is SUCCESS:
        return
    there = _names(object_of(name))
    if "success" in there and len(there) <= 2:
        return  # CloudStack says only that it went well; ours shows the thing
    odd = {f.name.lower() for f in response.fields} - there - {"jobid", "jobstatus"}
    assert not {f for f in odd if (response.name, f) not in FIELDS}, f"{name} ({response.name})"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_reply_has_a_field_that_clients_take_for_a_refusal(name):
    """Ansible's collection gives up on any answer with an ``errortext``, be it an empty one."""
    response = COMMANDS[name].response
    fields = {f.name.lower() for f in response.fields} if response else set()
    assert not fields & {"errortext", "errorcode", "cserrorcode"}


def object_of(command: str) -> str:
    return OBJECTS.get(command) or REFERENCE["commands"][command]["object"]


def _names(shape: str) -> set[str]:
    return {field[0].lower() for field in REFERENCE["objects"].get(shape, [])}


def test_the_lists_of_differences_hold_nothing_that_is_gone():
    assert set(FLAGS) <= set(COMMANDS)
    params = {(n, p.name) for n, c in COMMANDS.items() for p in c.params}
    params |= {(n, p.lower()) for n in known() for p in theirs(n)}
    assert set(PARAMETERS) <= params
    shapes = [c.response for c in COMMANDS.values() if c.response]
    fields = {(r.name, f.name.lower()) for r in shapes for f in r.fields}
    assert set(FIELDS) <= fields


# -- the snapshot ------------------------------------------------------------------------


def signature(command: Command) -> str:
    """One line per command, one per parameter: what a change of the API looks like."""
    roles = ",".join(sorted(r.value for r in command.roles)) or "-"
    about = " async" if command.is_async else ""
    about += f" event={command.event}" if command.event else ""
    answer = command.response.name if isinstance(command.response, Response) else "success"
    lines = [f"{command.name} -> {answer}{about} roles={roles}"]
    lines += [f"    {_parameter(p)}" for p in sorted(command.params, key=lambda p: p.name)]
    return "\n".join(lines)


def _parameter(param: Param) -> str:
    kind = f"list of {param.of}" if param.kind == "list" else param.kind
    parts = [f"{param.name}: {kind}"]
    if param.model is not None:
        parts.append(f"{param.model._meta.label} {param.access.name.lower()}")
    if param.choices:
        parts.append("one of " + "|".join(param.choices))
    marks = ("required", "admin_only", "secret", "multiline", "merged")
    parts += [mark.replace("_", " ") for mark in marks if getattr(param, mark)]
    if param.max_length != 255:
        parts.append(f"length {param.max_length}")
    return ", ".join(parts)


def test_the_snapshot_of_all_signatures_is_current():
    """Set CLOUDPORTAL_WRITE_SNAPSHOT=1 to write it anew; the diff is for the reviewer."""
    now = "\n\n".join(signature(COMMANDS[n]) for n in sorted(COMMANDS)) + "\n"
    if os.environ.get("CLOUDPORTAL_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(now)
    assert SNAPSHOT.read_text() == now, "run this test with CLOUDPORTAL_WRITE_SNAPSHOT=1"


def test_the_snapshot_of_what_is_there_and_what_is_left_is_current():
    now = coverage.document()
    if os.environ.get("CLOUDPORTAL_WRITE_SNAPSHOT"):
        COVERAGE.write_text(now)
    assert COVERAGE.read_text() == now, "run this test with CLOUDPORTAL_WRITE_SNAPSHOT=1"
