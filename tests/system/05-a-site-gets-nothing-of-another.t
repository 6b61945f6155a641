#!/bin/bash
#
# A hacked site, by PHP in its pool and by a shell as its user on the host, goes for the files, the spools, the
# processes and the mail of another, and for flushd. It gets nothing, and the other's mail arrives.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"
packages_find
host_open "$PACKAGE"
site_create hacked
site_create other
victim=/srv/other/$SPOOL_IN_JAIL
own=/srv/hacked/$SPOOL_IN_JAIL
machine_sh 'echo secret >/srv/other/www/secret; chown other:other /srv/other/www/secret'

# as_hacked TEXT: a line for the shell of its user, on the host, outside of the jail.
as_hacked() {
	machine_run setpriv --reuid hacked --regid hacked --clear-groups -- sh -c "$1"
}

# denied CLAIM TEXT: it fails, though root can do it: so what is wrong with it is who does it.
denied() {
	local status=0
	as_hacked "$2" >"$SCRATCH/denied" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		claim 1 "$1"
		diag "$2 succeeded: $(head -c 200 "$SCRATCH/denied")"
	else
		ok "$1" machine_sh "{ $2; } >/dev/null"
	fi
}

relay_stop
machine_run systemctl stop flushd
is "mail() is true for both" "$(sites_mail first hacked other)" true
# A relay that is silent keeps a worker of each where it is.
machine_run systemd-run -q --unit=silent --socket-property=ListenStream=127.0.0.1:25 sleep infinity
machine_run systemctl start flushd
has_workers() {
	machine_run pgrep -u hacked -f -- --worker >"$SCRATCH/worker.hacked" &&
		machine_run pgrep -u other -f -- --worker >"$SCRATCH/worker.other"
}
ok "each has a worker" wait_until 20 has_workers
read -r own_worker <"$SCRATCH/worker.hacked"
read -r worker <"$SCRATCH/worker.other"
pool=$(machine_run pgrep -f 'php-fpm: pool other'  | head -n 1)

# --- on the host --------------------------------------------------------------------------------------

denied "it cannot look into the other's jail" "ls /srv/other"
denied "nor read what is in there" "cat /srv/other/www/secret"
denied "nor read its spool" "cat $victim/data.mdb"
denied "nor list it by flushctl" "flushctl --spool $victim list"
denied "nor use it" "MINI_SENDMAIL_SPOOL=$victim /usr/libexec/mini-sendmail/mini_sendmail -bp"
denied "nor lock it" "flock -n $victim true"
denied "nor talk to its PHP" "test -w /run/php/other.sock"
denied "it cannot signal flushd" "kill -0 $(main_pid)"
denied "nor the other's worker" "kill -0 $worker"
denied "nor the other's PHP" "kill -0 $pool"
denied "it cannot look into the other's worker" "ls /proc/$worker/fd"
denied "nor into its own, which holds a connection" "ls /proc/$own_worker/fd"
denied "nor into the memory of that" "cat /proc/$own_worker/maps"
denied "nor enter the root of that" "ls /proc/$own_worker/root/"
denied "it cannot change what flushd is told" ": >>/etc/mini-sendmail/flushd.conf"
denied "nor add a site" ": >/etc/mini-sendmail/sites.d/new"
denied "nor take the socket of its status away" "test -w /run/mini-sendmail"
sites_told() {
	grep -oE '"site": ?"[a-z]+"' | grep -oE '(hacked|other)' | sort -u | xargs
}
is "it is told of its own site only" "$(as_hacked 'flushctl status --json' | sites_told)" hacked
is "root is told of both" "$(machine_run flushctl status --json | sites_told)" "hacked other"
ok "its own worker it may end" as_hacked "kill -KILL $own_worker"
is "which is all that has come of it" "$(machine_run pgrep -u other -f -- --worker) $(machine_run systemctl is-active flushd)" \
	"$worker active"

# --- by PHP, in the jail ------------------------------------------------------------------------------

cat >"$DISK/srv/hacked/www/attack.php" <<'END'
<?php
// Each line says whether it got something.
error_reporting(0);
function tried($what, $got) {
	echo $what, ": ", $got === false ? "nothing" : "something", "\n";
}
symlink("/srv/other/www/secret", "/tmp/link");
foreach (["/srv/other/www/secret", "/../../srv/other/www/secret", "/../other/www/secret", "/tmp/link", "/etc/passwd"] as $path)
	tried("read $path", file_get_contents($path));
foreach (["/run/mini-sendmail/status", "/run/php/other.sock", "/../../run/mini-sendmail/status"] as $path)
	tried("connect $path", stream_socket_client("unix://$path"));
foreach (explode(",", $_GET["pids"]) as $pid)
	tried("kill", posix_kill((int)$pid, 9));
tried("read its own", file_get_contents("/www/attack.php"));
tried("signal itself", posix_kill(getmypid(), 0));
END
machine_run install -d -m 1777 /srv/hacked/tmp
attack=$(site_php hacked attack.php "pids=$worker,$(main_pid)" </dev/null)
is "PHP in the jail gets what is its own, and nothing else" "$(grep -v ': nothing$' <<<"$attack" | xargs)" \
	"read its own: something signal itself: something"
is "of ten things that it has tried" "$(grep -c ': nothing$' <<<"$attack")" 10

# --- the way to its spool -----------------------------------------------------------------------------

# It owns the directory of its spool, by the administrator's mistake, and puts a link to the other's in its place.
machine_run chown hacked "/srv/hacked/var/spool"
as_hacked "mv $own $own.away && ln -s ../../../other/$SPOOL_IN_JAIL $own"
machine_run systemctl restart flushd
ok "flushd follows no link" wait_until 20 machine_logged 'site=hacked .*(symbolic links|Not a directory|ELOOP)'
as_hacked "rm $own && mv $own.away $own"
machine_run systemctl reload flushd

machine_run systemctl stop silent.socket silent.service
relay_start
ok "the mail of both arrives" maildir_wait 2 90
is "mail() is true for both" "$(sites_mail last hacked other)" true
ok "and that arrives too" maildir_wait 4 60
nothing_wrong "as it was, once"
done_testing
