#!/bin/bash
#
# The largest message there may be: accepted as soon as the relay has said that it takes such ones,
# delivered by a worker that never holds it whole, removed in steps, and its space given back.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
test_open
spool_create "$SCRATCH/spool"
moody_start well
echo 0 >"$SCRATCH/size"

# Not one flushd, but the most that any process of its kind had, in KiB: it may be gone before it is asked.
watch_workers() {
	local pid anonymous
	while [ -e "$SCRATCH/watching" ]; do
		for pid in $(flushd_workers); do
			anonymous=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || continue
			echo "${anonymous:-0}"
		done
		sleep 0.02
	done >"$SCRATCH/anonymous"
}

file_kib() {
	du -k "$SPOOL/data.mdb" | cut -f 1
}

file_is_small() {
	[ "$(file_kib)" -lt 1024 ]
}

perl -e 'print "Subject: large\n\n"; print "x" x 75, "\n" for 1 .. 50 * 1024 * 1024 / 76 - 2' >"$SCRATCH/large"

status=0
"$BIN/mini_sendmail" -i -f large@site.test reader@example.org <"$SCRATCH/large" 2>"$SCRATCH/said" || status=$?
is "before a relay was seen, it is too large" "$status" 69
ok "flushd looks for the relay though nothing waits" flushd_once
ok "the large message is accepted" \
	"$BIN/mini_sendmail" -i -f large@site.test reader@example.org <"$SCRATCH/large"
at_most "the spool's file has about its size" "$(file_kib)" $((53 * 1024))

: >"$SCRATCH/watching"
flushd_start
watch_workers &
watcher=$!
ok "it is delivered" wait_until 60 queue_is_empty
is "once" "$(cat "$SCRATCH/taken")" "<large@site.test>"
ok "the file shrinks" wait_until 10 file_is_small
rm "$SCRATCH/watching"
wait "$watcher"
ok "the worker was seen at work" test "$(wc -l <"$SCRATCH/anonymous")" -gt 2
most=$(sort -n "$SCRATCH/anonymous" | tail -n 1)
note "the worker's private memory: $most KiB"
costs_at_most "the worker needed little private memory (KiB)" "$most" $((16 * 1024))
ok "an ordinary message passes the smaller spool" \
	"$BIN/mini_sendmail" -i -f small@site.test reader@example.org <<<text
ok "and is delivered" wait_until 10 grep -q "<small@site.test>" "$SCRATCH/taken"
done_testing
