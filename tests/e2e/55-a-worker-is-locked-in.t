#!/bin/bash
#
# What a worker, and a prober, may do, seen from the outside while they run: whose rights they have, where they are,
# what they hold. And what the site's user may do to his worker, who runs under his own uid: end it, but not look
# into it.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start "hang at banner"
uid=20001
conf_write "max_workers = 4"
site_add site1 $uid
IN_JAIL=$JAILS/site1/$SPOOL_IN_JAIL
PID=""

# find_child KIND: $PID is a child of that kind which has got as far as to listen to the relay.
find_child() {
	PID=$(pgrep -P "$FLUSHD_PID" -f -- "--$1") &&
		[ "$(sed 's/ .*//' "/proc/$PID/syscall" 2>/dev/null)" != "" ] &&
		find "/proc/$PID/fd" -lname 'anon_inode:\[timerfd\]' 2>/dev/null | grep -q .
}

# status_of KEY: that line of /proc/PID/status, its blanks as single ones.
status_of() {
	sed -nE "s/^$1:\s*//p" "/proc/$PID/status" | tr -s '\t ' ' ' | sed 's/ $//'
}

# limit_of NAME: soft and hard.
limit_of() {
	sed -nE "s/^$1 +([^ ]+) +([^ ]+) .*/\1 \2/p" "/proc/$PID/limits"
}

# what_is_open: a descriptor a line, in their order; a socket's and a pipe's number says nothing.
what_is_open() {
	local fd
	for fd in $(find "/proc/$PID/fd" -type l -printf '%f\n' | sort -n); do
		echo "$fd $(readlink "/proc/$PID/fd/$fd" | sed -E 's/:\[[0-9]+\]$//')"
	done
}

# is_locked_in WHO UID: the claims that hold for both kinds.
is_locked_in() {
	is "$1: its user" "$(status_of Uid)" "$2 $2 $2 $2"
	is "$1: its group" "$(status_of Gid)" "$2 $2 $2 $2"
	is "$1: no other group" "$(status_of Groups)" ""
	is "$1: no capability" "$(status_of 'Cap(Inh|Prm|Eff|Amb)' | sort -u)" 0000000000000000
	is "$1: no new privileges" "$(status_of NoNewPrivs)" 1
	is "$1: a filter of system calls" "$(status_of Seccomp)" "$FILTERED"
	is "$1: one thread" "$(status_of Threads)" 1
	is "$1: the umask" "$(status_of Umask)" 0077
	is "$1: no core" "$(limit_of 'Max core file size')" "0 0"
	is "$1: no process" "$(limit_of 'Max processes')" "0 0"
	is "$1: few descriptors" "$(limit_of 'Max open files')" "64 64"
	is "$1: one pipe, of its log" "$(readlink "/proc/$PID/fd"/[012] | sort -u | wc -l)" 1
}

# A program of the sanitizers has no filter.
FILTERED=2
! has_sanitizers || FILTERED=0

site_submit site1 $uid first@site.test
service_start
ok "a worker talks to a relay that is silent" wait_until 10 find_child worker
is_locked_in worker $uid
is "worker: nor could a program have one" "$(status_of CapBnd)" 0000000000000000
is "worker: its root is the spool" "$(readlink "/proc/$PID/root")" "$IN_JAIL"
is "worker: and where it is" "$(readlink "/proc/$PID/cwd")" "$IN_JAIL"
is "worker: it holds the channel, the spool, its lock, and the relay" "$(what_is_open)" "0 pipe
1 pipe
2 pipe
3 socket
4 $IN_JAIL
5 $IN_JAIL/worker
6 $IN_JAIL
7 $IN_JAIL/incoming
8 anon_inode:[eventpoll]
9 anon_inode:[signalfd]
10 anon_inode:[timerfd]
11 socket"
is "worker: it is told of its parent's end in order" "$(status_of SigBlk)" 0000000000004000

