# shellcheck shell=bash
#
# hostile.sh - a spool that somebody has put his hands on, and what must be true of whoever reads it
#
# Each trial takes a file with letters that are known, damages it, and lets flushctl and flushd at it. They end soon, in
# order, and say in one line why if they could not do their work. What is sent is what was submitted, to whom it was
# submitted, and once by one flushd. What is neither sent nor in the queue any more has not gone without a word.
#
#   FLUSHD=FILE      another flushd than that of $BIN
#   tried, violations, IS_CONTROL    as in worker.sh

# shellcheck source=tests/faults/worker.sh
. "$(dirname "${BASH_SOURCE[0]}")/worker.sh"

LANES=3
OWNER=12345
SEED=${FAULTS_SEED:-1}
FLUSHD=$BIN/flushd
GOOD=""
INDEX=""
ids=() # of the letters, in their order

# Nothing here asks what a disk has kept, so do without one.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm

hostile_open() {
	needs_root "the spool is another user's"
	needs_plain_programs "limits memory"
	worker_open
	INDEX=$SCRATCH/index
	good_spool
	note "FAULTS_SEED=$SEED"
}

# A spool with a past, so that it has a list of free pages, and with letters of each size: in one leaf with others, in
# a page of its own, in many pages, and in more than flushd reads at once.
good_spool() {
	local n body
	SPOOL=$SCRATCH/good
	export MINI_SENDMAIL_SPOOL=$SPOOL
	read -r SINK SINK_PID POSTFIX_PORT <<<"${sinks[0]}"
	"$BIN/flushctl" init "$SPOOL"
	printf 'a line\n' >"$LETTERS/tiny"
	head -n 40 "$LETTERS/body" >"$LETTERS/small"
	for n in 1 2 3 4 5 6 7 8; do
		letter_send "past-$n"
	done
	flushd_once
	for ((n = 1; n <= 24; n++)); do
		body=small
		[ $((n % 3)) -ne 0 ] || body=tiny
		[ $((n % 5)) -ne 0 ] || body=body
		[ "$n" -ne 17 ] || body=large_body
		hostile_letter "letter-$n" "$body" $((n % 7))
	done
	GOOD=$SCRATCH/good.mdb
	cp "$SPOOL/data.mdb" "$GOOD"
	mapfile -t ids < <(queue_field queue_id)
}

# hostile_letter NAME BODY OTHERS: submit a letter, for somebody else too unless OTHERS is not 0.
hostile_letter() {
	local hash others=()
	[ "$3" -ne 0 ] || others=(second@example.org)
	letter_write "$1" "$2"
	"$BIN/mini_sendmail" -t -i -f "$1@site.test" "${others[@]}" <"$LETTERS/$1.eml"
	hash=$(sha256sum <"$LETTERS/$1.eml")
	echo "${hash%% *} $1 reader@example.org ${others[*]}" | sed 's/ $//' >>"$INDEX"
}

# --- one trial ----------------------------------------------------------------------------------------

# hostile_spool: the spool of this lane, with nothing wrong yet.
hostile_spool() {
	TRIAL=$SINK.trial
	SPOOL=$SINK.spool
	rm -rf "$TRIAL"
	mkdir "$TRIAL"
	[ -d "$SPOOL" ] || "$BIN/flushctl" init "$SPOOL" --user "$OWNER"
	tests/faults/tools/arrived "$INDEX" "$SINK" >/dev/null
}

# hostile_trial KIND:SEED: a damage of tests/faults/tools/spool_damage.
hostile_trial() {
	hostile_spool
	{
		tests/faults/tools/spool_damage "$GOOD" "$SPOOL" "${1%:*}" "${1##*:}" >"$TRIAL/how"
		hostile_judge "${ids[${1##*:} % ${#ids[@]}]}" | grep -vxF "$(unseen "$1")" || true
	} >"$RESULTS/$1" 2>&1
	if [ -s "$RESULTS/$1" ]; then
		cat "$TRIAL/how" >>"$RESULTS/$1"
		[ -z "${RIG_KEEP:-}" ] || cp -r "$TRIAL" "$RESULTS.$1"
	fi
}

# unseen KIND: what nobody can see. LMDB has two meta pages and takes the newer one. If that is no longer newer, the spool
# is what it was before its last commit. And a due time that becomes another within the next two hours is believed: what
# comes behind it waits until then.
unseen() {
	[[ $1 != schedule-bit:* ]] || echo "flushd fails without a word"
	[[ $1 != meta-* ]] || echo "letter-${#ids[@]} is neither sent nor in the queue, and nobody says so"
}

# hostile_judge ID: says what is wrong.
hostile_judge() {
	ctl list
	ctl list --json
	ctl show "$1"
	ctl show --raw "$1"
	[ "$ctl_status" -ne 0 ] || grep -q "^$(sha256sum <"$TRIAL/stdout" | cut -d ' ' -f 1) " "$INDEX" ||
		echo "show --raw has other words than were submitted"
	serve 1
	ctl list --json
	cp "$TRIAL/stdout" "$TRIAL/list-1"
	ctl release --all
	serve 2
	ctl list --json
	judge_copies
	judge_losses
}

