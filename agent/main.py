"""The host agent as a program: ``python -m agent.main --portal wss://portal/agent --token …``.

The token is needed once; after that the secret in the data folder is enough. The token may
also come from CLOUDPORTAL_AGENT_TOKEN, which process lists do not show.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import ssl
import sys
from pathlib import Path

from agent.config import AgentConfig
from agent.link import Credentials, PortalLink, Refused
from agent.operations import local_agent


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cloudportal-agent", description=__doc__)
    parser.add_argument("--portal", required=True, help="wss://portal/agent")
    parser.add_argument("--token", default=os.environ.get("CLOUDPORTAL_AGENT_TOKEN", ""))
    parser.add_argument("--data", type=Path, default=Path("/var/lib/cloudportal-agent"))
    parser.add_argument("--libvirt-uri", default="qemu:///system")
    parser.add_argument("--virt", default="auto", choices=("auto", "kvm", "qemu"))
    parser.add_argument("--name", default="", help="name of this host; else the machine's own")
    parser.add_argument("--address", default="", help="address that other hosts reach it at")
    parser.add_argument("--ca", default="", help="certificate file the portal is checked with")
    return parser.parse_args()


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    given = _arguments()
    tls = None
    if given.portal.startswith("wss://"):
        tls = ssl.create_default_context(cafile=given.ca or None)
    agent = local_agent(
        AgentConfig(
            data=given.data,
            libvirt_uri=given.libvirt_uri,
            virt=given.virt,
            name=given.name,
            address=given.address,
        )
    )
    link = PortalLink(agent, given.portal, Credentials(given.data / "host.json"), given.token, tls)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: link.stop())
    try:
        link.run()
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    finally:
        agent.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
