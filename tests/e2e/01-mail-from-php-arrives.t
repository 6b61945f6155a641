#!/bin/bash
#
# PHP's mail() → mini_sendmail → spool → flushd → postfix → Maildir.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
postfix_start
spool_create "$SCRATCH/spool"

cat >"$SCRATCH/body" <<'END'
Dear reader,

.this line begins with a dot, the next one is a dot
.
From here on nothing special: grüße.
END
journal_body greeting "$SCRATCH/body"

is "an empty spool lists as mailq does" "$(flushctl list)" "Mail queue is empty"
ok "flushd --once has nothing to do and says so by exit 0" flushd_once
is "mail() returns true" \
	"$(php_mail reader@example.org greeting "$SCRATCH/body" $'X-Letter: greeting\r\nBcc: hidden@example.org')" true
is "the spool holds one message" "$(queue_field sender)" sender@site.test
is "it is to go to both recipients, Bcc too" \
	"$(queue_field recipients | grep -o '"address":"[^"]*"' | sort | xargs)" \
	"address:hidden@example.org address:reader@example.org"

id=$(queue_field queue_id)
is "show --raw gives the text byte for byte" \
	"$(flushctl show --raw "$id" | sed '1,/^$/d' | sha256sum)" "$(sha256sum <"$SCRATCH/body")"
ok "show tells the sender" grep -q sender@site.test <<<"$(flushctl show "$id")"

flushd_start
ok "it is delivered to both" maildir_wait 2 20
ok "the queue drains to empty" wait_all_delivered 10
ok "flushd logs each recipient as sent" flushd_logged "id=$id .*to=<reader@example.org> .*status=sent"
ok "flushd logs the hidden one too" flushd_logged "id=$id .*to=<hidden@example.org> .*status=sent"
ok "SIGTERM ends flushd in order" flushd_stop

sed -i 's/ 1$/ 2/' "$JOURNAL"
nothing_wrong "the text has arrived as it was given, once for each recipient"
for field in From To Subject Date Message-ID; do
	is "there is one $field field" "$(arrived_headers | grep -ic "^$field:")" 2
done
is "there is no Bcc field" "$(arrived_headers | grep -ic ^Bcc: || true)" 0
done_testing
