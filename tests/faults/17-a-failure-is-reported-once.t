#!/bin/bash
#
# The worker is killed at each of its system calls from the moment when the relay refuses a recipient: before and after
# the commit that records it, and while the report is sent. There is one report, whatever happens: the message is still
# to be reported, or its report is in the spool or at the relay. And it is never both, or there would be two. Where one of its system calls fails, the message may also be kept as failed.

# shellcheck source=tests/faults/worker.sh
. "$(dirname "$0")/worker.sh"
needs_root "traces a process that nobody else may"
needs_strace
worker_open
SPOOL_OPTIONS=(--domain site.test)

# a is refused, and reported to its sender; b is not.
worker_letters() {
	letter_write "$1"
	"$BIN/mini_sendmail" -i -f "$1@site.test" refused@example.org <"$LETTERS/$1.eml"
	letter_send "$2"
}

# report_copies TOKEN: how often the relay has taken a report, from nobody to the sender.
report_copies() {
	grep -cxF -- " $1@site.test" "$SINK/envelopes" || true
}

# report_is_stored TOKEN LIST: the one on it, which is for its sender.
report_is_stored() {
	[[ $2 == *"{\"address\": \"$1@site.test\""* ]]
}

# judge_report TOKEN LIST WHEN: counts what there is of it; says if that is not one thing.
judge_report() {
	local token=$1 list=$2 copies things=0
	copies=$(report_copies "$token")
	if letter_is_stored "$token" "$list"; then
		things=$((things + 1))
		[ "$copies" -eq 0 ] || echo "still there $3, though reported"
	fi
	if report_is_stored "$token" "$list"; then
		things=$((things + 1))
	elif [ "$copies" -gt 0 ]; then
		things=$((things + 1))
	fi
	[ "$things" -eq 1 ] || echo "$things of message and report $3"
}

worker_judge() {
	local fault=$1 a=$2 b=$3 list before b_before was_kept='' allowed=1 after
	[ ! -e "$TRIAL/stuck" ] || cat "$TRIAL/stuck"
	rm -f "$SINK"/hold/*
	wait_until 30 sink_is_idle || echo "the relay is busy"
	list=$(flushctl list --json) || echo "the spool does not open"
	judge_report "$a" "$list" "after the fault"
	before=$(report_copies "$a")
	# As any other message, if the fault fell between its final dot and the commit.
	if [ "$before" -eq 1 ] && report_is_stored "$a" "$list"; then
		allowed=2
	fi
	b_before=$(sink_copies "$b")
	! letter_is_stored "$b" "$list" || was_kept=1
	flushd_once || true
	list=$(flushctl list --json) || echo "the spool does not open afterwards"
	judge_report "$a" "$list" "at the end"
	after=$(report_copies "$a")
	# A report that cannot be stored leaves a message that failed.
	[ "$after" -ge 1 ] || [[ $fault == error=* && $list == *"$a@site.test"* ]] || echo "no report"
	[ "$after" -le "$allowed" ] || echo "$after reports"
	worker_judge_copies "$b" "$b_before" "$was_kept" "$list"
}

# kill_at CALL:NUMBER
kill_at() {
	worker_try "$PROGRAM" "$1" signal=SIGKILL from_data_on
}

PROGRAM=$BIN/flushd
mapfile -t places < <(worker_places from_data_on "$PROGRAM" | bounded)
trials_begin kill_at "${places[@]}"
trials_end
experiment "a worker killed at each system call behind a refusal" "$tried" "$violations"

# fail_at CALL:NUMBER:ERROR
fail_at() {
	worker_try "$PROGRAM" "${1%:*}" "error=${1##*:}" from_data_on
}

mapfile -t places < <(worker_places from_data_on "$PROGRAM" | with_errors | bounded)
trials_begin fail_at "${places[@]}"
trials_end
experiment "an error of one system call behind a refusal" "$tried" "$violations"

IS_CONTROL=1
BOUNDED=24
PROGRAM=$CONTROLS/late_report/flushd
mapfile -t places < <(worker_places from_data_on "$PROGRAM" flock munmap fdatasync | bounded)
trials_begin kill_at "${places[@]}"
trials_end
experiment "the same with a worker that stores the report afterwards" "$tried" "$violations" some
done_testing
