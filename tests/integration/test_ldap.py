"""Signing in with passwords that a real slapd keeps."""

import socket
import threading
import time

import pytest

from accounts.directories import connection, searching, settings, signing_in
from accounts.directories.settings import Shape
from accounts.models import Account, LdapServer, User
from accounts.services import sessions
from api.dispatch import execute
from core.errors import InvalidParameter, LoginFailed, ResourceUnavailable
from infra.services import configuration
from tests.factories import PASSWORD, admin_caller, make_caller, make_domain, make_user
from tests.integration.directory import BASE, ROOT, Slapd, free_port
from tests.integration.directory import PASSWORD as ROOT_PASSWORD

pytestmark = pytest.mark.django_db

PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
HERS = "ldap-secret"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    server = Slapd.in_folder(tmp_path_factory.mktemp("slapd"))
    server.unit("people")
    server.unit("groups")
    ada = server.person("ada", PEOPLE)
    bob = server.person("bob", PEOPLE)
    server.person("研发", PEOPLE, mail="yanfa@example.org")
    server.person("star*", PEOPLE)
    server.unit("guests", PEOPLE)
    server.person("gus", f"ou=guests,{PEOPLE}")
    inner = server.group("inner", GROUPS, bob)
    server.group("devs", GROUPS, ada, inner)
    yield server
    server.stop()


@pytest.fixture
def domain(slapd):
    domain = make_domain("dev")
    for name, value in {
        "basedn": BASE, "bind.principal": ROOT, "bind.password": ROOT_PASSWORD,
    }.items():  # fmt: skip
        configuration.set_value(f"ldap.{name}", value, domain)
    yield domain
    configuration.forget()


@pytest.fixture
def server(domain, slapd):
    return LdapServer.objects.create(hostname="127.0.0.1", port=slapd.port, domain=domain)


def run(command, **given):
    return execute(admin_caller(), command, given)


def import_all(domain, **given):
    return run("importLdapUsers", domainid=str(domain.uuid), **given).records


def log_in(name, password=HERS):
    return sessions.log_in(name, password, domain_path="dev")


# -- configuring -------------------------------------------------------------------------


def test_a_server_is_tried_before_it_is_added(domain, slapd):
    made = run(
        "addLdapConfiguration", hostname="127.0.0.1", port=str(slapd.port),
        domainid=str(domain.uuid),
    ).record()  # fmt: skip
    assert (made["hostname"], made["port"], made["tls"]) == ("127.0.0.1", slapd.port, "none")
    (listed,) = run("listLdapConfigurations", domainid=str(domain.uuid)).records
    assert listed["id"] == made["id"]
    run("deleteLdapConfiguration", hostname="127.0.0.1", domainid=str(domain.uuid))
    assert not LdapServer.objects.exists()


def test_a_server_that_is_not_there_is_not_added(domain):
    began = time.monotonic()
    with pytest.raises(ResourceUnavailable, match=r"127\.0\.0\.1:\d+: Can't contact"):
        run(
            "addLdapConfiguration", hostname="127.0.0.1", port=str(free_port()),
            domainid=str(domain.uuid),
        )  # fmt: skip
    assert time.monotonic() - began < 5


def test_the_wrong_password_of_the_portal_is_named(domain, slapd):
    configuration.set_value("ldap.bind.password", "wrong", domain)
    with pytest.raises(ResourceUnavailable, match=r"ldap\.bind\.password"):
        run(
            "addLdapConfiguration", hostname="127.0.0.1", port=str(slapd.port),
            domainid=str(domain.uuid),
        )  # fmt: skip


def test_the_older_command_sets_all_at_once_or_nothing(slapd):
    given = {"hostname": "127.0.0.1", "port": slapd.port, "searchbase": BASE, "binddn": ROOT}
    with pytest.raises(ResourceUnavailable, match="refuses"):
        run("ldapConfig", **given, bindpass="guess")
    assert not LdapServer.objects.exists()
    assert not settings.BASE.get()
    run("ldapConfig", **given, bindpass=ROOT_PASSWORD)
    assert [p["username"] for p in run("listLdapUsers", keyword="ada").records] == ["ada"]
    run("ldapRemove")
    with pytest.raises(ResourceUnavailable, match="No LDAP server"):
        run("listLdapUsers", keyword="ada")
    with pytest.raises(InvalidParameter, match="No server of LDAP"):
        run("ldapRemove")
    configuration.forget()


def test_tenants_learn_nothing_of_servers(server):
    assert not execute(make_caller("User"), "listLdapConfigurations", {"listall": "true"}).records


# -- TLS ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["starttls", "ldaps"])
def test_a_certificate_that_its_authority_vouches_for_is_taken(domain, slapd, tls):
    port = slapd.tls_port if tls == "ldaps" else slapd.port
    run(
        "addLdapConfiguration", hostname="127.0.0.1", port=str(port), tls=tls,
        domainid=str(domain.uuid), cacertificate=(slapd.folder / "ca.pem").read_text(),
    )  # fmt: skip
    import_all(domain, keyword="ada")
    assert log_in("ada")


