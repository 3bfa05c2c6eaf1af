"""The pages of settings: groups, where values come from, history; and the question “why?”."""

import pytest

from accounts.resources import Resource
from accounts.services import limits
from infra.services import configuration
from tests.factories import admin_caller, make_account, make_cluster, make_domain, make_user, role

pytestmark = pytest.mark.django_db


def test_the_tree_of_groups_narrows_the_list(administrator):
    page = administrator.page("/settings?group=Access")
    assert "max.account.user.vms" in page
    assert "expunge.delay" not in page
    page = administrator.page("/settings?group=Access&subgroup=Passwords")
    assert "password.policy.minimum.length" in page
    assert "max.account.user.vms" not in page
    assert 'aria-current="page"' in page


def test_a_setting_is_found_by_name_meaning_and_value(administrator):
    configuration.set_value("guest.domain.suffix", "example.internal")
    for words in ("guest.domain", "example.internal"):
        assert "guest.domain.suffix" in administrator.page(f"/settings?q={words}")
    assert "guest.domain.suffix" not in administrator.page("/settings?q=nothing-like-it")


def test_a_duration_is_told_in_words_too(administrator):
    assert "= 1 day" in administrator.page("/settings?q=expunge.delay")


def test_a_tab_says_where_a_value_comes_from(administrator):
    domain = make_domain()
    account = make_account(domain=domain)
    configuration.set_value("password.policy.minimum.length", "9", domain)
    page = administrator.page(f"/domains/{domain.uuid}/settings")
    assert "set here" in page
    configuration.set_value("allow.user.view.destroyed.vm", "true")
    page = administrator.page(f"/accounts/{account.uuid}/settings")
    assert "from the global settings" in page
    cluster = make_cluster()
    configuration.set_value("cpu.overprovisioning.factor", "3", cluster.zone)
    page = administrator.page(f"/clusters/{cluster.uuid}/settings")
    assert f"from zone {cluster.zone.name}" in page


def test_a_value_is_set_reset_and_undone_for_one_thing(administrator):
    domain = make_domain()
    about = {"domainid": str(domain.uuid)}
    url = "/settings/password.policy.minimum.length"
    setting = configuration.setting("password.policy.minimum.length")
    administrator.post(url, {"value": "8", **about})
    shown = administrator.post(url, {"value": "9", **about}, HTTP_HX_REQUEST="true")
    assert 'value="8"' in shown.content.decode()  # the button that brings it back
    assert setting.get(domain) == 9
    administrator.post(url, {"value": "9", "reset": "1", **about})
    assert setting.get(domain) == 0


def test_the_history_is_a_list_with_filters(administrator, tenant):
    configuration.set_value("expunge.delay", "100", by=admin_caller())
    configuration.set_value("expunge.delay", "200", by=admin_caller())
    page = administrator.page("/settinghistory?name=expunge.delay")
    assert page.count("expunge.delay") >= 2
    assert "not set" in page
    assert tenant.get("/settinghistory").status_code == 404


def test_why_is_answered_on_a_page_of_its_own(administrator):
    user = make_user()
    assert "Explain" in administrator.page(f"/users/{user.uuid}/why")
    page = administrator.page(f"/why?userid={user.uuid}&name=createZone")
    assert "Not allowed" in page
    assert "type User may not use it" in page
    page = administrator.page(f"/why?roleid={role('User').uuid}&name=listZones")
    assert "Not allowed" not in page
    assert "There is no command" in administrator.page(f"/why?userid={user.uuid}&name=nonsense")


def test_limits_by_tag_are_shown_and_changed_in_the_same_place(administrator):
    configuration.set_value("resource.limit.host.tags", "gpu")
    account = make_account(domain=make_domain())
    limits.set_limit(account, Resource.CPU, 3, "gpu")
    page = administrator.page(f"/accounts/{account.uuid}/limits")
    assert '<span class="tag">gpu</span>' in page
    assert "resourcetype=8&amp;tag=gpu&amp;max=3" in page
    url = f"/do/updateResourceLimit?from=accounts&of={account.uuid}&as=limit"
    administrator.post(url, {"resourcetype": "8", "tag": "gpu", "max": "4"})
    plain = limits.limits_of_account(account)
    ceilings = limits.tagged_limits("account", {account.pk: plain})[account.pk]
    assert (ceilings[Resource.CPU, "gpu"], plain[Resource.CPU]) == (4, 40)


def test_a_domain_administrator_sets_and_does_not_reset(browser_of):
    domain = make_domain()
    keeper = browser_of(make_user(role_type="DomainAdmin", domain=domain))
    account = make_account(domain=domain)
    about = {"accountid": str(account.uuid)}
    shown = keeper.post(
        "/settings/allow.user.view.destroyed.vm", {"value": "true", **about},
        HTTP_HX_REQUEST="true",
    )  # fmt: skip
    page = shown.content.decode()
    assert "Saved" in page
    assert 'name="reset"' not in page
    assert "/settinghistory" not in page  # theirs is a list of its own
    assert "set here" in keeper.page(f"/accounts/{account.uuid}/settings")
    assert "allow.user.view.destroyed.vm" in keeper.page("/settinghistory")


def test_a_user_asks_why_about_itself_only(browser_of):
    user, stranger = make_user(), make_user()
    browser = browser_of(user)
    assert "Not allowed" in browser.page(f"/why?userid={user.uuid}&name=createZone")
    assert "Not allowed" not in browser.page(f"/why?userid={stranger.uuid}&name=createZone")
