"""A setting that only some processes import would come and go in the list of settings."""

import importlib
import pkgutil
import subprocess
import sys

from core.config import SETTINGS

PACKAGES = (
    "core", "accounts", "jobs", "infra", "network", "storage", "compute", "consoleproxy", "api",
    "frontend", "cloudportal",
)  # fmt: skip
_STARTED = (
    "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'cloudportal.settings_test';"
    "import django; django.setup();"
    "from core.config import SETTINGS; print('\\n'.join(SETTINGS))"
)


def test_every_setting_is_known_as_soon_as_the_portal_has_started():
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(path, f"{package}."):
            if not {"migrations", "management"} & set(module.name.split(".")):
                importlib.import_module(module.name)
    started = subprocess.run([sys.executable, "-c", _STARTED], capture_output=True, text=True,
                             check=True)  # fmt: skip
    assert set(SETTINGS) == set(started.stdout.split())
