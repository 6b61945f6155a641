#!/bin/bash
#
# Two senders wait for the spool at the same time, so that one may take the message of the other along. One of them is
# killed at each of its system calls, or they fail. The other does not notice; of the one that met the fault the message
# is stored if it says so and not if it denies it; and nothing is left behind.

# shellcheck source=tests/faults/sender.sh
. "$(dirname "$0")/sender.sh"
needs_strace
sender_open
SPOOL_INODE=$(stat -c %i "$SPOOL")
INCOMING_INODE=$(stat -c %i "$SPOOL/incoming")

# --- two senders --------------------------------------------------------------------------------------

# give_in_background TOKEN CMD...: CMD is mini_sendmail, with what goes in front of it; $! is its process.
give_in_background() {
	local token=$1
	shift
	letter_write "$token"
	"$@" -t -i -f "$token@site.test" <"$LETTERS/$token.eml" >"$SCRATCH/$token.stdout" 2>"$SCRATCH/$token.stderr" 8<&- &
}

# all_wait PID...: for the spool, each of them that has not ended.
all_wait() {
	local pid count=0
	for pid; do
		has_ended "$pid" || count=$((count + 1))
	done
	[ "$(grep -cE -- "-> FLOCK .*:($SPOOL_INODE|$INCOMING_INODE) " /proc/locks)" -ge "$count" ]
}

# meet ROLE FAULTY OTHER CMD...: both wait while somebody has the lock, FAULTY with what CMD says, as the leader or the
# follower. Sets status and other_status.
meet() {
	local role=$1 faulty=$2 other=$3 pid other_pid
	shift 3
	status=0
	other_status=0
	exec 8<"$SPOOL"
	flock 8
	if [ "$role" = leader ]; then
		give_in_background "$faulty" "$@"
		pid=$!
		wait_until 20 all_wait "$pid"
		give_in_background "$other" "$BIN/mini_sendmail"
		other_pid=$!
	else
		give_in_background "$other" "$BIN/mini_sendmail"
		other_pid=$!
		wait_until 20 all_wait "$other_pid"
		give_in_background "$faulty" "$@"
		pid=$!
	fi
	wait_until 20 all_wait "$pid" "$other_pid"
	flock -u 8
	exec 8<&-
	wait "$other_pid" || other_status=$?
	wait "$pid" || status=$?
} 2>/dev/null

# places ROLE: where a fault can fall, as CALL:NUMBER.
places() {
	local calls status other_status
	meet "$1" "traced-$1" "other-$1" strace -f -qq -o "$SCRATCH/calls" "$BIN/mini_sendmail"
	letter_expect "traced-$1"
	letter_expect "other-$1"
	mapfile -t calls < <(calls_in "$SCRATCH/calls")
	places_in "$SCRATCH/calls" "$(
		IFS='|'
		echo "${calls[*]}"
	)"
}

# --- one trial ----------------------------------------------------------------------------------------

# try ROLE CALL:NUMBER FAULT
try() {
	local role=$1 call=${2%:*} fault=$3:when=${2#*:} faulty other status other_status wrong
	serial=$((serial + 1))
	faulty=fault-$serial
	other=other-$serial
	meet "$role" "$faulty" "$other" timeout 60 strace -f -q -o "$SCRATCH/strace" -e "trace=$call" \
		-e "inject=$call:$fault" "$BIN/mini_sendmail"
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
	diag "$role $call:$fault: exit $status: ${wrong//$'\n'/; }"
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

for role in leader follower; do
	mapfile -t all < <(places "$role")
	mapfile -t some < <(printf '%s:signal=SIGKILL\n' "${all[@]}" | bounded)
	try_all "$role" "${some[@]}"
	experiment "one of two senders that wait killed at each system call: the $role" "$tried" "$violations"
	mapfile -t some < <(printf '%s\n' "${all[@]}" | with_errors | sed 's/:\([A-Z]*\)$/:error=\1/' | bounded)
	try_all "$role" "${some[@]}"
	experiment "an error of one of their system calls: the $role" "$tried" "$violations"
done
ok "all that survived is delivered" sender_drain
nothing_wrong "once, and unaltered"
done_testing
