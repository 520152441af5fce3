"""Names from command lines as they are met on servers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.processes import commandline


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("/usr/sbin/nginx -g daemon", "nginx"),
        ("python3 shop.py --port 8080", "shop.py"),
        ("/usr/bin/python3.12 -u -X dev /srv/shop/shop.py", "shop.py"),
        ("python -W ignore -m celery -A shop worker", "celery"),
        ("python3.13t -m http.server", "http.server"),
        ("/venv/bin/python /venv/bin/gunicorn shop:app", "gunicorn"),
        ("python -c print(1)", "python"),
        ("python3", "python3"),
        ("node --require ./tracing.js /srv/app/server.js", "server.js"),
        ("java -Xmx2g -cp /opt/a.jar:/opt/b.jar com.example.shop.Main", "Main"),
        ("java -jar /opt/shop-1.4.jar", "shop-1.4.jar"),
        ("ruby /usr/local/bin/puma -C config.rb", "puma"),
        ("bash /opt/run/backup.sh", "backup.sh"),
        ("bash /dev/fd/3", "bash"),
        ("-bash", "bash"),
        ("/sbin/tini -- /srv/shop-server --port 80", "shop-server"),
        ("env python3 worker.py", "worker.py"),
        ("python3 -mhttp.server 8000", "http.server"),
        ("python3 -Ic print(1)", "python3"),
        ("perl -ne print words.txt", "perl"),
        ("node --eval secret() /srv/app/data.json", "node"),
        ("/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main", "postgres"),
    ],
)
def test_a_command_line_names_what_runs(line, name):
    assert commandline.name(line.split(" ")) == name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("nginx: worker process", "nginx"),
        ("postgres: 15/main: walwriter ", "postgres"),
        ("gunicorn: master [shop]", "gunicorn"),
        ("redis-server *:6379", "redis-server"),
    ],
)
def test_a_title_that_a_process_gave_itself_names_its_program(title, name):
    assert commandline.name([title]) == name


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["/opt/google/chrome/chrome --type=renderer --token=s3cret", "", ""], "chrome"),
        (["/opt/My App/server", "--password", "s3cret"], "server"),
        (["/usr/bin/redis-server unixsocket:/srv/s3cret.sock"], "redis-server"),
        (["/usr/bin/till /etc/s3cret.conf"], "till"),
        (["[celeryd: worker@web-1:MainProcess] -active- (worker --broker redis://u:s3cret@q)"], "celeryd"),
        (["bash", "-lc", "till --password s3cret"], "bash"),
        (["python3", "till.py s3cret"], "till.py"),
        (["x" * 500], "x" * 64),
    ],
)
def test_a_whole_command_line_gives_no_more_than_a_short_base_name(words, name):
    assert commandline.name(words) == name


def test_no_words_have_no_name():
    assert commandline.name([]) == ""
    assert commandline.name([""]) == ""


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_words_have_a_name_without_failing(words):
    for line in (words, ["python3", *words]):
        assert re.fullmatch(r"[\w.@+-]{0,64}", commandline.name(line))
