#!/bin/bash
#
# hold, release, retry and remove, by id and by what they have in common, while flushd works and senders submit. What is
# held is not sent, what is removed is gone, everything else arrives once, and the counts that flushctl prints are right.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start "450 at RCPT 1"
conf_write
site_add shop 20001
SPOOL=$JAILS/shop/$SPOOL_IN_JAIL
out=$SCRATCH/out
err=$SCRATCH/err
service_start

ctl() {
	code=0
	"$BIN/flushctl" --config "$CONF" --site shop "$@" >"$out" 2>"$err" </dev/null || code=$?
}

# sends SENDER RECIPIENT: as the site's user; notes what was taken.
sends() {
	printf 'Subject: x\n\nx\n' | MINI_SENDMAIL_SPOOL=$SPOOL as_uid 20001 "$BIN/mini_sendmail" -i -f "$1" "$2" &&
		echo "$1" >>"$JOURNAL"
}

# Thirty of each of four senders, one of which writes to news.test.
send_all() {
	local n i
	for n in {1..30}; do
		for i in 1 2 3; do
			sends "user$i-$n@shop.test" "reader@$([ $i = 1 ] && echo news.test || echo mail.test)"
		done
		sends "bot-$n@spam.test" "victim@mail.test"
	done
}

counted() {
	awk '{ n += $1 } END { print n + 0 }' "$1"
}

# count_of STATE
count_of() {
	queue_field state | grep -cx "$1" || true
}

# has_so_many STATE COUNT
has_so_many() {
	[ "$(count_of "$1")" -eq "$2" ]
}

# --- while senders submit -----------------------------------------------------------------------------

send_all &
senders=$!
at_exit "end_child $senders || true"
: >"$SCRATCH/held"
: >"$SCRATCH/removed"
worst=0
rounds=0
while is_running "$senders" && ! has_ended "$senders"; do
	for verb in "hold --recipient @news.test" "remove --yes --sender @SPAM.test" "retry --all" "list"; do
		# shellcheck disable=SC2086 # a verb and its options
		ctl $verb
		[ "$code" -le "$worst" ] || worst=$code
		case $verb in
		hold*) grep held "$out" >>"$SCRATCH/held" ;;
		remove*) grep removed "$out" >>"$SCRATCH/removed" ;;
		esac
	done
	rounds=$((rounds + 1))
done
wait "$senders"
note "$rounds rounds"
ok "nothing failed meanwhile" [ "$worst" -le 1 ]
ctl hold --recipient @news.test
grep held "$out" >>"$SCRATCH/held"
ctl remove --yes --sender @spam.test
grep removed "$out" >>"$SCRATCH/removed"
is "all mail to the domain is held" "$(count_of held)" 30
is "as was said" "$(counted "$SCRATCH/held")" 30
is "what the spammer sent is removed, as was said" "$(counted "$SCRATCH/removed")" 30
is "nothing of it is there" "$(queue_field sender | grep -c spam || true)" 0
is "all else is" "$(queue_field sender | sort -u | wc -l)" 90
ok "flushd has tried the others" wait_until 30 has_so_many deferred 60

# --- list ---------------------------------------------------------------------------------------------

# listed ARGUMENT...: how many
listed() {
	ctl list --json "$@"
	wc -l <"$out"
}
is "list --state held" "$(listed --state held)" 30
is "list --state deferred" "$(listed --state deferred)" 60
is "list --state new" "$(listed --state new)" 0
is "list --recipient @domain" "$(listed --recipient @news.test)" 30
is "list --recipient address" "$(listed --recipient READER@mail.test)" 60
is "list --sender address" "$(listed --sender user1-7@shop.test)" 1
is "list of both" "$(listed --sender user1-7@shop.test --recipient @mail.test)" 0
is "list --older 1h" "$(listed --older 1h)" 0
ctl list --older 1h
is "an empty one is no error" "$code $(cat "$out")" "0 No message is like that"
ctl list --sort next --json
next=$(perl -MJSON::PP -ne 'print decode_json($_)->{next_attempt} // "none", "\n"' "$out")
is "list --sort next has all" "$(wc -l <"$out")" 90
is "what is tried next comes first" "$(head -n 60 <<<"$next")" "$(head -n 60 <<<"$next" | sort -n)"
is "what is not tried comes last" "$(tail -n 30 <<<"$next" | sort -u)" none
ctl list --state held
is "the sum is of what is listed" "$(tail -n 1 "$out" | sed 's/[0-9]* Kb/N Kb/')" "-- N Kbytes in 30 Requests."

