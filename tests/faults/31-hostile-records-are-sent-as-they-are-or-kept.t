#!/bin/bash
#
# The owner of a spool writes messages into it whose checksums are right, and that no sender would write: line ends in
# addresses, commands in the text, times that cannot be. They arrive as one message, or are kept as damaged; the
# letters of others arrive.

# shellcheck source=tests/faults/hostile.sh
. "$(dirname "$0")/hostile.sh"
hostile_open

# hostile_record KIND: one of tests/faults/tools/hostile_records.
hostile_record() {
	hostile_spool
	{
		tests/faults/tools/spool_damage "$GOOD" "$SPOOL" none 0
		with_record "$1"
	} >"$RESULTS/$1" 2>&1
	sed -i '/^none$/d' "$RESULTS/$1"
}

with_record() {
	local fate hash
	local -r letters=$INDEX
	fate=$("$TOOLS/hostile_records" "$SPOOL" "$1" "$TRIAL/text")
	hash=$(sha256sum <"$TRIAL/text")
	INDEX=$TRIAL/index
	{
		cat "$letters"
		[ "$fate" = nothing ] || echo "${hash%% *} hostile reader@example.org"
	} >"$INDEX"
	hostile_judge "${ids[0]}"
	! is_sent hostile || [ "$fate" = sent ] || echo "it is sent"
	is_sent hostile || [ "$fate" != sent ] || echo "it is not sent"
	[ "$fate" != kept ] || grep -qE '"state": "(held|damaged)"' "$TRIAL/list-1" || echo "it is not kept"
	while read -r _ name _; do
		is_sent "$name" || echo "$name is not sent"
	done <"$letters"
	INDEX=$letters
}

is_sent() {
	grep -qx "sent $1" "$TRIAL/sent-1"
}

mapfile -t kinds < <("$TOOLS/hostile_records" --kinds)
trials_begin hostile_record "${kinds[@]}"
trials_end
experiment "a record that nobody but the owner would write" "$tried" "$violations"
done_testing
