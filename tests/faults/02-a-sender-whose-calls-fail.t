#!/bin/bash
#
# Each system call of mini_sendmail that can fail does: once, and from then on for ever. A message is stored if and
# only if the exit code says so, or it is 74; the exit code is one that no caller misunderstands, and goes with one
# line of words.

# shellcheck source=tests/faults/sender.sh
. "$(dirname "$0")/sender.sh"
needs_strace
sender_open

# fail_each_call PROGRAM WHEN-SUFFIX CALL...: each call in its place with each error, or with one of them in turn.
fail_each_call() {
	local program=$1 suffix=$2 call error n fired
	shift 2
	tried=0
	violations=0
	for call in "$@"; do
		for ((n = 1; n < 200; n++)); do
			fired=
			for error in $(some_of "$n" "$suffix" "$(errors_of "$call")"); do
				! sender_try "$program" "$call" "error=$error:when=$n$suffix" || fired=1
			done
			[ -n "$fired" ] || break
		done
	done
}

# some_of N SUFFIX WORDS: all of them, or the Nth, in turn. No call is interrupted for ever.
some_of() {
	local words
	read -ra words <<<"${3//${2:+EINTR}/}"
	[ "${#words[@]}" -gt 0 ] || return 0
	share "${words[*]}" "${words[$1 % ${#words[@]}]}"
}

mapfile -t calls < <(sender_calls)
fail_each_call "$BIN/mini_sendmail" "" "${calls[@]}"
experiment "an error of one system call of a submission" "$tried" "$violations"
fail_each_call "$BIN/mini_sendmail" + "${calls[@]}"
experiment "an error of one system call and all that follow" "$tried" "$violations"
# strace cannot let a write arrive and deny it.
letter_write denied
status=0
"$CONTROLS/late_error/mini_sendmail" -t -i -f denied@site.test <"$LETTERS/denied.eml" 2>"$SCRATCH/stderr" || status=$?
is "a commit that arrived and is denied: exit 74" "$status" 74
is "with one line" "$(wc -l <"$SCRATCH/stderr")" 1
ok "it is stored" letter_is_whole denied "$(flushctl list --json)"
waiting+=(denied)

ok "all that was stored is delivered" sender_drain
nothing_wrong "once, and unaltered"

IS_CONTROL=1
fail_each_call "$CONTROLS/early_answer/mini_sendmail" "" writev pwrite64 fdatasync
experiment "the same with a sender that answers before its commit" "$tried" "$violations" some
done_testing
