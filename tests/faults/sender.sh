# shellcheck shell=bash
#
# sender.sh - one submission under a fault, and what must be true after it
#
# The trials share a spool that has a past: pages that were freed, and acknowledged mail. What survives is
# delivered every few trials, and compared at the end.
#
#   tried, violations    how many faults came to pass, and after how many of them a promise was broken
#   IS_CONTROL=1         violations are wanted, and no news
#   WAY=mail|smtp        how the letter is given: as PHP does it, or by SMTP on standard input
#   BODY=FILE            its text, of those that letters_open makes

# shellcheck source=tests/faults/inject.sh
. "$(dirname "${BASH_SOURCE[0]}")/inject.sh"

IS_CONTROL=""
WAY=mail
BODY=body
tried=0
violations=0
serial=0
refills=0
waiting=() # tokens that must be in the spool

sender_open() {
	test_open
	letters_open
	sink_start "$SCRATCH/sink"
	spool_create "$SCRATCH/spool"
	sender_refill
	sender_drain
	sender_refill
}

# What is acknowledged before the fault.
sender_refill() {
	local n
	for ((n = 0; n < 4; n++)); do
		refills=$((refills + 1))
		sender_submit "earlier-$refills"
	done
}

# sender_submit TOKEN: without a fault. It must succeed without a word.
sender_submit() {
	letter_write "$1"
	"$BIN/mini_sendmail" -t -i -f "$1@site.test" <"$LETTERS/$1.eml" >"$SCRATCH/next.said" 2>&1 || return
	waiting+=("$1")
	[ ! -s "$SCRATCH/next.said" ]
}

# sender_drain: all that waits goes to the relay.
sender_drain() {
	local token
	for token in "${waiting[@]}"; do
		letter_expect "$token"
	done
	waiting=()
	flushd_once && queue_is_empty
}

# --- the ways of a letter -----------------------------------------------------------------------------

# give_by_mail TOKEN PROGRAM...: PROGRAM is mini_sendmail, with what goes in front of it.
give_by_mail() {
	local token=$1
	shift
	"$@" -t -i -f "$token@site.test" <"$LETTERS/$token.eml"
}

give_by_smtp() {
	local token=$1
	shift
	{
		printf '%s\n' "EHLO test" "MAIL FROM:<$token@site.test>" "RCPT TO:<reader@example.org>" DATA
		sed 's/^\./../' "$LETTERS/$token.eml"
		printf '%s\n' . QUIT
	} >"$LETTERS/session"
	"$@" -bs <"$LETTERS/session"
}

# sender_calls: the names of the system calls of a submission.
sender_calls() {
	letter_write "traced-$WAY"
	"give_by_$WAY" "traced-$WAY" strace -f -qq -o "$SCRATCH/calls" "$BIN/mini_sendmail" >"$SCRATCH/stdout"
	letter_expect "traced-$WAY"
	calls_in "$SCRATCH/calls"
}

# --- one trial ----------------------------------------------------------------------------------------

# sender_try PROGRAM CALL FAULT: submit a letter with that program under that fault, as strace has it. Fails if
# the program did not come to it.
sender_try() {
	local program=$1 call=$2 fault=$3 status=0 token wrong
	serial=$((serial + 1))
	token=fault-$serial
	letter_write "$token" "$BODY"
	# The shell would announce each death.
	{
		"give_by_$WAY" "$token" timeout 60 strace -f -q -o "$SCRATCH/strace" -e "trace=$call" \
			-e "inject=$call:$fault" "$program" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || status=$?
	} 2>/dev/null
	wrong=$(sender_judge "$token" "$status") || true
	sender_settle "$token" || wrong+=$'\nwhat it left cannot be delivered'
	has_fired "$SCRATCH/strace" || return 1
	tried=$((tried + 1))
	[ -n "$wrong" ] || return 0
	violations=$((violations + 1))
	wrong="$call:$fault: exit $status: ${wrong//$'\n'/; }"
	if [ -n "$IS_CONTROL" ]; then
		note "$wrong"
	else
		diag "$wrong"
	fi
}

# sender_judge TOKEN STATUS: says what is wrong.
sender_judge() {
	local token=$1 status=$2 list other is_stored=
	# Who comes next must not suffer.
	sender_submit "next-$serial" || echo "the next sender fails: $(cat "$SCRATCH/next.said")"
	list=$(flushctl list --json) || echo "the spool does not open"
	for other in "${waiting[@]}"; do
		letter_is_stored "$other" "$list" || echo "$other was acknowledged and is gone"
	done
	for other in "${waiting[0]}" "next-$serial"; do
		letter_is_whole "$other" "$list" || echo "the text of $other is not what it was"
	done
	if letter_is_stored "$token" "$list"; then
		is_stored=1
		letter_is_whole "$token" "$list" || echo "its own text is not what was given"
	fi
	"judge_$WAY" "$status" "$is_stored"
}

# judge_mail STATUS IS-STORED: the contract with the caller is the exit code.
judge_mail() {
	[ ! -s "$SCRATCH/stdout" ] || echo "words on stdout"
	case $1 in
	0)
		[ -n "$2" ] || echo "success, but nothing is stored"
		[ ! -s "$SCRATCH/stderr" ] || echo "success with words: $(cat "$SCRATCH/stderr")"
		return
		;;
	137) return ;;
	74) ;;
	67 | 68 | 75) echo "an exit code that callers misunderstand" ;;
	124 | 12[5-9] | 1[3-9]? | 2??) echo "death or delay: $(cat "$SCRATCH/stderr")" ;;
	*) [ -z "$2" ] || echo "failure, but it is stored" ;;
	esac
	[ "$(grep -c . "$SCRATCH/stderr")" -eq 1 ] && [ "$(wc -l <"$SCRATCH/stderr")" -eq 1 ] ||
		echo "not one line: $(cat "$SCRATCH/stderr")"
}

# judge_smtp STATUS IS-STORED: the contract is the reply to the text. 451 4.3.0 is what exit 74 is; no reply at all
# says nothing.
judge_smtp() {
	local reply
	reply=$(sed -n '/^354 /{ n; p; q }' "$SCRATCH/stdout")
	case $reply in
	"250 Ok: queued as "*) [ -n "$2" ] || echo "acknowledged, but nothing is stored" ;;
	"451 4.3.0 "* | "") ;;
	[45][0-9][0-9]\ *) [ -z "$2" ] || echo "refused, but it is stored" ;;
	*) echo "no reply: $reply" ;;
	esac
	case $1 in
	137) ;;
	67 | 68 | 75 | 124 | 12[5-9] | 1[3-9]? | 2??) echo "death, delay, or an exit code that callers misunderstand" ;;
	esac
}

# sender_settle TOKEN: what is stored is going to arrive, whatever the sender was told.
sender_settle() {
	local list
	list=$(flushctl list --json) || return 0
	! letter_is_stored "$1" "$list" || waiting+=("$1")
	! letter_is_stored "next-$serial" "$list" || waiting+=("next-$serial")
	[ $((serial % 10)) -eq 0 ] || return 0
	sender_drain || return
	sender_refill
}
