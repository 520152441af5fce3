"""Other network namespaces, made for real with unshare."""

from __future__ import annotations

import pytest

from collectors.kernel import netns
from collectors.probe import NoData
from tests.collectors.probes.recorded import LINUX_6_18, LIVE
from tests.collectors.sandbox import listener_in_a_namespace


@pytest.mark.root(to="make a network namespace")
def test_a_process_in_another_namespace_is_found_and_ours_is_not():
    with listener_in_a_namespace() as (pid, _):
        found = {namespace.inode: namespace.pid for namespace in netns.others(LIVE)}
        assert found[netns.inode_of(LIVE, pid)] == pid
        assert netns.inode_of(LIVE, "self") not in found


@pytest.mark.root(to="make a network namespace")
def test_listeners_inside_are_read_and_this_thread_stays_where_it_is():
    before = netns.inode_of(LIVE, "self")
    with listener_in_a_namespace() as (pid, port):
        inode = netns.inode_of(LIVE, pid)
        diag = netns.sock_diag_inside(LIVE, netns.Namespace(inode, pid))
        try:
            (listener,) = diag.listeners()
        finally:
            diag.close()
    assert (listener.port, listener.queued, listener.limit) == (port, 2, 2)
    assert netns.inode_of(LIVE, "thread-self") == before


def test_a_process_that_is_gone_is_no_data():
    with pytest.raises(NoData, match="cannot be opened"):
        netns.sock_diag_inside(LIVE, netns.Namespace(1, 2**22 + 1))


def test_a_tree_without_our_own_namespace_is_no_data():
    with pytest.raises(NoData, match="cannot be told from our own"):
        list(netns.others(LINUX_6_18))
