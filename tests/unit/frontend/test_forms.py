"""Forms: made from the registry, sent through it, nothing lost to a refusal."""

import re

import pytest

from accounts.models import Domain, Role, User
from compute.models import VirtualMachine
from jobs.models import AsyncJob
from storage.models import Volume
from tests import factories as f
from tests.factories import make_account, make_cloud, make_user, make_vm

DOMAIN_FORM = "/do/createDomain?from=domains"


@pytest.fixture
def cloud(db):
    return make_cloud()


def test_a_form_shows_the_rules_of_the_command(administrator):
    text = administrator.fragment(DOMAIN_FORM)
    name = re.search(r'<input id="f-name"[^>]*>', text)[0]
    assert "required" in name
    assert 'maxlength="255"' in name
    assert "<html" not in text


def test_without_a_script_the_same_form_is_a_page(administrator):
    text = administrator.page(DOMAIN_FORM)
    assert "<html" in text
    reply = administrator.post(DOMAIN_FORM, {"name": "研发部"})
    made = Domain.objects.get(name="研发部")
    assert reply.status_code == 303
    assert reply["Location"] == f"/domains/{made.uuid}"


def test_a_refusal_keeps_what_was_typed_and_says_why(administrator):
    administrator.post(DOMAIN_FORM, {"name": "twice"})
    reply = administrator.post(DOMAIN_FORM, {"name": "twice", "networkdomain": "a.example"})
    text = reply.content.decode()
    assert reply.status_code == 422
    assert 'value="a.example"' in text
    assert 'role="alert"' in text
    assert Domain.objects.filter(name="twice").count() == 1


def test_a_refused_list_is_typed_as_before_and_an_empty_one_stays_empty(administrator, cloud):
    form = "/do/addHost?from=hosts"
    pod = cloud.cluster.pod
    given = {"zoneid": str(cloud.zone.uuid), "podid": str(pod.uuid), "hypervisor": "KVM"}
    for tags, shown in (("", ""), ("ssd,gpu", "ssd,gpu")):
        text = administrator.post(form, {**given, "url": "nowhere", "hosttags": tags})
        field = re.search(r'<input id="f-hosttags"[^>]*>', text.content.decode())[0]
        assert f'value="{shown}"' in field


def test_after_a_refusal_what_was_filled_in_is_in_sight(administrator, cloud):
    form = "/do/createVlanIpRange?from=ipranges"
    given = {"networkid": str(f.make_network(zone=cloud.zone).uuid), "startip": "10.1.1.300"}
    folded, refused = '<details class="more-fields"', '<details class="more-fields" open'
    text = administrator.post(form, given).content.decode()
    assert folded in text
    assert refused not in text
    assert refused in administrator.post(form, given | {"ip6cidr": "2001::/48"}).content.decode()


def test_a_missing_value_is_marked_at_its_field(administrator):
    text = administrator.post(DOMAIN_FORM, {"name": ""}).content.decode()
    field = text[text.index('for="f-name"') :][:900]
    assert "missing parameter Name" in field  # by its label


def test_an_edit_sends_what_differs_only(administrator):
    account = make_account("old")
    form = f"/do/updateAccount?from=accounts&of={account.uuid}&as="
    assert 'value="old"' in administrator.page(form)
    administrator.post(form, {"newname": "new", "roleid": str(account.role.uuid)})
    account.refresh_from_db()
    assert account.name == "new"
    events = administrator.page(f"/accounts/{account.uuid}/activity")
    assert "ACCOUNT.UPDATE" in events


def test_secrets_are_shown_once_and_kept_out_of_the_page_afterwards(administrator):
    user = make_user(account=make_account())
    form = f"/do/registerUserKeys?from=users&of={user.uuid}&as="
    text = administrator.post(form).content.decode()
    user.refresh_from_db()
    assert user.api_key.secret in text
    assert user.api_key.secret not in administrator.page(f"/users/{user.uuid}")
    assert user.api_key.secret not in administrator.page(f"/users/{user.uuid}/api")


def test_the_equivalent_call_hides_passwords(administrator):
    reply = administrator.post(
        "/preview/createUser?from=users", {"username": "li", "password": "hidden-words"}
    )
    text = reply.content.decode()
    assert "cs createUser" in text
    assert "hidden-words" not in text


