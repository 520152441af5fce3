"""The pages in other languages: everything they say is translated, and nothing is said past the translations."""

import json
import re
from pathlib import Path

import polib
import pytest

from diagnose import messages, translations

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").glob("*.html"))
# What is the same in every language, or stands where no language is known yet.
NAMES = {
    "Diagnose",
    "JSON",
    "CSV",
    "Markdown",
    "HTML",
    "SVG",
    "UTC",
    "PNG",
    "netns",
    "flamegraph",
    "tool",
    "pprof",
    "speedscope",
    "p99",
}
WITHOUT_LANGUAGE = {"500.html", "report_file.html"}
_BLOCK = r"{%\s*blocktranslate.*?{%\s*endblocktranslate\s*%}|{%\s*comment.*?endcomment\s*%}|{#.*?#}"
_LITERAL = r"<(script|style|code|kbd|pre|svg|template)\b.*?</\1>"
_CODE = r"{%.*?%}|{{.*?}}"
_TAG = r'<!--.*?-->|</?[a-zA-Z!](?:"[^"]*"|[^<>"])*>|&\w+;'


def file_of(name):
    return polib.pofile(str(translations.SOURCES / name))


def said(name):
    return messages.of_scripts() if name.endswith(".js.po") else messages.everything()


@pytest.mark.parametrize("name", ["zh_Hans.po", "zh_Hans.js.po"])
def test_everything_the_pages_say_is_translated(name):
    known = {(entry.msgid, entry.msgid_plural) for entry in file_of(name) if entry.translated()}
    missing = [message.one for message in sorted(said(name)) if tuple(message) not in known]
    assert not missing, "run `manage.py messages`, and translate what it tells"


@pytest.mark.parametrize("name", ["zh_Hans.po", "zh_Hans.js.po"])
def test_a_translation_has_the_values_of_its_message_and_nothing_is_left_over(name):
    now = {tuple(message) for message in said(name)}
    for entry in file_of(name):
        assert (entry.msgid, entry.msgid_plural) in now, f"nobody says {entry.msgid!r} any more"
        given = set(re.findall(r"%\(\w+\)s", entry.msgid + entry.msgid_plural))
        for text in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
            assert set(re.findall(r"%\(\w+\)s", text)) <= given, entry.msgid
            assert set(re.findall(r"<\w+", text)) == set(re.findall(r"<\w+", entry.msgid)), entry.msgid


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_past_the_translations(path):
    if path.name in WITHOUT_LANGUAGE:
        return
    text = path.read_text()
    for pattern in (_BLOCK, _LITERAL, _CODE, _TAG):
        text = re.sub(pattern, " ", text, flags=re.S)
    assert not {word for word in re.findall(r"[A-Za-z]{3,}\d*", text) if word not in NAMES}


def test_a_page_comes_in_the_language_that_the_browser_asks_for(client, viewer, data_dir):
    client.force_login(viewer)
    page = client.get("/", headers={"accept-language": "zh-CN,zh;q=0.9"}).content.decode()
    assert '<html lang="zh-hans">' in page
    assert "等待第一台主机" in page
    assert 'src="/words.js?language=zh-hans"' in page
    words = client.get("/words.js", headers={"accept-language": "zh-CN"}).content.decode()
    assert json.dumps("无法连接服务器")[1:-1] in words


def test_the_language_that_is_chosen_stays(client, viewer, data_dir):
    client.force_login(viewer)
    answer = client.post("/language", {"language": "zh-hans", "next": "/hosts"})
    assert answer.url == "/hosts"
    assert "主机" in client.get("/hosts").content.decode()
    client.post("/language", {"language": "en", "next": "//elsewhere.example/"})
    assert "Hosts" in client.get("/hosts", headers={"accept-language": "zh-CN"}).content.decode()


def test_translations_are_compiled_anew_when_they_change(tmp_path):
    sources, target = tmp_path / "locale", tmp_path / "compiled"
    sources.mkdir()
    (sources / "zh_Hans.po").write_text((translations.SOURCES / "zh_Hans.po").read_text())
    translations.compile_all(target, sources)
    compiled = target / "zh_Hans" / "LC_MESSAGES" / "django.mo"
    first = compiled.stat().st_mtime_ns
    translations.compile_all(target, sources)
    assert compiled.stat().st_mtime_ns == first
    assert polib.mofile(str(compiled)).find("Hosts").msgstr == "主机"
