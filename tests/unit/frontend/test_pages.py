"""Pages as people get them: who may see what, how many queries, no host is called."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from api.dispatch import execute
from compute.models import VirtualMachine
from core.errors import CloudError
from frontend.sections import SECTIONS
from infra import agents
from infra.services.alerts import AlertType, raise_alert
from jobs.models import Event, Worker
from tests import factories as f
from tests.factories import make_account, make_cloud, make_domain, make_user, make_vm

MOST_QUERIES = 40


@pytest.fixture(autouse=True)
def _no_host_may_be_called(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a page called a host")

    monkeypatch.setattr(agents, "call", refuse)


@pytest.fixture
def furnished(db):
    """Some of everything, owned by the account ``tenant``."""
    account = make_account("tenant")
    cloud = make_cloud(hosts=2)
    network = cloud.network(account)
    vm = make_vm("Running", account=account, cloud=cloud, network=network, name="web-1")
    make_vm("Stopped", account=account, cloud=cloud, network=network, name="db-1")
    volume = f.make_volume(account, pool=cloud.pool)
    f.make_snapshot(volume, store=cloud.store)
    f.make_iso(account)
    f.make_disk_offering()
    f.make_os_type()
    f.make_key_pair(account)
    f.make_affinity_group(account)
    f.make_oauth_provider()
    f.make_security_group_rule(f.make_security_group(account))
    f.make_instance_group(account)
    f.make_router(network, cloud.host)
    f.make_provider(f.make_physical_network(cloud.zone))
    f.make_public_ip(account, zone=cloud.zone)
    f.make_system_vm(cloud.zone)
    raise_alert(AlertType.HOST, cloud.host, "Host down", "It does not answer.")
    Worker.objects.create(name="portal-1", machine="here", pid=1)
    project = f.make_project(account, name="shop")
    project.roles.create(name="reader").rules.create(rule="list*", allow=True, sort_order=0)
    owner = f.caller_of(account)
    execute(owner, "registerUserData", {"name": "first", "userdata": "I2Nsb3VkLWNvbmZpZw=="})
    execute(owner, "restartNetwork", {"id": str(network.uuid)})
    return {"account": account, "vm": vm, "cloud": cloud, "network": network, "volume": volume}


def test_a_stranger_is_sent_to_sign_in_and_comes_back(client, db):
    reply = client.get("/instances?state=Running")
    assert reply.status_code == 302
    assert reply["Location"] == "/signin?next=/instances%3Fstate%3DRunning"
    fields = {"username": "admin", "password": f.PASSWORD, "next": "/instances?state=Running"}
    assert client.post("/signin", fields)["Location"] == "/instances?state=Running"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:1"])
def test_sign_in_leads_to_no_other_site(client, db, elsewhere):
    fields = {"username": "admin", "password": f.PASSWORD, "next": elsewhere}
    assert client.post("/signin", fields)["Location"] == "/"


def test_a_wrong_password_is_refused_in_words_and_signs_nobody_in(client, db):
    reply = client.post("/signin", {"username": "admin", "password": "wrong"})
    assert reply.status_code == 403
    assert "wrong" in reply.content.decode()
    assert client.get("/instances").status_code == 302


def test_signing_out_ends_the_session(administrator):
    administrator.page("/")
    administrator.post("/signout")
    assert administrator.get("/").status_code == 302


@pytest.mark.parametrize("key", sorted(SECTIONS))
def test_each_list_is_drawn_for_the_administrator_in_few_queries(furnished, administrator, key):
    administrator.page(f"/{key}")  # fills the caches of a process
    with CaptureQueriesContext(connection) as queries:
        text = administrator.page(f"/{key}")
    assert 'class="alert bad"' not in text
    assert len(queries) <= MOST_QUERIES, [q["sql"][:90] for q in queries]


@pytest.mark.parametrize("key", sorted(k for k, s in SECTIONS.items() if s.has_detail))
def test_each_detail_and_each_tab_is_drawn(furnished, administrator, key):
    rows = re.findall(r'id="row-([0-9a-f-]{36})"', administrator.page(f"/{key}"))
    url = f"/{key}/{rows[0]}"
    tabs = {url, *re.findall(rf'href="({url}/[a-z]+)"', administrator.page(url))}
    for tab in sorted(tabs):
        with CaptureQueriesContext(connection) as queries:
            text = administrator.page(tab)
        assert 'class="alert bad"' not in text, tab
        assert len(queries) <= MOST_QUERIES, (tab, [q["sql"][:90] for q in queries])


def test_a_list_costs_the_same_for_many_rows_as_for_few(furnished, administrator):
    def count():
        with CaptureQueriesContext(connection) as queries:
            administrator.page("/instances?size=100")
        return len(queries)

    administrator.page("/instances")
    few = count()
    for _ in range(15):
        make_vm(
            "Running", account=furnished["account"], cloud=furnished["cloud"],
            network=furnished["network"],
        )  # fmt: skip
    assert count() <= few + 1


PAGES = ["/", "/instances/new", "/tasks", "/search?q=web", "/api-reference", "/scopes",
         "/api-reference/listVirtualMachines"]  # fmt: skip


@pytest.mark.parametrize("url", PAGES)
def test_pages_of_their_own_kind_are_drawn_for_both(furnished, administrator, browser_of, url):
    owner = browser_of(make_user(account=furnished["account"]))
    for person in (administrator, owner):
        person.page(url)
        with CaptureQueriesContext(connection) as queries:
            person.page(url)
        assert len(queries) <= MOST_QUERIES + 32, [q["sql"][:90] for q in queries]


@pytest.mark.parametrize(
    "url", ["/infrastructure", "/capacity", "/settings", "/attention", "/hosts", "/pods"]
)
def test_what_is_the_administrators_does_not_exist_for_a_tenant(tenant, administrator, url):
    administrator.page(url)
    tenant.page(url, status=404)


def test_the_console_of_a_machine_that_is_off_makes_no_event_for_each_try(furnished, browser_of):
    owner = browser_of(make_user(account=furnished["account"]))
    stopped = VirtualMachine.objects.get(name="db-1")
    before = Event.objects.count()
    reply = owner.post(f"/console/{stopped.uuid}/ticket")
    assert reply.status_code == 409
    assert reply.json() == {"problem": "db-1 is off. Start it to see its console."}
    assert Event.objects.count() == before


def test_somebody_elses_thing_looks_like_none(furnished, tenant, browser_of):
    vm = furnished["vm"]
    tenant.page(f"/instances/{vm.uuid}", status=404)
    tenant.page(f"/instances/{vm.uuid}/nics", status=404)
    tenant.page(f"/menu/instances/{vm.uuid}", status=404)
    tenant.page(f"/console/{vm.uuid}", status=404)
    form = f"/do/stopVirtualMachine?from=instances&of={vm.uuid}&as="
    tenant.page(form, status=404)
    assert tenant.post(form).status_code == 404
    assert "web-1" not in tenant.page("/instances")
    assert "Instance<" not in tenant.fragment("/search?q=web-1")
    neighbour = browser_of(make_user(account=furnished["account"]))
    assert "web-1" in neighbour.page("/instances")


def test_a_domain_administrator_sees_its_branch_only(furnished, browser_of):
    branch = make_domain("branch")
    inside, outside = make_account("inside", branch), make_account("outside")
    ruler = browser_of(make_user(account=make_account("ruler", branch, role_type="DomainAdmin")))
    text = ruler.page("/accounts")
    assert "inside" in text
    assert "outside" not in text
    ruler.page(f"/accounts/{outside.uuid}", status=404)
    ruler.page(f"/accounts/{inside.uuid}")


def test_the_scope_chosen_at_the_top_narrows_every_list(furnished, administrator):
    domain = make_domain("研发部")
    make_account("平台组", domain)
    administrator.post("/scope", {"scope": f"domain:{domain.uuid}"})
    text = administrator.page("/accounts")
    assert "平台组" in text
    assert ">tenant<" not in text
    assert "研发部" in administrator.page("/instances")
    administrator.post("/scope", {"scope": ""})
    assert ">tenant<" in administrator.page("/accounts")


def test_filters_are_tokens_in_the_address(furnished, administrator):
    text = administrator.page("/instances?state=Stopped")
    assert "db-1" in text
    assert "web-1" not in text
    reply = administrator.get("/instances?q=state:running+web")
    assert reply["Location"] == "/instances?keyword=web&state=Running"
    text = administrator.page("/instances?q=zone:nowhere")
    assert "There is no Zone called “nowhere”." in text


def test_a_list_can_be_sorted_and_paged(furnished, administrator):
    by_name = administrator.page("/instances?sort=name")
    assert by_name.index("db-1") < by_name.index("web-1")
    falling = administrator.page("/instances?sort=-name")
    assert falling.index("web-1") < falling.index("db-1")
    assert "1–2 of 2" in administrator.page("/instances?page=99")


def test_a_list_as_csv_holds_every_row_and_no_formula(furnished, administrator):
    make_vm("Stopped", account=furnished["account"], cloud=furnished["cloud"],
            network=furnished["network"], name="danger", display_name="=cmd()")  # fmt: skip
    reply = administrator.get("/instances.csv")
    lines = b"".join(reply.streaming_content).decode().splitlines()
    assert len(lines) == 4
    assert any(line.startswith("'=cmd()") for line in lines)


def test_hostile_names_are_text(furnished, administrator):
    make_account("<script>alert(1)</script>")
    text = administrator.page("/accounts")
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_columns_and_views_are_kept_for_the_person_alone(furnished, administrator, browser_of):
    administrator.post("/columns/instances", {"column": ["displayname", "osdisplayname"]})
    assert "OS type" in administrator.page("/instances")
    administrator.post("/views/instances", {"name": "Running ones", "query": "state=Running"})
    assert "Running ones" in administrator.page("/instances")
    other = browser_of(make_user(account=furnished["account"]))
    assert "Running ones" not in other.page("/instances")


def test_nothing_may_be_loaded_from_elsewhere_or_written_inline(administrator, client):
    for reply in (administrator.get("/"), client.get("/signin")):
        policy = reply["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        text = reply.content.decode()
        assert not re.search(r"<script(?![^>]*src=)", text)
        assert not re.search(r'\s(style|on\w+)="', text)
        assert not re.search(r'(src|href)="(https?:)?//', text)


def test_only_the_console_may_be_framed_and_by_us_alone(furnished, administrator):
    reply = administrator.get(f"/console/{furnished['vm'].uuid}")
    assert "frame-ancestors 'self'" in reply["Content-Security-Policy"]
    assert "'unsafe-inline'" not in reply["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in administrator.get("/")["Content-Security-Policy"]


def test_getting_a_page_changes_nothing(furnished, administrator):
    """GET of an address that acts shows a form, or is refused."""
    vm = furnished["vm"]
    administrator.page(f"/do/destroyVirtualMachine?from=instances&of={vm.uuid}&as=")
    for url in ("/scope", "/preferences", "/signout", f"/bulk/instances/{vm.uuid}",
                "/columns/instances", "/views/instances"):  # fmt: skip
        assert administrator.get(url).status_code in (404, 405), url
    vm.refresh_from_db()
    assert vm.state == "Running"


def test_a_form_from_another_site_is_refused(furnished, db):
    strict = Client(enforce_csrf_checks=True)
    reply = strict.post("/signin", {"username": "admin", "password": f.PASSWORD})
    assert reply.status_code == 403
    assert "came from another site" in reply.content.decode()


def test_an_unknown_address_says_so_in_the_pages_dress(administrator):
    assert "Not found" in administrator.page("/nothing-here", status=404)


def test_the_palette_costs_one_query_for_each_kind_of_thing(furnished, administrator):
    administrator.fragment("/search?q=web")
    with CaptureQueriesContext(connection) as queries:
        text = administrator.fragment("/search?q=web-1")
    assert "web-1" in text
    assert len(queries) <= 20, [q["sql"][:90] for q in queries]
    assert not any("COUNT(" in q["sql"] for q in queries)


def test_the_palette_knows_templates_from_isos(tenant):
    f.make_template(tenant.user.account, name="golden-web")
    text = tenant.fragment("/search?q=golden")
    assert text.count('href="/templates/') == 1
    assert 'href="/isos/' not in text


def test_the_palette_understands_a_verb_and_a_name(furnished, administrator):
    text = administrator.fragment("/search?q=stop web")
    assert "Stop web-1" in text
    assert "Stop db-1" not in administrator.fragment("/search?q=stop db")  # it is Stopped


def test_a_new_instance_beside_a_network_is_made_by_the_wizard(tenant):
    network = f.make_network(tenant.user.account)
    text = tenant.page(f"/networks/{network.uuid}/instances")
    assert f'href="/instances/new?networkids={network.uuid}"' in text
    assert "/do/deployVirtualMachine" not in text


def test_an_os_type_is_chosen_by_its_name(tenant):
    kind = f.make_os_type()
    text = tenant.page("/do/registerTemplate?from=templates")
    assert re.search(rf'<option value="{kind.uuid}"[^>]*>{kind}</option>', text)


def test_a_refusal_is_no_success_in_the_events(furnished, browser_of):
    owner = f.make_user(account=furnished["account"])
    with pytest.raises(CloudError):
        execute(f.caller_of(furnished["account"]), "startVirtualMachine",
                {"id": str(furnished["vm"].uuid)})  # fmt: skip
    text = browser_of(owner).page("/events?level=ERROR")
    assert "Failed" in text
    assert "Completed</span>" not in text


def test_directories_are_for_those_who_rule_accounts(tenant, administrator):
    assert "/ldapservers" in administrator.page("/")
    assert "/ldapservers" not in tenant.page("/")
    tenant.page("/ldapservers", status=404)


def test_a_tenant_is_not_offered_what_a_setting_keeps_from_it(furnished, browser_of):
    account, vm = furnished["account"], furnished["vm"]
    owner = browser_of(f.make_user(account=account))
    make_vm("Destroyed", account=account, cloud=furnished["cloud"],
            network=furnished["network"], name="gone-1")  # fmt: skip
    form = f"/do/destroyVirtualMachine?from=instances&of={vm.uuid}"
    assert "Destroyed" not in owner.page("/")  # it is not listed for the tenant either
    assert 'name="expunge"' not in owner.page(form)
    assert "expungeVirtualMachine" not in owner.page("/instances")
    execute(f.caller_of(f.admin().account), "updateConfiguration",
            {"name": "allow.user.expunge.recover.vm", "value": "true"})  # fmt: skip
    assert 'name="expunge"' in owner.page(form)
