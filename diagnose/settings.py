"""Django settings, made from `diagnose.config`. Wrong values stop the start with one line."""

from __future__ import annotations

import os
import secrets
import sys
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

import plotly

from diagnose import config


def _refuse(why: str) -> NoReturn:
    """One line and exit code 2: nothing can run with such settings."""
    sys.stderr.write(f"diagnose: {why}\n")
    sys.exit(2)


try:
    CONFIG: dict[str, Any] = config.load()
except config.ConfigError as _error:
    _refuse(str(_error))

BASE_DIR = config.ROOT
DATA_DIR: Path = CONFIG["DATA_DIR"]


def _secret_key(given: str) -> str:
    """The given key, or one made at the first start and kept beside the data (mode 600)."""
    if given:
        return given
    path = DATA_DIR / "secret-key"
    try:
        DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_name(f"secret-key.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(48))
            try:
                os.link(draft, path)  # whoever comes first wins; several processes start at once
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        _refuse(
            f"DATA_DIR={str(DATA_DIR)!r} cannot be used ({error.strerror}); "
            "set DATA_DIR to a directory that this user may write"
        )


def database(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a postgresql:// or sqlite:// URL; empty means SQLite in DATA_DIR.

    What stands behind `?` goes to libpq: `?host=/run/postgresql` is a server's socket, `?sslmode=require` its TLS.
    """
    parts = urlsplit(url)
    if parts.scheme in {"postgresql", "postgres"}:
        if find_spec("psycopg") is None:
            _refuse(
                "DATABASE_URL names PostgreSQL and its driver is missing; run: pip install 'psycopg[binary]'"
            )
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            # After the server's restart every thread would fail once with its old connection, and collectors back off.
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": dict(parse_qsl(parts.query)),
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": parts.path or str(DATA_DIR / "diagnose.sqlite3"),
        "CONN_MAX_AGE": 60,
        # A deferred transaction that reads and then writes fails with "locked" under concurrency; IMMEDIATE waits.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }


SECRET_KEY = _secret_key(CONFIG["SECRET_KEY"])
DEBUG: bool = CONFIG["DEBUG"]
ALLOWED_HOSTS: list[str] = CONFIG["ALLOWED_HOSTS"]
REDIS_URL: str = CONFIG["REDIS_URL"] or f"unix://{DATA_DIR / 'valkey.sock'}"
STREAM_PORT: int = CONFIG["DIAGNOSE_STREAM_PORT"] or CONFIG["DIAGNOSE_PORT"] + 1
STREAM_URL: str = CONFIG["STREAM_URL"]
TRUSTED_PROXIES: list[IPv4Network | IPv6Network] = CONFIG["TRUSTED_PROXIES"]
PUBLIC_URL: str = CONFIG["PUBLIC_URL"].rstrip("/") or f"http://127.0.0.1:{CONFIG['DIAGNOSE_PORT']}"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "diagnose",
]
MIDDLEWARE = [
    "diagnose.web.health.probes",
    "diagnose.access.proxies.behind_proxies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "diagnose.web.security.content_security_policy",
]
ROOT_URLCONF = "diagnose.urls"
WSGI_APPLICATION = "diagnose.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "diagnose.web.storage.warning",
            ],
        },
    }
]

DATABASES = {"default": database(CONFIG["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "diagnose.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "overview"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # of passwords that were set before; the next sign-in renews it
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# A batch may hold a few MB; the ingest view bounds it itself with a clearer answer than Django's.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
# Plotly's wheel carries plotly.min.js: the pages load it from there, nothing is fetched from outside.
STATICFILES_DIRS = [BASE_DIR / "static", ("plotly", Path(plotly.__file__).parent / "package_data")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
# Compiled when the product starts (diagnose/translations.py): msgfmt is not on every machine.
LOCALE_PATHS = [DATA_DIR / "locale"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
