#!/bin/bash
#
# 1000 messages of all kinds and sizes, sixteen senders at a time, postfix stopped.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
spool_create "$SCRATCH/spool"
letters_write 1000
flushd_start
begin=$(now_us)
ok "every mini_sendmail exits 0" letters_submit 16
note "1000 submissions took $((($(now_us) - begin) / 1000)) ms"
is "all are in the journal" "$(wc -l <"$JOURNAL")" 1000
is "all are in the spool" "$(queue_field queue_id | sort -u | wc -l)" 1000
ok "the list counts them" grep -q ' in 1000 Requests\.$' <<<"$(queue_summary)"
postfix_start
begin=$(now_us)
ok "all leave the spool when postfix starts" wait_all_delivered 120
note "draining took $((($(now_us) - begin) / 1000)) ms"
nothing_wrong "each has arrived exactly once, its text as it was given"
ok "flushd ends in order" flushd_stop
done_testing
