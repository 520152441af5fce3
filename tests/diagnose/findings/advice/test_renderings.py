"""Typed recommendations as text to type, to keep and to roll out."""

import shutil
import subprocess

import pytest

from diagnose.correlate.change import (
    Backlog,
    CardQueues,
    Code,
    CpuQuota,
    Inspect,
    InterruptAffinity,
    MemoryLimit,
    OpenFiles,
    PacketSteering,
    RingSize,
    Setting,
    Sysctl,
    TaskLimit,
    UnitSetting,
    Variable,
    Workers,
)
from diagnose.correlate.fit import Effect, Fit, Input, Place
from diagnose.correlate.rule import Recommendation
from diagnose.findings.advice.api import as_json

SOMAXCONN = Sysctl("net.core.somaxconn", 128, 1024)
CONNTRACK = Sysctl("net.netfilter.nf_conntrack_max", 1000, 2048)
UNIT_FILES = OpenFiles("shop.service", 812, 1024, 4096)
FILES = OpenFiles("shop.py", 812, 1024, 4096)
BACKLOG = Backlog("[::]:8080", "shop", 16, 1024)
QUOTA = CpuQuota("shop.service", "/system.slice/shop.service", 0.5, 1.5)
BARE_QUOTA = CpuQuota("", "/jobs", 0.5, 1.5)
TASKS = TaskLimit("shop.service", "/system.slice/shop.service", 100, 256)
GOMAXPROCS = Variable("shop.service", "GOMAXPROCS", "", "2")
EVERY = (
    SOMAXCONN,
    UNIT_FILES,
    FILES,
    BACKLOG,
    Workers("shop", 1, 2),
    QUOTA,
    BARE_QUOTA,
    TASKS,
    MemoryLimit("shop.service", "/system.slice/shop.service", 512 << 20, 1 << 30),
    UnitSetting("shop.service", "CPUWeight", "100", "200"),
    PacketSteering("eth0", "0", "3"),
    InterruptAffinity(37, "0", "0-3"),
    CardQueues("eth0", 1, 2),
    RingSize("eth0", 256, 1024),
    GOMAXPROCS,
    Setting("db", "max_connections", "100", "200"),
    Code("price (shop.py:12)", "cache it"),
    Inspect("pid 812", "see", "ls"),
)
IN_A_POD = Place("shop", 812, "4026532000", container=True, pod=True)


def rendered(change, place=None, **fit):
    return as_json(Recommendation(change, "why", "what", "low", fit=Fit(place or Place(), **fit)))


def forms(change, place=None):
    return rendered(change, place)["renderings"]


def test_a_kernel_parameter_can_be_set_kept_rolled_out_and_taken_back():
    json = rendered(SOMAXCONN)
    forms = json["renderings"]
    assert forms["shell"] == "sysctl -w net.core.somaxconn=1024"
    assert "net.core.somaxconn = 1024\n" in forms["sysctl_d"]
    assert "ansible.posix.sysctl" in forms["ansible"]
    assert forms["systemd"] is None
    assert "sysctl -w net.core.somaxconn=128" in json["undo"]


def test_a_systemd_service_gets_a_drop_in_and_not_limits_conf():
    found = forms(UNIT_FILES)
    assert "[Service]\nLimitNOFILE=4096\n" in found["systemd"]
    assert "/etc/systemd/system/shop.service.d/" in found["systemd"]
    assert "LimitNOFILE=4096" in found["ansible"]
    assert found["shell"] == "prlimit --pid 812 --nofile=4096:4096"


def test_a_process_without_unit_gets_no_drop_in():
    found = forms(FILES)
    assert (found["systemd"], found["ansible"]) == (None, None)


def test_a_backlog_is_the_programs_own_setting_with_a_way_to_check_it():
    found = forms(BACKLOG)
    assert "request_queue_size = 1024" in found["shell"]
    assert "ss -ltn 'sport = :8080'" in found["shell"]
    assert found["sysctl_d"] is None


def test_a_program_that_is_known_gets_its_own_option_and_no_others():
    shell = forms(BACKLOG, Place("shop", 812, program="gunicorn"))["shell"]
    assert "gunicorn: --backlog 1024" in shell
    assert "nginx" not in shell


def test_a_quota_is_a_property_of_the_unit_or_a_file_of_the_group():
    found = forms(QUOTA)
    assert found["shell"] == "systemctl set-property shop.service CPUQuota=150%"
    assert "[Service]\nCPUQuota=150%\n" in found["systemd"]
    bare = forms(BARE_QUOTA)
    assert "echo '150000 100000' > /sys/fs/cgroup/jobs/cpu.max" in bare["shell"]
    assert "> /sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us" in bare["shell"]
    assert "echo '50000 100000'" in rendered(BARE_QUOTA)["undo"]