def test_an_action_that_cannot_be_done_now_says_why(cloud, administrator):
    vm = make_vm("Stopped", cloud=cloud)
    menu = administrator.fragment(f"/menu/instances/{vm.uuid}")
    assert "It is Stopped; this can be done when it is Running." in menu
    assert 'aria-disabled="true"' in menu


def test_what_the_role_may_not_use_is_not_offered(cloud, browser_of):
    account = make_account()
    vm = make_vm("Running", account=account, cloud=cloud)
    owner = browser_of(make_user(account=account))
    menu = owner.fragment(f"/menu/instances/{vm.uuid}")
    assert "Stop" in menu
    assert "Start on a host" not in menu
    offering = owner.page(f"/serviceofferings/{cloud.offering.uuid}")
    assert "updateServiceOffering" not in offering


def test_a_public_template_is_seen_but_not_changed_by_others(cloud, tenant):
    text = tenant.page(f"/templates/{cloud.template.uuid}")
    assert "New instance from it" in text
    assert "updateTemplate" not in text


def test_starting_asks_nothing_and_begins_a_job(cloud, administrator):
    vm = make_vm("Stopped", cloud=cloud)
    form = f"/do/startVirtualMachine?from=instances&of={vm.uuid}&as="
    assert f'hx-post="{form.replace("&", "&amp;")}"' in administrator.fragment(
        f"/menu/instances/{vm.uuid}"
    )
    administrator.post(form)
    vm.refresh_from_db()
    assert vm.state == "Starting"
    assert AsyncJob.objects.filter(instance_uuid=vm.uuid).exists()
    text = administrator.page("/instances")
    assert 'class="progress"' in text


def test_many_at_once_have_a_result_each(cloud, administrator):
    running, stopped = make_vm("Running", cloud=cloud), make_vm("Stopped", cloud=cloud)
    ids = [str(running.uuid), str(stopped.uuid)]
    asked = administrator.post("/bulk/instances/stopVirtualMachine", {"id": ids}).content.decode()
    assert "Stop 2 instances" in asked
    running.refresh_from_db()
    assert running.state == "Running"
    text = administrator.post(
        "/bulk/instances/stopVirtualMachine", {"id": ids, "sure": "1"}
    ).content.decode()
    running.refresh_from_db()
    assert running.state == "Stopping"
    assert "begun" in text
    assert "is Stopped" in text


def test_only_declared_bulk_actions_can_be_done(cloud, administrator):
    vm = make_vm("Stopped", cloud=cloud)
    reply = administrator.post(
        "/bulk/instances/restoreVirtualMachine", {"id": [str(vm.uuid)], "sure": "1"}
    )
    assert reply.status_code == 404


def test_a_picker_finds_by_name_within_what_one_may_see(administrator, tenant):
    for i in range(60):
        make_account(f"team-{i:02}")
    found = administrator.get("/pick/accounts?q=team-5").json()
    assert [c["text"] for c in found["choices"]] == [f"team-{i}" for i in range(50, 60)]
    assert all("team" not in c["text"] for c in tenant.get("/pick/accounts?q=").json()["choices"])


def test_creating_a_user_with_a_chinese_name(administrator, browser_of):
    account = make_account("平台组", f.make_domain("研发部"))
    fields = {
        "account": "平台组", "domainid": str(account.domain.uuid), "username": "李雷",
        "password": f.PASSWORD, "firstname": "雷", "lastname": "李", "email": "li@example.com",
    }  # fmt: skip
    administrator.post("/do/createUser?from=users", fields)
    user = User.objects.get(username="李雷")
    assert "李雷" in browser_of(user).page("/")


def test_the_wizard_deploys_and_opens_the_new_machine(cloud, browser_of):
    account = make_account()
    network = cloud.network(account)
    owner = browser_of(make_user(account=account))
    page = owner.page("/instances/new")
    assert cloud.template.name in page
    assert "There is room for this machine." in page
    reply = owner.post("/instances/new", {
        "started": "1", "zoneid": str(cloud.zone.uuid), "templateid": str(cloud.template.uuid),
        "serviceofferingid": str(cloud.offering.uuid), "networkids": [str(network.uuid)],
        "name": "web-1", "startvm": "true", "userdata": "#cloud-config",
    })  # fmt: skip
    assert reply.status_code == 303, reply.content.decode()
    vm = VirtualMachine.objects.get(account=account)
    assert (vm.name, vm.state) == ("web-1", "Starting")
    assert reply["Location"] == f"/instances/{vm.uuid}"
    assert "web-1" in owner.page(reply["Location"])


