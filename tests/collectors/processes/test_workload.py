"""Names from cgroup files as systemd, engines and Kubernetes write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.processes import workload

ID = "4f1d0f8c6a2b5e7d9c3a1b0e8f7d6c5b4a392817f6e5d4c3b2a1908f7e6d5c4b"
POD = f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1f2e.slice/cri-containerd-{ID}.scope\n"


def name(text: str, root: Path, **environment: str) -> str:
    pairs = {key.encode(): value.encode() for key, value in environment.items()}
    return workload.name(workload.parse_cgroup(text.encode()), pairs, root)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0::/system.slice/nginx.service\n", "nginx.service"),
        (
            "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n",
            "postgresql@15-main.service",
        ),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service\n", "shop.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", ""),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", ""),
        ("0::/init.scope\n", ""),
        ("0::/\n", ""),
        ("0::/shop.service/worker\n", "shop.service"),
        ("0::/batch/reports\n", "reports"),
        ("0::/../../session\n", "session"),
        ("0::/0123456789abcdef01234567\n", ""),
        ("12:pids:/user.slice\n1:name=systemd:/system.slice/cron.service\n0::/\n", "cron.service"),
        ("9:name=systemd:/\n4:memory:/limits/a31d747607ae\n0::/\n", ""),
        ("0::/lxc.payload.web1/system.slice/nginx.service\n", "web1"),
        ("0::/machine.slice/machine-web2.scope/payload/system.slice\n", "web2"),
    ],
)
def test_a_group_names_its_service_and_a_login_session_none(text, expected, tmp_path):
    assert name(text, tmp_path) == expected


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        ("shop-7d4b9c6f8b-x2x4z", "shop"),
        ("shop-api-5c9f8d7b6-zk2lw", "shop-api"),
        ("db-0", "db"),
        ("node-agent-x2x4z", "node-agent"),
        ("shop", "shop"),
    ],
)
def test_a_pod_is_named_by_its_workload(pod, expected, tmp_path):
    assert name(POD, tmp_path, HOSTNAME=pod) == expected


def test_a_pod_on_the_hosts_network_is_not_named_after_the_node(tmp_path):
    (tmp_path / "sys/kernel").mkdir(parents=True)
    (tmp_path / "sys/kernel/hostname").write_text("node-7\n")
    assert name(POD, tmp_path, HOSTNAME="node-7") == ""


@pytest.mark.parametrize(
    "text", [f"0::/system.slice/docker-{ID}.scope\n", f"5:cpu:/docker/{ID}\n1:name=systemd:/docker/{ID}\n"]
)
def test_a_docker_container_has_the_name_its_engine_keeps(text, tmp_path):
    directory = tmp_path / "1/root/var/lib/docker/containers" / ID
    directory.mkdir(parents=True)
    config = {"Name": "/shop_web_1", "Config": {"Labels": {}}}
    (directory / "config.v2.json").write_text(json.dumps(config))
    assert name(text, tmp_path) == "shop_web_1"
    config["Config"]["Labels"]["com.docker.compose.service"] = "web"
    (directory / "config.v2.json").write_text(json.dumps(config))
    assert name(text, tmp_path) == "web"


def test_a_podman_container_has_the_name_its_engine_keeps(tmp_path):
    path = tmp_path / "1/root/var/lib/containers/storage/overlay-containers/containers.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps([{"id": "other", "names": ["x"]}, {"id": ID, "names": ["till"]}]))
    assert name(f"0::/machine.slice/libpod-{ID}.scope/container\n", tmp_path) == "till"


def test_an_unknown_containers_id_is_no_name(tmp_path):
    assert name(f"0::/system.slice/docker-{ID}.scope\n", tmp_path) == ""


@given(st.text(max_size=200), st.text(max_size=40))
def test_any_text_has_a_name_or_none_without_failing(text, pod):
    paths = workload.parse_cgroup(text.encode("utf-8", "replace"))
    assert isinstance(workload.name(paths, {b"HOSTNAME": pod.encode()}, Path("/nonexistent")), str)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["Name", "Config", "Labels"]), x),
    )
)
def test_an_engines_file_of_any_shape_gives_a_name_or_none(tmp_path_factory, content):
    root = tmp_path_factory.mktemp("proc")
    directory = root / "1/root/var/lib/docker/containers" / ID
    directory.mkdir(parents=True)
    (directory / "config.v2.json").write_text(json.dumps(content))
    assert isinstance(name(f"0::/docker/{ID}\n", root), str)


def identity(text: str, hostname: str, root: Path) -> dict[str, str]:
    return dict(workload.identity(workload.parse_cgroup(text.encode()), hostname, root, 812))


def test_a_process_in_a_pod_is_told_with_pod_workload_namespace_and_container(tmp_path):
    account = tmp_path / "812/root/var/run/secrets/kubernetes.io/serviceaccount"
    account.mkdir(parents=True)
    (account / "namespace").write_text("prod\n")
    assert identity(POD, "shop-7d4b9c6f8b-x2x4z", tmp_path) == {
        "container": ID[:12],
        "pod": "shop-7d4b9c6f8b-x2x4z",
        "workload": "shop",
        "namespace": "prod",
    }


def test_a_pod_without_an_account_has_no_namespace_and_one_on_the_hosts_network_is_its_container_only(
    tmp_path,
):
    assert identity(POD, "db-0", tmp_path)["namespace"] == ""
    (tmp_path / "sys/kernel").mkdir(parents=True)
    (tmp_path / "sys/kernel/hostname").write_text("node-1\n")
    assert identity(POD, "node-1", tmp_path) == {"container": ID[:12]}
    assert identity("0::/system.slice/nginx.service\n", "node-1", tmp_path) == {}
