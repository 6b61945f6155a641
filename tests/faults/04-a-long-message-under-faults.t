#!/bin/bash
#
# A message that is put in three transactions: mini_sendmail is killed at system calls of any of them, and each that can
# fail does. The message is whole in the spool or not there at all, and the exit code is true.

# shellcheck source=tests/faults/sender.sh
. "$(dirname "$0")/sender.sh"
needs_strace
sender_open
for ((n = 0; n < 7; n++)); do
	cat "$LETTERS/large_body"
done >"$LETTERS/huge_body"
BODY=huge_body

# fault_at_some_calls STEP PROGRAM CALL...: at every STEPth call, by a death or one of the errors in turn.
fault_at_some_calls() {
	local step=$1 program=$2 call n faults
	shift 2
	tried=0
	violations=0
	for call in "$@"; do
		read -ra faults <<<"$(errors_of "$call")"
		faults=(signal=SIGKILL "${faults[@]/#/error=}")
		for ((n = 1; n < 500; n += step)); do
			sender_try "$program" "$call" "${faults[n / step % ${#faults[@]}]}:when=$n" || break
		done
	done
}

fault_at_some_calls "$(share 1 7)" "$BIN/mini_sendmail" flock openat writev pwritev pwrite64 fdatasync
experiment "a long submission, killed or failed at its system calls" "$tried" "$violations"
ok "all that was stored is delivered" sender_drain
nothing_wrong "once, and unaltered"
done_testing
