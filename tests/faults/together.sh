# shellcheck shell=bash
#
# together.sh - two senders wait for the spool at the same time: a leader, and a follower whose message he takes along
#
# Sourced first, in place of sender.sh.

# shellcheck source=tests/faults/sender.sh
. "$(dirname "${BASH_SOURCE[0]}")/sender.sh"

together_open() {
	sender_open
	SPOOL_INODE=$(stat -c %i "$SPOOL")
	INCOMING_INODE=$(stat -c %i "$SPOOL/incoming")
}

# give_in_background TOKEN CMD...: CMD is mini_sendmail, with what goes in front of it; $! is its process.
give_in_background() {
	local token=$1
	shift
	letter_write "$token"
	"$@" -t -i -f "$token@site.test" <"$LETTERS/$token.eml" >"$SCRATCH/$token.stdout" 2>"$SCRATCH/$token.stderr" 8<&- &
}

# all_wait PID...: for the spool, each of them that has not ended. The first waits for the lock; who comes behind it has left
# its message in incoming, and looks now and then.
all_wait() {
	local pid count=0 blocked staged
	for pid; do
		has_ended "$pid" || count=$((count + 1))
	done
	blocked=$(grep -cE -- "-> FLOCK .*:($SPOOL_INODE|$INCOMING_INODE) " /proc/locks) || true
	staged=$(find "$SPOOL/incoming" -type f -size +0 | wc -l)
	[ $((blocked + staged)) -ge "$count" ]
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
	local calls status
	# shellcheck disable=SC2034 # meet sets it
	local other_status
	meet "$1" "traced-$1" "other-$1" strace -f -qq -o "$SCRATCH/calls" "$BIN/mini_sendmail"
	letter_expect "traced-$1"
	letter_expect "other-$1"
	mapfile -t calls < <(calls_in "$SCRATCH/calls")
	places_in "$SCRATCH/calls" "$(
		IFS='|'
		echo "${calls[*]}"
	)"
}
