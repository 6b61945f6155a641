# shellcheck shell=bash
#
# worker.sh - a flushd under a fault, and what must be true after it
#
# Each trial has a spool of its own with two messages, a and b. A flushd works until the fault ends it or all is done;
# what it has left is noted; then a flushd without a fault does the rest. A message is lost if it is neither at the
# relay nor in the spool. It may be at the relay twice only if flushd was ended, and left it in the spool: the end fell
# before the commit.
#
#   tried, violations    as trials_end counts them
#   FIRST=large_body     message a is large
#   SPOOL_OPTIONS=(...)  what each spool is made with
#   LASTS=SECONDS        the fault never ends, so flushd is told to end after that time
#   ONCE=                flushd stays, and starts another worker for one that fails
#   IS_CONTROL=1         violations are wanted, and no news

# shellcheck source=tests/faults/inject.sh
. "$(dirname "${BASH_SOURCE[0]}")/inject.sh"

IS_CONTROL=""
FIRST=body
SPOOL_OPTIONS=()
LASTS=""
ONCE=--once
tried=0
violations=0

worker_open() {
	local lane
	test_open
	letters_open
	for ((lane = 0; lane < LANES; lane++)); do
		sink_start "$SCRATCH/sink-$lane"
		sinks+=("$SINK $SINK_PID $POSTFIX_PORT")
	done
	at_exit trials_stop
}

# --- trials, some at a time ---------------------------------------------------------------------------

LANES=4
lanes=()
sinks=()

# trials_begin CMD WORD...: CMD for each word, LANES of them at a time, each with a relay of its own.
trials_begin() {
	local lane
	RESULTS=$(mktemp -d "$SCRATCH/results.XXXXXX")
	for ((lane = 0; lane < LANES; lane++)); do
		trials_lane "$lane" "$@" 2>"$SCRATCH/stderr-$lane" &
		lanes+=($!)
	done
}

trials_lane() {
	local lane=$1 command=$2 i=0 word
	shift 2
	trap 'exit 143' TERM
	trap end_flushd EXIT
	read -r SINK SINK_PID POSTFIX_PORT <<<"${sinks[lane]}"
	for word in "$@"; do
		[ $((i++ % LANES)) -ne "$lane" ] || "$command" "$word"
	done
}

# trials_end: wait for all, count, and say what was wrong. The shell has announced each death.
trials_end() {
	local file complain=diag
	[ -z "$IS_CONTROL" ] || complain=note
	wait "${lanes[@]}"
	lanes=()
	tried=$(find "$RESULTS" -type f | wc -l)
	violations=$(find "$RESULTS" -type f -size +0 | wc -l)
	while read -r file; do
		"$complain" "${file##*/}: $(tr '\n' ';' <"$file")"
	done < <(find "$RESULTS" -type f -size +0 | sort)
	grep -hvE '[0-9]+ (Killed|Aborted|Segmentation fault|Bus error) ' "$SCRATCH"/stderr-* >&2 || true
}

trials_stop() {
	local pid
	for pid in "${lanes[@]}"; do
		end_child "$pid" || true
	done
}

# --- one trial ----------------------------------------------------------------------------------------

flushd=     # what runs it: itself or strace
supervisor= # itself
tracer=     # of the worker

end_flushd() {
	local pid
	for pid in $flushd $supervisor $tracer; do
		kill -KILL "$pid" 2>/dev/null || true
	done
}

# worker_spool NAME
worker_spool() {
	TRIAL=$SCRATCH/$1
	mkdir "$TRIAL"
	: >"$TRIAL/strace.said"
	spool_create "$TRIAL/spool" "${SPOOL_OPTIONS[@]}"
	worker_letters "$1-a" "$1-b"
}

worker_letters() {
	letter_send "$1" "$FIRST"
	letter_send "$2"
}

