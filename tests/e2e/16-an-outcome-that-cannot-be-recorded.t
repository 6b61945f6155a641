#!/bin/bash
#
# The relay has taken a message, and the disk refuses the commit that says so. To send it again would
# double it: only the commit is tried again, and nothing else is begun meanwhile.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "traces a process that changes its user"
test_open
spool_create "$SCRATCH/spool"
moody_start well

for n in 1 2; do
	printf 'Subject: x\n\n%s\n' "$n" | "$BIN/mini_sendmail" -i -f "sender-$n@site.test" reader@example.org
done
# The first flush of the worker is that of what the relay takes, the next two are those of the outcome and
# fail: the second try comes after 1 s, the third after 2 more.
strace -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EIO:when=2..3 \
	"$BIN/flushd" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" --once 2>"$SCRATCH/flushd.log"
is "flushd --once ends well all the same" "$?" 0
is "the relay got each message once" "$(sort "$SCRATCH/taken" | tr '\n' ' ')" \
	"<sender-1@site.test> <sender-2@site.test> "
is "the log says so, twice" "$(grep -c 'outcome not yet recorded' "$SCRATCH/flushd.log")" 2
ok "the queue is empty" queue_is_empty
done_testing
