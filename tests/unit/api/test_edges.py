"""The other ways in: integration port, shell, OpenAPI, discovery."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import Client

from accounts.models import Domain
from api import openapi, replies, results, tables, wire
from api.dispatch import Visitor, execute, find
from api.integration import application
from core.commands import COMMANDS
from core.errors import CloudError, UnavailableCommand
from core.responses import SUCCESS
from core.steps import Plan, Step, plan
from jobs import worker
from jobs.models import AsyncJob, JobStatus
from tests import factories

# -- integration port --------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _connections_stay():
    """A request ends its thread's connections, which here is the test's own transaction."""
    request_started.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)


def ask(
    query: str, *, method: str = "GET", body: bytes = b"", **headers: str
) -> tuple[int, dict]:
    told: list = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": "/anything/at/all", "QUERY_STRING": query,
        "SERVER_NAME": "localhost", "SERVER_PORT": "8096", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(),
        **headers,
    }  # fmt: skip
    response = application(environ, lambda status, headers: told.append((status, headers)))
    content = b"".join(response)
    assert dict(told[0][1])["Content-Type"].startswith("application/json")
    return int(told[0][0][:3]), json.loads(content)


@pytest.mark.django_db
def test_the_integration_port_acts_as_the_portal_itself():
    status, reply = ask("command=listUsers&response=json&listall=true")
    assert status == 200
    assert {"admin"} <= {u["username"] for u in reply["listusersresponse"]["user"]}


@pytest.mark.django_db
def test_the_integration_port_reads_the_url_only():
    status, reply = ask("response=json", method="POST", body=b"command=listUsers")
    assert (status, list(reply)) == (432, ["errorresponse"])


@pytest.mark.parametrize(
    "headers",
    [{"HTTP_ORIGIN": "http://evil.example"}, {"HTTP_ORIGIN": "null"},
     {"HTTP_SEC_FETCH_SITE": "cross-site"}, {"HTTP_REFERER": "http://evil.example/"},
     {"HTTP_HOST": "evil.example:8096"}],
)  # fmt: skip
@pytest.mark.django_db
def test_the_integration_port_answers_no_browser(headers):
    """Whatever page an administrator looks at could else rule the cloud by an image's address."""
    status, _ = ask("command=createDomain&name=by-page&response=json", **headers)
    assert status == 401
    assert not Domain.objects.filter(name="by-page").exists()


@pytest.mark.parametrize("host", ["127.0.0.1:8096", "localhost:8096", "[::1]:8096", "10.1.2.3"])
@pytest.mark.django_db
def test_the_integration_port_is_asked_by_address(host):
    assert ask("command=listZones&response=json", HTTP_HOST=host)[0] == 200


@pytest.mark.django_db
def test_the_integration_port_changes_things_by_get():
    status, _ = ask("command=createDomain&name=by-port&response=json")
    assert status == 200
    assert Domain.objects.filter(name="by-port").exists()


@pytest.mark.django_db
def test_unknown_commands_at_the_integration_port_are_432():
    assert ask("command=makeCoffee&response=json")[0] == 432


# -- manage.py api -----------------------------------------------------------------------


def shell(*words: str) -> str:
    out = io.StringIO()
    call_command("api", *words, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_shell_prints_the_reply_as_json():
    reply = json.loads(shell("listusers", "listall=true"))
    assert reply["count"] == len(reply["user"])


@pytest.mark.django_db
def test_the_shell_draws_tables():
    text = shell("listUsers", "listall=true", "--columns", "username,account")
    lines = text.splitlines()
    assert lines[0].split() == ["username", "account"]
    assert ["admin", "admin"] in [line.split() for line in lines]
    assert shell("listUsers", "username=nobody", "--table").startswith("(nothing)")
    assert "cloudstackversion" in shell("listCapabilities", "--table")


@pytest.mark.django_db
def test_the_shell_acts_as_whom_it_is_told():
    user = factories.make_user(domain=factories.make_domain("研发"))
    reply = json.loads(shell("listUsers", "listall=true", "--as", f"{user.username}@研发"))
    assert [u["username"] for u in reply["user"]] == [user.username]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words, said",
    [
        (["makeCoffee"], "does not exist"),
        (["listUsers", "nonsense"], "name=value"),
        (["listUsers", "--as", "nobody@nowhere"], "no user"),
        (["deleteUser"], "missing parameter id"),
    ],
)
def test_the_shell_says_what_is_wrong(words, said):
    with pytest.raises(CommandError, match=said):
        shell(*words)