def test_the_wizard_shows_the_quota_after_and_refuses_in_words(cloud, administrator, browser_of):
    account = make_account()
    network = cloud.network(account)
    administrator.post(
        f"/do/updateResourceLimit?from=accounts&of={account.uuid}&as=limit",
        {"resourcetype": "0", "max": "0"},
    )
    owner = browser_of(make_user(account=account))
    fields = {
        "started": "1", "zoneid": str(cloud.zone.uuid), "templateid": str(cloud.template.uuid),
        "serviceofferingid": str(cloud.offering.uuid), "networkids": [str(network.uuid)],
        "name": "kept-name",
    }  # fmt: skip
    assert "over the limit" in owner.post("/instances/new/summary", fields).content.decode()
    reply = owner.post("/instances/new", fields)
    assert reply.status_code == 422
    assert "kept-name" in reply.content.decode()
    assert not Volume.objects.filter(account=account).exists()


def test_a_setting_is_checked_changed_and_sent_back(administrator, tenant):
    bad = administrator.post("/settings/default.page.size", {"value": "many"})
    assert bad.status_code == 422
    assert "must be a whole number" in bad.content.decode()
    administrator.post("/settings/default.page.size", {"value": "250"})
    assert "250" in administrator.page("/settings?changed=1")
    administrator.post("/settings/default.page.size", {"value": "250", "reset": "1"})
    assert "default.page.size" not in administrator.page("/settings?changed=1")
    assert tenant.post("/settings/default.page.size", {"value": "1"}).status_code in (403, 404)


def test_rules_of_a_role_are_added_moved_and_deleted(administrator):
    administrator.post("/do/createRole?from=roles", {"name": "Watchers", "type": "User"})
    role = Role.objects.get(name="Watchers")
    for pattern in ("list*", "deploy*"):
        administrator.post(
            f"/rules/{role.uuid}", {"do": "add", "pattern": pattern, "permission": "allow"}
        )
    first, second = role.rules.all()
    administrator.post(f"/rules/{role.uuid}", {"do": "up", "rule": str(second.uuid)})
    assert [r.rule for r in role.rules.all()] == ["deploy*", "list*"]
    administrator.post(f"/rules/{role.uuid}", {"do": "turn", "rule": str(first.uuid)})
    administrator.post(f"/rules/{role.uuid}", {"do": "delete", "rule": str(second.uuid)})
    assert [(r.rule, r.allow) for r in role.rules.all()] == [("list*", False)]


def test_tags_are_added_and_removed(cloud, browser_of):
    account = make_account()
    vm = make_vm("Running", account=account, cloud=cloud)
    owner = browser_of(make_user(account=account))
    owner.post(f"/tags/instances/{vm.uuid}", {"key": "环境", "value": "生产"})
    text = owner.page(f"/instances/{vm.uuid}")
    assert "环境" in text
    assert "生产" in text
    owner.post(f"/tags/instances/{vm.uuid}", {"remove": "环境"})
    assert "生产" not in owner.page(f"/instances/{vm.uuid}")


def test_the_language_and_the_theme_are_kept_with_the_person(administrator, browser_of):
    administrator.post("/preferences", {"language": "zh-hans", "theme": "dark"})
    text = administrator.page("/")
    assert 'lang="zh-hans"' in text
    assert 'data-theme="dark"' in text
    assert "控制板" in text
    again = browser_of(administrator.user)  # another machine
    assert 'data-theme="dark"' in again.page("/")
    administrator.post("/preferences", {"language": "xx", "theme": "pink"})
    assert 'data-theme="dark"' in administrator.page("/")


def test_a_new_machine_belongs_to_the_account_one_acts_in(cloud, administrator):
    account = make_account("平台组")
    network = cloud.network(account)
    assert "平台组" in administrator.fragment("/scopes?q=平台")
    administrator.post("/scope", {"scope": f"account:{account.domain.uuid}:{account.name}"})
    assert network.name in administrator.page("/instances/new")
    administrator.post("/instances/new", {
        "started": "1", "zoneid": str(cloud.zone.uuid), "templateid": str(cloud.template.uuid),
        "serviceofferingid": str(cloud.offering.uuid), "networkids": [str(network.uuid)],
    })  # fmt: skip
    assert VirtualMachine.objects.get().account == account


