"""A sign-in among many domains, beside the bare work of its password's hash, in turns.
``python -m bench.signin [--domains 25000] [--rounds 100]``

Each domain has an account with a user. Over HTTP, one client, a new user each time; the hash is
checked in this process.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

os.environ.setdefault("CLOUDPORTAL_DATA", tempfile.mkdtemp(prefix="cloudportal-bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")

import django  # noqa: E402

django.setup()

from django.contrib.auth.hashers import check_password, make_password  # noqa: E402
from django.core.management import call_command  # noqa: E402

from accounts.models import Account, Domain, Role, User  # noqa: E402
from accounts.services.bootstrap import bootstrap  # noqa: E402
from bench.portal import serving  # noqa: E402

PASSWORD = "a password of the bench"


def prepare(wanted: int) -> str:
    """Returns the hash that all users share."""
    call_command("migrate", verbosity=0)
    bootstrap(PASSWORD)
    encoded = make_password(PASSWORD)
    have = Domain.objects.filter(level=1).count()
    root, role = Domain.root(), Role.objects.get(name="User")
    made = Domain.objects.bulk_create(
        Domain(name=f"tenant-{i}", name_path=f"ROOT/tenant-{i}", parent=root, level=1, path="/?/")
        for i in range(have, wanted)
    )
    for domain in made:
        domain.path = f"/{domain.pk}/"
    Domain.objects.bulk_update(made, ["path"], batch_size=500)
    accounts = Account.objects.bulk_create(Account(name=d.name, domain=d, role=role) for d in made)
    User.objects.bulk_create(
        User(username="ada", account=a, domain=a.domain, firstname="Ada", lastname="L",
             password=encoded)
        for a in accounts
    )  # fmt: skip
    return encoded


def sign_in(connection: http.client.HTTPConnection, number: int) -> float:
    body = urlencode({
        "command": "login", "response": "json", "username": "ada", "password": PASSWORD,
        "domain": f"/tenant-{number}",
    })  # fmt: skip
    began = time.perf_counter()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/client/api", body, kind)
    reply = connection.getresponse()
    reply.read()
    assert reply.status == 200, reply.status
    return (time.perf_counter() - began) * 1000


def hashed(encoded: str) -> float:
    began = time.perf_counter()
    assert check_password(PASSWORD, encoded)
    return (time.perf_counter() - began) * 1000


def spent_ms(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--domains", type=int, default=25_000)
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    encoded = prepare(options.domains)
    whole, alone = [], []
    server = hashing = 0.0
    with serving() as (port, pid):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for number in range(options.rounds + 5):
            spread = number * 7919 % options.domains
            before = spent_ms(pid), time.process_time()
            took = sign_in(connection, spread), hashed(encoded)
            if number >= 5:
                server += spent_ms(pid) - before[0]
                hashing += (time.process_time() - before[1]) * 1000
                whole.append(took[0])
                alone.append(took[1])
    for name, figures in (("sign-in", whole), ("its hash", alone)):
        p95 = statistics.quantiles(figures, n=20)[-1]
        print(f"{name:9} p50 {statistics.median(figures):6.1f} ms  p95 {p95:6.1f} ms")
    beside = statistics.median(whole) - statistics.median(alone)
    print(f"beside the hash: {beside:.1f} ms, {options.domains} domains")
    each = server / options.rounds, hashing / options.rounds
    print(f"processor: sign-in {each[0]:.1f} ms, hash and client {each[1]:.1f} ms")


if __name__ == "__main__":
    main()
