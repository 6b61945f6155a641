#!/bin/bash
#
# Somebody removes the spool under a flushd that waits for mail, and makes a new one: what is submitted
# to that would wait for ever. flushd says so and leaves; who starts it again serves the new one.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
test_open
spool_create "$SCRATCH/spool"
moody_start well

submit() {
	printf 'Subject: x\n\n\n' | "$BIN/mini_sendmail" -i -f "$1" reader@example.org
}

is_taken() {
	grep -qxF "<$1>" "$SCRATCH/taken"
}

flushd_start
submit first@site.test
ok "the first spool is served" wait_until 10 is_taken first@site.test
rm -rf "$SPOOL"
spool_create "$SCRATCH/spool"
submit second@site.test
ok "flushd leaves" wait_until 10 has_ended "$FLUSHD_PID"
status=0
wait "$FLUSHD_PID" || status=$?
is "with status 1" "$status" 1
ok "and says why" flushd_logged "was removed or replaced"
flushd_start
ok "the next flushd serves the new spool" wait_until 10 is_taken second@site.test
ok "and ends in order" flushd_stop
done_testing
