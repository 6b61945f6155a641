#!/bin/bash
#
# Two flushd on one spool would send everything twice. The second says that it is the second, and leaves.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
spool_create "$SCRATCH/spool"
letters_write 60
ok "60 messages are taken" letters_submit

second_leaves() {
	local status=0
	timeout 20 "$BIN/flushd" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" \
		>"$SCRATCH/second.out" 2>&1 || status=$?
	is "the second exits 1 $1" "$status" 1
	ok "the second says why $1" grep -q "already being served" "$SCRATCH/second.out"
	ok "the first stays $1" is_running "$FLUSHD_PID"
}

flushd_start
wait_until 10 flushd_logged state=down
second_leaves "while the relay is down"
postfix_start
maildir_wait 5 20
second_leaves "while the first drains the queue"
ok "the first drains the queue" wait_all_delivered 30
second_leaves "while the first is idle"
nothing_wrong "nothing is lost or doubled"
ok "the first ends in order" flushd_stop

# At the same moment: one of the two, no matter which, has to leave.
rm -f "$MAILDIR"/new/*
: >"$JOURNAL"
ok "60 more are taken" letters_submit
flushd_start
one=$FLUSHD_PID
FLUSHD_PID=""
flushd_start
two=$FLUSHD_PID
at_exit "has_ended $one || end_child $one || true"
one_has_left() {
	has_ended "$one" || has_ended "$two"
}
ok "of two started at once, one leaves" wait_until 20 one_has_left
if has_ended "$one"; then
	loser=$one
	winner=$two
else
	loser=$two
	winner=$one
fi
status=0
wait "$loser" || status=$?
is "with exit status 1" "$status" 1
ok "the queue drains" wait_all_delivered 30
nothing_wrong "nothing is lost or doubled, again"
ok "the other ends in order" end_child "$winner"
done_testing
