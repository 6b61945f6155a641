#!/bin/bash
#
# mini_sendmail is killed at each of its system calls. Its message is whole in the spool or not there at all, what
# was acknowledged before is untouched, and the next sender does not notice.

# shellcheck source=tests/faults/sender.sh
. "$(dirname "$0")/sender.sh"
needs_strace
sender_open

kill_at_each_call() {
	local program=$1 call n
	shift
	tried=0
	violations=0
	for call in "$@"; do
		for ((n = 1; n < 200; n++)); do
			sender_try "$program" "$call" "signal=SIGKILL:when=$n" || break
		done
	done
}

mapfile -t calls < <(sender_calls)
kill_at_each_call "$BIN/mini_sendmail" "${calls[@]}"
experiment "a submission killed at each system call" "$tried" "$violations"
ok "all that survived is delivered" sender_drain
nothing_wrong "once, and unaltered"

IS_CONTROL=1
kill_at_each_call "$CONTROLS/early_answer/mini_sendmail" writev pwrite64 fdatasync
experiment "the same with a sender that answers before its commit" "$tried" "$violations" some
done_testing
