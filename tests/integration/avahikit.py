# SPDX-License-Identifier: GPL-2.0-or-later
"""A private Avahi: D-Bus and avahi-daemon in a network namespace of their own
with one Ethernet, and a shell in which a test runs commands."""
import os
import subprocess
import time

BUS = """<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/bus</listen>
<auth>EXTERNAL</auth><policy context="default"><allow user="*"/>
<allow own="*"/><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/></policy></busconfig>
"""
AVAHI = """[server]
use-ipv4=yes
use-ipv6=no
enable-dbus=yes
deny-interfaces=lo,eth1
[publish]
publish-aaaa-on-ipv4=no
publish-hinfo=no
publish-workstation=no
"""
ADDRESS = "10.99.0.1"
UNSHARE = ["unshare", "-nm"] if os.geteuid() == 0 else ["unshare", "-rnm"]
# /run is its own: the pid file is not the system's avahi-daemon's, and a daemon
# that has dropped root reaches the bus
SETUP = """set -e
mount -t tmpfs tmpfs /run
ip link set lo up
ip link add eth0 type veth peer name eth1
ip addr add {address}/24 dev eth0
ip link set eth1 up
ip link set eth0 multicast on up
ip route add default dev eth0
dbus-daemon --config-file={d}/bus.conf --nofork --nopidfile >{d}/bus.log 2>&1 &
i=0
until [ -S /run/bus ] || [ $i = 100 ]; do sleep 0.05; i=$((i+1)); done
avahi-daemon --no-drop-root --no-chroot --no-rlimits -f {d}/avahi.conf \\
    >{d}/avahi.log 2>&1 &
i=0
until grep -q 'Server startup complete' {d}/avahi.log || [ $i = 200 ]; do
    sleep 0.05; i=$((i+1)); done
echo ready
set +e
while read -r line; do eval "$line"; echo "status $?"; done
"""


def missing():
    """Why there can be none here, or None."""
    for program, package in (("/usr/bin/dbus-daemon", "dbus-daemon"),
                             ("/usr/sbin/avahi-daemon", "avahi-daemon"),
                             ("/usr/sbin/ip", "iproute2"),
                             ("/usr/bin/unshare", "util-linux")):
        if not os.access(program, os.X_OK):
            return f"no {program} (Debian package {package})"
    if subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/run"],
                      capture_output=True, check=False).returncode:
        return "no network and mount namespaces can be made here"
    return None


class Net:
    def __init__(self, directory):
        self.directory = str(directory)
        for name, text in (("bus.conf", BUS),
                           ("avahi.conf", AVAHI)):
            with open(os.path.join(self.directory, name), "w") as out:
                out.write(text)
        self.shell = subprocess.Popen(
            # what it starts ends with it: the PID namespace goes, too
            [*UNSHARE, "--pid", "--fork", "--kill-child", "sh", "-c",
             SETUP.format(d=self.directory, address=ADDRESS)],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/run/bus",
                 "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True)
        if self.shell.stdout.readline().strip() != "ready":
            self.stop()
            raise RuntimeError("no Avahi: " + self.log())

    def log(self):
        text = ""
        for name in ("bus.log", "avahi.log"):
            path = os.path.join(self.directory, name)
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    text += file.read()
        return text

    def sh(self, command):
        """Its exit status, in the namespace; it must not print."""
        self.shell.stdin.write(command + "\n")
        self.shell.stdin.flush()
        line = self.shell.stdout.readline()
        assert line.startswith("status "), (command, line, self.log())
        return int(line.split()[1])

    def until(self, is_true, seconds=15):
        end = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True

    def stop(self):
        self.shell.stdin.close()
        self.shell.kill()
        self.shell.wait(10)
        self.shell.stdout.close()
