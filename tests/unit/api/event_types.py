"""CloudStack's types of events, and ours where it has none."""

from pathlib import Path

THEIRS = set(Path(__file__).with_name("event_types.txt").read_text().split())

_NONE = "CloudStack keeps no event of it"
#: Type → why it is there.
OURS = {
    "CREATE_TAGS": "CloudStack's, spelt with _: not in its list of dotted types",
    "DELETE_TAGS": "CloudStack's, spelt with _: not in its list of dotted types",
    "CREATE_RESOURCE_DETAILS": "CloudStack's, spelt with _: not in its list of dotted types",
    "DELETE_RESOURCE_DETAILS": "CloudStack's, spelt with _: not in its list of dotted types",
    "ASYNCJOB.CANCEL": "a command of ours",
    "HOST.CHECK": "a command of ours",
    "HOST.ENROLMENT.CREATE": "a command of ours",
    "HOST.ENROLMENT.DELETE": "a command of ours",
    "TROUBLE.REPAIR": "a command of ours",
    "VM.CONSOLE.END": "a command of ours",
    **dict.fromkeys(
        (
            "ALERT.ACKNOWLEDGE", "ALERT.ARCHIVE", "ALERT.DELETE", "ANNOTATION.UPDATE",
            "CLUSTER.CREATE",
            "CLUSTER.DELETE", "CLUSTER.EDIT", "HOST.ADD", "HOST.DELETE", "HOST.EDIT",
            "IMAGE.STORE.CREATE", "IMAGE.STORE.DELETE", "LDAP.CONFIGURE",
            "OAUTH.PROVIDER.CREATE", "OAUTH.PROVIDER.DELETE", "OAUTH.PROVIDER.UPDATE",
            "REGION.CREATE",
            "REGION.DELETE", "REGION.EDIT", "SAML.IDP.REFRESH",
            "SSH.KEYPAIR.DELETE", "STORAGE.POOL.CREATE",
            "STORAGE.POOL.DELETE", "STORAGE.POOL.UPDATE", "USER.DATA.DELETE", "VM.CONSOLE",
            "VM.GROUP.CREATE", "VM.GROUP.DELETE", "VM.GROUP.UPDATE",
        ),
        _NONE,
    ),
}  # fmt: skip
