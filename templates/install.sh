{% autoescape off %}#!/bin/sh
# Installs, upgrades or removes Diagnose's collector on this host. It asks no other server than the one it came from.
#
#   curl -fsSL SERVER/install.sh | sudo --preserve-env=DIAGNOSE_ENROLL_TOKEN sh     install, with a token in that variable
#   curl -fsSL SERVER/install.sh | sudo sh                                          upgrade
#   sudo sh /opt/diagnose-collector/install.sh uninstall [--keep-state]
#
# --server URL     where the server is reached, if not where this came from
# --token TOKEN    the enrolment token; better in the environment, since other users see command lines
# --name NAME      the host's name for people; default: its host name
# --prefix DIR     where it is installed; default: /opt/diagnose-collector, without root below the home directory
# --ca-file FILE   certificates to trust instead of the system's; a copy is kept in --prefix, which the service can read
#
# As root: a user of its own, and a systemd unit where systemd runs. Without root: no unit, and it sees this user's
# processes only. PYTHON names another interpreter than python3.
set -eu
umask 022

NAME=diagnose-collector
server={{ server }}
{% if refusal %}
main() {
    fail {{ refusal }}
}
{% else %}
VERSION={{ version }}
KNOWN={{ known }}
PIP={{ pip }}
PIP_SHA256={{ pip_sha256 }}

requirements() {
    case "$1" in
{% for tag, lines in interpreters %}    {{ tag }}) cat <<'END' ;;
{% for line in lines %}{{ line }}
{% endfor %}END
{% endfor %}    esac
}

main() {
    action=install keep_state=no prefix='' custom_prefix='' ca_file='' host_name=''
    while [ $# -gt 0 ]; do
        case "$1" in
            install | uninstall) action=$1 ;;
            --keep-state) keep_state=yes ;;
            --server | --token | --name | --prefix | --ca-file)
                [ $# -ge 2 ] || fail "$1 needs a value"
                take_option "$1" "$2"
                shift ;;
            *) fail "$1 is not known here; the head of install.sh has what is" ;;
        esac
        shift
    done
    [ -z "$ca_file" ] || [ -r "$ca_file" ] || fail "--ca-file $ca_file: there is no such file"
    find_places
    case "$action" in
        install) install_collector ;;
        uninstall) uninstall_collector ;;
    esac
}

take_option() {
    case "$1" in
        --server) server=${2%/} ;;
        --token) DIAGNOSE_ENROLL_TOKEN=$2 && export DIAGNOSE_ENROLL_TOKEN ;;
        --name) host_name=$2 ;;
        --prefix) prefix=$2 custom_prefix=yes ;;
        --ca-file) ca_file=$2 ;;
    esac
}

