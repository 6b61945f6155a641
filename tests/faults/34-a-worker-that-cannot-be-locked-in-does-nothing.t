#!/bin/bash
#
# Each call that locks a worker in fails, or has no effect although it says so. The worker notices either and ends
# before it opens anything; nothing is sent, and without the fault everything is.

# shellcheck source=tests/faults/inject.sh
. "$(dirname "$0")/inject.sh"
needs_root "acts as several users"
needs_strace
test_open
moody_start well
uid=12345
spool_create "$SCRATCH/spool" --user $uid
"$BIN/mini_sendmail" -i -f sender@site.test reader@example.org <<<"a text"

# attempt CALL FAULT: what the worker does then: "ended" if it said that it cannot go on, and opened no spool. The
# supervisor makes none of these calls, and has a group and an inheritable capability that a worker may not have.
attempt() {
	setpriv --groups 4 --inh-caps +kill -- timeout 60 strace -f -qq -o "$SCRATCH/trace" -e "trace=$1,openat" -e "inject=$1:$2" \
		"$BIN/flushd" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" --once 2>"$SCRATCH/log" || true
	if ! grep -q INJECTED "$SCRATCH/trace"; then
		echo "no fault"
	elif grep -q 'cannot drop privileges' "$SCRATCH/log" && ! grep -q '"data.mdb"' "$SCRATCH/trace"; then
		echo ended
	else
		echo "went on"
	fi
}

violations=0
tried=0
for call in chroot setgroups setresgid setresuid capset seccomp; do
	for fault in error=EPERM retval=0; do
		got=$(attempt $call $fault)
		is "$call: $fault" "$got" ended
		tried=$((tried + 1))
		[ "$got" = ended ] || violations=$((violations + 1))
	done
done
experiment "a call that locks a worker in, without effect" "$tried" "$violations"
is "nothing was sent" "$(cat "$SCRATCH/taken")" ""
ok "without a fault" flushd_once
is "it is" "$(cat "$SCRATCH/taken")" "<sender@site.test>"
done_testing
