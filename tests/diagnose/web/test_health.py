"""What a container's probes ask, by whatever name they call the host."""

import redis

from diagnose import queue
from diagnose.store import disk


def test_probes_need_no_sign_in_and_no_allowed_host(client, db, valkey, data_dir):
    for path in ("/healthz", "/readyz"):
        answer = client.get(path, headers={"Host": "10.1.2.3:8000"})
        assert answer.status_code == 200
        assert answer.json()["status"] == "ok"


def test_a_queue_that_is_away_makes_it_unready_and_not_dead(client, db, data_dir, monkeypatch):
    gone = redis.Redis(unix_socket_path="/nonexistent/valkey.sock")
    monkeypatch.setattr(queue, "client", lambda: gone)
    assert client.get("/readyz").status_code == 503
    assert client.get("/readyz").json()["queue"] == "away"
    assert "nonexistent" not in client.get("/readyz").content.decode()
    assert client.get("/healthz").status_code == 200


def test_a_full_disk_is_said_and_pages_go_on(client, db, valkey, nearly_full):
    with nearly_full():
        assert disk.room().is_full
        assert (client.get("/readyz").status_code, client.get("/readyz").json()["disk"]) == (200, "full")