# worker_try PROGRAM PLACE FAULT START: START is what runs PROGRAM under that fault at PLACE, which is CALL:WHEN with
# WHEN as strace has it. What is wrong then is in a file of RESULTS; none if it did not come to the fault.
worker_try() {
	local program=$1 place=$2 fault=$3 start=$4 name wrong result=$RESULTS/$2:$3
	name=${place//[:+]/-}-${fault//=/-}-$BASHPID
	worker_spool "$name"
	"$start" "$program" "$name" "${place%:*}" "$fault:when=${place#*:}" || echo "the trial failed" >"$TRIAL/stuck"
	wrong=$(worker_judge "$fault" "$name-a" "$name-b")
	if has_fired "$TRIAL/strace"; then
		echo -n "$wrong" >"$result"
	elif [ -n "$wrong" ]; then
		echo "without a fault: $wrong" >"$result"
	fi
	[ -n "${RIG_KEEP:-}" ] || rm -rf "$TRIAL" "$LETTERS/$name"-*
}

# from_data_on PROGRAM NAME CALL [FAULT]: from the relay's word that it wants the text on, and only in the worker.
from_data_on() {
	local program=$1 first=$2-a call=$3 fault=${4:-} worker
	: >"$SINK/hold/$first"
	"$program" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" --once 2>>"$TRIAL/flushd.log" &
	flushd=$!
	supervisor=$!
	wait_until 30 test -e "$SINK/held/$first" || return
	worker=$(pgrep -P "$flushd" -f -- --worker) || return
	strace -f -o "$TRIAL/strace" -e "trace=$call" ${fault:+-e "inject=$call:$fault"} \
		-p "$worker" 2>"$TRIAL/strace.said" &
	tracer=$!
	wait_until 30 grep -q attached "$TRIAL/strace.said" || return
	rm "$SINK/hold/$first"
	worker_wait
}

# from_the_start_on PROGRAM NAME CALL [FAULT]: supervisor and worker, each with a count of its own.
from_the_start_on() {
	local program=$1 call=$3 fault=${4:-}
	strace -f -q -o "$TRIAL/strace" -e "trace=$call" ${fault:+-e "inject=$call:$fault"} \
		"$program" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" $ONCE 2>>"$TRIAL/flushd.log" &
	flushd=$!
	worker_wait
}

worker_wait() {
	if [ -n "$LASTS" ] && ! wait_until "$LASTS" has_ended "$flushd"; then
		: >"$TRIAL/was_told_to_end"
		kill -TERM "${supervisor:=$(pgrep -P "$flushd" || true)}" || true
	fi
	if ! wait_until 90 has_ended "$flushd"; then
		echo "flushd does not end" >"$TRIAL/stuck"
		end_flushd
	fi
	wait $flushd $tracer 2>/dev/null || true
	flushd=
	supervisor=
	tracer=
}

# worker_places START PROGRAM [CALL...]: where a fault can fall from START on, as CALL:NUMBER.
worker_places() {
	local start=$1 program=$2 name=places-$BASHPID calls
	shift 2
	worker_spool "$name"
	"$start" "$program" "$name" all
	calls=${*:-$(calls_in "$TRIAL/strace")}
	places_in "$TRIAL/strace" "${calls//[[:space:]]/|}"
}

# worker_judge FAULT TOKEN...: says what is wrong.
worker_judge() {
	local fault=$1 list token
	local -A copies=() kept=()
	shift
	[ ! -e "$TRIAL/stuck" ] || cat "$TRIAL/stuck"
	rm -f "$SINK"/hold/*
	wait_until 30 sink_is_idle || echo "the relay is busy"
	list=$(flushctl list --json) || echo "the spool does not open"
	for token in "$@"; do
		copies[$token]=$(sink_copies "$token")
		letter_is_stored "$token" "$list" || continue
		kept[$token]=1
		letter_is_whole "$token" "$list" || echo "the text of ${token##*-} is not what it was"
	done
	flushd_once || true
	list=$(flushctl list --json) || echo "the spool does not open afterwards"
	for token in "$@"; do
		worker_judge_copies "$token" "${copies[$token]}" "${kept[$token]:-}" "$list"
	done
}

# worker_judge_copies TOKEN BEFORE WAS-KEPT LIST: BEFORE is how many copies the fault left at the relay.
worker_judge_copies() {
	local token=$1 before=$2 was_kept=$3 list=$4 after allowed=1
	after=$(sink_copies "$token")
	if [[ -e $TRIAL/was_told_to_end || $fault == signal=* ]] && [ "$before" -eq 1 ] && [ -n "$was_kept" ]; then
		allowed=2
	fi
	[ "$before" -le 1 ] || echo "${token##*-} sent $before times by one flushd"
	[ "$before" -gt 0 ] || [ -n "$was_kept" ] || echo "${token##*-} lost by the fault"
	[ "$after" -gt 0 ] || letter_is_stored "$token" "$list" || echo "${token##*-} lost"
	[ "$after" -le "$allowed" ] || echo "${token##*-} sent $after times"
}