find_places() {
    if [ "$(id -u)" = 0 ]; then
        user=$NAME state=/var/lib/$NAME
        prefix=${prefix:-/opt/$NAME}
    else
        user='' state=${XDG_STATE_HOME:-$HOME/.local/state}/$NAME
        prefix=${prefix:-${XDG_DATA_HOME:-$HOME/.local/share}/$NAME}
    fi
    case "$prefix" in
        /*) ;;
        *) fail "--prefix $prefix: give a path that begins with /" ;;
    esac
    unit=/etc/systemd/system/$NAME.service
    drop_in=$unit.d/ca-file.conf
    systemd=no
    if [ -n "$user" ] && [ -d /run/systemd/system ]; then systemd=yes; fi
}

# Nothing that runs is touched before the new version is complete and has shown that it starts.
install_collector() {
    find_python
    [ -f "$state/token" ] || [ -n "${DIAGNOSE_ENROLL_TOKEN:-}" ] ||
        fail "this host is not enrolled and there is no token: make one on $server/collectors and set DIAGNOSE_ENROLL_TOKEN"
    work=$(mktemp -d)
    new='' old='' made_user=no made_state=no made_prefix=no switched=no
    trap 'undo' EXIT
    trap 'exit 1' HUP INT TERM
    say "installing collector $VERSION from $server into $prefix"
    old=$(readlink "$prefix/current" 2>/dev/null) || old=''
    make_environment
    make_user
    try_it
    enroll
    switch
    start
    trap - EXIT
    rm -rf "$work"
    forget_others
    tell
}

find_python() {
    command -v "${PYTHON:=$(any_python)}" >/dev/null || fail "there is no $PYTHON here: the collector needs Python 3.11 or newer"
    tag=$("$PYTHON" -I -c '
import platform, sys
name = "cp%d%d" % sys.version_info[:2] + getattr(sys, "abiflags", "")
if sys.version_info < (3, 11):
    print("too old:", platform.python_version())
elif platform.libc_ver()[0] != "glibc":
    print("no glibc")
else:
    print(name + "-" + platform.machine())
') || fail "$PYTHON does not run: set PYTHON to a Python 3.11 or newer"
    case " $KNOWN " in *" $tag "*) return ;; esac
    case "$tag" in
        "too old: "*) fail "$PYTHON is Python ${tag#too old: }, and the collector needs 3.11 or newer: install one and set PYTHON to it" ;;
        "no glibc") fail "the wheels are for systems with glibc, which this one is not: install the collector with pip, from a clone" ;;
        *) fail "the server has no wheels for $tag, only for $KNOWN: set PYTHON to one of these" ;;
    esac
}

# A service's interpreter is better the system's than one in somebody's home.
any_python() {
    for each in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
        if "$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$each"
            return
        fi
    done
    echo python3
}

# pip comes from the server, too, and goes again: many hosts have Python without it.
make_environment() {
    [ -d "$prefix" ] || made_prefix=yes
    mkdir -p "$prefix/versions" "$prefix/bin" || fail "$prefix cannot be written; give another --prefix, or run this as root"
    new=$(mktemp -d "$prefix/versions/$VERSION.XXXXXX")
    chmod 755 "$new"
    "$PYTHON" -I -m venv --without-pip "$new" || fail "$PYTHON has no module venv (Debian, Ubuntu: apt-get install python3-venv)"
    fetch "$server/collector/files/$PIP" "$work/$PIP" "$PIP_SHA256"
    requirements "$tag" >"$work/requirements.txt"
    set -- --require-hashes --only-binary :all: --no-deps --no-cache-dir --disable-pip-version-check --quiet
    set -- "$@" --index-url "$server/collector/simple/" --requirement "$work/requirements.txt"
    case "$server" in http://*) set -- "$@" --trusted-host "$(host_of "$server")" ;; esac
    if [ -n "$ca_file" ]; then set -- "$@" --cert "$ca_file"; fi
    PIP_CONFIG_FILE=/dev/null PIP_ROOT_USER_ACTION=ignore \
        "$new/bin/python" -E "$work/$PIP/pip" --isolated install "$@" || fail "the wheels could not be installed"
    fetch "$server/install.sh" "$prefix/install.sh.new" ''
    mv "$prefix/install.sh.new" "$prefix/install.sh"
    if [ -n "$ca_file" ]; then
        [ "$ca_file" = "$prefix/ca.pem" ] || install -m 644 "$ca_file" "$prefix/ca.pem"
        ca_file=$prefix/ca.pem
    fi
}

# fetch URL FILE SHA256: an empty SHA256 is not compared.
fetch() {
    "$PYTHON" -I - "$@" "$ca_file" <<'END' || fail "$1 could not be fetched"
import hashlib, pathlib, ssl, sys, urllib.request
address, path, sha256, authorities = sys.argv[1:]
trust = ssl.create_default_context(cafile=authorities or None)
try:
    with urllib.request.urlopen(address, timeout=60, context=trust) as answer:
        data = answer.read()
except OSError as error:
    sys.exit(f"{address}: {error}")
found = hashlib.sha256(data).hexdigest()
if sha256 and found != sha256:
    sys.exit(f"its SHA-256 is {found}, and should be {sha256}: was it changed on the way?")
pathlib.Path(path).write_bytes(data)
END
}

host_of() {
    "$PYTHON" -I -c 'import sys, urllib.parse; print(urllib.parse.urlsplit(sys.argv[1]).netloc.rpartition("@")[2])' "$1"
}

make_user() {
    [ -d "$state" ] || made_state=yes
    if [ -z "$user" ]; then
        mkdir -p "$state" && chmod 700 "$state"
        return
    fi
    if ! id -u "$user" >/dev/null 2>&1; then
        useradd --system --user-group --no-create-home --home-dir "$state" --shell /usr/sbin/nologin "$user"
        made_user=yes
    fi
    install -d -m 700 -o "$user" -g "$user" "$state"
}

try_it() {
    as_user "$new/bin/$NAME" --version >/dev/null ||
        fail "${user:-this user} cannot run what was installed: is $PYTHON or $prefix where only root may read? set PYTHON or --prefix"
}

enroll() {
    if [ -z "${DIAGNOSE_ENROLL_TOKEN:-}" ]; then return; fi
    set -- enroll --server "$server" --state-dir "$state"
    if [ -n "$host_name" ]; then set -- "$@" --name "$host_name"; fi
    if [ -n "$ca_file" ]; then export DIAGNOSE_COLLECTOR_CA_FILE="$ca_file"; fi
    as_user "$new/bin/$NAME" "$@" </dev/null || fail "the server did not take this host in"
}

as_user() {
    if [ -n "$user" ]; then runuser -u "$user" -- "$@"; else "$@"; fi
}

switch() {
    if [ -f "$unit" ] && [ "$systemd" = yes ]; then cp -p "$unit" "$work/unit"; fi
    switched=yes
    point_to "versions/$(basename "$new")"
    ln -sf "../current/bin/$NAME" "$prefix/bin/$NAME"
}

point_to() {
    rm -f "$prefix/current.new"
    ln -s "$1" "$prefix/current.new"
    mv -T "$prefix/current.new" "$prefix/current"
}

start() {
    [ "$systemd" = yes ] || return 0
    "$prefix/bin/$NAME" unit >"$unit"
    if [ -n "$ca_file" ]; then
        mkdir -p "$unit.d"
        printf '[Service]\nEnvironment="DIAGNOSE_COLLECTOR_CA_FILE=%s"\n' "$ca_file" >"$drop_in"
    fi
    systemctl daemon-reload
    systemctl --quiet enable "$NAME"
    systemctl restart "$NAME" || fail "systemd could not start it"
    deadline=$(($(date +%s) + 30))
    until runs; do
        [ "$(date +%s)" -lt "$deadline" ] && [ "$(property NRestarts)" -lt 2 ] ||
            fail "it was started and did not begin to work: $(last_words)"
        sleep 1
    done
}

property() {
    systemctl show --property "$1" --value "$NAME"
}

# Whether the process that systemd runs now is the one that told its state.
runs() {
    "$prefix/bin/$NAME" status --json --state-dir "$state" 2>/dev/null | "$PYTHON" -I -c '
import json, sys
sys.exit(json.load(sys.stdin)["pid"] != int(sys.argv[1] or 0))
' "$(property MainPID)" 2>/dev/null
}

last_words() {
    journalctl --unit "$NAME" --lines 3 --output cat --no-pager 2>/dev/null || true
}

# Whatever went wrong: what was here before goes on, and a first install leaves nothing.
undo() {
    trap - EXIT
    set +e
    if [ "$switched" = yes ] && [ -n "$old" ]; then
        point_to "$old"
        if [ "$systemd" = yes ]; then
            if [ -f "$work/unit" ]; then cp -p "$work/unit" "$unit"; fi
            systemctl daemon-reload
            systemctl restart "$NAME"
        fi
        say "the version before goes on"
    elif [ -z "$old" ]; then
        if [ "$switched" = yes ]; then remove_unit; fi
        if [ "$made_prefix" = yes ]; then rm -rf "$prefix"; fi
        if [ "$made_state" = yes ]; then rm -rf "$state"; fi
        if [ "$made_user" = yes ]; then userdel "$user"; fi
    fi
    if [ -n "$new" ]; then rm -rf "$new"; fi
    rm -rf "$work"
    exit 1
}

# Without systemd the one before may still run, and reads its files as it needs them.
forget_others() {
    for each in "$prefix"/versions/*; do
        case "versions/$(basename "$each")" in
            "$(readlink "$prefix/current")") ;;
            "$old") if [ "$systemd" = yes ]; then rm -rf "$each"; fi ;;
            *) rm -rf "$each" ;;
        esac
    done
}

tell() {
    if [ "$systemd" = yes ]; then
        say "collector $VERSION runs as the service $NAME, under the user $user; its state is in $state"
        say "look: systemctl status $NAME; $prefix/bin/$NAME status"
    else
        say "collector $VERSION is installed; its state is in $state. No systemd runs it here: let it be started by"
        say "    ${user:+runuser -u $user -- }$prefix/bin/$NAME run --state-dir $state"
        if [ -n "$old" ]; then say "and end the one that may still run"; fi
        if [ -n "$ca_file" ]; then say "with DIAGNOSE_COLLECTOR_CA_FILE=$ca_file in its environment"; fi
    fi
    say "remove: sh $prefix/install.sh uninstall${custom_prefix:+ --prefix $prefix}"
}

uninstall_collector() {
    [ -d "$prefix/versions" ] || fail "there is no collector in $prefix; give --prefix if it is elsewhere"
    if [ "$systemd" = yes ]; then remove_unit; fi
    end_others
    rm -rf "$prefix"
    if [ "$keep_state" = yes ]; then
        say "removed; its state stays in $state${user:+, and the user $user that owns it}"
        return
    fi
    rm -rf "$state"
    if [ -n "$user" ] && id -u "$user" >/dev/null 2>&1; then userdel "$user"; fi
    if [ -z "$user" ] && cd "$HOME"; then rmdir -p --ignore-fail-on-non-empty .local/share .local/state 2>/dev/null || true; fi
    say "removed, with its state${user:+ and its user}; on $server/collectors its credential can be revoked"
}

remove_unit() {
    systemctl --quiet disable --now "$NAME" 2>/dev/null || true
    rm -f "$unit" "$drop_in"
    if [ -d "$unit.d" ]; then rmdir --ignore-fail-on-non-empty "$unit.d"; fi
    systemctl daemon-reload
    systemctl reset-failed "$NAME" 2>/dev/null || true
}

# One that was started by hand.
end_others() {
    pid=$(cat "$state/lock" 2>/dev/null) || return 0
    case "$(tr '\0' ' ' <"/proc/${pid:-none}/cmdline" 2>/dev/null)" in
        *"$prefix/"*) kill "$pid" ;;
        *) return 0 ;;
    esac
    waited=0
    while [ -d "/proc/$pid" ] && [ "$waited" -lt 10 ]; do
        waited=$((waited + 1))
        sleep 1
    done
}
{% endif %}
say() {
    printf '%s: %s\n' "$NAME" "$1"
}

fail() {
    printf '%s: %s\n' "$NAME" "$1" >&2
    exit 1
}

# The last line calls all that stands above, so that a script which was cut short on the way does nothing.
main "$@"
{% endautoescape %}
