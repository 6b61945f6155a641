#!/bin/bash
#
# 32 senders submit at the same time while flushd delivers and replaces the file. Some of them are killed at random
# moments, or stopped for a while, or give up early. Whatever was acknowledged arrives exactly once, what was refused
# does not, nobody is stuck, and nothing is left behind.

# shellcheck source=tests/faults/faults.sh
. "$(dirname "$0")/faults.sh"
needs_tools
test_open

SEED=${FAULTS_SEED:-$$}
note "FAULTS_SEED=$SEED"
SENDERS=32
PATIENCE=60
series=0
port_reserve POSTFIX_PORT

# Descriptor 3 is where broken promises are told: news here, but not in a control.
exec 3>&2

relay_start() {
	tests/faults/tools/relay "$POSTFIX_PORT" "$JOURNAL" &
	RELAY_PID=$!
	[ "$series" -gt 1 ] || at_exit relay_stop
	wait_until 10 test -e "$JOURNAL.ready"
}

relay_stop() {
	has_ended "$RELAY_PID" || end_child "$RELAY_PID" 5 || true
}

# Which files are data.mdb, one after the other.
watch_file() {
	while sleep 0.05; do
		stat -c %i "$SPOOL/data.mdb"
	done >"$SCRATCH/files" 2>/dev/null
}

# What senders that were killed have left goes when somebody has the lock.
is_clean() {
	[ -z "$(ls -A "$SPOOL/incoming")" ]
}

complain() {
	echo "# $*" >&3
	violations=$((violations + 1))
}

# run SECONDS KIND SENDER HASTY FLUSHD: tried, violations, and what the mob says of itself.
run() {
	local seconds=$1 watcher status=0
	series=$((series + 1))
	violations=0
	JOURNAL=$SCRATCH/journal.$series
	: >"$JOURNAL"
	spool_create "$SCRATCH/spool.$series"
	relay_start
	flushd_spawn "$5"
	watch_file &
	watcher=$!
	"$TOOLS/mob" "$JOURNAL" "m$series" "$SENDERS" "$seconds" "$((SEED + series))" "$2" "$3" "$4" >"$SCRATCH/mob" || status=$?
	kill "$watcher"
	wait "$watcher" 2>/dev/null || true
	[ "$status" -eq 0 ] || complain "the mob fails"
	note "$(cat "$SCRATCH/mob")"
	conclude
	relay_stop
	tried=$(grep -c ' exit ' "$JOURNAL")
	replaced=$(($(uniq "$SCRATCH/files" | wc -l) - 1))
}

# exits WORDS: how many submissions ended so, as the journal has it.
exits() {
	grep -cE " exit [^ ]+ $1\$" "$JOURNAL" || true
}

conclude() {
	local broken
	[[ $(cat "$SCRATCH/mob") == *" hung 0" ]] || complain "somebody is stuck"
	SENDER=$BIN/mini_sendmail tests/faults/tools/senders "$JOURNAL" "last$series" 1 1 small
	[ "$(grep -c " exit last$series-.* 0\$" "$JOURNAL")" -eq 1 ] || complain "the next submission fails"
	wait_until "$PATIENCE" queue_is_empty || complain "the spool is not emptied: $(queue_summary)"
	wait_until "$PATIENCE" is_clean || complain "left in incoming: $(find "$SPOOL/incoming" -mindepth 1 | wc -l) files"
	flushd_stop || complain "flushd does not end in order"
	"$TOOLS/audit" <<<"read $SPOOL" >"$SCRATCH/audit"
	read -r broken _ < <(tests/faults/tools/judge "$JOURNAL" "$SCRATCH/audit" 2>&3)
	violations=$((violations + broken))
	[ "$(exits '[0-9]+ .*')" -eq "$(exits '(0|73|74) .*')" ] || complain "other exit codes than 0, 73 and 74"
	[ "$(exits '7[34] (calm|killed|stopped)')" -eq 0 ] || complain "one gave up who was to wait for 30 s"
}

run "$(share 900 20)" mixed "$BIN/mini_sendmail" "$CONTROLS/hasty/mini_sendmail" "$BIN/flushd"
experiment "submissions by a crowd, some killed, stopped or hasty" "$tried" "$violations"
diag "$(cat "$SCRATCH/mob"): $(exits '0 .*') acknowledged, $(exits '73 hasty') gave up; the file was replaced $replaced times"
at_most "some were killed (100 or more)" 100 "$(exits killed)"
at_most "some gave up (10 or more)" 10 "$(exits '73 hasty')"
at_most "the file was replaced meanwhile" 1 "$replaced"

# control KIND DEFECT WORDS: each is found out sooner or later, and what is found is no news.
control() {
	local sender=$CONTROLS/$2/mini_sendmail flushd=$CONTROLS/$2/flushd all=0 n
	[ -e "$sender" ] || sender=$CONTROLS/hasty/mini_sendmail
	[ -e "$flushd" ] || flushd=$BIN/flushd
	for ((n = 0; n < 24; n++)); do
		run 3 "$1" "$sender" "$sender" "$flushd"
		all=$((all + tried))
		[ "$violations" -eq 0 ] || break
	done
	experiment "the same, control: $3" "$all" "$violations" some
}

exec 3>&1
PATIENCE=3
control deadly unsettled "nobody settles"
control deadly unlisted "a commit does not list who joined it"
control deadly early_word "those who join hear of the commit before it"
control hasty blind "who gives up does not look if it is too late"
control hasty keeper "what was withdrawn stays in the spool"
done_testing
