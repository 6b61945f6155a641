#!/bin/bash
#
# An idle flushd notices a submission within 100 ms. What is measured is more than that: from the end of
# mini_sendmail until flushd has logged postfix's 250.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
postfix_start
spool_create "$SCRATCH/spool"
letters_write 12 1000
flushd_start

sent() {
	grep -c 'status=sent' "$FLUSHD_LOG" || true
}

no_worker_runs() {
	[ -z "$(flushd_workers)" ]
}

times=()
slow=0
count=0
while read -r token _; do
	letter_submit "$token"
	begin=$(now_us)
	count=$((count + 1))
	while [ "$(sent)" -lt "$count" ] && [ $(($(now_us) - begin)) -lt 10000000 ]; do
		sleep 0.005
	done
	took=$((($(now_us) - begin) / 1000))
	# Starting up is the first one's business, not waking up.
	if [ "$count" -gt 2 ]; then
		times+=("$took")
		[ "$took" -le 1000 ] || slow=$((slow + 1))
	fi
	# Idle means that the worker has left, too.
	wait_until 10 queue_is_empty
	wait_until 1 no_worker_runs || true
done <"$LETTERS/index"

median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n 5p)
diag "from submission to status=sent: median $median ms of ${#times[@]} (${times[*]})"
is "each is sent within 1 s of its submission" "$slow" 0
at_most "half of them within 100 ms (ms)" "$median" 100
ok "all are delivered" wait_all_delivered 10
nothing_wrong "each has arrived once"
ok "flushd ends in order" flushd_stop
done_testing