# The same uid is what the kernel asks for first. His own process shows what he may do to one that is not locked in.
setpriv --reuid $uid --regid $uid --clear-groups -- sleep 60 &
OWN=$!
at_exit "end_child $OWN || true"
wait_until 5 grep -q sleep "/proc/$OWN/comm"

# can LOOK: the site's user can look so into process $1.
can_trace() {
	setpriv --reuid $uid --regid $uid --clear-groups -- strace -o /dev/null -p "$1" 2>"$SCRATCH/strace.said" &
	local tracer=$!
	wait_until 10 grep -qE 'attached|not permitted|denied' "$SCRATCH/strace.said" || true
	kill "$tracer" 2>/dev/null || true
	wait "$tracer" || true
	grep -q attached "$SCRATCH/strace.said"
}
can_read_memory() {
	# shellcheck disable=SC2016 # the variables are Perl's
	as_uid $uid perl -e 'open my $m, "<", "/proc/$ARGV[0]/mem" or exit 1' "$1"
}
can_list_descriptors() {
	as_uid $uid ls "/proc/$1/fd" >/dev/null 2>&1
}
can_follow_root() {
	as_uid $uid ls "/proc/$1/root/" >/dev/null 2>&1
}
can_read_environment() {
	as_uid $uid cat "/proc/$1/environ" >/dev/null 2>&1
}
for look in can_trace can_read_memory can_list_descriptors can_follow_root can_read_environment; do
	if $look "$OWN"; then
		ok "the site's user: ! $look" eval "! $look $PID"
	else
		skip "the site's user: ! $look" "nobody may here"
	fi
done
# may_end UID PID
may_end() {
	as_uid "$1" kill -0 "$2" 2>/dev/null && echo yes || echo no
}
is "the site's user may end it" "$(may_end $uid "$PID")" yes
is "another site's may not" "$(may_end 20002 "$PID")" no
is "nor may anybody end the supervisor" "$(may_end $uid "$FLUSHD_PID")" no

# A relay that closes is asked by a prober; the next one finds it silent.
echo "close at banner" >"$SCRATCH/mood"
kill -KILL "$PID"
ok "the relay is down" wait_until 20 flushd_logged state=down
echo "hang at banner" >"$SCRATCH/mood"
ok "a prober asks it" wait_until 20 find_child prober
is_locked_in prober 65534
is "prober: nor could a program have one" "$(status_of CapBnd)" 0000000000000000
is "prober: it holds the relay" "$(what_is_open)" "0 pipe
1 pipe
2 pipe
3 socket
4 anon_inode:[eventpoll]
5 anon_inode:[timerfd]"
echo well >"$SCRATCH/mood"
kill -KILL "$PID"
ok "the mail arrives after all" wait_until 40 is_taken first@site.test

# What its parent's death does: a prober has no channel that would tell.
echo "close at banner" >"$SCRATCH/mood"
site_submit site1 $uid second@site.test
ok "the relay is down again" wait_until 20 flushd_has_logged 2 state=down
echo "hang at banner" >"$SCRATCH/mood"
ok "a prober asks it again" wait_until 20 find_child prober
kill -KILL "$FLUSHD_PID"
wait "$FLUSHD_PID" 2>/dev/null || true
ok "it ends with the supervisor" wait_until 10 has_ended "$PID"

# A user's own flushd: all that can be without root.
SPOOL=$IN_JAIL
chmod 755 "$JAILS/site1" "$JAILS/site1/var" "$JAILS/site1/var/spool"
flushd_start_as $uid
ok "a user's own flushd has a worker" wait_until 10 find_child worker
is_locked_in "his worker" $uid
echo well >"$SCRATCH/mood"
kill -KILL "$PID"
ok "the second mail arrives too" wait_until 40 is_taken second@site.test
ok "flushd ends in order" flushd_stop
is "nobody did what is forbidden" "$(grep forbidden "$FLUSHD_LOG" || true)" ""
done_testing
