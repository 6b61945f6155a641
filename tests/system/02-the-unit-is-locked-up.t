#!/bin/bash
#
# What flushd.service leaves open, by systemd's own count and seen from outside; that a worker still drops all it has
# under it, that the watchdog bites, and that the drop-in for spools elsewhere is needed and does what it says.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"
packages_find
host_open "$PACKAGE"

# status_of PID KEY: that line of /proc/PID/status.
status_of() {
	machine_run sed -nE "s/^$2:\s*//p" "/proc/$1/status" | tr -s '\t ' ' ' | sed 's/ $//'
}

# property KEY: what systemd knows of the service.
property() {
	machine_run systemctl show -P "$1" flushd
}

exposure=$(machine_run systemd-analyze security --no-pager flushd | sed -n 's/.*exposure level.*: \([0-9]*\)\.\([0-9]*\) .*/\1\2/p')
at_most "the exposure, in tenths" "${exposure:-99}" 25
is "nothing is wrong with the unit" "$(machine_run systemd-analyze verify --man=no flushd.service 2>&1)" ""
is "the supervisor has these capabilities, and no more" \
	"$(machine_run systemctl show -P CapabilityBoundingSet flushd | tr ' ' '\n' | sort | xargs)" \
	"cap_dac_read_search cap_kill cap_setgid cap_setpcap cap_setuid cap_sys_chroot"
is "systemd is told how it is" "$(property StatusText)" "0 sites, 0 waiting, relay 127.0.0.1:25 is up"

# --- a worker -----------------------------------------------------------------------------------------

site_create site1
site_create site2
relay_stop
machine_run systemctl stop flushd
is "mail() is true without flushd" "$(sites_mail first site1)" true
# Who connects is kept waiting: there is nobody behind the socket.
machine_run systemd-run -q --unit=silent --socket-property=ListenStream=127.0.0.1:25 sleep infinity
machine_run systemctl start flushd
find_worker() {
	WORKER=$(machine_run pgrep -u site1 -f -- --worker) && [ "$(status_of "$WORKER" Seccomp_filters)" -gt \
		"$(status_of "$(main_pid)" Seccomp_filters)" ]
}
ok "a worker talks to a relay that is silent" wait_until 20 find_worker
uid=$(machine_run id -u site1)
is "worker: its user" "$(status_of "$WORKER" Uid)" "$uid $uid $uid $uid"
is "worker: its groups" "$(status_of "$WORKER" Gid) $(status_of "$WORKER" Groups)" "$uid $uid $uid $uid "
is "worker: no capability, nor could a program have one" \
	"$(status_of "$WORKER" 'Cap(Inh|Prm|Eff|Bnd|Amb)' | sort -u)" 0000000000000000
is "worker: no new privileges" "$(status_of "$WORKER" NoNewPrivs)" 1
is "worker: its root is the spool" "$(machine_run readlink "/proc/$WORKER/root")" "/srv/site1/$SPOOL_IN_JAIL"
is "worker: with nothing else in it" \
	"$(machine_run find "/proc/$WORKER/root/" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs)" \
	"$(machine_run ls "/srv/site1/$SPOOL_IN_JAIL" | sort | xargs)"
ok "worker: it was able to learn in which boot it is" \
	machine_run grep -qE '^[0-9a-f-]{36}$' "/proc/$(main_pid)/root/proc/sys/kernel/random/boot_id"
machine_run systemctl stop silent.socket silent.service
relay_start
ok "it arrives once there is a postfix" maildir_wait 1 60

# --- the watchdog -------------------------------------------------------------------------------------

mkdir -p "$DISK/etc/systemd/system/flushd.service.d"
printf '[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n' >"$DISK/etc/systemd/system/flushd.service.d/watchdog.conf"
machine_run systemctl daemon-reload
machine_run systemctl restart flushd
before=$(main_pid)
machine_run kill -STOP "$before"
ok "the watchdog ends a flushd that stands still, and another starts" wait_until 60 is_another_flushd "$before"
is "that is what systemd says" "$(machine_run journalctl -q -b -o cat -u flushd | grep -c 'Watchdog timeout')" 1
rm "$DISK/etc/systemd/system/flushd.service.d/watchdog.conf"
machine_run systemctl daemon-reload

# --- configuration ------------------------------------------------------------------------------------

is "all of flushd.conf is what holds without it" \
	"$(sed -n 's/^#\([a-z_]* = \)/\1/p' "$DISK/etc/mini-sendmail/flushd.conf" | grep -v '^domain')" \
	"$(machine_run flushd --check | sed -n '2,/^$/p' | grep .)"
echo 'max_worker = 3' >>"$DISK/etc/mini-sendmail/flushd.conf"
before=$(main_pid)
machine_run systemctl reload flushd
ok "a mistake in it is said at a reload" wait_until 10 machine_logged 'flushd.conf:[0-9]+: '
is "and harms nothing" "$(property ActiveState) $(main_pid)" "active $before"
machine_run systemctl restart flushd 2>/dev/null || true
is "with it none starts, and systemd does not try for ever" "$(property ActiveState) $(property NRestarts)" "failed 0"
sed -i '$d' "$DISK/etc/mini-sendmail/flushd.conf"
machine_run systemctl start flushd
before=$(main_pid)
is "a second one by hand leaves" "$(machine_sh 'flushd 2>&1 | tail -n 1')" "flushd: leaves: another flushd serves these sites"
is "and does no harm" "$(property ActiveState) $(main_pid)" "active $before"

# --- spools elsewhere ---------------------------------------------------------------------------------

machine_run mkdir -p /opt/jails
mv "$DISK/srv/site2" "$DISK/opt/jails"
machine_run ln -s /opt/jails/site2 /srv/site2
sed -i 's,^root = .*,root = /opt/jails/site2,' "$DISK/etc/mini-sendmail/sites.d/site2.conf"
machine_run systemctl restart flushd
is "mail() is true" "$(sites_mail elsewhere site2)" true
ok "flushd may not write there, and says so" wait_until 20 machine_logged 'site=site2 .*Read-only file system'
is "so it waits" "$(waiting site2)" 1
cp docs/examples/spools-elsewhere.conf "$DISK/etc/systemd/system/flushd.service.d"
machine_run mkdir -p /mnt/tenants
machine_run systemctl daemon-reload
machine_run systemctl restart flushd
ok "with the drop-in it arrives" maildir_wait 2 60
cp docs/examples/remote-relay.conf "$DISK/etc/systemd/system/flushd.service.d"
machine_run systemctl daemon-reload
is "nothing is wrong with the drop-ins" "$(machine_run systemd-analyze verify --man=no flushd.service 2>&1)" ""
is "the one for a relay elsewhere lets that through too" "$(property IPAddressAllow | tr ' ' '\n' | sort | xargs)" \
	"127.0.0.0/8 192.0.2.25/32 ::1/128"
nothing_wrong "as it was, once"

# --- a disk that comes late ---------------------------------------------------------------------------

machine_sh 'mkdir /mnt/late && mount -t tmpfs -o mode=755 tmpfs /mnt/late && mv /srv/site1 /mnt/late'
machine_run systemctl restart flushd
ok "a site whose disk is not there is looked for" wait_until 20 \
	machine_logged "site=site1 /srv/site1/$SPOOL_IN_JAIL: No such file or directory; again in 2 s"
machine_sh 'mount --bind /mnt/late /srv && echo late | chroot /srv/site1 /usr/sbin/sendmail -f www@site1.test reader@example.org'
ok "when it is mounted, flushd sees it, though it runs in a name space of its own" maildir_wait 3 70
done_testing
