"""The console of a real machine: its boot on the screen, typing, the serial line, tickets."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import threading
import time
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, TimeoutError, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import serve

from tests.browser.conftest import Person
from tests.browser.real import RealPortal
from tests.browser.test_accessibility import violations
from tests.browser.test_journeys import make_tenant
from tests.integration.conftest import guest_image  # noqa: F401  (a fixture)
from tests.integration.portal import PASSWORD, LabHost, wait_until

pytestmark = pytest.mark.libvirt

WHO = ("张伟", PASSWORD, "研发中心")

#: How many pixels of the screen are lit, and a number that changes with any of them.
LOOK = """() => {
  const canvas = document.querySelector("#screen canvas");
  if (!canvas || !canvas.width) return [0, 0];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let lit = 0, sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] + data[i + 1] + data[i + 2] > 300) { lit += 1; sum = (sum * 31 + i) | 0; }
  }
  return [lit, sum];
}"""


@pytest.fixture(scope="module")
def portal(guest_image):  # noqa: F811
    if os.geteuid() != 0:
        pytest.skip("a host of the tests' own needs root")
    host = LabHost("cpbr")
    host("down")  # what a killed run left
    host("up", "1")
    made = RealPortal(host, guest_image.folder)
    made.start()
    yield made
    made.stop()
    made.tunnel.close()
    host("down")


@pytest.fixture(scope="module")
def pictures(guest_image):  # noqa: F811
    folder = guest_image.folder.parent / "test" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def machine(portal, chromium, pictures):
    """A tenant with Chinese names, made in the pages, and its machine, made in the wizard."""
    administrators = chromium.new_context(locale="en-GB")
    admin = Person(administrators, portal).sign_in()
    make_tenant(admin, portal.url, domain=WHO[2], account="平台组", user=WHO[0])
    administrators.close()

    tenants = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 860})
    page = Person(tenants, portal).sign_in(*WHO)
    page.goto(f"{portal.url}/instances/new")
    page.locator(".choice", has_text="Tiny Linux").click()
    page.locator(".choice", has_text="Tiny Instance").click()
    page.fill("[name=name]", "web-1")
    page.locator(".create button").click()
    page.wait_for_url(re.compile(r"/instances/[0-9a-f-]{36}$"))
    uuid = page.url.rsplit("/", 1)[1]
    page.screenshot(path=pictures / "starting.png")
    expect(page.locator("#detail .what .pill")).to_have_text("Running", timeout=60_000)
    yield SimpleNamespace(uuid=uuid, console=f"/console/{uuid}")
    tenants.close()


@pytest.fixture
def tenant(window, machine):
    person = window(width=1280)
    person.sign_in(*WHO)
    return person


def connected(page: Page, timeout_s: float = 20) -> None:
    page.wait_for_selector("body[data-state=connected]", timeout=timeout_s * 1000)


def something_is_shown(page: Page) -> None:
    wait_until(lambda: page.evaluate(LOOK)[0] > 500, "something on the screen", 30)


def the_screen_differs_from(page: Page, before: list[int]) -> None:
    # Not wait_for_function: it would evaluate text in the page, which its policy forbids.
    wait_until(lambda: page.evaluate(LOOK)[1] != before[1], "another picture on the screen", 20)


def type_in_screen(page: Page, text: str) -> None:
    """As fingers do: Shift is a key too, and a guest needs a moment for each."""
    for character in text:
        shifted = character.isupper() or character in '~!@#$%^&*()_+{}|:"<>?'
        page.keyboard.press(f"Shift+{character}" if shifted else character, delay=20)
    page.keyboard.press("Enter")


def test_the_boot_is_seen_and_typing_is_answered(portal, machine, tenant, pictures):
    page = tenant.go(machine.console)
    connected(page)
    looks = set()
    wait_until(
        lambda: looks.add(tuple(page.evaluate(LOOK))) or len({s for n, s in looks if n > 500}) > 2,
        "boot text that moves",
        90,
    )
    page.screenshot(path=pictures / "booting.png")
    # A shell on the serial line; that of the screen, of which nothing can be read, comes with it.
    wait_until(lambda: "root@web-1" in portal.serial_log(machine.uuid), "the guest", 120)
    time.sleep(3)
    before = page.evaluate(LOOK)
    page.locator("#screen canvas").click()
    type_in_screen(page, "uname -a; echo Typed $((6*7)) | tee /dev/ttyS0")
    wait_until(lambda: "Typed 42" in portal.serial_log(machine.uuid), "the answer of the shell")
    the_screen_differs_from(page, before)
    page.screenshot(path=pictures / "console.png")


def test_pasted_text_is_typed_with_its_capitals_and_signs(portal, machine, tenant):
    page = tenant.go(machine.console)
    connected(page)
    signs = "Az 09 ~!@#$%^&*()_+{}|:\"<>?[]\\;,./`-="
    page.locator("[popovertarget=paste]").click()
    page.fill("#paste-text", f"cat > /dev/ttyS0 <<'E'\n[{signs}]\nE\n文\n")
    page.locator("[data-do=type]").click()
    wait_until(lambda: f"[{signs}]" in portal.serial_log(machine.uuid), "what was pasted")
    expect(page.locator("#problem")).to_contain_text("文")


def test_the_picture_of_the_screen_can_be_kept(machine, tenant):
    page = tenant.go(machine.console)
    connected(page)
    something_is_shown(page)
    with page.expect_download() as download:
        page.locator("[data-do=shot]").click()
    assert download.value.suggested_filename.startswith("web-1 ")
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_the_serial_line_answers_too(machine, tenant, pictures):
    page = tenant.go(machine.console)
    connected(page)
    page.locator("[data-show=serial]").click()
    expect(page.locator("#terminal")).to_be_visible()
    connected(page)
    page.locator("#terminal").click()
    page.keyboard.type("\necho Serial $((7*8)) $USER\n", delay=20)
    expect(page.locator(".xterm-rows")).to_contain_text("Serial 56 root", timeout=20_000)
    page.screenshot(path=pictures / "serial.png")


# -- tickets -------------------------------------------------------------------------------


def new_ticket(page: Page) -> str:
    """The path of a WebSocket, as the console's own page asks for it."""
    return page.evaluate(
        """async () => {
          const body = new FormData(document.getElementById("csrf"));
          const reply = await fetch(location.pathname + "/ticket", { method: "POST", body });
          return (await reply.json()).path;
        }"""
    )


