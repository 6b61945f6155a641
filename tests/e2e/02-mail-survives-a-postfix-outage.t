#!/bin/bash
#
# The job: mail() while postfix is down, nobody notices, and it goes out as soon as postfix is back.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
postfix_start
postfix_stop
spool_create "$SCRATCH/spool"

echo "sent during the outage" >"$SCRATCH/body"
for n in 1 2 3; do
	is "mail() number $n returns true without postfix and without flushd" \
		"$(php_mail reader@example.org "outage $n" "$SCRATCH/body" "X-Letter: outage-$n")" true
	journal_body "outage-$n" "$SCRATCH/body"
done
ok "the list ends as mailq's does" grep -qE '^-- [0-9]+ Kbytes in 3 Requests\.$' <<<"$(queue_summary)"
is "the list as JSON has three messages" "$(queue_field queue_id | wc -l)" 3

status=0
flushd_once || status=$?
is "flushd --once exits 1 while something still waits" "$status" 1

flushd_start
ok "flushd says that the relay is down" \
	wait_until 10 flushd_logged "relay=127.0.0.1:$POSTFIX_PORT .*state=down .*reason=\"Connection refused\""
is "nothing is lost by trying" "$(queue_field queue_id | wc -l)" 3

postfix_start
begin=$(now_us)
ok "all is delivered" maildir_wait 3 30
at_most "within 2 s of postfix answering again (ms)" $((($(now_us) - begin) / 1000)) 2000
ok "the queue drains to empty" wait_all_delivered 10

# Again, with a flushd that was idle all the while and a worker that has been through it once.
postfix_stop
is "mail() in the next outage returns true" \
	"$(php_mail reader@example.org again "$SCRATCH/body" "X-Letter: again")" true
journal_body again "$SCRATCH/body"
is "and waits" "$(queue_field queue_id | wc -l)" 1
# Wait for a failed try, so that what follows is a recovery.
wait_until 10 flushd_has_logged 2 state=down
postfix_start
begin=$(now_us)
ok "it is delivered too" maildir_wait 4 30
at_most "again within 2 s (ms)" $((($(now_us) - begin) / 1000)) 2000
ok "the queue is empty again" wait_all_delivered 10
nothing_wrong "each has arrived once, its text as it was given"
ok "flushd ends in order" flushd_stop
done_testing
