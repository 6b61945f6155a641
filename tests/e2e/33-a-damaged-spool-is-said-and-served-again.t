#!/bin/bash
#
# The spool's file is cut, and reading it kills the worker. flushd says so, once for each worker, tries again
# after a while, and serves the spool as soon as somebody has put the file right.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
test_open
spool_create "$SCRATCH/spool"
moody_start well
for n in 1 2 3; do
	printf 'Subject: x\n\n%s\n' "$n" | "$BIN/mini_sendmail" -i -f "sender-$n@site.test" reader@example.org
done
cp "$SPOOL/data.mdb" "$SCRATCH/good"
# What LMDB reads first is there, and says that there is more.
truncate -s 8192 "$SPOOL/data.mdb"

status=0
flushd_once || status=$?
is "flushd --once fails" "$status" 1
is "and says why in one line" \
	"$(grep -v ' started$' "$SCRATCH/once.log" | sed 's/.*\(worker ended\) by signal [0-9]* (.*), \(.*\)/\1, \2/')" \
	"worker ended, perhaps the spool is damaged"

flushd_start
ok "flushd says it too, and when it tries again" wait_until 10 flushd_logged 'worker ended by signal .* again in 1 s$'
cat "$SCRATCH/good" >"$SPOOL/data.mdb"
ok "the file is put right, and the mail leaves" wait_until 20 queue_is_empty
is "each message once" "$(sort "$SCRATCH/taken" | tr '\n' ' ')" \
	"<sender-1@site.test> <sender-2@site.test> <sender-3@site.test> "
ok "flushd ends in order" flushd_stop
done_testing
