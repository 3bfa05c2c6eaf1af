"""An LDAP server of the tests' own: slapd on ports of the loopback, in a folder of its own."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ldap.modlist import addModlist

BASE = "dc=example,dc=org"
ROOT = f"cn=admin,{BASE}"
PASSWORD = "directory-admin"

_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
database mdb
maxsize 104857600
suffix "{base}"
rootdn "{root}"
rootpw {password}
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Slapd:
    folder: Path
    port: int
    tls_port: int
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def in_folder(cls, folder: Path) -> Slapd:
        made = cls(folder, free_port(), free_port())
        (folder / "data").mkdir()
        make_certificates(folder)
        text = _CONFIG.format(folder=folder, base=BASE, root=ROOT, password=PASSWORD)
        (folder / "slapd.conf").write_text(text)
        made.start()
        made.add(BASE, objectClass=["dcObject", "organization"], dc="example", o="Example")
        return made

    def start(self) -> None:
        addresses = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port} "
        addresses += f"ldaps://127.0.0.2:{self.tls_port}"  # not a name of its certificate
        argv = ["slapd", "-d", "0", "-h", addresses, "-f", str(self.folder / "slapd.conf")]
        log = (self.folder / "slapd.log").open("ab")
        self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "slapd.log").read_text()[-2000:])

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def connection(self) -> Any:
        made = ldap.initialize(f"ldap://127.0.0.1:{self.port}")
        made.simple_bind_s(ROOT, PASSWORD)
        return made

    def add(self, name: str, **attributes: Any) -> str:
        values = {
            k: [v.encode() for v in (given if isinstance(given, list) else [given])]
            for k, given in attributes.items()
        }
        self.connection().add_s(name, addModlist(values))
        return name

    def unit(self, ou: str, below: str = BASE) -> str:
        return self.add(f"ou={ou},{below}", objectClass="organizationalUnit", ou=ou)

    def person(self, uid: str, below: str, password: str = "ldap-secret", **more: str) -> str:
        """``uid`` must need no escaping in a distinguished name."""
        return self.add(
            f"uid={uid},{below}", objectClass="inetOrgPerson", uid=uid, cn=f"{uid} Test",
            **{"sn": "Test", "givenName": uid.title(), "mail": f"{uid}@example.org", **more},
            userPassword=password,
        )  # fmt: skip

    def group(self, cn: str, below: str, *members: str) -> str:
        return self.add(
            f"cn={cn},{below}", objectClass="groupOfUniqueNames", cn=cn, uniqueMember=list(members)
        )

    def put_out(self, group: str, member: str) -> None:
        self.connection().modify_s(group, [(ldap.MOD_DELETE, "uniqueMember", member.encode())])


def make_certificates(folder: Path) -> None:
    """An authority (ca.pem) and a server on the loopback that it vouches for."""
    authority, authority_key = certificate("tests' authority")
    server, server_key = certificate("localhost", signed_by=(authority, authority_key))
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "server.pem").write_bytes(server.public_bytes(pem))
    (folder / "server.key").write_bytes(
        server_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def certificate(
    name: str, signed_by: Any = None, *, key: Any = None
) -> tuple[x509.Certificate, Any]:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuer_key = (signed_by[0].subject, signed_by[1]) if signed_by else (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), True)
        .add_extension(x509.SubjectAlternativeName(names), False)
    )
    return made.sign(issuer_key, hashes.SHA256()), key