@pytest.mark.parametrize("tls", ["starttls", "ldaps"])
def test_a_certificate_of_somebody_unknown_is_refused(domain, slapd, tls):
    port = slapd.tls_port if tls == "ldaps" else slapd.port
    with pytest.raises(ResourceUnavailable):
        run(
            "addLdapConfiguration", hostname="127.0.0.1", port=str(port), tls=tls,
            domainid=str(domain.uuid),
        )  # fmt: skip
    assert not LdapServer.objects.exists()


def test_a_certificate_of_another_name_is_refused(domain, slapd):
    with pytest.raises(ResourceUnavailable):
        run(
            "addLdapConfiguration", hostname="127.0.0.2", port=str(slapd.tls_port), tls="ldaps",
            domainid=str(domain.uuid), cacertificate=(slapd.folder / "ca.pem").read_text(),
        )  # fmt: skip


# -- searching ---------------------------------------------------------------------------


def test_users_are_listed_with_what_conflicts(domain, server):
    make_user("ada", domain=domain)
    found = run("listLdapUsers", domainid=str(domain.uuid)).records
    by_name = {f["username"]: f for f in found}
    assert set(by_name) == {"ada", "bob", "研发", "star*", "gus"}
    assert by_name["ada"]["conflictingusersource"] == "native"
    assert by_name["bob"]["principal"] == f"uid=bob,{PEOPLE}"
    assert by_name["bob"]["email"] == "bob@example.org"
    left = run("listLdapUsers", domainid=str(domain.uuid), userfilter="LocalDomain").records
    assert {f["username"] for f in left} == {"bob", "研发", "star*", "gus"}


def test_lists_come_in_pages(domain, server):
    configuration.set_value("ldap.request.page.size", "2", domain)
    outcome = run("listLdapUsers", domainid=str(domain.uuid), page="2", pagesize="2")
    assert (len(outcome.records), outcome.count) == (2, 5)


@pytest.mark.parametrize("text", ["*", ")(uid=*", "ada)(|(uid=*", "\\2a", "("])
def test_what_is_typed_is_never_a_filter(domain, server, text):
    with connection.opened(domain) as directory:
        assert searching.person(directory, Shape.of(domain), text) is None
        found = searching.people(directory, Shape.of(domain), keyword=text)
        assert {p.username for p in found} <= {"star*"}


@pytest.mark.parametrize("name", ["*", "ada)(uid=*", "*)(|(objectClass=*", "adа"])
def test_nobody_signs_in_by_a_pattern(domain, server, name):
    import_all(domain)
    with pytest.raises(LoginFailed):
        log_in(name)


def test_a_name_with_a_star_is_a_name(domain, server):
    import_all(domain)
    assert log_in("star*").caller.user.username == "star*"


def test_an_attribute_that_is_none_is_refused(domain, server):
    configuration.set_value("ldap.username.attribute", "uid=*)(x", domain)
    with pytest.raises(InvalidParameter, match="no name of LDAP's"):
        run("listLdapUsers", domainid=str(domain.uuid))


# -- importing ---------------------------------------------------------------------------


def test_a_dry_run_shows_who_would_come_and_does_nothing(domain, server):
    found = import_all(domain, dryrun="true", group="devs")
    assert {f["username"] for f in found} == {"ada", "bob"}
    assert not User.objects.filter(domain=domain).exists()


def test_imported_users_sign_in_with_the_directorys_password(domain, server):
    import_all(domain, group=f"cn=devs,{GROUPS}")
    assert {u.source for u in User.objects.filter(domain=domain)} == {"ldap"}
    signed = log_in("ada")
    assert signed.session.source == "ldap"
    assert signed.caller.account.name == "ada"
    for wrong in ("guess", "", HERS + " "):
        with pytest.raises(LoginFailed):
            log_in("ada", wrong)


def test_names_that_are_taken_are_told_and_left_alone(domain, server):
    make_user("ada", domain=domain)
    reasons = {f["username"]: f.get("reason", "") for f in import_all(domain, account="all")}
    assert "user of that name" in reasons["ada"]
    assert not reasons["bob"]
    assert User.objects.get(domain=domain, username="bob").account.name == "all"
    assert User.objects.get(domain=domain, username="ada").has_password(PASSWORD)


def test_an_account_is_made_of_one_user(domain, server):
    made = run("ldapCreateAccount", username="bob", domainid=str(domain.uuid)).record()
    assert made["name"] == "bob"
    assert log_in("bob")
    with pytest.raises(InvalidParameter, match="no user nobody"):
        run("ldapCreateAccount", username="nobody", domainid=str(domain.uuid))


def test_their_passwords_are_not_changed_here(domain, server):
    import_all(domain, keyword="ada")
    user = User.objects.get(domain=domain, username="ada")
    with pytest.raises(InvalidParameter, match="kept elsewhere"):
        run("updateUser", id=str(user.uuid), password="another one")


