#!/bin/bash
#
# Two senders wait for the spool at the same time, so that one may take the message of the other along. One of them is
# killed at each of its system calls, or they fail. The other does not notice; of the one that met the fault the message
# is stored if it says so and not if it denies it; and nothing is left behind.

# shellcheck source=tests/faults/together.sh
. "$(dirname "$0")/together.sh"
needs_strace
together_open
PROGRAM=$BIN/mini_sendmail

# --- one trial ----------------------------------------------------------------------------------------

# try ROLE CALL:NUMBER FAULT
try() {
	local role=$1 call=${2%:*} fault=$3:when=${2#*:} faulty other status other_status wrong
	serial=$((serial + 1))
	faulty=fault-$serial
	other=other-$serial
	meet "$role" "$faulty" "$other" timeout 60 strace -f -q -o "$SCRATCH/strace" -e "trace=$call" \
		-e "inject=$call:$fault" "$PROGRAM"
	mv "$SCRATCH/$faulty.stdout" "$SCRATCH/stdout"
	mv "$SCRATCH/$faulty.stderr" "$SCRATCH/stderr"
	waiting+=("$other")
	wrong=$(
		[ "$other_status" -eq 0 ] && [ ! -s "$SCRATCH/$other.stderr" ] ||
			echo "the other fails: exit $other_status: $(cat "$SCRATCH/$other.stderr")"
		sender_judge "$faulty" "$status"
		[ -z "$(ls -A "$SPOOL/incoming")" ] || echo "something is left in incoming"
	) || true
	sender_settle "$faulty" || wrong+=$'\nwhat it left cannot be delivered'
	has_fired "$SCRATCH/strace" || return 0
	tried=$((tried + 1))
	[ -n "$wrong" ] || return 0
	violations=$((violations + 1))
	wrong="$role $call:$fault: exit $status: ${wrong//$'\n'/; }"
	if [ -n "$IS_CONTROL" ]; then
		note "$wrong"
	else
		diag "$wrong"
	fi
}

# try_all ROLE PLACE-AND-FAULT...: CALL:NUMBER:FAULT
try_all() {
	local role=$1 place
	shift
	tried=0
	violations=0
	for place; do
		try "$role" "${place%:*}" "${place##*:}"
	done
}

is_not_in() {
	! grep -q "$2" "$1"
}

for role in leader follower; do
	mapfile -t all < <(places "$role")
	[ "$role" = leader ] || ok "the leader commits for the follower" is_not_in "$SCRATCH/calls" fdatasync
	mapfile -t some < <(printf '%s:signal=SIGKILL\n' "${all[@]}" | bounded)
	try_all "$role" "${some[@]}"
	experiment "one of two senders that wait killed at each system call: the $role" "$tried" "$violations"
	mapfile -t some < <(printf '%s\n' "${all[@]}" | with_errors | sed 's/:\([A-Z]*\)$/:error=\1/' | bounded)
	try_all "$role" "${some[@]}"
	experiment "an error of one of their system calls: the $role" "$tried" "$violations"
done
ok "all that survived is delivered" sender_drain
nothing_wrong "once, and unaltered"

IS_CONTROL=1
PROGRAM=$CONTROLS/early_word/mini_sendmail
try_all leader pwrite64:{1,2}:signal=SIGKILL fdatasync:1:signal=SIGKILL
experiment "the same with a leader that says so before its commit" "$tried" "$violations" some
done_testing
