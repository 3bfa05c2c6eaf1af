"""A tenant with something of every kind, made over the API as any client would."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from cs import CloudStack, CloudStackException

from tests.browser.portal import PASSWORD

DOMAIN, ACCOUNT, USER = "研发", "平台组", "李雷"
_JOB_S = 60


def client(url: str, username: str, domain: str = "") -> CloudStack:
    """Signs in for keys of the user's own."""
    api, session = f"{url}/client/api", requests.Session()
    given = {"username": username, "password": PASSWORD, "domain": domain, "response": "json"}
    signed = session.post(api, {"command": "login", **given}, timeout=30).json()["loginresponse"]
    made = session.post(api, {
        "command": "registerUserKeys", "id": signed["userid"], "response": "json",
        "sessionkey": signed["sessionkey"],
    }, timeout=30).json()["registeruserkeysresponse"]["userkeys"]  # fmt: skip
    return CloudStack(endpoint=api, key=made["apikey"], secret=made["secretkey"], timeout=30,
                      poll_interval=0.1, job_timeout=_JOB_S)  # fmt: skip


@dataclass
class Tenant:
    """Somebody who makes things by way of the API."""

    api: CloudStack

    def make(self, command: str, **given: Any) -> str:
        """The id of what a command made, its job awaited."""
        found = getattr(self.api, command)(fetch_result=True, **given)
        record = next(iter(found.values())) if len(found) == 1 else found
        record = record[0] if isinstance(record, list) else record
        return str(record["id"]) if isinstance(record, dict) and "id" in record else ""

    def first(self, command: str, **given: Any) -> dict[str, Any]:
        return getattr(self.api, command)(fetch_list=True, **given)[0]


def furnish(url: str) -> None:
    """A domain, an account and its user, and what a tenant may have."""
    admin = client(url, "admin")
    domain = admin.createDomain(name=DOMAIN)["domain"]["id"]
    role = next(r for r in admin.listRoles()["role"] if r["name"] == "User")["id"]
    for account, user in ((ACCOUNT, USER), ("邻居", "韩梅梅")):
        admin.createAccount(
            account=account, username=user, password=PASSWORD, firstname="雷", lastname="李",
            email="li@example.com", domainid=domain, roleid=role,
        )  # fmt: skip
    tenant = Tenant(client(url, USER, DOMAIN))
    _things(tenant)
    neighbour = Tenant(client(url, "韩梅梅", DOMAIN))
    admin.updateConfiguration(name="project.invite.required", value="true")
    shared = neighbour.make("createProject", name="合作", displaytext="两家合用")
    neighbour.api.addAccountToProject(projectid=shared, account=ACCOUNT, fetch_result=True)


def _things(tenant: Tenant) -> None:
    make, first = tenant.make, tenant.first
    zone = first("listZones")["id"]
    template = first("listTemplates", templatefilter="executable", zoneid=zone)["id"]
    os_type = first("listOsTypes")["id"]
    isolated = next(
        o["id"] for o in tenant.api.listNetworkOfferings(zoneid=zone)["networkoffering"]
        if o["name"] == "DefaultIsolatedNetworkOfferingWithSourceNatService"
    )  # fmt: skip
    network = make("createNetwork", zoneid=zone, name="前端网络", networkofferingid=isolated)
    make("createSSHKeyPair", name="a-key-pair-with-a-name-as-long-as-people-really-make-them-2026")
    group = make("createAffinityGroup", name="分散", type="host anti-affinity")
    make("createInstanceGroup", name="商店")
    text = b64encode(b"#cloud-config\n").decode()
    make("registerUserData", name="首次启动", userdata=text, params="p1")
    vm = make(
        "deployVirtualMachine", zoneid=zone, templateid=template, name="vm-1", group="商店",
        serviceofferingid=first("listServiceOfferings")["id"], networkids=[network],
        affinitygroupids=[group], displayname="前端一号",
    )  # fmt: skip
    offering = first("listDiskOfferings")["id"]
    volume = make("createVolume", name="数据", diskofferingid=offering, zoneid=zone)
    tenant.api.attachVolume(id=volume, virtualmachineid=vm, fetch_result=True)
    snapshot = make("createSnapshot", volumeid=volume, name="夜间")
    make("createTemplate", name="映像", snapshotid=snapshot, ostypeid=os_type)
    make("registerIso", name="光盘", displaytext="安装光盘", zoneid=zone, ostypeid=os_type,
         url="http://images.example.org/boot.iso")  # fmt: skip
    firewall = make("createSecurityGroup", name="网页", description="任何人都能访问")
    tenant.api.authorizeSecurityGroupIngress(
        securitygroupid=firewall, protocol="TCP", startport=443, endport=443,
        cidrlist=["0.0.0.0/0"], fetch_result=True,
    )  # fmt: skip
    project = make("createProject", name="项目甲", displaytext="网上商店")
    make("createProjectRole", projectid=project, name="审计", description="只读")
    tag = [{"key": "环境", "value": "生产"}]
    tenant.api.createTags(resourcetype="UserVm", resourceids=[vm], tags=tag, fetch_result=True)
    make("addAnnotation", entitytype="VM", entityid=vm, annotation="周五之前不要重启")
    # Refused on purpose: what a refusal leaves in the events is read by people too.
    size = first("listServiceOfferings")["id"]
    with pytest.raises(CloudStackException):
        make("startVirtualMachine", id=vm)
    with pytest.raises(CloudStackException):  # there is one host, and vm-1 is on it
        make("deployVirtualMachine", zoneid=zone, templateid=template, name="vm-2",
             serviceofferingid=size, networkids=[network], affinitygroupids=[group])  # fmt: skip