def cookie_of(page: Page) -> str:
    kept = {c["name"]: c["value"] for c in page.context.cookies()}
    return f"JSESSIONID={kept['JSESSIONID']}"


def answer(portal, path: str, cookie: str, origin: str = "") -> int:
    """101 and VNC's greeting, or the status of the refusal."""
    url = portal.url.replace("http", "ws") + path
    headers = {"Cookie": cookie} if cookie else {}
    try:
        with connect(
            url, origin=origin or portal.url, additional_headers=headers, subprotocols=["binary"]
        ) as line:
            assert line.recv(10) == b"RFB 003.008\n"
            return 101
    except InvalidStatus as refusal:
        return refusal.response.status_code


def test_a_ticket_opens_once_in_time_for_its_user_from_our_pages(portal, machine, tenant, window):
    page = tenant.go(machine.console)
    connected(page)
    own = cookie_of(page)
    administrator = window()
    administrator.sign_in()

    path = new_ticket(page)
    assert answer(portal, path, cookie_of(administrator.page)) == 403, "another user"
    assert answer(portal, path, "") == 403, "nobody"
    assert answer(portal, path, own, origin="http://evil.example") == 403, "another origin"
    assert answer(portal, path, own) == 101
    assert answer(portal, path, own) == 403, "a second time"

    path = new_ticket(page)
    portal.python(
        "from datetime import timedelta; from django.utils import timezone; "
        "from consoleproxy.models import ConsoleSession as C; "
        "C.objects.filter(acquired=None).update(expires=timezone.now() - timedelta(seconds=1))"
    )
    assert answer(portal, path, own) == 403, "late"
    assert "/console/ws/" not in portal.log.read_text(), "tickets have no place in logs"


# -- interruptions -------------------------------------------------------------------------


def test_a_cut_line_and_a_restarted_portal_are_survived(portal, machine, tenant):
    page = tenant.go(machine.console)
    connected(page)
    sockets = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    assert portal.tunnel.cut() > 0
    page.wait_for_selector("body[data-state=lost]")
    connected(page)
    portal.stop()
    page.wait_for_selector("body[data-state=lost]")
    portal.start()
    connected(page, 40)
    consoles = [url for url in sockets if "/console/ws/" in url]
    assert len(consoles) >= 2
    assert len(set(consoles)) == len(consoles), "each time a fresh ticket"
    something_is_shown(page)
    expect(page.locator("#problem")).to_be_hidden()
    tenant.faults[:] = [f for f in tenant.faults if "ERR_" not in f and "WebSocket" not in f]


def test_an_administrator_ends_a_session_and_it_stays_ended(portal, machine, tenant, window):
    page = tenant.go(machine.console)
    connected(page)
    administrator = window()
    administrator.sign_in()
    admins = administrator.go("/consolesessions")
    row = admins.locator("tbody tr", has_text="web-1").filter(has_text="张伟").first
    row.get_by_role("checkbox").check()
    admins.get_by_role("button", name="End").first.click()
    admins.locator("dialog[open], #drawer").get_by_role("button", name=re.compile("^End")).click()
    page.wait_for_selector("body[data-state=ended]", timeout=5_000)
    time.sleep(2)
    assert page.get_attribute("body", "data-state") == "ended", "it must not come back by itself"
    page.locator("[data-do=again]").click()
    connected(page)


