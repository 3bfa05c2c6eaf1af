"""English and Chinese: every text has a translation, and a sentence with things in it is said
whole in the reader's language."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from frontend import catalogue, po, texts

CATALOGUE = Path(settings.BASE_DIR) / "frontend/locale/zh_Hans/LC_MESSAGES/django.po"
_HOLE = re.compile(r"%\(\w+\)[-+.\d]*[a-z]|\{\d+\}|%%")


@pytest.fixture(scope="module")
def messages():
    return po.read(CATALOGUE)


def test_every_text_of_the_pages_is_in_the_catalogue_and_translated(messages):
    wanted = catalogue.every()
    missing = [
        entry for entry in wanted
        if (entry[0], entry[1]) not in messages or not messages[entry[0], entry[1]].is_done
    ]  # fmt: skip
    assert missing == [], "run “manage.py texts” and translate what it lists"


def test_the_catalogue_holds_nothing_that_is_not_used(messages):
    used = {(context, text) for context, text, _plural in catalogue.every()}
    assert set(messages) - used == set()


def test_a_translation_fills_in_what_the_text_fills_in(messages):
    wrong = []
    for message in messages.values():
        wanted = set(_HOLE.findall(message.plural or message.text))
        for text in message.texts:
            if text and set(_HOLE.findall(text)) != wanted:
                wrong.append((message.text, text))
    assert wrong == []


def test_sentences_are_chinese(messages):
    """A text of several words that has no Chinese character in it was not translated, unless
    it is a list of names or a line for a program."""
    left = [
        m.text for m in messages.values()
        if m.is_done and len(m.text.split()) > 2 and not re.search("[一-鿿]", m.texts[0])
    ]  # fmt: skip
    names = ("API, cs", "tags[0]", "featured, self", "apt install", "MANUAL, HOURLY")
    assert [text for text in left if not text.startswith(names)] == []


def test_punctuation_between_chinese_characters_is_full_width(messages):
    wrong = [t for m in messages.values() for t in m.texts if re.search("[一-鿿][,;:?!]", t)]
    assert wrong == []


def test_the_terms_are_the_established_ones(messages):
    terms = {
        "Zone": "区域", "Pod": "提供点", "Cluster": "集群", "Host": "主机",
        "Primary storage": "主存储", "Secondary storage": "二级存储", "Template": "模板",
        "Service offering": "计算方案", "Disk offering": "磁盘方案", "Volume": "卷",
        "Snapshot": "快照", "Instance": "实例", "Domain": "域", "Account": "账户",
        "Global settings": "全局设置", "Overview": "控制板",
    }  # fmt: skip
    assert {k: messages[None, k].texts[0] for k in terms} == terms


def test_a_refusal_is_said_in_chinese_with_its_names():
    with translation.override("zh-hans"):
        said = texts.say("default.page.size must be at least 1.")
        assert "default.page.size" in said
        assert re.search("[一-鿿]", said)
    assert texts.say("default.page.size must be at least 1.").startswith("default")


def test_of_two_readings_of_a_sentence_the_fuller_is_taken():
    with translation.override("zh-hans"):
        said = texts.say("Host host-9 is Down: It has been silent too long.")
    assert "Down" not in said
    assert "host-9" in said


def test_what_happened_and_why_are_both_said():
    with translation.override("zh-hans"):
        said = texts.say("Host h4 does not answer: Simulated host h4 does not answer (mock 1).")
    assert not re.search(r"[A-Za-z]{2,}", said.replace("h4", "")), said


def test_hosts_that_refused_a_machine_are_counted_in_chinese():
    with translation.override("zh-hans"):
        said = texts.say("Fits on 1 of 3 hosts; 2 refused: 1 storage tag, 1 full cluster.")
    assert not re.search("[A-Za-z]", said), said


def test_an_unknown_sentence_stays_as_it_is():
    with translation.override("zh-hans"):
        assert texts.say("Colourless green ideas sleep.") == "Colourless green ideas sleep."


def test_a_machine_named_like_a_word_of_ours_keeps_its_name():
    with translation.override("zh-hans"):
        said = texts.say("Virtual machine Volume is Stopped; start it to see its console.")
    assert "Volume" in said
    assert "已停止" in said


def test_a_step_without_a_label_is_called_as_its_function_is():
    assert ("said", "mark taken") in {entry[:2] for entry in catalogue.every()}


def test_what_fills_a_refusal_is_said_too():
    with translation.override("zh-hans"):
        said = texts.say("Virtual machine web-1 is Stopped; it cannot stop now.")
        assert "web-1" in said
        assert not re.search(r"[A-Za-z]{2,}", said.replace("web-1", ""))
        more = texts.say(
            "Account dev has a limit of 40 on CPU cores: 6 in use, 64 more asked for. Free some, "
            "or ask an administrator for a higher limit."
        )
        assert "账户 dev" in more, more


@pytest.mark.parametrize(
    ("sentence", "chinese"),
    [
        ("There is already a zone named z-1; choose another name.",
         "已有名为 z-1 的区域；请换一个名称。"),
        ("User ada is Enabled.", "用户 ada 的状态为已启用。"),
        ("Zone z is dedicated to account dev of domain ROOT/a already; release it first.",
         "区域 z 已专用于域 ROOT/a 的账户 dev；请先释放。"),
        ("Host h1 runs 4 machines: a, b. Stop them, or stop and start those that fit elsewhere on "
         "another host, first.",
         "主机 h1 运行着 4 个实例：a, b。请先停止它们，或把能放到别处的停止后在其他主机上启动。"),
    ],
)  # fmt: skip
def test_blanks_stand_between_chinese_and_latin_only(sentence, chinese):
    with translation.override("zh-hans"):
        assert texts.say(sentence) == chinese
        assert texts.spaced("还没有ISO") == "还没有 ISO"
        assert texts.titled("释放", "h-1") == "释放：h-1"
        assert texts.called("gateway 不是 IP 地址。", "gateway", "网关") == "网关不是 IP 地址。"
    assert texts.titled("Release", "h-1") == "Release: h-1"
    assert texts.called("gateway is no address.", "gateway", "Gateway") == "Gateway is no address."