@pytest.mark.parametrize("language, said", [("en", "DNS server 1"), ("zh-hans", "DNS 服务器 1")])
def test_a_refusal_stands_at_its_field_by_the_name_people_know(administrator, language, said):
    administrator.post("/preferences", {"language": language})
    fields = {"name": "typed", "networktype": "Advanced", "dns1": "nonsense",
              "internaldns1": "10.0.0.1"}  # fmt: skip
    reply = administrator.post("/do/createZone?from=zones", fields)
    shown = reply.content.decode()
    assert reply.status_code == 422
    assert 'value="typed"' in shown, "nothing typed is lost"
    field = shown[shown.index('name="dns1"') :]
    field = field[: field.index('name="internaldns1"')]
    assert said in field
    assert "nonsense" in field


@pytest.mark.parametrize(
    "language, said",
    [("en", "“Disk offering” or “Snapshot”"), ("zh-hans", "“磁盘方案”或“快照”")],
)
def test_a_refusal_about_several_fields_calls_them_as_the_form_does(tenant, language, said):
    tenant.post("/preferences", {"language": language})
    reply = tenant.post("/do/createVolume?from=volumes", {"name": "data"})
    assert reply.status_code == 422
    shown = reply.content.decode()
    assert said in shown
    alert = shown[shown.index('role="alert"') :]
    assert "diskofferingid" not in alert[: alert.index("</div>")]


def test_the_wizard_says_what_a_custom_size_still_needs(cloud, browser_of):
    owner = browser_of(make_user(account=make_account()))
    custom = f.make_service_offering(
        "any", is_customized=True, cpu_number=None, cpu_speed_mhz=None, memory_mb=None
    )
    fields = {
        "started": "1", "zoneid": str(cloud.zone.uuid), "templateid": str(cloud.template.uuid),
        "serviceofferingid": str(custom.uuid),
    }  # fmt: skip
    said = owner.post("/instances/new/summary", fields).content.decode()
    assert "Still needed: CPU cores, CPU speed, Memory" in said
    given = {**fields, "cpuNumber": "1", "cpuSpeed": "500", "memory": "512"}
    assert "Still needed" not in owner.post("/instances/new/summary", given).content.decode()


def test_a_tenant_is_offered_only_networks_it_may_make(tenant, administrator):
    f.make_network_offering(name="free")
    f.make_network_offering(name="with-a-vlan", specify_vlan=True)
    form = "/do/createNetwork?from=networks"
    assert "free" in tenant.page(form)
    assert "with-a-vlan" not in tenant.page(form)
    assert "with-a-vlan" in administrator.page(form)


def test_what_is_made_from_an_account_s_page_is_made_for_that_account(cloud, browser_of):
    domain = f.make_domain("north")
    theirs = make_account("eva", domain=domain)
    network = cloud.network(theirs)
    ruler = browser_of(
        make_user(account=make_account("ruler", domain=domain, role_type="DomainAdmin"))
    )
    shown = ruler.page(f"/accounts/{theirs.uuid}/instances")
    way = f"/instances/new?account=eva&amp;domainid={domain.uuid}"
    assert way in shown
    page = ruler.page(way.replace("&amp;", "&"))
    assert '<input type="hidden" name="account" value="eva">' in page
    assert network.name in page, "the account's networks are offered, not one's own"
    assert f"from=sshkeys&amp;stay=1&amp;account=eva&amp;domainid={domain.uuid}" in page
    reply = ruler.post("/instances/new", {
        "started": "1", "zoneid": str(cloud.zone.uuid), "templateid": str(cloud.template.uuid),
        "serviceofferingid": str(cloud.offering.uuid), "networkids": [str(network.uuid)],
        "name": "hers", "account": "eva", "domainid": str(domain.uuid),
    })  # fmt: skip
    assert reply.status_code == 303, reply.content.decode()
    assert VirtualMachine.objects.get(name="hers").account == theirs
    stranger = browser_of(make_user(account=make_account("stranger", domain=domain)))
    assert network.name not in stranger.page(way.replace("&amp;", "&"))
