#!/bin/bash
#
# A site with a backlog sends it by two connections, if nobody else needs one of them: when somebody does, it gives one
# up at once. Whatever becomes of the second one, nothing is lost, put off or complained about.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open

# --- one for each site that needs one -----------------------------------------------------------------

moody_start well
conf_write "max_connections = 2"
site_add big 20001
site_add small 20002
backlog=20000

session() {
	local n
	echo "EHLO test"
	for ((n = 1; n <= backlog; n++)); do
		printf '%s\n' "MAIL FROM:<big@site.test>" "RCPT TO:<reader@example.org>" DATA "Subject: $n" "" x .
	done
	echo QUIT
}

# The supervisor keeps a copy of each.
connections() {
	ss -Htn state established "dport = :$POSTFIX_PORT" | wc -l
}
has_connections() {
	[ "$(connections)" -eq "$1" ]
}

session | MINI_SENDMAIL_SPOOL=$JAILS/big/$SPOOL_IN_JAIL as_uid 20001 "$BIN/mini_sendmail" -bs >"$SCRATCH/replies"
is "$backlog messages wait" "$(grep -c '^250 Ok: queued' "$SCRATCH/replies")" "$backlog"
service_start
ok "they go by two connections" wait_until 20 has_connections 2
times=()
for n in 1 2 3 4 5; do
	begin=$(now_us)
	site_submit small 20002 "small$n@site.test"
	ok "another site's mail $n arrives" wait_until 30 is_taken "small$n@site.test"
	times+=($((($(now_us) - begin) / 1000)))
	ok "and two connections send the backlog again" wait_until 30 has_connections 2
done
left=$((backlog - $(grep -cxF "<big@site.test>" "$SCRATCH/taken")))
ok "which is far from done: $left left" [ "$left" -gt 0 ]
note "they took ${times[*]} ms"
# That would be 2 s and more each.
at_most "it need not wait for the end of a turn, ms" "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 3p)" 1500
ok "flushd ends in order" flushd_stop
sent=$(($(grep -cxF "<big@site.test>" "$SCRATCH/taken")))
SPOOL=$JAILS/big/$SPOOL_IN_JAIL
is "each message of the backlog is sent or waits" "$(flushctl list --json | wc -l)" $((backlog - sent))

# --- a relay that takes one connection only -----------------------------------------------------------

rm "$CONF"/sites.d/*
site_add letters 20003
SPOOL=$JAILS/letters/$SPOOL_IN_JAIL
postfix_create
# Its master waits a minute before it starts another smtpd in the place of one that was killed at its first client.
postconf -c "$POSTFIX_DIR/etc" smtpd_client_event_limit_exceptions= smtpd_client_connection_count_limit=1 \
	service_throttle_time=1s
touch -d '1 minute ago' "$POSTFIX_DIR/etc/main.cf"
postfix_start
conf_write "max_connections = 4"

# Each is to arrive once.
letters_submit_as_site() {
	local token
	for token in $(letter_tokens); do
		MINI_SENDMAIL_SPOOL=$SPOOL as_uid 20003 "$BIN/mini_sendmail" -t -i -f sender@site.test \
			<"$LETTERS/$token.eml" || return
	done
	cat "$LETTERS/index" >>"$JOURNAL"
}
refused_some() {
	grep -q 'Connection concurrency limit exceeded' "$POSTFIX_LOG"
}
letters_write 120 1500
ok "120 letters wait" letters_submit_as_site
: >"$FLUSHD_LOG"
service_start
ok "a second connection is tried and refused" wait_until 30 refused_some
ok "all letters go all the same" wait_all_delivered 60
nothing_wrong "each once"
is "and nothing is put off, nor anybody blamed" \
	"$(grep -E 'status=(deferred|ambiguous)|complaint=|state=down' "$FLUSHD_LOG" || true)" ""
ok "flushd ends in order" flushd_stop

# --- one that hangs, and ones that die ----------------------------------------------------------------

postconf -c "$POSTFIX_DIR/etc" smtpd_client_connection_count_limit=50
postfix -c "$POSTFIX_DIR/etc" reload 2>/dev/null
rm -f "$MAILDIR"/new/*
: >"$JOURNAL"
ok "120 letters wait again" letters_submit_as_site
smtpds() {
	pgrep -P "$(tr -d ' ' <"$POSTFIX_DIR/queue/pid/master.pid")" -x smtpd
}
two_serve() {
	[ "$(smtpds | wc -l)" -ge 2 ]
}
service_start
ok "two connections are served" wait_until 20 two_serve
stopped=$(smtpds | tail -n 1)
kill -STOP "$stopped"
all_but_one() {
	[ "$(flushctl list --json | wc -l)" -le 1 ]
}
ok "one hangs: the other sends the rest" wait_until 60 all_but_one
kill -CONT "$stopped"
ok "and that one when it goes on" wait_all_delivered 30
nothing_wrong "each once"
is "nothing was put off" "$(grep -E 'status=(deferred|ambiguous)|complaint=' "$FLUSHD_LOG" || true)" ""
ok "flushd ends in order" flushd_stop

: >"$JOURNAL"
rm -f "$MAILDIR"/new/*
ok "120 letters wait again" letters_submit_as_site
service_start
kills=0
for at in 15 35 55 75; do
	wait_until 60 maildir_has "$at" || break
	# The one before may not have a successor yet.
	victim=$(smtpds | shuf -n 1) || true
	[ -n "$victim" ] && kill -KILL "$victim" 2>/dev/null && kills=$((kills + 1))
done
# One whose reply was lost would be tried again after minutes.
is_done() {
	flushctl retry --all >"$SCRATCH/retried" || true
	queue_is_empty
}
at_most "some connections died" 2 "$kills"
ok "everything has left the spool" wait_until 60 is_done
ok "postfix has delivered everything" wait_until 30 postfix_is_idle
result=$(comparison)
note "$kills died: $result"
is "nothing is lost, altered or invented" "${result% doubled=*}" "lost=0 altered=0 strange=0"
at_most "no more doubled than died" "${result##*doubled=}" "$kills"
ok "flushd ends in order" flushd_stop
done_testing
