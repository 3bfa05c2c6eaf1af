"""The portal as tests run it: a throw-away data folder, quick hashes, the simulator."""

import os
import tempfile

os.environ.setdefault("CLOUDPORTAL_DATA", tempfile.mkdtemp(prefix="cloudportal-test-"))
os.environ.setdefault("CLOUDPORTAL_VIRT", "simulator")

from cloudportal.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, not memory: tests with threads open connections of their own.
    DATABASES["default"]["TEST"] = {"NAME": DATA / "test.sqlite3"}  # noqa: F405
