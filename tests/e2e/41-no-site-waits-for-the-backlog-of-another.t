#!/bin/bash
#
# One site has thousands of messages waiting, and there is but one place for a worker and one connection. The single
# mail of another site goes in between, and so does a third's, while the first goes on. With the usual number of places
# each is there at once. E2E_LONG=1: a hundred thousand wait.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
# Nothing here asks what a disk has kept.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
sites_open
moody_start well
COUNT=24000
[ -z "${E2E_LONG:-}" ] || COUNT=100000
conf_write "max_workers = 1" "max_connections = 1"
site_add big 20001
site_add small 20002
site_add other 20003

session() {
	local n
	echo "EHLO test"
	for ((n = 1; n <= COUNT; n++)); do
		printf '%s\n' "MAIL FROM:<big@site.test>" "RCPT TO:<reader@example.org>" DATA "Subject: $n" "" x .
	done
	echo QUIT
}

session | MINI_SENDMAIL_SPOOL=$JAILS/big/$SPOOL_IN_JAIL as_uid 20001 "$BIN/mini_sendmail" -bs >"$SCRATCH/replies"
is "$COUNT messages wait" "$(grep -c '^250 Ok: queued' "$SCRATCH/replies")" "$COUNT"
service_start
more_are_taken() {
	[ "$(taken_count)" -gt "$1" ]
}
big_has_begun() {
	[ "$(taken_count)" -ge 20 ]
}
ok "the backlog is being sent" wait_until 20 big_has_begun
begin=$(now_us)
site_submit small 20002 small@site.test
site_submit other 20003 other@site.test
ok "another site's mail arrives" wait_until 30 is_taken small@site.test
small_took=$((($(now_us) - begin) / 1000))
ok "and a third's" wait_until 30 is_taken other@site.test
backlog=$((COUNT - $(grep -cxF "<big@site.test>" "$SCRATCH/taken")))
ok "while the backlog is far from done: $backlog left" [ "$backlog" -gt 0 ]
note "it took $small_took ms"
# A turn is 2 s; a worker that is asked to leave finishes what it is at.
at_most "within a turn, ms" "$small_took" 8000
ok "flushd ends in order" flushd_stop

# shellcheck disable=SC2119 # as many places as there are by default
conf_write
service_start
slowest=0
for n in 1 2 3 4 5; do
	before=$(taken_count)
	ok "the backlog goes on" wait_until 20 more_are_taken "$before"
	begin=$(now_us)
	site_submit small 20002 "small$n@site.test"
	ok "another site's mail $n arrives" wait_until 30 is_taken "small$n@site.test"
	took=$((($(now_us) - begin) / 1000))
	[ "$took" -le "$slowest" ] || slowest=$took
done
backlog=$((COUNT - $(grep -cxF "<big@site.test>" "$SCRATCH/taken")))
ok "with $backlog of the backlog left" [ "$backlog" -gt 0 ]
note "the slowest of them took $slowest ms"
at_most "each within 2 s, ms" "$slowest" 2000
ok "the backlog arrives too" wait_until $((60 + COUNT / 500)) is_taken big@site.test "$COUNT"
is "all of it once" "$(taken_count)" $((COUNT + 2 + 5))
is "no worker failed" "$(grep -E 'worker (failed|ended)' "$FLUSHD_LOG" || true)" ""
ok "flushd ends in order" flushd_stop
done_testing
