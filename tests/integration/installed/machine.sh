#!/bin/bash
# Boots systemd in namespaces, on a copy-on-write view of this root: `machine.sh PLACE [DIRECTORY TO HIDE]…`.
# What it changes is in PLACE/upper. Its network is a loopback device and nothing else.
set -euo pipefail

place=$1
shift
if [ "${INSIDE:-}" != yes ]; then
  # A control group of its own in each hierarchy, or systemd would take over those of the host.
  for hierarchy in $(awk '$3 ~ /^cgroup2?$/ && $4 !~ /cpuset/ { print $2 }' /proc/self/mounts); do
    mkdir "$hierarchy/$(basename "$place")"
    echo $$ >"$hierarchy/$(basename "$place")/cgroup.procs"
  done
  INSIDE=yes exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child "$0" "$place" "$@"
fi

hierarchies=$(awk '$3 ~ /^cgroup2?$/ && $4 !~ /cpuset/ { print $2, $3, $4 }' /proc/self/mounts)
mount --make-rprivate /
mount -t tmpfs tmpfs "$place"
mkdir "$place"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
cd "$place/root"
# Kernel settings and devices are the host's own: they are to be read only, and no node is to be made.
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs dev
mkdir dev/pts dev/shm
for device in null zero full random urandom tty; do
  cp -a "/dev/$device" dev/
done
ln -s /proc/self/fd dev/fd
ln -s null dev/console
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
[ -d sys/fs/cgroup ] && mount -t tmpfs tmpfs sys/fs/cgroup
while read -r where kind options; do
  mkdir -p ".$where"
  mount -t "$kind" -o "$(tr , '\n' <<<"$options" | grep -vE '^(rw|relatime|nosuid|nodev|noexec|ns.*)$' | paste -sd,)" "$kind" ".$where" ||
    mount -t "$kind" "$kind" ".$where"
done <<<"$hierarchies"
for hidden in "$@"; do
  mount -t tmpfs tmpfs ".$hidden"
done
ip link set lo up
mkdir -p run/systemd/system
for unit in systemd-sysctl systemd-binfmt systemd-modules-load systemd-tmpfiles-setup-dev systemd-remount-fs systemd-udevd; do
  ln -s /dev/null "run/systemd/system/$unit.service"
done
ln -s /dev/null run/systemd/system/proc-sys-fs-binfmt_misc.automount
export container=diagnose-test
exec chroot . /lib/systemd/systemd --system --unit=basic.target --log-level=warning --log-target=console
