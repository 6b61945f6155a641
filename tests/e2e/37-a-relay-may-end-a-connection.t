#!/bin/bash
#
# A relay that closes each connection after a message, when the next one may be on its way already: that is no outage,
# and no message is put off for it.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
test_open
spool_create "$SCRATCH/spool"
moody_start 'close at after'

count=30

has_not_logged() {
	! flushd_logged "$1"
}

for mood in 'close at after' '421 at after' 'close at MAIL 2' '421 at MAIL 2' 'half a reply, then close at MAIL 2'; do
	: >"$SCRATCH/taken"
	echo "$mood" >"$SCRATCH/mood"
	for ((i = 0; i < count; i++)); do
		printf 'Subject: x\n\nnumber %d\n' "$i" | "$BIN/mini_sendmail" -i -f "m$i@site.test" reader@example.org
	done
	flushd_start
	ok "$mood: all mail goes" wait_until 30 queue_is_empty
	ok "$mood: nothing was put off" has_not_logged 'status=deferred'
	ok "$mood: nobody complained" has_not_logged 'complaint='
	is "$mood: each message went once" "$(sort -u "$SCRATCH/taken" | wc -l) of $(wc -l <"$SCRATCH/taken")" "$count of $count"
	ok "$mood: flushd ends in order" flushd_stop
done
done_testing