def test_tables_keep_their_columns_in_any_script_and_tame_what_guests_write():
    drawn = tables.table(
        [{"name": "机器", "state": "Running"}, {"name": "evil\x1b[2J", "state": "x"}],
        ["name", "state"],
    ).splitlines()
    assert drawn[2] == "机器" + " " * 6 + "Running"  # each of the two is two columns wide
    assert drawn[3] == "evil [2J  x"


# -- jobs through the edges --------------------------------------------------------------

_happened: list[str] = []


def note_it(domain):
    _happened.append(domain.name)


def fail_it(domain):
    raise CloudError("The stone broke.", details=[{"host": "h", "reason": "r"}])


@plan()
def carve(domain, *, fails: bool = False) -> list[Step]:
    return [Step(fail_it if fails else note_it)]


@pytest.fixture
def carving(monkeypatch):
    """createDomain's answer as a job that carves the domain into stone."""
    wanted = {"fails": False}
    command = COMMANDS["createDomain"]

    def run(caller, **arguments):
        made = command.function(caller, **arguments)
        return Plan(carve, made, dict(wanted), secrets={"pin": "1234"})

    patched = type(command)(**{
        **{f: getattr(command, f) for f in command.__dataclass_fields__},
        "function": run, "is_async": True,
    })  # fmt: skip
    run.__signature__ = __import__("inspect").signature(command.function)
    monkeypatch.setitem(COMMANDS, "createDomain", patched)
    return wanted


@pytest.mark.django_db
def test_a_plan_is_answered_with_a_job_that_comes_to_the_thing(carving):
    caller = factories.admin_caller()
    reply = replies.of(execute(caller, "createDomain", {"name": "carved"}))
    started = reply["createdomainresponse"]
    assert set(started) == {"jobid"}
    pending = replies.of(execute(caller, "queryAsyncJobResult", {"jobid": str(started["jobid"])}))
    assert pending["queryasyncjobresultresponse"]["jobstatus"] == 0
    assert "jobresult" not in pending["queryasyncjobresultresponse"]

    worker.run_everything()
    done = replies.of(execute(caller, "queryAsyncJobResult", {"jobid": str(started["jobid"])}))
    body = done["queryasyncjobresultresponse"]
    assert (body["jobstatus"], body["jobresultcode"], body["jobprocstatus"]) == (1, 0, 0)
    assert body["jobresulttype"] == "object"
    assert body["jobresult"]["domain"]["name"] == "carved"
    assert "1234" not in repr(done)
    listed = replies.of(execute(caller, "listAsyncJobs", {}))["listasyncjobsresponse"]
    assert listed["asyncjobs"][0]["jobresult"]["domain"]["name"] == "carved"


@pytest.mark.django_db
def test_a_failed_job_answers_200_with_code_text_and_the_table(carving):
    carving["fails"] = True
    caller = factories.admin_caller()
    reply = replies.of(execute(caller, "createDomain", {"name": "broken"}))
    jobid = str(reply["createdomainresponse"]["jobid"])
    worker.run_everything()
    body = replies.of(execute(caller, "queryAsyncJobResult", {"jobid": jobid}))
    body = body["queryasyncjobresultresponse"]
    assert (body["jobstatus"], body["jobresultcode"]) == (2, 530)
    assert body["jobresult"] == {
        "errorcode": 530,
        "errortext": "The stone broke.",
        "details": [{"host": "h", "reason": "r"}],
    }


@pytest.mark.django_db
def test_somebody_elses_job_is_not_there(carving):
    reply = replies.of(execute(factories.admin_caller(), "createDomain", {"name": "mine"}))
    jobid = str(reply["createdomainresponse"]["jobid"])
    stranger = factories.make_caller("DomainAdmin", domain=factories.make_domain())
    with pytest.raises(CloudError, match="entity does not exist"):
        execute(stranger, "queryAsyncJobResult", {"jobid": jobid})


@pytest.mark.django_db
def test_where_no_job_is_needed_clients_get_one_that_has_ended():
    name = next(
        n for n, c in COMMANDS.items()
        if wire.shape(n).is_async and not c.is_async and n == "updateNetwork"
    )  # fmt: skip
    network = factories.make_network()
    caller = factories.admin_caller()
    outcome = execute(caller, name, {"id": str(network.uuid), "name": "renamed"})
    assert replies.of(outcome) == {"updatenetworkresponse": {"jobid": outcome.job.uuid}}
    job = AsyncJob.objects.get(uuid=outcome.job.uuid)
    assert job.status == JobStatus.DONE
    result = results.of_jobs([job], caller)[str(job.uuid)]
    assert result["network"]["name"] == "renamed"


