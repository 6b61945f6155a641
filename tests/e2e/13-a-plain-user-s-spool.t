#!/bin/bash
#
# A site's spool belongs to the site's user. He submits; flushd serves it as root, which drops to him, and
# as him from the start.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "acts as several users"
test_open
copy_programs
postfix_create
uid=12345

# Submissions go on for as long as no worker of that uid was seen: it lives only while there is work.
worker_uid_seen() {
	local pid
	for pid in $(flushd_workers); do
		grep -qE "^Uid:\s+$uid\s+$uid\s+$uid\s+$uid$" "/proc/$pid/status" 2>/dev/null &&
			grep -qE "^Gid:\s+$uid\s+$uid\s+$uid\s+$uid$" "/proc/$pid/status" 2>/dev/null && return 0
	done
	return 1
}

# The journal is not his to write, so the caller fills it.
submit_all() {
	local token
	for token in $(letter_tokens); do
		as_uid "$uid" "$BIN/mini_sendmail" -t -i -f sender@site.test <"$LETTERS/$token.eml" || return
	done
}

letters_write 150
spool_create "$SCRATCH/spool" --user "$uid"
is "init --user makes a spool of that user's" "$(stat -c '%u %a' "$SPOOL")" "$uid 700"
is "with a data.mdb of his" "$(stat -c %u "$SPOOL/data.mdb")" "$uid"

ok "he submits 150 messages" submit_all
cp "$LETTERS/index" "$JOURNAL"
is "flushctl, as root, lists them" "$(queue_field uid | sort -u)" "$uid"
postfix_start
flushd_start
dropped=1
while ! queue_is_empty; do
	worker_uid_seen && dropped=0 && break
done
claim "$dropped" "the worker of root's flushd runs as the spool's owner"
ok "everything is sent" wait_all_delivered 60
nothing_wrong "each has arrived once, its text as it was given"
ok "root submits to it too" letters_submit 1
ok "everything is sent again" wait_all_delivered 60
is "as root nothing in the spool becomes root's" "$(find "$SPOOL" ! -user "$uid")" ""
ok "root's flushd ends in order" flushd_stop

rm -f "$MAILDIR"/new/*
cp "$LETTERS/index" "$JOURNAL"
ok "he submits 150 more" submit_all
flushd_start_as "$uid"
ok "his own flushd sends everything" wait_all_delivered 60
nothing_wrong "each has arrived once, its text as it was given, again"
is "he can list his own queue" "$(as_uid "$uid" "$BIN/flushctl" --spool "$SPOOL" list)" "Mail queue is empty"
ok "his flushd ends in order" flushd_stop

# By name as well as by number.
spool_create "$SCRATCH/named" --user nobody
is "init --user takes a name" "$(stat -c %U "$SPOOL")" nobody
done_testing
