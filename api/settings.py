"""Global settings of the API, under CloudStack's names."""

from core.config import Setting
from core.proxies import check_networks

THROTTLING = Setting(
    "api.throttling.enabled", False, "Count each account's calls and refuse those too many.",
)  # fmt: skip
THROTTLING_INTERVAL_S = Setting(
    "api.throttling.interval", 1, "Seconds over which an account's calls are counted.",
    minimum=1, maximum=86400,
)  # fmt: skip
THROTTLING_MAX = Setting(
    "api.throttling.max", 25, "Calls an account may make within the interval.", minimum=1,
)  # fmt: skip
SESSIONKEY_LOCATIONS = Setting(
    "api.sessionkey.check.locations", "CookieAndParameter",
    "Where a session's calls must carry its key.",
    choices=("CookieAndParameter", "CookieOrParameter", "ParameterOnly"),
)  # fmt: skip
COOKIE_SAMESITE = Setting(
    "api.sessionkey.cookie.samesite", "Lax", "SameSite attribute of the session key's cookie.",
    choices=("Lax", "Strict", "NoneAllowed", "Null"),
)  # fmt: skip
SECURE_COOKIE = Setting(
    "enable.secure.session.cookie", False,
    "Send session cookies over HTTPS only, even when the portal itself is reached by HTTP.",
)  # fmt: skip
ENFORCE_POST = Setting(
    "enforce.post.requests.and.timestamps", False,
    "Refuse GET for calls that change something, and signatures that never expire.",
)  # fmt: skip
INTEGRATION_PORT = Setting(
    "integration.api.port", 0,
    "Port on which calls need no authentication and act as root; 0 opens none.",
    minimum=0, maximum=65535, restart=True,
)  # fmt: skip
VERSION_IN_XML = Setting(
    "expose.cloudstack.version.api.xml.response", True,
    "Name the API's version in XML replies to authenticated callers.",
)  # fmt: skip
VERSION_IN_CAPABILITIES = Setting(
    "expose.cloudstack.version.api.list.capabilities", True,
    "Name the API's version in listCapabilities.",
)  # fmt: skip
METRICS = Setting("prometheus.exporter.enable", False, "Whether /metrics answers Prometheus.")
METRICS_FOR = Setting(
    "prometheus.exporter.allowed.ips", "127.0.0.1",
    "Addresses and networks that may read /metrics, with commas between.",
    check=check_networks,
)  # fmt: skip