# -- discovery ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_list_apis_shows_what_the_caller_may_use():
    def shown(caller, **given):
        found = execute(caller, "listApis", given)
        return {record["name"]: record for record in found.records}

    admin, user = shown(factories.admin_caller()), shown(factories.make_caller("User"))
    assert set(admin) == set(COMMANDS)
    assert set(user) < set(admin)
    assert "createZone" not in user
    for name in user:
        find(factories.make_caller("User"), name)
    deploy = admin["deployVirtualMachine"]
    assert deploy["isasync"] is True
    zone = next(p for p in deploy["params"] if p["name"] == "zoneid")
    assert (zone["type"], zone["required"]) == ("uuid", True)
    assert "listZones" in zone["related"].split(",")
    assert "nic" in {f["name"] for f in deploy["response"]}
    assert list(shown(factories.admin_caller(), name="listZones")) == ["listZones"]


@pytest.mark.django_db
def test_list_apis_asks_the_database_no_more_for_more_commands(django_assert_max_num_queries):
    caller = factories.make_caller("User")
    with django_assert_max_num_queries(2):
        execute(caller, "listApis", {})


def test_every_command_has_a_sentence_and_every_parameter_a_word():
    for name, command in COMMANDS.items():
        assert command.help.strip().endswith((".", ")")), name
        assert all(p.help for p in command.params), name


def test_the_openapi_document_holds_every_command_and_only_known_shapes():
    document = openapi.build()
    operations = [op for path in document["paths"].values() for op in path.values()]
    assert {op["operationId"] for op in operations} == set(COMMANDS)
    shapes = document["components"]["schemas"]
    text = json.dumps(document)
    used = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used <= set(shapes)
    listed = document["paths"]["/client/api/listZones"]["get"]
    names = {p["name"] for p in listed["parameters"]}
    assert {"id", "page", "pagesize", "keyword"} <= names
    login = document["paths"]["/client/api/login"]["post"]
    assert login["security"] == []


@pytest.mark.django_db
def test_the_openapi_document_is_served_to_anybody_and_by_get_only():
    response = Client().get("/client/api/openapi.json")
    assert response.json()["openapi"].startswith("3.1")
    assert Client().post("/client/api/openapi.json").status_code == 405


# -- shapes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, envelope, key",
    [
        ("listZones", "listzonesresponse", "zone"),
        ("restoreVirtualMachine", "restorevmresponse", "virtualmachine"),
        ("addIpToNic", "addiptovmnicresponse", "nicsecondaryip"),
        ("updateVMAffinityGroup", "updatevirtualmachineresponse", "virtualmachine"),
        ("createSSHKeyPair", "createsshkeypairresponse", "keypair"),
        ("listSSHKeyPairs", "listsshkeypairsresponse", "sshkeypair"),
        ("queryAsyncJobResult", "queryasyncjobresultresponse", ""),
        ("checkHost", "checkhostresponse", "preflight"),
    ],
)
def test_envelopes_and_keys_are_cloudstacks(name, envelope, key):
    shape = wire.shape(name)
    assert shape.envelope == envelope
    if name in wire.reference()["commands"]:
        assert shape.key == key


def test_every_answer_has_a_place_in_its_reply():
    """A command that shows something needs a key to show it under, or a flat reply."""
    flat = {n for n, c in COMMANDS.items() if not wire.shape(n).key and c.response
            and c.response is not SUCCESS and not c.listing}  # fmt: skip
    in_reference = wire.reference()["commands"]
    odd = {n for n in flat if n in in_reference and in_reference[n]["object"] != "SuccessResponse"}
    assert odd <= {
        "acquirePodIpAddress", "configureSimulator", "getSPMetadata", "login", "logout",
        "oauthlogin", "queryAsyncJobResult", "querySimulatorMock",
    }  # fmt: skip


def test_a_visitor_may_log_in_and_nothing_else():
    assert find(Visitor(), "login").name == "login"
    for name, command in COMMANDS.items():
        if not command.anonymous:
            with pytest.raises(UnavailableCommand):
                find(Visitor(), name)
