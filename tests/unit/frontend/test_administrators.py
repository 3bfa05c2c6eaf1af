"""What an administrator of a domain is shown: no place for what one may not do or know."""

from types import SimpleNamespace

import pytest

from accounts.models import Role
from frontend.reader import Reader
from frontend.views import dashboard
from tests import factories as f
from tests.factories import caller_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ruler(browser_of):
    """Signed in as the administrator of a domain below ROOT."""
    account = f.make_account("ruler", domain=f.make_domain("north"), role_type="DomainAdmin")
    return browser_of(f.make_user(account=account))


def test_the_host_of_an_instance_is_no_column_for_those_who_are_not_told_it(administrator, ruler):
    account = f.make_account(domain=ruler.user.domain)
    f.make_vm(account=account)
    assert 'data-label="Host"' in administrator.page("/instances")
    shown = ruler.page("/instances")
    assert 'data-label="Host"' not in shown
    assert 'name="hostid"' not in shown, "nor a filter"


def test_what_is_only_seen_is_neither_tagged_nor_given_an_icon_nor_set(administrator, ruler):
    zone = f.make_zone()
    page = f"/zones/{zone.uuid}"
    shown = ruler.page(page)
    assert "tagform" not in shown
    assert "iconform" not in shown
    assert "tagform" in administrator.page(page)
    assert "/settings" not in ruler.page(f"/zones/{zone.uuid}")
    ruler.page(f"/zones/{zone.uuid}/settings", status=404)


def test_a_domain_below_one_s_own_is_changed_there(ruler):
    below = f.make_domain("east", parent=ruler.user.domain)
    shown = ruler.page(f"/domains/{below.uuid}")
    assert f"/domains/{below.uuid}/settings" in shown
    assert "tagform" in shown


def test_a_role_is_imported_from_the_lines_that_another_one_s_rules_show(administrator):
    lines = "allow listVirtual* sees machines\ndeny *\n# a remark\n"
    fields = {"name": "auditor", "type": "User", "rules": lines}
    reply = administrator.post("/do/importRole?from=roles", fields)
    assert reply.status_code == 303, reply.content.decode()[:500]
    made = Role.objects.get(name="auditor")
    assert list(made.rules.values_list("rule", "allow", "description")) == [
        ("listVirtual*", True, "sees machines"), ("*", False, ""),
    ]  # fmt: skip
    shown = administrator.page(f"/roles/{made.uuid}/rules")
    assert "allow listVirtual* sees machines\ndeny *\n" in shown


def test_a_line_that_is_no_rule_is_refused_and_stays_in_the_form(administrator):
    fields = {"name": "auditor", "type": "User", "rules": "perhaps list*"}
    reply = administrator.post("/do/importRole?from=roles", fields)
    assert reply.status_code == 422
    assert "perhaps list*" in reply.content.decode()
    assert not Role.objects.filter(name="auditor").exists()


def test_the_overview_counts_the_domain_that_one_rules_not_one_s_own_account(ruler):
    below = f.make_account("someone", domain=f.make_domain("east", parent=ruler.user.domain))
    f.make_vm(account=below)
    shown = ruler.page("/")
    assert "My instances" not in shown
    assert "/do/createAccount" in shown
    quota = dashboard.holder(Reader(SimpleNamespace(COOKIES={}), caller_of(ruler.user)))
    assert quota["path"] == "ROOT/north"


def test_nothing_is_offered_for_one_s_equals_and_one_s_own_domain(ruler):
    mine, domain = ruler.user.account, ruler.user.domain
    user = f.make_account("user", domain=domain)
    for account, may in ((mine, False), (user, True)):
        page = f"/accounts/{account.uuid}"
        shown = ruler.page(page) + ruler.page(f"{page}/limits")
        for offered in ("lockAccount", "/users/new", "updateResourceLimit"):
            assert (offered in shown) is may, (account, offered)
    assert "updateResourceLimit" not in ruler.page(f"/domains/{domain.uuid}/limits")


def test_nobody_is_offered_to_lock_or_delete_oneself(ruler, browser_of):
    why = "You cannot do this to yourself."
    other = f.make_user(account=ruler.user.account)
    assert ruler.page(f"/menu/users/{ruler.user.uuid}").count(why) == 3
    assert why not in ruler.page(f"/menu/users/{other.uuid}")
    second = browser_of(f.make_user(account=f.make_account("second", role_type="Admin")))
    assert why in second.page(f"/menu/accounts/{second.user.account.uuid}")
    assert why not in second.page(f"/menu/accounts/{ruler.user.account.uuid}")
