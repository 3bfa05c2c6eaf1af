"""Domains, accounts, users, roles and limits."""

from accounts.models import ApiKey, User
from tests import factories
from tests.unit.api.examples import example


@example("createUser")
def _(stage):
    answered = yield {
        "account": stage.account.name, "domainid": stage.account.domain, "username": "ada",
        "password": "a long and good one", "firstname": "Ada", "lastname": "L",
        "email": "a@example.org",
    }  # fmt: skip
    assert User.objects.get(uuid=answered["id"]).account == stage.account


@example("updateAccount")
def _(stage):
    answered = yield {"id": stage.account, "newname": "renamed"}
    assert answered["name"] == "renamed"


@example("disableAccount")
def _(stage):
    answered = yield {"id": stage.account, "lock": False}
    assert answered["state"] == "disabled"


@example("enableAccount")
def _(stage):
    stage.ask("lockAccount", account=stage.account.name, domainid=stage.account.domain)
    answered = yield {"id": stage.account}
    assert answered["state"] == "enabled"


@example("lockAccount")
def _(stage):
    answered = yield {"account": stage.account.name, "domainid": stage.account.domain}
    assert answered["state"] == "locked"


@example("deleteDomain")
def _(stage):
    return {"id": factories.make_domain()}


@example("updateDomain")
def _(stage):
    answered = yield {"id": stage.account.domain, "name": "renamed"}
    assert answered["path"] == "ROOT/renamed"


@example("moveDomain")
def _(stage):
    target = factories.make_domain("target")
    answered = yield {"domainid": stage.account.domain, "parentdomainid": target}
    assert answered["path"].startswith("ROOT/target/")


@example("moveUser")
def _(stage):
    user, target = stage["accounts.User"], factories.make_account(domain=stage.account.domain)
    yield {"id": user, "accountid": target}
    user.refresh_from_db()
    assert user.account == target


@example("listDomainChildren")
def _(stage):
    below = factories.make_domain(parent=stage.account.domain)
    answered = yield {"id": stage.account.domain}
    assert [d["id"] for d in answered] == [str(below.uuid)]


@example("getUser")
def _(stage):
    answered = yield {"userapikey": stage.key}
    assert answered["id"] == str(stage.user.uuid)


@example("registerUserKeys")
def _(stage):
    user = stage["accounts.User"]
    answered = yield {"id": user}
    assert ApiKey.objects.get(user=user).key == answered["apikey"]
    assert answered["secretkey"]


@example("deleteUserKeys")
def _(stage):
    user = stage["accounts.User"]
    stage.ask("registerUserKeys", id=user)
    yield {"id": user}
    assert not ApiKey.objects.filter(user=user).exists()


@example("createRole")
def _(stage):
    return {"name": "operators", "type": "User"}


@example("importRole")
def _(stage):
    answered = yield {
        "name": "readers", "type": "User",
        "rules": [{"rule": "list*", "permission": "allow"}, {"rule": "*", "permission": "deny"}],
    }  # fmt: skip
    assert len(stage.ask("listRolePermissions", roleid=answered["id"])) == 2


@example("updateRolePermission")
def _(stage):
    rule = stage["accounts.RoleRule"]
    yield {"roleid": stage["accounts.Role"], "ruleid": rule, "permission": "deny"}
    rule.refresh_from_db()
    assert not rule.allow


@example("updateResourceLimit")
def _(stage):
    answered = yield {
        "account": stage.account.name, "domainid": stage.account.domain, "resourcetype": 0,
        "max": 7,
    }  # fmt: skip
    assert answered["max"] == 7


@example("login")
def _(stage):
    user = stage["accounts.User"]
    answered = yield {
        "username": user.username, "password": factories.PASSWORD, "domain": user.domain.name_path,
    }  # fmt: skip
    assert answered["userid"] == str(user.uuid)


@example("logout", effect="without a session there is nothing to end; sessions are tested apart")
def _(stage):
    return {}