def test_nobody_gives_a_role_that_is_not_theirs_to_give(domain, server):
    caller = make_caller("DomainAdmin", domain=domain)
    with pytest.raises(Exception, match="role|Role"):
        execute(
            caller, "linkAccountToLdap",
            {"domainid": str(domain.uuid), "account": "x", "ldapdomain": "devs",
             "roleid": str(admin_caller().role.uuid)},
        )  # fmt: skip


# -- links -------------------------------------------------------------------------------


def link(domain, **given):
    about = {"domainid": str(domain.uuid), "type": "GROUP", "accounttype": "0", **given}
    return run("linkDomainToLdap", **about).record()


def test_members_of_a_linked_group_come_in_by_themselves(domain, server):
    linked = link(domain, ldapdomain="devs", admin="bob")
    assert linked["ldapdomain"] == f"cn=devs,{GROUPS}"
    assert Account.objects.get(uuid=linked["accountid"]).name == "bob"
    assert log_in("ada").caller.account.name == "ada"
    for name in ("gus", "nobody"):
        with pytest.raises(LoginFailed):
            log_in(name)
    assert not User.objects.filter(domain=domain, username="gus").exists()


def test_a_wrong_password_makes_nobody(domain, server):
    link(domain, ldapdomain="devs")
    with pytest.raises(LoginFailed):
        log_in("ada", "guess")
    assert not User.objects.filter(domain=domain).exists()


def test_members_of_a_nested_group_count_unless_told_otherwise(domain, server):
    link(domain, ldapdomain="devs")
    configuration.set_value("ldap.nested.groups.enable", "false", domain)
    with pytest.raises(LoginFailed):
        log_in("bob")
    configuration.set_value("ldap.nested.groups.enable", "true", domain)
    assert log_in("bob")


def test_a_unit_is_linked_to_an_account(domain, server):
    execute(
        admin_caller(), "linkAccountToLdap",
        {"domainid": str(domain.uuid), "account": "visitors", "type": "OU",
         "ldapdomain": f"OU=Guests, {PEOPLE}"},
    )  # fmt: skip
    assert log_in("gus").caller.account.name == "visitors"
    with pytest.raises(LoginFailed):
        log_in("ada")


def test_what_the_directory_does_not_have_is_not_linked(domain, server):
    for name in ("nothing", f"cn=nothing,{GROUPS}", "no = name = at all,"):
        with pytest.raises(InvalidParameter):
            link(domain, ldapdomain=name)


def test_who_leaves_the_group_is_shut_out(domain, server, slapd):
    eve = slapd.person("eve", PEOPLE)
    group = slapd.group("staff", GROUPS, eve, f"uid=ada,{PEOPLE}")
    link(domain, ldapdomain="staff")
    token = log_in("eve").token
    assert signing_in.follow_links() == 0
    slapd.put_out(group, eve)
    assert signing_in.follow_links() == 1
    assert User.objects.get(domain=domain, username="eve").state == "disabled"
    assert sessions.find(token) is None
    with pytest.raises(LoginFailed):
        log_in("eve")


def test_one_who_left_is_shut_out_at_the_next_sign_in(domain, server, slapd):
    tim = slapd.person("tim", PEOPLE)
    group = slapd.group("temps", GROUPS, tim, f"uid=ada,{PEOPLE}")
    link(domain, ldapdomain="temps")
    log_in("tim")
    slapd.put_out(group, tim)
    with pytest.raises(LoginFailed):
        log_in("tim", "guess")
    assert User.objects.get(domain=domain, username="tim").state == "enabled"
    with pytest.raises(LoginFailed):
        log_in("tim")
    assert User.objects.get(domain=domain, username="tim").state == "disabled"


# -- gone --------------------------------------------------------------------------------


def test_without_the_directory_local_users_sign_in_and_others_are_told(domain, server, slapd):
    import_all(domain, keyword="ada")
    make_user("local", domain=domain)
    link(domain, ldapdomain="devs")
    slapd.stop()
    try:
        assert log_in("local", PASSWORD)
        with pytest.raises(ResourceUnavailable, match="does not answer") as refused:
            log_in("ada")
        assert "127.0.0.1" not in refused.value.message
        assert signing_in.follow_links() == 0
    finally:
        slapd.start()
    assert log_in("ada")


def test_one_that_never_answers_is_given_up(domain, slapd):
    configuration.set_value("ldap.read.timeout", "300", domain)
    silent = socket.create_server(("127.0.0.1", 0))
    held = []
    threading.Thread(target=lambda: held.append(silent.accept()), daemon=True).start()
    for port in (silent.getsockname()[1], slapd.port):
        LdapServer.objects.create(hostname="127.0.0.1", port=port, domain=domain)
    began = time.monotonic()
    with connection.opened(domain) as directory:  # the second of the two
        assert searching.person(directory, Shape.of(domain), "ada")
    assert time.monotonic() - began < 3
    silent.close()


def test_the_nearest_domains_servers_count(domain, server):
    below = make_domain("team", domain)
    assert connection.servers_for(below) == [server]
    assert connection.servers_for(make_domain("elsewhere")) == []
