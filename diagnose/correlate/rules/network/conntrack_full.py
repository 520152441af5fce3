"""The table of tracked connections is full: packets of new connections are dropped before any socket sees them.

Symptom: new connections hang or time out while old ones go on; "nf_conntrack: table full, dropping packet" in the
kernel's log; nothing in the counters of listeners.

Cause: the firewall (or NAT) keeps an entry for each connection, closed ones for a while too (120 s in TIME_WAIT, five
days when established and silent), and nf_conntrack_max of them are all there may be.

Evidence: the table's own drop counter rises with the entries at the limit. A table that is high and stable drops
nothing.

Recommendation: a larger nf_conntrack_max, with buckets to match; no tracking for what needs none (NOTRACK); shorter
timeouts for what is over. The limit is the machine's, whatever the network namespace.

Source: Linux net/netfilter/nf_conntrack_core.c (__nf_conntrack_alloc),
Documentation/networking/nf_conntrack-sysctl.rst; measured: 640 drops and repeated SYNs, with every listen counter
standing still.
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    RuledOut,
    Subject,
    Sysctl,
    Unknown,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.conntrack_table import ConntrackTable
from diagnose.correlate.signals.tcp_counters import TcpCounters
from diagnose.correlate.words import duration, number, percent

EXPLAINS = ("network.packet_loss", "network.connection_resets")

# of the limit
FULL, CLEAR_FULL = 0.95, 1.0
# packets in half a minute
LEAST_DROPS, CLEAR_DROPS = 5.0, 100.0
# bytes; struct nf_conn with its extensions (Linux 6.x, x86-64)
ENTRY_BYTES = 320
# entries a bucket, which look-ups have to walk along
PER_BUCKET = 4


def check(table: ConntrackTable, counters: TcpCounters | None) -> list[Verdict]:
    """At most one verdict."""
    drops = table.drops + table.early_drops
    full = table.entries >= FULL * table.limit
    return [_verdict(table, counters)] if drops >= LEAST_DROPS and full else []


def _verdict(table: ConntrackTable, counters: TcpCounters | None) -> Verdict:
    drops = table.drops + table.early_drops
    rate = drops / 30.0
    own = counters.by_netns.get("") if counters else None
    opened = own.of("ActiveOpens", "PassiveOpens") if own else 0.0
    text = f"{number(rate)} packets/s are dropped; who connects tries again after 1, 3 and 7 s"
    return Verdict(
        subject=Subject(),
        headline=f"connection tracking is full: {number(table.entries)} of {number(table.limit)} entries, "
        f"{number(rate)} packets/s dropped",
        impact=Impact(drops / (drops + opened), rate, "packets/s", text),
        evidence=tuple(_evidence(table, counters)),
        ruled_out=tuple(_ruled_out(counters)),
        recommendations=tuple(_recommendations(table)),
        will_not_help=(
            WillNotHelp(
                "raise the backlog, somaxconn or tcp_max_syn_backlog", "the packets never reach a socket"
            ),
            WillNotHelp("net.ipv4.tcp_tw_reuse, tcp_fin_timeout", "the table has timeouts of its own"),
        ),
        unknown=()
        if table.buckets
        else (Unknown("the number of buckets", "nf_conntrack_buckets is not known"),),
        explains=EXPLAINS,
    )


def _evidence(table: ConntrackTable, counters: TcpCounters | None) -> Iterator[Evidence]:
    drops = table.drops + table.early_drops
    text = f"the table turned {number(drops)} packets away in half a minute"
    clear, metric = strength(drops, LEAST_DROPS, CLEAR_DROPS), "nf_conntrack_stat_drop_total"
    source = "/proc/net/stat/nf_conntrack"
    yield Evidence("supports", "decides", text, metric, drops, "packets", LEAST_DROPS, source, clear)
    share = table.entries / table.limit
    text = f"{number(table.entries)} entries of {number(table.limit)} ({percent(share)})"
    clear, metric = strength(share, FULL, CLEAR_FULL), "nf_conntrack_entries"
    source = "net.netfilter.nf_conntrack_max"
    yield Evidence(
        "supports", "separates", text, metric, table.entries, "entries", table.limit, source, clear
    )
    own = counters.by_netns.get("") if counters else None
    if own is None:
        yield Evidence(
            "missing", "corroborates", "the stack's counters were not read", "netstat_TcpExt_ListenDrops"
        )
    else:
        refused = own.of("ListenDrops")
        text, metric = (
            f"ListenDrops rose by {number(refused)}: no listener refused them",
            "netstat_TcpExt_ListenDrops",
        )
        yield Evidence(supports_if(refused < drops), "corroborates", text, metric, refused, "connections")


def _ruled_out(counters: TcpCounters | None) -> Iterator[RuledOut]:
    own = counters.by_netns.get("") if counters else None
    if own and not own.of("ListenDrops"):
        yield RuledOut("network.accept_queue_overflow", "the listen counters stand still")
        yield RuledOut("network.syn_queue_overflow", "the listen counters stand still")


def _recommendations(table: ConntrackTable) -> Iterator[Recommendation]:
    limit = int(table.limit)
    proposed = 1 << (2 * limit - 1).bit_length()
    memory = number(proposed * ENTRY_BYTES / 1e6)
    formula = f"twice the {number(limit)} that are full, rounded up to a power of two; {memory} MB at most"
    if table.per_second > 0:
        formula = f"{formula}; it grew by {number(table.per_second)}/s"
    change = Sysctl("net.netfilter.nf_conntrack_max", limit, proposed)
    yield Recommendation(
        change, formula, "no drops at this rate", "low", f"{ENTRY_BYTES} B an entry of kernel memory"
    )
    if table.buckets and table.buckets * PER_BUCKET < proposed:
        buckets = Sysctl("net.netfilter.nf_conntrack_buckets", table.buckets, proposed // PER_BUCKET)
        formula = f"{proposed} entries ÷ {PER_BUCKET} a bucket"
        yield Recommendation(buckets, formula, "look-ups stay short", "low")
    command = "conntrack -L 2>/dev/null | awk '{print $1, $4}' | sort | uniq -c | sort -rn | head"
    inspect = Inspect("the table", "see what fills it: states that are over want shorter timeouts", command)
    filled = duration(table.limit / table.per_second) if table.per_second > 0 else ""
    formula = f"at this rate it fills in {filled}" if filled else "the entries' states"
    yield Recommendation(inspect, formula, "one protocol, state or peer", "none")