# ctl VERB...: flushctl ends soon, and says why if it does not do it. Sets ctl_status.
ctl() {
	local lines
	ctl_status=0
	timeout 30 "$BIN/flushctl" --spool "$SPOOL" "$@" >"$TRIAL/stdout" 2>"$TRIAL/stderr" || ctl_status=$?
	# The C library has a word of its own where LMDB has spoilt the heap.
	lines=$(grep -cvE '^(free|malloc|realloc|corrupted|double free|munmap_chunk)\b' "$TRIAL/stderr") || true
	case $ctl_status:$lines in
	0:0 | 1:0 | 1:1 | 3:1) ;;
	*) echo "flushctl $*: exit $ctl_status: $(cat "$TRIAL/stderr")" ;;
	esac
}

# serve N: flushd makes one pass. Its log is $TRIAL/log-N, what has arrived is in $TRIAL/sent-N.
serve() {
	local status=0 log=$TRIAL/log-$1
	command time -q -f %M -o "$TRIAL/memory" timeout 60 "$FLUSHD" --spool "$SPOOL" \
		--relay "127.0.0.1:$POSTFIX_PORT" --once 2>"$log" || status=$?
	wait_until 10 sink_is_idle || echo "the relay is still being talked to"
	tests/faults/tools/arrived "$INDEX" "$SINK" >"$TRIAL/sent-$1"
	judge_arrivals "$TRIAL/sent-$1" "$log"
	[ "$status" -le 1 ] || is_patient "$log" || echo "flushd ends with $status"
	[ "$status" -eq 0 ] || [ -n "$(bad_news "$log")" ] || echo "flushd fails without a word"
	[ "$(tail -n 1 "$TRIAL/memory")" -le $((600 * 1024)) ] || echo "KiB of memory: $(cat "$TRIAL/memory")"
	judge_log "$log"
}

# Once; but for one that was under way on the other connection when the worker died. A control has no such excuse.
judge_arrivals() {
	local wrong
	wrong=$(grep '^wrong' "$1") || return 0
	[ -z "$IS_CONTROL" ] || echo "$wrong"
	[[ ! $wrong =~ ^'wrong count: '[^\ ]*', 2 times'$ ]] || ! grep -q 'worker ended by' "$2" || return 0
	echo "$wrong"
}

# A damaged file can look as a full disk does, or want more memory than there is: then flushd tries until it is ended, and
# sends nothing.
is_patient() {
	grep -qE 'outcome not yet recorded: (No space left on device|Cannot allocate memory); again in 32 s' "$1"
}

# What flushd has logged but for its start, and the good and bad ends of messages.
bad_news() {
	grep -vE ' started$| status=(sent|held|skipped) |its file was replaced|relay takes messages|not yet recorded: .* again' \
		"$1" || true
}

# Of each worker that ends before its time two lines at most, beside that of the message at which it did; and three on
# what is not in order.
judge_log() {
	local ends lines
	ends=$(grep -cE 'worker (failed|ended by)' "$1") || true
	lines=$(bad_news "$1" | wc -l)
	[ "$lines" -le $((2 * ends + 3)) ] || echo "$lines lines for $ends workers: $(bad_news "$1" | head -n 5)"
	[ "$ends" -le 20 ] || echo "$ends workers ended"
}

# A second flushd sends again what the first has sent and said that it could not record; and what was under way on the
# other connection when the worker died.
judge_copies() {
	local again allowed
	again=$(sort "$TRIAL/sent-1" "$TRIAL/sent-2" | uniq -d | grep -c '^sent') || true
	allowed=$(grep -cE 'sent, but that cannot be recorded|status=held reason=sent' "$TRIAL/log-1") || true
	! is_patient "$TRIAL/log-1" || return 0
	[ -n "$IS_CONTROL" ] || ! grep -q 'worker ended by' "$TRIAL/log-1" || allowed=$((allowed + 1))
	[ "$again" -le "$allowed" ] || echo "$again letters were sent by two flushds, $allowed could not be recorded"
}

# The list of what is left is in $TRIAL/stdout.
judge_losses() {
	local i=0 name
	[ "$ctl_status" -eq 0 ] && ! grep -q '"state": "damaged"' "$TRIAL/stdout" || return 0
	[ -z "$(bad_news "$TRIAL/log-1")$(bad_news "$TRIAL/log-2")" ] || return 0
	while read -r _ name _ && [ "$i" -lt "${#ids[@]}" ]; do
		grep -qx "sent $name" "$TRIAL/sent-1" "$TRIAL/sent-2" || grep -qF "\"${ids[i]}\"" "$TRIAL/stdout" ||
			echo "$name is neither sent nor in the queue, and nobody says so"
		i=$((i + 1))
	done <"$INDEX"
}
