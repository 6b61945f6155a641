#!/bin/bash
#
# mini_sendmail -bs is killed at each of its system calls, and each that can fail does. What it has replied to the
# text is true: stored after 250, not stored after any other reply but 451 4.3.0.

# shellcheck source=tests/faults/sender.sh
. "$(dirname "$0")/sender.sh"
needs_strace
sender_open
WAY=smtp

# fault_at_each_call PROGRAM CALL...: killed there, and failed with one of the errors in turn, or all.
fault_at_each_call() {
	local program=$1 call fault n fired
	shift
	tried=0
	violations=0
	for call in "$@"; do
		for ((n = 1; n < 200; n++)); do
			fired=
			for fault in $(faults_of "$call" "$n"); do
				! sender_try "$program" "$call" "$fault:when=$n" || fired=1
			done
			[ -n "$fired" ] || break
		done
	done
}

faults_of() {
	local errors faults
	read -ra errors <<<"$(errors_of "$1")"
	faults=(signal=SIGKILL "${errors[@]/#/error=}")
	share "${faults[*]}" "${errors[*]:+${faults[$2 % ${#faults[@]}]}}"
}

mapfile -t calls < <(sender_calls)
fault_at_each_call "$BIN/mini_sendmail" "${calls[@]}"
experiment "a death or an error at one system call of sendmail -bs" "$tried" "$violations"
ok "all that was stored is delivered" sender_drain
nothing_wrong "once, and unaltered"

IS_CONTROL=1
fault_at_each_call "$CONTROLS/early_answer/mini_sendmail" writev pwrite64 fdatasync
experiment "the same with a sender that replies before its commit" "$tried" "$violations" some
done_testing
