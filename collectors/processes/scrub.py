"""Secrets out of command lines and settings before they leave the host: the shape stays, the value becomes `***`.

Better one word too many than a password: what follows a name that sounds like a secret goes, and so does what looks
like a key, wherever it stands.
"""

from __future__ import annotations

import re

HIDDEN = "***"
_CODE = {"-c", "-e", "--eval", "-lc", "-ec"}
MOST_WORDS = 64
MOST_CHARACTERS = 1024

_NAMES = """
pass passwd password passphrase passcode pwd secret token credential cred auth key api.?key access.?key private.?key
account.?key encryption.?key signing.?key salt cookie session dsn bearer jwt sas signature sig otp pin
"""
# A secret's name stands alone or at a boundary within a longer one: `--db-password`, `DB_PASSWORD`, `X-Api-Key`. The
# plainest ones are recognised anywhere.
_SECRET_NAME = re.compile(
    rf"(?i:(?:^|[^a-z])(?:{'|'.join(_NAMES.split())})s?(?:$|[^a-z]))|(?i:passw|secret|token|credential|apikey)"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PAIR = re.compile(r"([\w.\-\[\]/]+)(=|:(?!//|\d))(.+)", re.DOTALL)
_JOINED = re.compile(r"([?&;,\s{\"'])([\w.\-]+)([\"']?\s*[=:]\s*[\"']?)([^&;,\s\"'}]+)")
_URL_USER = re.compile(r"([A-Za-z][\w+.-]*://)\S*@")
_HEADERS = r"authorization|proxy-authorization|cookie|set-cookie|x-[\w-]*(?:key|token|auth)[\w-]*"
_HEADER = re.compile(rf"(?i)((?:{_HEADERS})\s*[:=]\s*).+")
_SCHEME = re.compile(r"(?i)\b(bearer|basic|digest|negotiate)\s+[\w+/=.~-]{6,}")
# Keys that say themselves what they are, by their issuers' prefixes.
_KEYS = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*",
            r"eyJ[\w-]{8,}\.[\w-]+\.?[\w-]*",
            r"\bA[KS]IA[0-9A-Z]{12,}",
            r"\bgh[pousr]_\w{20,}",
            r"\bgithub_pat_\w{20,}",
            r"\bglpat-[\w-]{16,}",
            r"\bxox[abeprs]-[\w-]{10,}",
            r"\bsk[-_](?:live|test|ant|proj)?[-_]?[\w-]{16,}",
            r"\bAIza[\w-]{30,}",
            r"\bya29\.[\w-]+",
            r"\bSG\.[\w-]{16,}\.[\w-]+",
            r"\bnpm_\w{30,}",
            r"\bpypi-\w{16,}",
            r"\bhv[sb]\.\w{20,}",
            r"\bdop_v1_\w{20,}",
        )
    ),
    re.DOTALL,
)
# Long, mixed and without a structure that words or paths have: taken for a key.
_DENSE = re.compile(r"(?<![\w/.-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[A-Za-z0-9+_=-]{32,}(?![\w/.-])")
# Short options whose value is a secret, by program: attached (`mysql -p…`) or the next word (`redis-cli -a …`).
_SHORT = {
    "mysql": "p",
    "mysqldump": "p",
    "mysqladmin": "p",
    "mariadb": "p",
    "mongo": "p",
    "mongosh": "p",
    "mongodump": "p",
    "sqlcmd": "P",
    "bcp": "P",
    "redis-cli": "a",
    "sshpass": "p",
    "curl": "u",
    "ldapsearch": "w",
    "smbclient": "U",
    "docker": "p",
    "podman": "p",
    "rabbitmqadmin": "p",
    "mosquitto_pub": "P",
    "mosquitto_sub": "P",
}


def command(words: list[str]) -> str:
    """A command line as one text of at most 1024 characters, without what may be secret."""
    program = words[0].rpartition("/")[2] if words else ""
    told: list[str] = []
    hide_next = False
    for before, word in zip(["", *words], words[:MOST_WORDS], strict=False):
        if before in _CODE and any(map(str.isspace, word)):  # a program, which may hold anything
            told.append("…")
            continue
        if hide_next and not (word.startswith("-") and len(word) > 1 and not word[1:2].isdigit()):
            told.append(HIDDEN)
            hide_next = False
            continue
        hide_next = _takes_a_secret(program, word)
        attached = _attached(program, word)
        told.append(attached or text(word))
    return " ".join(told)[:MOST_CHARACTERS]


def text(word: str) -> str:
    """One word, or the value of a variable, without what may be secret."""
    pair = _PAIR.fullmatch(word)
    if pair and is_secret_name(pair[1]):
        return f"{pair[1]}{pair[2]}{HIDDEN}"
    word = _KEYS.sub(HIDDEN, word)
    word = _URL_USER.sub(rf"\1{HIDDEN}@", word)
    word = _HEADER.sub(rf"\1{HIDDEN}", word)
    word = _SCHEME.sub(rf"\1 {HIDDEN}", word)
    word = _JOINED.sub(_hide_joined, word)
    return _DENSE.sub(HIDDEN, word)


def value(name: str, content: str) -> str:
    """The value of a variable or setting of this name."""
    return HIDDEN if is_secret_name(name) else text(content)


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is for nobody's eyes."""
    return bool(_SECRET_NAME.search(_CAMEL.sub("-", name).replace("_", "-")))


def _hide_joined(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{match[3]}{HIDDEN}" if is_secret_name(match[2]) else match[0]


def _takes_a_secret(program: str, word: str) -> bool:
    """An option whose value is the next word."""
    if not word.startswith("-"):
        return False
    if word.startswith("--"):
        return "=" not in word and is_secret_name(word)
    short = _SHORT.get(program, "")
    named = len(word) > 2 and "=" not in word and is_secret_name(word)
    return named or bool(short and word[1:] == short)


def _attached(program: str, word: str) -> str:
    short = _SHORT.get(program, "")
    if short and word.startswith(f"-{short}") and len(word) > 2 and not word.startswith("--"):
        return f"-{short}{HIDDEN}"
    return ""
