#!/bin/bash
#
# How much goes through a connection and a transaction before the next one, what becomes of a message whose final dot
# is never answered, and a relay that says nothing at all, also when flushd is told to end.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
test_open
spool_create "$SCRATCH/spool"
moody_start well
make_due=$(realpath "${TOOLS:-build/release/tools}")/make_due
[ -x "$make_due" ] || skip_all "make_due must be built first, as make test does"

mood() {
	echo "$1" >"$SCRATCH/mood.new"
	mv "$SCRATCH/mood.new" "$SCRATCH/mood"
	rm -f "$SCRATCH"/{links,copies,taken}
	: >"$SCRATCH/links"
	: >"$SCRATCH/taken"
}

submit() {
	printf 'Subject: x\n\nfrom %s\n' "$1" | "$BIN/mini_sendmail" -i -f "$@"
}

lines_of() {
	wc -l <"$SCRATCH/$1"
}

at_least() {
	[ "$1" -ge "$2" ]
}

# --- many messages, many errors, many recipients ------------------------------------------------------

mood well
for ((i = 0; i < 230; i++)); do
	submit "m$i@site.test" reader@example.org
done
flushd_start
ok "230 messages go" wait_until 30 queue_is_empty
is "each once" "$(sort -u "$SCRATCH/taken" | wc -l) of $(lines_of taken)" "230 of 230"
ok "a connection takes 100 of them at most" at_least "$(lines_of links)" 3
ok "flushd ends in order" flushd_stop

# Each is refused twice: at RCPT, and at the DATA that came with it.
mood '450 at RCPT 1'
for ((i = 0; i < 20; i++)); do
	submit "e$i@site.test" reader@example.org
done
flushd_start
ok "20 messages are deferred" wait_until 20 flushd_has_logged 20 'status=deferred'
ok "a connection takes 8 errors at most" at_least "$(lines_of links)" 5
ok "flushd ends in order" flushd_stop
mood well
"$make_due" "$SPOOL"
flushd_start
ok "and go later" wait_until 20 queue_is_empty

mapfile -t many < <(seq -f 'r%g@example.org' 1000)
mood well
submit many@site.test "${many[@]}"
ok "a message to 1000 goes" wait_until 30 queue_is_empty
is "each gets it once" "$(sort -u "$SCRATCH/copies" | wc -l) of $(lines_of copies)" "1000 of 1000"
is "in as few transactions as may be" "$(lines_of taken)" 2
ok "flushd ends in order" flushd_stop

# --- a final dot that is never answered ---------------------------------------------------------------

state() {
	queue_field "$1" | xargs
}

is_between() {
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

is_held_for() {
	grep -qF "$1" <<<"$(flushctl show "$(state queue_id)")"
}

is_tried() {
	[ "$(state attempts)" = "$1" ]
}

mood 'close at dot'
submit maybe@site.test reader@example.org
for minutes in 5 15 60 held; do
	attempt=$((${attempt:-0} + 1))
	before=$(date +%s)
	"$make_due" "$SPOOL"
	flushd_start
	ok "attempt $attempt has no answer" wait_until 20 is_tried "$attempt"
	if [ "$minutes" = held ]; then
		is "then it is held" "$(state state)" held
		ok "as it may have been delivered" is_held_for 'maybe delivered: final dot: '
	else
		# The second between the two clocks, and one to spare for a slow machine.
		wait=$(($(state next_attempt) - before))
		ok "the next is $minutes minutes later" is_between "$wait" $((minutes * 60)) $((minutes * 60 + 20))
	fi
	ok "flushd ends in order" flushd_stop
done
is "the relay has it as often as it was tried" "$(lines_of taken)" 4
flushctl release --all >"$SCRATCH/released"
mood well
flushd_start
ok "released, it goes" wait_until 20 queue_is_empty
ok "flushd ends in order" flushd_stop

# --- the end, while the relay says nothing ------------------------------------------------------------

a_connection_is_made() {
	[ -s "$SCRATCH/links" ]
}

for phase in banner EHLO MAIL 'RCPT 1' DATA; do
	mood "hang at $phase"
	submit silent@site.test reader@example.org
	flushd_start
	wait_until 10 a_connection_is_made
	ok "silence at $phase: flushd ends in order" flushd_stop
	is "and the message waits" "$(state state) $(state attempts)" "new 0"
	mood well
	flushd_start
	ok "and goes later" wait_until 20 queue_is_empty
	is "once" "$(lines_of taken)" 1
	ok "flushd ends in order" flushd_stop
done

# So many connections are held that the kernel answers no other: connecting takes for ever.
fill_relay() {
	kill -STOP "$MOODY_PID"
	perl -MIO::Socket::INET -e '
		$| = 1;
		my @held = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Blocking => 0) } 1 .. 100;
		print "held\n";
		sleep 1 while getppid() == $ARGV[1];
	' "$POSTFIX_PORT" "$$" >"$SCRATCH/held" &
	FILLER_PID=$!
	at_exit "kill -CONT $MOODY_PID || true; end_child $FILLER_PID || true"
	wait_until 10 test -s "$SCRATCH/held"
}

mood well
fill_relay
submit waiting@site.test reader@example.org
flushd_start
ok "a relay that takes no connection is down" wait_until 30 flushd_logged 'state=down .*timed out'
is "and the message waits" "$(state state) $(state attempts)" "new 0"
end_child "$FILLER_PID" || true
kill -CONT "$MOODY_PID"
ok "and goes later" wait_until 60 queue_is_empty
is "once" "$(lines_of taken)" 1
ok "flushd ends in order" flushd_stop

a_dot_is_open() {
	[ -s "$SCRATCH/taken" ]
}

mood 'a pause, then a reply at dot'
submit open@site.test reader@example.org
flushd_start
wait_until 10 a_dot_is_open
ok "an open dot: flushd ends in order" flushd_stop
ok "having waited for its reply" queue_is_empty
is "the message went once" "$(lines_of taken)" 1
done_testing
