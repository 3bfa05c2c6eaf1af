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


def test_forms_begin_in_the_domain_that_one_rules_and_offer_roles_one_may_give(ruler):
    domain = ruler.user.domain
    mine, lower = ruler.user.account.role, f.make_account("some", role_type="User").role
    shown = ruler.page("/do/createAccount?from=accounts")
    assert f'<option value="{domain.uuid}" selected' in shown
    assert f'value="{lower.uuid}"' in shown
    assert f'value="{mine.uuid}"' not in shown, "nobody gives a role as high as its own"
    assert f'value="{domain.uuid}" selected' in ruler.page("/do/createDomain?from=domains")


def test_no_user_is_offered_for_one_s_own_account_which_may_not_be_given_one(ruler):
    assert "/do/createUser" not in ruler.page(f"/accounts/{ruler.user.account.uuid}/users")
    below = f.make_account("below", domain=ruler.user.domain)
    assert "/do/createUser" in ruler.page(f"/accounts/{below.uuid}/users")


def test_what_is_only_seen_has_no_comments_and_no_link_leads_above_one_s_domain(ruler):
    zone = f.make_zone()
    assert "/comments" not in ruler.page(f"/zones/{zone.uuid}")
    ruler.page(f"/zones/{zone.uuid}/comments", status=404)
    domain = ruler.user.domain
    shown = ruler.page(f"/domains/{domain.uuid}")
    assert "ROOT" in shown
    assert f"/domains/{domain.parent.uuid}" not in shown


def test_a_domain_shows_what_lies_below_it(ruler):
    domain = ruler.user.domain
    below = f.make_domain("east", parent=domain)
    f.make_domain("far", parent=below)
    shown = ruler.page(f"/domains/{domain.uuid}/subdomains")
    assert f'href="/domains/{below.uuid}">east' in shown
    assert ">far<" not in shown
    assert f"parentdomainid={domain.uuid}" in shown


def test_the_overview_counts_the_machines_of_the_chosen_scope(ruler):
    domain = ruler.user.domain
    east = f.make_domain("east", parent=domain)
    f.make_vm(account=f.make_account("here", domain=domain))
    f.make_vm(account=f.make_account("there", domain=east))

    def counted(scope):
        request = SimpleNamespace(COOKIES={"scope": scope})
        return sum(
            n for _, n in dashboard.by_state(Reader(request, caller_of(ruler.user)), "instances")
        )

    assert counted("") == 2
    assert counted(f"domain:{domain.uuid}") == 2
    assert counted(f"domain:{east.uuid}") == 1
    assert counted(f"account:{east.uuid}:there") == 1
    assert counted(f"account:{east.uuid}:here") == 0
    assert counted("domain:nonsense") == 0


def test_the_palette_tells_accounts_of_one_name_apart_and_makes_what_has_a_page(ruler):
    domain = ruler.user.domain
    f.make_account("eva", domain=domain)
    f.make_account("eva", domain=f.make_domain("east", parent=domain))
    shown = ruler.fragment("/search?q=eva")
    assert "Account · north" in shown
    assert "Account · east" in shown
    assert "/do/createDomain?from=domains" in ruler.fragment("/search?q=new domain")
    assert "from=subdomains" not in ruler.fragment("/search?q=new subdomain")
