"""Secrets of many shapes never come through; what tells a service apart does."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.processes import scrub

SECRET = "hunter2Xq9"
LINES = [
    "shop --password {}",
    "shop --password={}",
    "shop --db-password {}",
    "shop --dbPassword={}",
    "shop -password {}",
    "shop --api-key {}",
    "shop --apikey={}",
    "shop --token={}",
    "shop --auth-token {}",
    "shop --client-secret {}",
    "shop --secret-access-key={}",
    "shop --private-key={}",
    "shop --credentials {}",
    "shop --jwt {}",
    "shop --dsn {}",
    "shop PASSWORD={}",
    "env DB_PASSWORD={} shop",
    "env PGPASSWORD={} psql",
    "env AWS_SECRET_ACCESS_KEY={} aws",
    "shop -Djavax.net.ssl.keyStorePassword={}",
    "java -Dspring.datasource.password={} -jar shop.jar",
    "shop password:{}",
    "mysql -uroot -p{} shop",
    "mysqldump -p{}",
    "redis-cli -a {} ping",
    "sshpass -p {} ssh host",
    "curl -u user:{} https://example.com",
    "curl -uuser:{} https://example.com",
    "ldapsearch -w {} -x",
    "mosquitto_pub -P {} -t t",
    "shop postgres://user:{}@db:5432/shop",
    "shop --url=redis://:{}@cache/0",
    "shop amqp://guest:{}@mq//",
    "shop https://example.com/hook?token={}&a=1",
    "shop https://example.com/?a=1&api_key={}",
    "shop https://x.blob.core.windows.net/c?sv=1&sig={}",
    "shop 'Server=db;User Id=sa;Password={};'",
    "shop 'host=db user=shop password={} dbname=shop'",
    "curl -H 'Authorization: Bearer {}' https://example.com",
    "curl -H 'X-Api-Key: {}' https://example.com",
    "curl -H 'Cookie: sessionid={}' https://example.com",
    """shop '{{"password": "{}"}}'""",
    """shop '{{"apiKey":"{}","port":80}}'""",
    "shop --cookie-secret={}",
    "shop --pin {}",
    "shop --session-key {}",
]
KEYS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11AAAAAAA0abcdefghijklmnop",
    "glpat-abcdefghijklmnop1234",
    "xoxb-123456789012-abcdefghijkl",
    "sk_live_abcdefghijklmnop1234",
    "AIzaSyA1234567890abcdefghijklmnopqrstuvw",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "hvs.abcdefghijklmnopqrstuvwx",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "d41d8cd98f00b204e9800998ecf8427e",
    "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY1",
]


@pytest.mark.parametrize("line", LINES)
def test_a_secret_that_is_named_does_not_come_through(line):
    told = scrub.command(shlex.split(line.format(SECRET)))
    assert SECRET not in told
    assert scrub.HIDDEN in told


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("line", ["shop {}", "shop --use={}", "shop -x {} y", "shop config={}"])
def test_what_looks_like_a_key_does_not_come_through_wherever_it_stands(line, key):
    assert key not in scrub.command(shlex.split(line.format(key)))


def test_a_private_key_on_the_command_line_does_not_come_through():
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
    assert "MIIEow" not in scrub.command(["shop", "--use", key])


@pytest.mark.parametrize(
    "line",
    [
        "gunicorn shop.wsgi --workers 4 --bind 0.0.0.0:8000 --backlog 2048",
        "java -Xmx2g -XX:+UseG1GC -jar shop.jar --server.port=8080",
        "node --max-old-space-size=4096 server.js",
        "celery -A shop worker --concurrency=8 -Q default,mail",
        "postgres -D /var/lib/postgresql/15/main -c config_file=/etc/postgresql/15/main/postgresql.conf",
        "nginx: worker process",
        "uvicorn shop:app --host ::1 --port 8000 --timeout-keep-alive 5",
        "redis-server 127.0.0.1:6379",
        "/usr/lib/jvm/java-17-openjdk-amd64/bin/java -cp /opt/app/lib/shop-1.2.3-SNAPSHOT.jar com.example.Shop",
        "shop --monkey=5 --passive --author me --keyboard de --keepalive 5",
    ],
)
def test_what_tells_a_service_apart_comes_through(line):
    assert scrub.command(line.split(" ")) == line


def test_values_of_variables_go_by_their_name_and_by_their_looks():
    assert scrub.value("DATABASE_PASSWORD", "x") == scrub.HIDDEN
    assert scrub.value("DATABASE_URL", "postgres://a:b@c/d") == "postgres://***@c/d"
    assert scrub.value("GOMAXPROCS", "4") == "4"


@given(st.lists(st.text(max_size=60), max_size=12))
def test_any_command_line_is_told_in_bounds(words):
    assert len(scrub.command(words)) <= scrub.MOST_CHARACTERS


@given(st.text(alphabet="abcdefghijkmnopqrstuvwxyzABCDEF0123456789!%^#", min_size=8, max_size=40))
def test_whatever_the_password_is_it_does_not_come_through(password):
    told = scrub.command(
        ["shop", f"--password={password}", "--db-password", password, f"redis://:{password}@c/0"]
    )
    assert password not in told


def test_code_on_the_command_line_is_left_out():
    assert scrub.command(["python3", "-c", "import shop; shop.login('x')", "a"]) == "python3 -c … a"
    assert scrub.command(["gunicorn", "-c", "conf.py"]) == "gunicorn -c conf.py"
