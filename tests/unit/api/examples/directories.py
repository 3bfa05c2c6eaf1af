"""LDAP. The directory is a pretended one: tests/integration/test_ldap.py asks a real slapd."""

import contextlib
from unittest import mock

from accounts.directories import connection, settings
from accounts.models import LdapLink, LdapServer, User
from infra.services import configuration
from tests.unit.api.examples import example

BASE = "dc=example,dc=org"
GROUP = f"cn=devs,{BASE}"


def _entry(uid):
    words = {"uid": uid, "givenname": uid.title(), "sn": "Test", "mail": f"{uid}@example.org"}
    return f"uid={uid},{BASE}", {name: [text.encode()] for name, text in words.items()}


class Pretended:
    """Ada and Bob; both in the one group there is."""

    def search(self, base, filter_text, names):
        if "groupOfUniqueNames" in filter_text or base == GROUP:
            yield GROUP, {"cn": [b"devs"]}
            return
        yield from (_entry(u) for u in ("ada", "bob") if f"(uid={u})" in filter_text
                    or "(uid=" not in filter_text or f"*{u}*" in filter_text)  # fmt: skip


@contextlib.contextmanager
def directory():
    opened = contextlib.nullcontext(Pretended())
    with (
        mock.patch.object(connection, "opened", return_value=opened),
        mock.patch.object(connection, "try_out"),
    ):
        configuration.set_value("ldap.basedn", BASE)
        yield


def _server(stage):
    return stage["accounts.LdapServer"]


@example("addLdapConfiguration")
def _(stage):
    with directory():
        answered = yield {"hostname": "ldap.example.org", "port": 636}
    assert answered["tls"] == "ldaps"
    assert LdapServer.objects.get(uuid=answered["id"]).hostname == "ldap.example.org"


@example("deleteLdapConfiguration")
def _(stage):
    server = _server(stage)
    yield {"id": server}
    assert not LdapServer.objects.filter(pk=server.pk).exists()


@example("listLdapConfigurations")
def _(stage):
    server = _server(stage)
    answered = yield {"domainid": server.domain}
    assert [s["id"] for s in answered] == [str(server.uuid)]


@example("listLdapUsers")
def _(stage):
    with directory():
        answered = yield {"domainid": stage.account.domain}
    assert [u["username"] for u in answered] == ["ada", "bob"]


@example("searchLdap", effect="it only looks")
def _(stage):
    with directory():
        answered = yield {"query": "bob"}
    assert [u["email"] for u in answered] == ["bob@example.org"]


@example("importLdapUsers")
def _(stage):
    domain = stage.account.domain
    with directory():
        shown = stage.ask("importLdapUsers", domainid=domain, dryrun=True)
        assert len(shown) == 2
        assert not User.objects.filter(domain=domain, source="ldap").exists()
        answered = yield {"domainid": domain, "group": "devs"}
    assert {u["username"] for u in answered} == {"ada", "bob"}
    assert User.objects.filter(domain=domain, source="ldap").count() == 2


@example("ldapCreateAccount")
def _(stage):
    with directory():
        answered = yield {"username": "ada", "domainid": stage.account.domain, "account": "hers"}
    assert answered["name"] == "hers"
    assert answered["user"][0]["usersource"] == "ldap"


@example("linkDomainToLdap")
def _(stage):
    with directory():
        answered = yield {
            "domainid": stage.account.domain, "type": "GROUP", "accounttype": 0,
            "ldapdomain": "devs", "admin": "ada",
        }  # fmt: skip
    assert answered["ldapdomain"] == GROUP
    assert User.objects.get(username="ada", source="ldap").account.uuid.hex in (
        answered["accountid"].replace("-", "")
    )


@example("linkAccountToLdap")
def _(stage):
    with directory():
        answered = yield {
            "domainid": stage.account.domain, "account": stage.account.name, "ldapdomain": "devs",
        }  # fmt: skip
    assert LdapLink.objects.get(name=GROUP).account == stage.account
    assert answered["accountid"] == str(stage.account.uuid)


@example("listLdapLinks")
def _(stage):
    link = stage["accounts.LdapLink"]
    answered = yield {"domainid": link.domain}
    assert [one["ldapdomain"] for one in answered] == [link.name]


@example("deleteLdapLink")
def _(stage):
    link = stage["accounts.LdapLink"]
    yield {"id": link}
    assert not LdapLink.objects.exists()


@example("ldapConfig")
def _(stage):
    with directory():
        (answered,) = yield {
            "hostname": "ldap.example.org", "ssl": True, "searchbase": f"ou=people,{BASE}",
            "binddn": f"cn=portal,{BASE}", "bindpass": "sesame",
        }  # fmt: skip
    assert (answered["hostname"], answered["port"], answered["ssl"]) == (
        "ldap.example.org", "636", "true",
    )  # fmt: skip
    assert LdapServer.objects.get(hostname="ldap.example.org").tls == "ldaps"
    assert stage.ask("ldapConfig", listall=True) == [answered]
    assert settings.BASE.get() == answered["searchbase"] == f"ou=people,{BASE}"
    assert settings.PASSWORD.get() == "sesame"
    assert "sesame" not in str(answered)


@example("ldapRemove")
def _(stage):
    of_a_domain = _server(stage)
    of_a_domain.domain = stage["accounts.Domain"]
    of_a_domain.save()
    LdapServer.objects.create(hostname="ldap.example.org", port=389)
    answered = yield {}
    assert answered["hostname"] == "ldap.example.org"
    assert list(LdapServer.objects.all()) == [of_a_domain]
