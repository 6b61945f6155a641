#!/bin/bash
#
# A thousand sites that have nothing to send: one process, which needs little memory and no time, and hears of the one
# that has something after all; also while all of them are looked at, as after SIGHUP, or when events were lost.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
# Nothing here asks what a disk has kept.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
sites_open
moody_start well
# shellcheck disable=SC2119 # it needs no more lines
conf_write
COUNT=1000
seconds=5
[ -z "${E2E_LONG:-}" ] || seconds=60
for ((n = 1; n <= COUNT; n++)); do
	site_add "site$n" $((20000 + n))
done
service_start

# CPU time of flushd and its children that have ended, in clock ticks.
cpu_ticks() {
	awk '{ print $14 + $15 + $16 + $17 }' "/proc/$FLUSHD_PID/stat"
}

is_idle() {
	local before
	before=$(cpu_ticks)
	sleep 1
	[ -z "$(flushd_workers)" ] && [ "$(cpu_ticks)" -eq "$before" ]
}

ok "each has had a worker, and none has one now" wait_until 120 is_idle
is "nobody complains" "$(grep -vE 'started$|configured$|relay takes messages' "$FLUSHD_LOG" || true)" ""
is "all were looked at" "$(grep -c 'relay takes messages' "$FLUSHD_LOG")" "$COUNT"
costs_at_most "resident memory, KiB" "$(awk '/^VmRSS/ { print $2 }' "/proc/$FLUSHD_PID/status")" $((20 * 1024))
at_most "descriptors" "$(find "/proc/$FLUSHD_PID/fd" -mindepth 1 | wc -l)" 30
before=$(cpu_ticks)
sleep "$seconds"
# A thousandth of the time, but at least one tick.
at_most "ticks in $seconds s" "$(($(cpu_ticks) - before))" $((1 + seconds * $(getconf CLK_TCK) / 1000))

begin=$(now_us)
site_submit site777 20777 hello@site.test
ok "one that has something to send is heard" wait_until 10 is_taken hello@site.test
note "it took $((($(now_us) - begin) / 1000)) ms"
begin=$(now_us)
kill -HUP "$FLUSHD_PID"
reload_is_done() {
	flushd_has_logged 2 'sites=1000 configured'
}
ok "a reload reads all files" wait_until 30 reload_is_done
note "it took $((($(now_us) - begin) / 1000)) ms"
# The last of them by name.
begin=$(now_us)
site_submit site999 20999 reload@site.test
ok "meanwhile one has something to send" wait_until 30 is_taken reload@site.test
at_most "it does not wait for the others, ms" $((($(now_us) - begin) / 1000)) 2000
ok "and calls each worker once" wait_until 120 is_idle

# More events than the kernel keeps, and each unlike the one before it.
kill -STOP "$FLUSHD_PID"
perl -e '
	for (1 .. $ARGV[0]) {
		open my $file, ">>", $ARGV[$_ % 2 + 1] or die "$ARGV[$_ % 2 + 1]: $!\n";
	}
' $(($(cat /proc/sys/fs/inotify/max_queued_events) + 1000)) "$JAILS/site1/$SPOOL_IN_JAIL/data.mdb" \
	"$JAILS/site2/$SPOOL_IN_JAIL/data.mdb"
# What nobody will hear of, and something that comes while all are looked at.
site_submit site555 20555 unheard@site.test
kill -CONT "$FLUSHD_PID"
begin=$(now_us)
site_submit site999 20999 heard@site.test
ok "when events are lost, one has something to send" wait_until 30 is_taken heard@site.test
at_most "it does not wait for the others, ms" $((($(now_us) - begin) / 1000)) 2000
ok "what was not heard of is found" wait_until 120 is_taken unheard@site.test
ok "and all is quiet again" wait_until 120 is_idle
ok "flushd ends in order" flushd_stop
done_testing
