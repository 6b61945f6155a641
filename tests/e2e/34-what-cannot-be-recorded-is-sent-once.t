#!/bin/bash
#
# The relay has taken a message, and nothing can be written into the spool any more, as where a page number in it is
# wrong. That message must not be sent again by each worker that is started, and no other may have the same fate.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "traces a process that changes its user"
test_open
spool_create "$SCRATCH/spool"
moody_start well

submit() {
	printf 'Subject: x\n\n\n' | "$BIN/mini_sendmail" -i -f "$1@site.test" reader@example.org
}

taken() {
	sort "$SCRATCH/taken" | tr '\n' ' '
}

# What the relay takes is in the spool now: the next commit is that of an outcome.
submit first
flushd_once
submit second
submit third
flushd_spawn strace -D -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EFBIG "$BIN/flushd"
# After 1 s, and 2 more.
ok "three workers have tried" wait_until 20 flushd_has_logged 3 'worker failed'
is "the second message was sent once, the third not" "$(taken)" "<first@site.test> <second@site.test> "
is "the log names it" "$(grep -c 'id=.* status=skipped reason="sent, but that cannot be recorded"' "$FLUSHD_LOG")" 1
is "and says why nothing else is sent, once for each worker that sends nothing" \
	"$(grep -c 'nothing is sent, as no outcome can be recorded' "$FLUSHD_LOG")" 2
is "both are in the queue" "$(queue_field sender | tr '\n' ' ')" "second@site.test third@site.test "
ok "flushd ends in order" flushd_stop

flushd_start
ok "the spool can be written again: the queue is soon empty" wait_until 10 queue_is_empty
is "the second message was sent twice, as the log had it" "$(taken)" \
	"<first@site.test> <second@site.test> <second@site.test> <third@site.test> "
ok "flushd ends in order" flushd_stop
done_testing
