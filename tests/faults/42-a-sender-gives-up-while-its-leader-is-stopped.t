#!/bin/bash
#
# A sender waits for another to commit, who is stopped at each of his system calls: so he gives up, and the other goes
# on. His message is sent if and only if he said that it is stored, even by a worker that comes next.

# shellcheck source=tests/faults/together.sh
. "$(dirname "$0")/together.sh"
needs_strace
together_open
PROGRAM=$CONTROLS/hasty/mini_sendmail
FLUSHD=$BIN/flushd
gave_up=0
BOUNDED=20

# goes_on PID: strace, and the sender below it, who is told to go on until he has ended.
goes_on() {
	# shellcheck disable=SC2046 # one process, or none any more
	kill -CONT $(pgrep -P "$1") 2>/dev/null || true
	has_ended "$1"
}

# part FOLLOWER LEADER CALL:NUMBER: sets status, of the follower, and leader_status.
part() {
	local follower=$1 leader=$2 call=${3%:*} pid leader_pid
	status=0
	leader_status=0
	exec 8<"$SPOOL"
	flock 8
	give_in_background "$leader" strace -f -q -o "$SCRATCH/strace" -e "trace=$call" \
		-e "inject=$call:signal=SIGSTOP:when=${3#*:}" "$PROGRAM"
	leader_pid=$!
	# One who is stopped before he waits is no leader.
	wait_until 1 all_wait "$leader_pid" || true
	PATIENCE_MS=700 give_in_background "$follower" "$PROGRAM"
	pid=$!
	wait_until 1 all_wait "$leader_pid" "$pid" || true
	flock -u 8
	exec 8<&-
	wait_until 20 has_ended "$pid" || echo "the follower does not end" >"$SCRATCH/stuck"
	wait_until 20 goes_on "$leader_pid" || echo "the leader does not end" >>"$SCRATCH/stuck"
	wait "$pid" || status=$?
	wait "$leader_pid" || leader_status=$?
} 2>/dev/null

# judge FOLLOWER LEADER: says what is wrong. The worker comes before anybody else.
judge() {
	local copies
	cat "$SCRATCH/stuck"
	"$FLUSHD" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" --once 2>>"$SCRATCH/once.log" || echo "flushd fails"
	queue_is_empty || echo "the spool is not empty: $(queue_summary)"
	[ -z "$(ls -A "$SPOOL/incoming")" ] || echo "something is left in incoming"
	[ "$leader_status" -eq 0 ] || echo "the leader fails: exit $leader_status"
	[ "$(sink_copies "$2")" -eq 1 ] || echo "the leader's message was sent $(sink_copies "$2") times"
	copies=$(sink_copies "$1")
	case $status:$copies in
	0:1 | 73:0) ;;
	*) echo "exit $status, and sent $copies times" ;;
	esac
}

# try_all CALL:NUMBER...
try_all() {
	local place wrong status leader_status
	tried=0
	violations=0
	for place; do
		serial=$((serial + 1))
		: >"$SCRATCH/stuck"
		part "follower-$serial" "leader-$serial" "$place"
		wrong=$(judge "follower-$serial" "leader-$serial") || true
		grep -q SIGSTOP "$SCRATCH/strace" || continue
		tried=$((tried + 1))
		[ "$status" -ne 73 ] || gave_up=$((gave_up + 1))
		[ -n "$wrong" ] || continue
		violations=$((violations + 1))
		wrong="$place: ${wrong//$'\n'/; }"
		if [ -n "$IS_CONTROL" ]; then
			note "$wrong"
		else
			diag "$wrong"
		fi
	done
}

mapfile -t all < <(places leader)
sender_drain
mapfile -t some < <(printf '%s\n' "${all[@]}" | bounded)
try_all "${some[@]}" pwrite64:{1,2} fdatasync:1
experiment "a sender gives up while its leader is stopped at a system call" "$tried" "$violations"
at_most "some gave up (3 or more)" 3 "$gave_up"

# control DEFECT WORDS: at the calls that commit and tell.
control() {
	local defect=$1
	PROGRAM=$CONTROLS/$defect/mini_sendmail
	FLUSHD=$CONTROLS/$defect/flushd
	[ -e "$PROGRAM" ] || PROGRAM=$CONTROLS/hasty/mini_sendmail
	[ -e "$FLUSHD" ] || FLUSHD=$BIN/flushd
	try_all pwrite64:{1,2} fdatasync:1
	experiment "the same, control: $2" "$tried" "$violations" some
}

IS_CONTROL=1
control unsettled "nobody settles"
control unlisted "a commit does not list who joined it"
control blind "who gives up does not look if it is too late"
control keeper "what was withdrawn stays in the spool"
done_testing
