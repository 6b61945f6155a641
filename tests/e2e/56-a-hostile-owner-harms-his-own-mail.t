#!/bin/bash
#
# The owner of a site, who runs under the uid of his own worker, ends it, has it leave, stops it, and floods its spool
# with events. He harms his own mail only: that of another site comes through, and the supervisor has little to do. And a
# spool that is not his is none of his site.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
bad=20001
good=20002
conf_write "max_workers = 2"
site_add bad $bad
site_add good $good
BAD_SPOOL=$JAILS/bad/$SPOOL_IN_JAIL
WORKER=""

# His worker, as soon as it is at the relay: one socket is its channel.
find_worker() {
	WORKER=$(pgrep -P "$FLUSHD_PID" -U $bad -f -- --worker) &&
		[ "$(find "/proc/$WORKER/fd" -lname 'socket:*' 2>/dev/null | wc -l)" -ge 2 ]
}

# $1 is a command; the worker is stuck at the relay when it runs.
with_a_worker() {
	echo "hang at banner" >"$SCRATCH/mood"
	site_submit bad $bad "$1@bad.test"
	ok "$1: a worker of his runs" wait_until 20 find_worker
	echo well >"$SCRATCH/mood"
}

# The supervisor's CPU time, in hundredths of a second.
supervisor_cpu() {
	awk '{ print $14 + $15 }' "/proc/$FLUSHD_PID/stat"
}

# good_mail NAME SECONDS: another site's mail arrives.
good_mail() {
	local begin
	begin=$(now_us)
	site_submit good $good "$1@good.test"
	ok "$1: another site's mail arrives" wait_until "$2" is_taken "$1@good.test"
	note "$1: it took $((($(now_us) - begin) / 1000)) ms"
}

service_start
ok "each site has met the relay" wait_until 20 flushd_has_logged 2 'relay takes messages'

# --- SIGKILL ------------------------------------------------------------------------------------------

with_a_worker kill
as_uid $bad kill -KILL "$WORKER"
good_mail kill 10
ok "kill: the end of his worker is in the log" wait_until 5 flushd_logged 'site=bad worker ended by signal 9'
ok "kill: his own mail arrives later" wait_until 20 is_taken kill@bad.test

# --- SIGTERM ------------------------------------------------------------------------------------------

with_a_worker leave
as_uid $bad kill -TERM "$WORKER"
good_mail leave 10
ok "leave: that his worker did is in the log" wait_until 5 flushd_logged 'site=bad worker left before its work was done'
ok "leave: his own mail arrives later" wait_until 20 is_taken leave@bad.test

# --- SIGSTOP ------------------------------------------------------------------------------------------

if [ -n "${E2E_LONG:-}" ]; then
	# There is no other place until his is free.
	conf_write "max_workers = 1"
	kill -HUP "$FLUSHD_PID"
	wait_until 5 flushd_has_logged 2 'sites=2 configured'
fi
with_a_worker stop
as_uid $bad kill -STOP "$WORKER"
good_mail stop 75
if [ -n "${E2E_LONG:-}" ]; then
	ok "stop: his worker was killed" flushd_logged 'site=bad worker is silent for 50 s: killed'
	ok "stop: his own mail arrives later" wait_until 30 is_taken stop@bad.test
else
	is "stop: his own does not" "$(grep -cxF '<stop@bad.test>' "$SCRATCH/taken" || true)" 0
	as_uid $bad kill -CONT "$WORKER"
	as_uid $bad kill -KILL "$WORKER"
	ok "stop: until he lets it" wait_until 20 is_taken stop@bad.test
fi

# --- a flood of events --------------------------------------------------------------------------------

# flood DEED: for 5 s, as fast as he can.
flood() {
	local flooder before cpu_ms
	# shellcheck disable=SC2016 # the variables are Perl's
	setpriv --reuid $bad --regid $bad --clear-groups -- perl -MTime::HiRes=time -e '
		my ($dir, $deed, $n) = (@ARGV, 0);
		my %deeds = (
			close => sub { open my $f, ">>", "data.mdb" or die; close $f },
			touch => sub { utime undef, undef, "data.mdb" or die },
			create => sub { open my $f, ">", "new" or die; close $f; unlink "new" },
			rename => sub { rename "a", "data.mdb.old"; rename "data.mdb.old", "a" or die },
			turn => sub { rename "data.mdb", "b" or die; rename "b", "data.mdb" or die },
		);
		chdir $dir or die "$dir: $!\n";
		if ($deed eq "rename") { open my $f, ">", "a" or die }
		my $end = time + 5;
		while (time < $end) { $deeds{$deed}->(); $n++ }
		print "$n\n";
	' "$BAD_SPOOL" "$1" >"$SCRATCH/flood" &
	flooder=$!
	before=$(supervisor_cpu)
	good_mail "$1-1" 2
	sleep 1
	good_mail "$1-2" 2
	wait "$flooder"
	cpu_ms=$((($(supervisor_cpu) - before) * 10))
	note "$1: $(cat "$SCRATCH/flood") times, and $cpu_ms ms of the supervisor"
	ok "$1: there were thousands" [ "$(cat "$SCRATCH/flood")" -gt 5000 ]
	at_most "$1: ms of CPU time of the supervisor, in 5 s" "$cpu_ms" 500
}

for deed in close touch create rename turn; do
	flood $deed
done

# --- a spool that is not his --------------------------------------------------------------------------

site_submit bad $bad last@bad.test
ok "in the end his own mail arrives too" wait_until 90 is_taken last@bad.test
refusals=0
for owner in $good 0; do
	chown "$owner" "$BAD_SPOOL"
	kill -HUP "$FLUSHD_PID"
	refusals=$((refusals + 1))
	ok "a spool of user $owner is not served for him" \
		wait_until 20 flushd_has_logged $refusals 'site=bad .*: belongs to another user'
done
chown $bad "$BAD_SPOOL"
site_submit bad $bad again@bad.test
kill -HUP "$FLUSHD_PID"
ok "his own is" wait_until 20 is_taken again@bad.test
ok "flushd ends in order" flushd_stop
is "and said nothing of the other site" "$(grep -E 'site=good worker (failed|ended|was)' "$FLUSHD_LOG" || true)" ""
done_testing
