"""`manage.py backup` and `manage.py restore`, as somebody types them."""

from __future__ import annotations

import fcntl
import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from diagnose.models import Host

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("data_dir")]


def typed(*argv: str) -> str:
    out = StringIO()
    call_command(*argv, stdout=out)
    return out.getvalue()


def test_a_backup_says_where_it_is_and_how_to_put_it_back(host, tmp_path, valkey):
    said = typed("backup", str(tmp_path / "kept")).splitlines()
    assert said[-1] == f"put it back with: manage.py restore {said[-2]}"
    Host.objects.update(name="renamed")
    with pytest.raises(CommandError, match="1 host there already: restore into an empty"):
        typed("restore", str(tmp_path / "kept"))
    assert Host.objects.get().name == "renamed"
    assert "restored" in typed("restore", str(tmp_path / "kept"), "--force")
    assert Host.objects.get().name == host.name


def test_what_the_embedded_queue_held_is_forgotten_with_a_restore(host, tmp_path, data_dir, valkey):
    typed("backup", str(tmp_path))
    (data_dir / "valkey").mkdir()
    (data_dir / "valkey" / "appendonly.aof").touch()
    typed("restore", str(tmp_path), "--force")
    assert not (data_dir / "valkey").exists()


def test_a_folder_that_is_no_backup_is_told(tmp_path, valkey):
    with pytest.raises(CommandError, match=r"is no backup .*name a folder that `manage.py backup` made"):
        typed("restore", str(tmp_path))


def test_nothing_is_restored_while_the_product_runs(host, tmp_path, data_dir, valkey):
    typed("backup", str(tmp_path))
    with (data_dir / "up.lock").open("w") as lock:
        lock.write(str(os.getpid()))
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="already runs"):
            typed("restore", str(tmp_path), "--force")