# --- retry, release -----------------------------------------------------------------------------------

id=$(listed --sender user2-1@shop.test >/dev/null && sed 's/.*"queue_id": "\([^"]*\)".*/\1/' "$out")
echo well >"$SCRATCH/mood"
# Nobody is at work, and nothing is due for 45 s.
is_idle() {
	[ -z "$(flushd_workers)" ]
}
ok "flushd is idle" wait_until 20 is_idle
ctl retry "$id"
ok "a message that is retried is tried within 2 s" wait_until 2 is_taken user2-1@shop.test
is "retry ID" "$code $(cat "$out")" "0 1 message to be tried"
ok "flushd is idle again" wait_until 20 is_idle
ctl retry --all
is "retry --all" "$code $(cat "$out")" "0 59 messages to be tried"
only_held_are_there() {
	[ "$(listed)" = 30 ] && [ "$(listed --state held)" = 30 ]
}
ok "all that was deferred is sent" wait_until 20 only_held_are_there
is "of what is held nothing is" "$(grep -c '<user1-' "$SCRATCH/taken" || true)" 0
ctl retry --all
is "what is held is not to be retried" "$code $(cat "$out")" "1 0 messages to be tried"
ctl release --sender user1-1@shop.test
is "release by sender" "$code $(cat "$out")" "0 1 message released"
ok "it is sent" wait_until 5 is_taken user1-1@shop.test
ctl remove --yes --sender user1-2@shop.test --state new
is "remove wants all to hold" "$code $(cat "$out")" "1 0 messages removed"
ctl remove --yes --sender user1-2@shop.test --state held
is "remove of what is held" "$code $(cat "$out")" "0 1 message removed"
ctl release --all
is "release --all" "$code $(cat "$out")" "0 28 messages released"
ok "the queue runs empty" wait_until 20 queue_is_empty
grep -v spam.test "$JOURNAL" | grep -vx user1-2@shop.test | sort >"$SCRATCH/want"
is "what was not removed has arrived, once" "$(tr -d '<>' <"$SCRATCH/taken" | sort | diff - "$SCRATCH/want")" ""

# --- remove asks --------------------------------------------------------------------------------------

echo "450 at RCPT 1" >"$SCRATCH/mood"
for n in 1 2 3; do
	sends "ask$n@shop.test" reader@mail.test
done
ctl remove --all
is "without a terminal remove wants --yes" "$code $(cat "$out")" "2 "
# answer WORD: at a terminal; sets code.
answer() {
	code=0
	script -qec "'$BIN/flushctl' --config '$CONF' --site shop remove --all" /dev/null <<<"$1" >"$out" || code=$?
}
answer n
ok "on a terminal it asks" grep -qF "Remove 3 messages of shop? They are not sent, and nobody is told. [y/N]" "$out"
is "no is no" "$code $(listed)" "1 3"
answer ""
is "nothing is no" "$code $(listed)" "1 3"
answer y
ok "yes is yes" grep -qF "3 messages removed" "$out"
is "nothing is left" "$code $(listed)" "0 0"
answer y
is "of nothing it does not ask" "$code $(grep -cF "[y/N]" "$out" || true)" "1 0"
ok "flushd ends in order" flushd_stop
done_testing
