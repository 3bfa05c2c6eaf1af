"""Pages of what a cloud is built of: who it is for, who serves on it, its ranges."""

import pytest

from api.dispatch import execute
from infra.models import Pod
from infra.services import address_book, pod_ranges
from network.models import NetworkPermission, NetworkServiceProvider
from tests import factories as f
from tests.factories import admin_caller

pytestmark = pytest.mark.django_db


def do(command, **parameters):
    return execute(admin_caller(), command, parameters)


def post(browser, url, **fields):
    reply = browser.post(url, fields, headers={"HX-Request": "true"})
    assert reply.status_code in (204, 303), reply.content.decode()[:500]


@pytest.mark.parametrize(
    "key, kind, make",
    [
        ("zones", "Zone", f.make_zone),
        ("pods", "Pod", f.make_pod),
        ("clusters", "Cluster", f.make_cluster),
        ("hosts", "Host", f.make_host),
    ],
)
def test_a_thing_is_dedicated_and_released_on_its_page(administrator, key, kind, make):
    thing, account = make(), f.make_account("team")
    page = f"/{key}/{thing.uuid}/dedicated"
    form = f"/do/dedicate{kind}?from={key}&of={thing.uuid}&stay=1"
    assert form.replace("&", "&amp;") in administrator.page(page)
    post(administrator, form, domainid=str(account.domain.uuid), account="team")

    assert "Only account team of" in administrator.page(page)
    listed = administrator.page("/dedicated")
    assert thing.name in listed
    assert "team" in listed

    post(administrator, f"/do/releaseDedicated{kind}?from={key}&of={thing.uuid}&stay=1")
    assert "It is for everybody" in administrator.page(page)
    assert "Nothing is dedicated" in administrator.page("/dedicated")


def test_a_provider_is_enabled_from_its_menu(administrator):
    wires = f.make_physical_network()
    provider = f.make_provider(wires, "ConfigDrive")
    assert "ConfigDrive" in administrator.page(f"/physicalnetworks/{wires.uuid}/providers")
    post(
        administrator,
        f"/do/updateNetworkServiceProvider?from=providers&of={provider.uuid}&as=enable",
    )
    assert NetworkServiceProvider.objects.get(pk=provider.pk).state == "Enabled"


def test_elements_are_shown_with_the_provider_that_has_some(administrator):
    wires = f.make_physical_network()
    router, drive = f.make_provider(wires), f.make_provider(wires, "ConfigDrive")
    assert "routerelements" in administrator.page(f"/providers/{router.uuid}")
    assert "routerelements" not in administrator.page(f"/providers/{drive.uuid}")


def test_a_public_range_is_dedicated_and_released(administrator):
    row, account = f.make_public_range(), f.make_account("team")
    menu = administrator.fragment(f"/menu/publicranges/{row.uuid}")
    assert "It is not dedicated." in menu
    post(
        administrator, f"/do/dedicatePublicIpRange?from=publicranges&of={row.uuid}",
        domainid=str(account.domain.uuid), account="team",
    )  # fmt: skip
    assert "team" in administrator.page("/publicranges")
    menu = administrator.fragment(f"/menu/publicranges/{row.uuid}")
    assert "It is dedicated already." in menu


def test_ranges_of_guests_and_public_ones_are_told_apart(administrator):
    public, guest = f.make_public_range(), f.make_ip_range()
    assert public.start_ip in administrator.page("/publicranges")
    assert public.start_ip not in administrator.page("/ipranges")
    assert guest.start_ip in administrator.page("/ipranges")
    assert guest.start_ip not in administrator.page("/publicranges")


def test_a_region_has_a_number_and_a_menu(administrator):
    do("addRegion", id="7", name="south", endpoint="https://south.example/client")
    assert "south" in administrator.page("/regions")
    assert "removeRegion" in administrator.fragment("/menu/regions/7")
    post(administrator, "/do/removeRegion?from=regions&of=7")
    assert "south" not in administrator.page("/regions")


