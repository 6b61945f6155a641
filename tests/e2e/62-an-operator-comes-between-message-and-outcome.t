#!/bin/bash
#
# An operator holds or removes a message that is being sent at that moment: between its final dot and the reply. That
# neither loses it nor doubles it, and what he wanted holds as far as it still can.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
conf_write
site_add shop 20001
SPOOL=$JAILS/shop/$SPOOL_IN_JAIL
out=$SCRATCH/out
service_start

ctl() {
	code=0
	"$BIN/flushctl" --config "$CONF" --site shop "$@" >"$out" 2>&1 </dev/null || code=$?
}

state_of() {
	ctl list --json --sender "$1"
	sed -n 's/.*"state": "\([a-z]*\)".*/\1/p' "$out"
}

# is_in STATE SENDER
is_in() {
	[ "$(state_of "$2")" = "$1" ]
}

# begin SENDER: it is submitted, and the relay has read its final dot.
begin() {
	site_submit shop 20001 "$1"
	ok "$1: it is being sent" wait_until 15 is_in sending "$1"
	wait_until 15 is_taken "$1"
}

is_gone() {
	[ "$(state_of "$1")" = "" ]
}

# The relay has it, and says nothing more: the connection ends.
lose_reply() {
	pkill -KILL -P "$MOODY_PID"
}

is_settled() {
	case $(state_of "$1") in sending | new) false ;; esac
}

# --- the relay accepts it -----------------------------------------------------------------------------

echo "a pause, then a reply at dot" >"$SCRATCH/mood"
begin shown@shop.test
ctl list
ok "the list marks it" grep -qE '^[A-Z0-9]+\* ' "$out"
ok "and says so" grep -qE '^ +\(sending\)$' "$out"
is "--state finds it" "$(ctl list --json --state sending; wc -l <"$out")" 1
id=$(sed 's/.*"queue_id": "\([^"]*\)".*/\1/' "$out")
ctl show "$id"
is "show says so too" "$(sed -n 's/^state: *//p' "$out")" sending
ok "then it is gone" wait_until 15 is_gone shown@shop.test

begin held@shop.test
ctl hold --sender held@shop.test
is "hold: says that it may be too late" "$code $(cat "$out")" "0 1 message held
1 of them was being sent, and may still arrive"
ok "hold: it has arrived, so it is gone" wait_until 15 is_gone held@shop.test

begin removed@shop.test
ctl remove --yes --sender removed@shop.test
is "remove: says that it may be too late" "$code $(cat "$out")" "0 1 message removed
1 of them was being sent, and may still arrive"
is "remove: it is gone at once" "$(state_of removed@shop.test)" ""

begin retried@shop.test
ctl retry --all
is "retry: it is" "$code $(cat "$out")" "0 1 message to be tried"
ok "retry: it has arrived, so it is gone" wait_until 15 is_gone retried@shop.test

# --- its reply is lost --------------------------------------------------------------------------------

echo "hang at dot of mail" >"$SCRATCH/mood"
begin held2@shop.test
ctl hold --sender held2@shop.test
lose_reply
ok "hold: flushd records what became of it" wait_until 15 flushd_logged 'from=<held2@shop.test>.*status=ambiguous'
ok "hold: it stays on hold" wait_until 15 is_in held held2@shop.test
ctl show "$(sed 's/.*"queue_id": "\([^"]*\)".*/\1/' "$out")"
is "hold: by the operator" "$(sed -n 's/^hold reason: *//p' "$out")" "by the operator"
is "hold: and has what the relay did" "$(sed -n 's/^lost replies: *//p' "$out")" 1

begin removed2@shop.test
ctl remove --yes --sender removed2@shop.test
lose_reply
ok "remove: flushd records what became of it" wait_until 15 flushd_logged 'from=<removed2@shop.test>.*status=ambiguous'
is "remove: nothing is left of it" "$(state_of removed2@shop.test)" ""

begin retried2@shop.test
lose_reply
ok "retry: it waits" wait_until 15 is_in deferred retried2@shop.test

# --- it waits for the relay ---------------------------------------------------------------------------

# A worker has it in its hands, and the relay takes its time to greet.
echo "a pause, then a reply at banner" >"$SCRATCH/mood"
has_connected() {
	[ "$(wc -l <"$SCRATCH/links")" -gt "$1" ]
}
links=$(wc -l <"$SCRATCH/links")
site_submit shop 20001 removed3@shop.test
ok "a worker waits for the relay" wait_until 15 has_connected "$links"
ctl remove --yes --sender removed3@shop.test
is "remove: it was not yet being sent" "$code $(cat "$out")" "0 1 message removed"
site_submit shop 20001 held3@shop.test
ctl hold --sender held3@shop.test
is "hold: it was not yet being sent" "$code $(cat "$out")" "0 1 message held"
site_submit shop 20001 behind@shop.test
ok "the next one is sent" wait_until 15 is_taken behind@shop.test
is "hold: it is not sent" "$(grep -cF held3@ "$SCRATCH/taken" || true) $(state_of held3@shop.test)" "0 held"
is "remove: it is not sent" "$(grep -cF removed3@ "$SCRATCH/taken" || true)" 0

# --- afterwards ---------------------------------------------------------------------------------------

echo well >"$SCRATCH/mood"
ctl retry --all
site_submit shop 20001 last@shop.test
ok "flushd goes on" wait_until 15 is_taken last@shop.test
ok "what was retried comes again, as its reply was lost" wait_until 15 is_taken retried2@shop.test 2
for sender in shown held removed retried held2 removed2; do
	is "$sender: the relay had it once" "$(grep -cxF "<$sender@shop.test>" "$SCRATCH/taken")" 1
done
ctl release --all
ok "what is released comes again" wait_until 15 is_taken held2@shop.test 2
ok "and the queue is empty" wait_until 15 queue_is_empty
is "no worker complained" "$(grep -E 'error|damaged|exited|killed' "$FLUSHD_LOG" | grep -v relay || true)" ""
ok "flushd ends in order" flushd_stop
done_testing
