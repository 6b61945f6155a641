#!/bin/bash
#
# 8 MB of every kind of line.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
postfix_start
spool_create "$SCRATCH/spool"
letters_write 1 8388608
ok "the message is taken" letters_submit
size=$(stat -c %s "$LETTERS/letter-00001.eml")
at_most "it has 8 MB or more" 8388608 "$size"
id=$(queue_field queue_id)
is "show --raw gives its text" \
	"$(flushctl show --raw "$id" | sed '1,/^$/d' | sha256sum | cut -d ' ' -f 1)" \
	"$(cut -d ' ' -f 2 "$LETTERS/index")"
flushd_start
ok "it is delivered" maildir_wait 1 60
ok "the queue is empty" wait_all_delivered 10
nothing_wrong "its text has arrived byte for byte"
ok "flushd ends in order" flushd_stop
done_testing