def test_tasks_and_runtime_variables_have_lines_of_the_unit():
    assert "TasksMax=256\n" in forms(TASKS)["systemd"]
    assert 'Environment="GOMAXPROCS=2"\n' in forms(GOMAXPROCS)["systemd"]
    assert rendered(GOMAXPROCS)["current"] == "unset"
    assert rendered(GOMAXPROCS)["undo"] == "take GOMAXPROCS out again and restart"


def test_a_setting_of_a_containers_network_namespace_is_made_inside_it():
    json = rendered(SOMAXCONN, Place("shop", 812, "4026532000", container=True))
    assert json["renderings"]["shell"] == "nsenter --net=/proc/812/ns/net sysctl -w net.core.somaxconn=1024"
    assert json["renderings"]["sysctl_d"] is None
    assert "inside, /proc/sys is read-only" in json["needs"]
    assert json["undo"].startswith("nsenter --net=/proc/812/ns/net sysctl -w net.core.somaxconn=128")


def test_a_setting_of_the_whole_machine_is_made_on_it_though_a_container_needs_it():
    json = rendered(CONNTRACK, IN_A_POD)
    assert json["renderings"]["shell"] == "sysctl -w net.netfilter.nf_conntrack_max=2048"
    assert json["needs"] == "root on the host: no container may set it for itself"
    assert json["renderings"]["kubernetes"] is None


def test_only_what_runs_in_a_pod_gets_a_part_of_its_specification():
    assert forms(SOMAXCONN)["kubernetes"] is None
    unsafe = forms(SOMAXCONN, IN_A_POD)["kubernetes"]
    assert "--allowed-unsafe-sysctls=net.core.somaxconn" in unsafe
    assert 'value: "1024"' in unsafe
    safe = forms(Sysctl("net.ipv4.tcp_syncookies", 0, 1), IN_A_POD)["kubernetes"]
    assert "kubelet" not in safe
    assert "cpu: 1500m" in forms(QUOTA, IN_A_POD)["kubernetes"]
    assert "name: GOMAXPROCS" in forms(GOMAXPROCS, IN_A_POD)["kubernetes"]
    assert "systemd" not in (forms(QUOTA, IN_A_POD)["systemd"] or "")


def test_a_pod_of_a_known_program_gets_its_arguments():
    place = Place("shop", 812, container=True, pod=True, program="uvicorn")
    assert 'args: ["--backlog", "1024"]' in forms(BACKLOG, place)["kubernetes"]
    assert "WEB_CONCURRENCY" in forms(Workers("shop", 1, 2), place)["kubernetes"]


@pytest.mark.program("sysctl")
def test_a_dry_run_reads_what_is_there_and_changes_nothing():
    script = forms(Sysctl("net.ipv4.tcp_fin_timeout", 60, 30))["dry_run"]
    shell = shutil.which("sh")
    before = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True).stdout
    assert before.startswith("net.ipv4.tcp_fin_timeout: ")
    assert before.endswith(" now, 60 when it was measured; it would become 30\n")
    assert subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True).stdout == before


def test_every_shell_text_is_a_script_that_a_shell_can_read():
    for change in EVERY:
        for form in ("shell", "dry_run"):
            for place in (Place(), IN_A_POD):
                script = forms(change, place)[form]
                if script:
                    subprocess.run(["sh", "-n", "-c", script], check=True, capture_output=True)


def test_plain_text_tells_value_formula_bound_effect_and_undo():
    effect = Effect("netstat_TcpExt_ListenOverflows", 285, 253.4, 318, "1/s", 0)
    reading = Input("netstat_TcpExt_ListenOverflows", "285 dropped a second", 285, "1/s")
    text = rendered(SOMAXCONN, inputs=(reading,), bound="cut to 1,024", effect=effect)["renderings"]["text"]
    for part in (
        "net.core.somaxconn: 128 -> 1024",
        "Computed: why",
        "Measured: 285 dropped a second",
        "Bounded: cut to 1,024",
        "from 285 1/s (253 to 318, 95 %) to 0",
        "Undo: sysctl -w net.core.somaxconn=128",
    ):
        assert part in text


@pytest.mark.parametrize("change", EVERY, ids=lambda change: type(change).__name__)
def test_every_change_says_what_how_and_how_to_undo_it(change):
    json = rendered(change)
    for part in ("kind", "target", "proposed", "undo", "needs"):
        assert json[part]
    assert json["renderings"]["text"]


def test_ids_last_as_long_as_kind_and_target_do():
    assert rendered(SOMAXCONN)["id"] == rendered(Sysctl("net.core.somaxconn", 64, 512))["id"]
    assert len({rendered(change)["id"] for change in EVERY}) == len(EVERY)
