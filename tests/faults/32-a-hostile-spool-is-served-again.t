#!/bin/bash
#
# A flushd has a damaged or hostile spool for some seconds: it stays, needs no more memory, and says what is wrong at a
# rate that fills no disk. Then the file is put right, and it delivers.

# shellcheck source=tests/faults/hostile.sh
. "$(dirname "$0")/hostile.sh"
LANES=4
WATCHED_SEC=$(share 6 2)
hostile_open

watch() {
	local kind=${1%:*}
	hostile_spool
	{
		tests/faults/tools/spool_damage "$GOOD" "$SPOOL" "$kind" "${1##*:}" >"$TRIAL/how"
		"$BIN/flushd" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" 2>"$TRIAL/log" &
		flushd=$!
		sleep "$WATCHED_SEC"
		watch_judge
		put_right
		end_child "$flushd" || echo "flushd ends with $?"
		flushd=
	} >"$RESULTS/$1" 2>&1
	[ ! -s "$RESULTS/$1" ] || cat "$TRIAL/how" "$TRIAL/log" >>"$RESULTS/$1"
}

# One worker a second at most, while they learn what to skip.
watch_judge() {
	local ends lines most
	has_ended "$flushd" && echo "flushd has left"
	ends=$(grep -cE 'worker (failed|ended by)' "$TRIAL/log") || true
	lines=$(bad_news "$TRIAL/log" | wc -l)
	[ "$ends" -le $((WATCHED_SEC + 1)) ] || echo "$ends workers ended in $WATCHED_SEC s"
	[ "$lines" -le $((2 * ends + 4)) ] || echo "$lines lines"
	most=$(awk '/^VmHWM/ { print $2 }' "/proc/$flushd/status")
	[ "$most" -le $((16 * 1024)) ] || echo "$most KiB"
}

put_right() {
	local name
	flock -w 30 "$SPOOL" tests/faults/tools/spool_damage "$GOOD" "$SPOOL" none 0 >/dev/null
	kill -HUP "$flushd"
	wait_until 20 queue_is_empty || echo "it is not served again: $(queue_summary)"
	wait_until 10 sink_is_idle || echo "the relay is still being talked to"
	tests/faults/tools/arrived "$INDEX" "$SINK" >"$TRIAL/sent"
	# What was sent before is in the file again.
	grep -E '^wrong (text|envelope)' "$TRIAL/sent" || true
	while read -r _ name _; do
		grep -qx "sent $name" "$TRIAL/sent" || echo "$name is not sent"
	done <"$INDEX"
}

mapfile -t trials < <(tests/faults/tools/spool_damage --kinds | grep -vxE 'none|copied' | sed "s/\$/:$SEED/")
[ -n "${FAULTS_LONG:-}" ] || trials=("cut-at-page:1" "fifo:1" "free-noise:1" "leaf-noise:3")
trials_begin watch "${trials[@]}"
trials_end
experiment "a spool put right under a flushd" "$tried" "$violations"
done_testing
