"""Which packages changed last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel.packages import facts, last_of_log

LOG = """\
2026-11-24 08:00:01 status installed nginx:amd64 1.22.1-9
2026-11-25 09:47:47 configure pcp:amd64 6.0.3-1.1 <none>
2026-11-25 09:47:47 status half-configured pcp:amd64 6.0.3-1.1
2026-11-25 09:47:49 status installed libpcp3:amd64 6.0.3-1.1
2026-11-25 09:47:50 status installed pcp:amd64 6.0.3-1.1
2026-11-25 09:47:51 trigproc man-db:amd64 2.11.2-2 <none>
"""


def test_the_last_run_of_dpkg_is_told_with_its_packages():
    assert last_of_log(LOG) == "libpcp3 6.0.3-1.1, pcp 6.0.3-1.1 at 2026-11-25 09:47:50"


def test_a_removed_package_counts_and_of_many_only_some_are_named():
    lines = [f"2026-11-25 09:00:0{n} status config-files p{n}:all 1" for n in range(8)]
    assert last_of_log("\n".join(lines)).startswith("p0 1, p1 1, p2 1, p3 1, p4 1 and 3 more at")


def test_of_the_first_root_that_has_a_log_it_is_taken(tmp_path):
    log = tmp_path / "self/var/log/dpkg.log"
    log.parent.mkdir(parents=True)
    log.write_text("x" * 40_000 + "\n" + LOG)
    apk = tmp_path / "1/lib/apk/db/installed"
    apk.parent.mkdir(parents=True)
    apk.write_text("")
    found = dict(facts((str(tmp_path / "1"), str(tmp_path / "self"))))
    assert found["package.dpkg"].endswith("at 2026-11-25 09:47:50")
    assert found["package.apk"].startswith("written at 20")
    assert found["package.rpm"] == ""


@given(st.text(max_size=300))
def test_noise_is_no_package(noise):
    last_of_log(noise)
    last_of_log(f"2026-11-25 09:47:50 status installed {noise}")
