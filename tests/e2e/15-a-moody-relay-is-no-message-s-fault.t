#!/bin/bash
#
# A relay that takes connections but no mail: a prober finds out, nothing is tried meanwhile, and no
# message loses an attempt. A relay that takes the prober's word but not ours is not down: the message
# backs off, and the others go.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
test_open
spool_create "$SCRATCH/spool"
moody_start '421 at banner'
relay="relay=127.0.0.1:$POSTFIX_PORT"

mood() {
	echo "$1" >"$SCRATCH/mood.new"
	mv "$SCRATCH/mood.new" "$SCRATCH/mood"
}

submit() {
	printf 'Subject: x\n\nfrom %s\n' "$1" | "$BIN/mini_sendmail" -i -f "$1" reader@example.org
}

taken() {
	grep -cxF "<$1>" "$SCRATCH/taken" || true
}

is_taken() {
	[ "$(taken "$1")" -ge 1 ]
}

no_worker_runs() {
	[ -z "$(flushd_workers)" ]
}

is_not_down() {
	! tail -n "+$((seen + 1))" "$FLUSHD_LOG" | grep -q state=down
}

submit first@site.test

for mood in '421 at banner' '452 at MAIL' 'late close at banner' 'a reply too many at EHLO'; do
	mood "$mood"
	[ -z "$FLUSHD_PID" ] || flushd_stop
	rm -f "$SCRATCH/flushd.log"
	flushd_start
	ok "$mood: flushd asks about the complaint, and finds it true" wait_until 15 flushd_logged \
		"$relay state=down waiting=1 reason=\"it takes connections, but no mail\""
	ok "$mood: the worker complained" flushd_logged "$relay complaint="
	ok "$mood: the prober says what the relay said" flushd_logged "prober: relay says: "
	ok "$mood: the worker leaves" wait_until 5 no_worker_runs
	is "$mood: no attempt is lost" "$(queue_field attempts)" 0
	is "$mood: the message is still new" "$(queue_field state)" new
done

mood well
ok "the relay is found to be well" wait_until 40 flushd_logged "$relay state=up"
ok "and takes the mail" wait_until 5 is_taken first@site.test
ok "which leaves the spool" wait_until 5 queue_is_empty
is "once" "$(taken first@site.test)" 1
is "probes leave no mail" "$(wc -l <"$SCRATCH/taken")" 1

mood '421 at MAIL of mail'
seen=$(wc -l <"$FLUSHD_LOG")
submit second@site.test
ok "a relay that takes probes is not down" wait_until 15 flushd_logged "status=deferred .*421 4.3.2"
ok "and is not said to be" is_not_down
is "the message has lost an attempt" "$(queue_field attempts)" 1
is "and is deferred" "$(queue_field state)" deferred
mood well
submit third@site.test
ok "other mail goes" wait_until 10 is_taken third@site.test
is "the deferred one waits for its time" "$(taken second@site.test)" 0
ok "flushd ends in order" flushd_stop
done_testing