def test_signing_out_closes_the_console(machine, tenant):
    page = tenant.go(machine.console)
    connected(page)
    other = page.context.new_page()
    other.goto(tenant.portal.url)
    other.evaluate("document.querySelector('form[action=\"/signout\"]').submit()")
    page.wait_for_selector("body[data-state=ended]", timeout=5_000)
    page.locator("[data-do=again]").click()
    page.wait_for_url(re.compile("/signin"))


# -- the pages around it -------------------------------------------------------------------


def test_a_row_shows_the_steps_and_ends_running_without_a_reload(portal, machine, tenant, window):
    page = tenant.go(f"/instances/{machine.uuid}")
    address = page.locator("#detail", has_text="IP address").locator("code", has_text="10.77.")
    expect(address.first).to_be_visible()
    watcher = window(width=1280)
    watcher.sign_in(*WHO)
    listed = watcher.go("/instances")
    listed.evaluate("window.neverReloaded = true")
    row = listed.locator("tbody tr", has_text="web-1")
    expect(row).to_contain_text(address.first.inner_text())

    act(page, "Stop")
    expect(row.locator(".pill")).to_have_text("Stopping")
    expect(row.locator(".pill")).to_have_text("Stopped", timeout=90_000)
    # A step of a start takes tenths of a second: what the row said in between is noted there.
    listed.evaluate(
        """() => {
          window.said = new Set();
          const note = () => window.said.add(document.querySelector("tbody").innerText);
          new MutationObserver(note).observe(document.body,
            { subtree: true, childList: true, characterData: true });
        }"""
    )
    act(page, "Start")
    expect(row.locator(".pill")).to_have_text("Running", timeout=60_000)
    said = " ".join(listed.evaluate("[...window.said]"))
    assert "Starting" in said
    assert re.search(r"\d/\d", said), f"no step was shown: {said}"
    expect(page.locator("#detail .what .pill")).to_have_text("Running")
    assert listed.evaluate("window.neverReloaded"), "the list was loaded again"


def act(page: Page, label: str) -> None:
    page.get_by_role("button", name="Actions").click()
    page.locator(".menu:popover-open .item", has_text=re.compile(f"^\\s*{label}\\s*$")).click()
    sure = page.locator("#drawer footer button")
    with contextlib.suppress(TimeoutError):
        sure.click(timeout=2_000)


@pytest.mark.parametrize("language, width", [("en-GB", 1280), ("zh-CN", 390)])
def test_the_console_is_accessible_and_fits(portal, machine, window, pictures, language, width):
    person = window(width=width, language=language)
    page = person.sign_in(*WHO)
    person.go(machine.console)
    connected(page)
    something_is_shown(page)
    page.locator("[popovertarget=paste]").click()
    page.screenshot(path=pictures / f"console-{language}-{width}.png")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("[data-show=serial]").click()
    connected(page)
    assert violations(page) == []
    over = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(over) <= 0


HOSTILE = "<img src=x onerror=window.harm=1><script>window.harm=1</script>&lt;b&gt;"


def test_a_hostile_screen_does_no_harm_and_the_policy_holds(portal, machine, tenant):
    """The screen's name is the hypervisor's to choose, its clipboard the guest's (R17)."""
    with serve(hostile_screen, "127.0.0.1", 0, subprotocols=["binary"]) as screen:
        threading.Thread(target=screen.serve_forever, daemon=True).start()
        portal.tunnel.consoles = screen.socket.getsockname()
        page = tenant.page
        reply = page.goto(portal.url + machine.console)
        policy = reply.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "*" not in policy
        connected(page)
        page.locator("[popovertarget=paste]").click()
        expect(page.locator("#clip-in")).to_contain_text(HOSTILE)
        assert page.evaluate("window.harm") is None
        assert "img" not in page.title()
        assert page.locator("img").count() == 0
        page.goto("about:blank")
    portal.tunnel.consoles = None


def hostile_screen(line) -> None:
    """The server's half of VNC (RFC 6143, 7.1 to 7.3), with everything a name can hold."""
    name = HOSTILE.encode()
    line.send(b"RFB 003.008\n")
    line.recv()
    line.send(bytes([1, 1]))  # one way in: without a password
    line.recv()
    line.send(bytes(4))
    line.recv()
    line.send(
        struct.pack("!HH", 8, 8)
        + struct.pack("!BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
        + struct.pack("!I", len(name))
        + name
    )
    line.send(struct.pack("!B3xI", 3, len(name)) + name)  # what the guest cut
    for _ in line:
        pass
