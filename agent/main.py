"""The daemon of a host: ``cloudportal-agent --portal wss://portal.example/agent``.

The first start needs an enrolment token (made by an administrator on the portal), read from
a file or standard input so that it is never on a command line. After that the host has a
credential of its own in its data folder.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import ssl
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from agent import protocol as p
from agent.config import AgentConfig
from agent.execution import Agent
from agent.link import CredentialFile, Link, Refused
from agent.operations import local_agent, simulated_agent

log = logging.getLogger("agent")


def main(arguments: list[str] | None = None) -> int:
    """0 when told to stop, 1 when the portal refuses or a required check fails."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    agent = _agent(options)
    try:
        if options.check:
            return _check(agent, options)
        return asyncio.run(_serve(agent, options))
    finally:
        agent.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("cloudportal-agent", description="Serves one host.")
    parser.add_argument("--portal", default="", help="address of the portal, wss://…/agent")
    parser.add_argument(
        "--token-file", default="", help="file with the enrolment token; - is stdin"
    )
    parser.add_argument("--data", type=Path, default=Path("/var/lib/cloudportal-agent"))
    parser.add_argument("--run", type=Path, default=None, help="folder for sockets")
    parser.add_argument("--name", default="", help="name of the host; else the machine's")
    parser.add_argument("--libvirt-uri", default="qemu:///system")
    parser.add_argument(
        "--virt", choices=("auto", "kvm", "qemu", "simulator"), default="auto",
        help="auto takes KVM once a probe guest has booted under it",
    )  # fmt: skip
    parser.add_argument("--images", type=Path, default=None, help="folder of the probe guest")
    parser.add_argument("--ca", default="", help="certificates to know the portal by")
    parser.add_argument("--certificate", default="", help="client certificate for the portal")
    parser.add_argument("--key", default="", help="its private key")
    parser.add_argument("--insecure", action="store_true", help="allow ws:// to another machine")
    parser.add_argument("--check", action="store_true", help="only look whether this host is fit")
    return parser


def _agent(options: argparse.Namespace) -> Agent:
    config = AgentConfig(
        data=options.data,
        run=options.run,
        libvirt_uri=options.libvirt_uri,
        virt="auto" if options.virt == "simulator" else options.virt,
        name=options.name,
        images=options.images,
        simulated_state=options.data / "world.json",
    )
    return simulated_agent(config) if options.virt == "simulator" else local_agent(config)


def _check(agent: Agent, options: argparse.Namespace) -> int:
    wanted = p.Preflight(time.time(), str(options.data))
    report = agent.execute(p.Call("host.preflight", wanted))
    for check in report.checks:
        verdict = "ok" if check.passed else ("FAILED" if check.required else "note")
        print(f"{verdict:6} {check.name}: {check.seen}")
        if not check.passed:
            print(f"       {check.cure}")
    return 0 if all(check.passed or not check.required for check in report.checks) else 1


async def _serve(agent: Agent, options: argparse.Namespace) -> int:
    try:
        link = Link(
            agent,
            _portal(options),
            CredentialFile(options.data / "portal.json"),
            token=_token(options.token_file),
            tls=_tls(options),
        )
        running = asyncio.ensure_future(link.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, running.cancel)
        await running
    except Refused as error:
        log.error("%s", error)
        return 1
    except asyncio.CancelledError:
        log.info("stopping; guests and routers go on")
    return 0


def _portal(options: argparse.Namespace) -> str:
    """Plain ws only to this machine: the credential travels along the line."""
    parts = urlsplit(options.portal)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme == "wss" or (parts.scheme == "ws" and (local or options.insecure)):
        return str(options.portal)
    raise Refused("Give the portal's address as wss://host/agent (--portal).")


def _token(source: str) -> str:
    if not source:
        return ""
    text = sys.stdin.read() if source == "-" else Path(source).read_text()
    return text.strip()


def _tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    if urlsplit(options.portal).scheme != "wss":
        return None
    context = ssl.create_default_context(cafile=options.ca or None)
    if options.certificate:
        context.load_cert_chain(options.certificate, options.key or None)
    return context


if __name__ == "__main__":
    sys.exit(main())