def test_other_accounts_are_let_into_a_network_by_its_owner(browser_of):
    owner = f.make_account("owner")
    f.make_account("friend")
    network = f.make_network(owner)
    browser = browser_of(f.make_user(account=owner))
    page = f"/networks/{network.uuid}/permissions"
    assert "Nobody else." in browser.page(page)
    base = f"?from=networks&of={network.uuid}&stay=1"
    post(browser, f"/do/createNetworkPermissions{base}", accounts="friend")
    assert "accounts=friend" in browser.page(page)
    post(browser, f"/do/removeNetworkPermissions{base}&accounts=friend")
    assert not NetworkPermission.objects.exists()


def test_a_pod_gets_one_more_range(administrator):
    zone = f.make_zone()
    made = do("createPod", name="rack", zoneid=str(zone.uuid), gateway="10.9.0.1",
              netmask="255.255.255.0", startip="10.9.0.10", endip="10.9.0.20")  # fmt: skip
    pod = Pod.objects.get(uuid=made.record()["id"])
    assert "10.9.0.10" in administrator.page(f"/pods/{pod.uuid}/ranges")
    form = f"/do/createManagementNetworkIpRange?from=pods&of={pod.uuid}&stay=1"
    post(administrator, form, gateway="10.9.0.1", netmask="255.255.255.0",
         startip="10.9.0.30", endip="10.9.0.40")  # fmt: skip
    assert "10.9.0.30" in administrator.page(f"/pods/{pod.uuid}/ranges")


def test_a_management_address_is_taken_and_released_where_they_are_listed(administrator):
    pod = f.make_pod()
    made = pod_ranges.add(pod, address_book.checked("10.9.0.1", "255.255.255.0", "10.9.0.10",
                          "10.9.0.20"), vlan="", for_system_vms=False)  # fmt: skip
    machine_s = pod_ranges.take(pod.zone, pod, holder="v-1-VM")
    page = f"/pods/{pod.uuid}/ranges"
    post(administrator, f"/do/acquirePodIpAddress?from=pods&of={pod.uuid}&stay=1")
    taken = made.addresses.get(holder=pod_ranges.ASKED_FOR)
    shown = administrator.page(page)
    assert taken.address in shown
    assert "v-1-VM" in shown
    assert f"stay=1&amp;id={taken.pk}" in shown
    assert f"stay=1&amp;id={machine_s.pk}" not in shown, "it goes with the machine"
    post(administrator, f"/do/releasePodIpAddress?from=pods&of={pod.uuid}&stay=1&id={taken.pk}")
    assert list(made.addresses.all()) == [machine_s]


def test_the_list_of_what_a_zone_lacks_grows_shorter(administrator):
    zone = f.make_zone(allocation_state="Disabled")
    page = administrator.page(f"/zones/{zone.uuid}")
    assert "a physical network" in page
    assert "/do/updateZone?from=zones" in page
    wires = f.make_wires(zone)
    page = administrator.page(f"/zones/{zone.uuid}")
    assert f"createPhysicalNetwork?from=physicalnetworks&amp;zoneid={zone.uuid}" not in page
    assert f"/physicalnetworks/{wires.uuid}/providers" not in page


def test_the_load_of_a_host_is_shown(administrator):
    cloud = f.make_cloud()
    for key, thing in (("hosts", cloud.host), ("clusters", cloud.cluster), ("zones", cloud.zone)):
        assert "Load" in administrator.page(f"/{key}/{thing.uuid}/load")


def test_tenants_see_their_public_addresses_and_nothing_of_the_house(browser_of):
    mine, other = f.make_account(), f.make_account()
    address, foreign = f.make_public_ip(mine), f.make_public_ip(other)
    browser = browser_of(f.make_user(account=mine))
    shown = browser.page("/publicips")
    assert str(address.uuid) in shown
    assert str(foreign.uuid) not in shown
    for path in ("/publicranges", "/guestvlans", "/providers", "/dedicated", "/systemvms"):
        browser.page(path, status=404)


def test_the_tree_leads_to_the_zone_wizard(administrator):
    page = administrator.page("/infrastructure")
    assert 'href="/zones/wizard"' in page
    assert "/do/createZone" not in page
