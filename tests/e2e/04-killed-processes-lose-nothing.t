#!/bin/bash
#
# A backlog of 500; while it drains, worker and supervisor are killed by SIGKILL in turn, at a different
# moment each time. Each kill of the worker may double what falls between postfix's final 250 and the commit that
# records it: with such a backlog that is LEDGER_MAX of ledger.h, and one more on each of two connections. Nothing else
# may happen.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
spool_create "$SCRATCH/spool"
backlog=500
letters_write "$backlog" 1500
ok "$backlog messages are taken" letters_submit 4
postfix_start

# What a service manager does: start it again when it is gone. Until the dead supervisor's worker has
# let go of the spool a new one may well say that it is served, and leave.
flushd_keep_running() {
	has_ended "$FLUSHD_PID" || return 0
	wait "$FLUSHD_PID" 2>/dev/null || true
	flushd_start
}

arrived_at_least() {
	flushd_keep_running
	maildir_has "$1"
}

spool_is_empty() {
	flushd_keep_running
	queue_is_empty
}

a_worker_runs() {
	flushd_keep_running
	[ -n "$(flushd_workers)" ]
}

flushd_start
kills=0
worker_kills=0
supervisor_kills=0
arrived=0
while [ "$arrived" -lt $((backlog - 50)) ]; do
	# Not before the next message has arrived: a kill must fall into work.
	wait_until 60 arrived_at_least $((arrived + 1)) || break
	wait_until 20 a_worker_runs || break
	sleep "0.0$((RANDOM % 4))"
	if [ $((kills % 2)) -eq 0 ]; then
		# shellcheck disable=SC2046 # a list of process ids
		kill -KILL $(flushd_workers) 2>/dev/null && worker_kills=$((worker_kills + 1))
	else
		kill -KILL "$FLUSHD_PID" && { wait "$FLUSHD_PID" 2>/dev/null || true; } &&
			supervisor_kills=$((supervisor_kills + 1))
	fi
	kills=$((worker_kills + supervisor_kills))
	# Until postfix has delivered what it has, it is no sign of a new worker.
	wait_until 10 postfix_is_idle
	arrived=$(maildir_count)
done
ok "everything has left the spool" wait_until 60 spool_is_empty
ok "postfix has delivered everything" wait_until 30 postfix_is_idle

result=$(comparison)
doubled=${result##*doubled=}
diag "$worker_kills kills of the worker, $supervisor_kills of the supervisor: $doubled of $backlog doubled"
at_most "there were kills enough to mean something (6 or more)" 6 "$kills"
is "nothing is lost, altered or invented" "${result% doubled=*}" "lost=0 altered=0 strange=0"
# A worker whose supervisor was killed records what it has sent, and leaves.
at_most "no more doubled than was at risk" "$doubled" $((worker_kills * (12 + 2)))
ok "flushd ends in order" flushd_stop
done_testing
