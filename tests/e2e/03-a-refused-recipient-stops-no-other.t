#!/bin/bash
#
# One message, several recipients; postfix refuses one for good and one for now.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
postfix_start
spool_create "$SCRATCH/spool"

# recipient_of STATE-PATTERN: the addresses that are still listed, sorted.
waiting_recipients() {
	queue_field recipients | grep -o '"address":"[^"]*"' | cut -d '"' -f 4 | sort | xargs
}
waiting_are() {
	[ "$(waiting_recipients)" = "$1" ]
}

echo "to several" >"$SCRATCH/body"
is "mail() to three returns true" "$(php_mail \
	'one@example.org, refused@example.org, two@example.org' several "$SCRATCH/body" 'X-Letter: several')" true
journal_body several "$SCRATCH/body" 2
flushd_start
ok "the two that postfix takes are delivered" maildir_wait 2 20
ok "the refused one stays" wait_until 10 waiting_are refused@example.org
is "as failed" "$(queue_field state)" failed
is "which counts as hold" "$(queue_field queue_name)" hold
ok "with what postfix said" grep -q 'nobody of that name here' <<<"$(queue_field recipients)"
ok "flushd logs the refusal" flushd_logged 'to=<refused@example.org> .*status=failed .*550 5.1.1'

echo "to one who is asked to wait" >"$SCRATCH/body"
is "mail() to two returns true" "$(php_mail \
	'later@example.org, three@example.org' deferred "$SCRATCH/body" 'X-Letter: deferred')" true
journal_body deferred "$SCRATCH/body"
ok "the one that postfix takes is delivered" maildir_wait 3 20
ok "the deferred one stays beside the refused one" \
	wait_until 10 waiting_are "later@example.org refused@example.org"
is "as deferred" "$(queue_field state | sort | xargs)" "deferred failed"
ok "flushd logs the deferral" flushd_logged 'to=<later@example.org> .*status=deferred .*450 4.2.0'
ok "flushd ends in order" flushd_stop
wait_until 10 postfix_is_idle
nothing_wrong "nobody got it twice, nobody else got it"
done_testing
