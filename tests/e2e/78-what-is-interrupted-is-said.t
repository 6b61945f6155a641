#!/bin/bash
#
# Ctrl-C in the middle of a long hold, release or remove: what was done is done, is said exactly, and nothing more is
# done; whoever has called flushctl sees that it ended by the signal.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
POSTFIX_PORT=25
conf_write
site_add blog 20001
site_add shop 20002
site_submit shop 20002 last@shop.test
out=$SCRATCH/out
err=$SCRATCH/err

ctl() {
	"$BIN/flushctl" --config "$CONF" "$@"
}

# listed OPTION...: how many messages are like that.
listed() {
	ctl list --json "$@" | wc -l
}

# Many, by one sender: sendmail -bs takes them over one pipe.
count=1500
{
	printf 'EHLO x\r\n'
	for ((n = 0; n < count; n++)); do
		printf 'MAIL FROM:<a@blog.test>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n'
	done
	printf 'QUIT\r\n'
} >"$SCRATCH/session"
MINI_SENDMAIL_SPOOL=$JAILS/blog/$SPOOL_IN_JAIL as_uid 20001 "$BIN/mini_sendmail" -bs <"$SCRATCH/session" >/dev/null
is "a long queue is there" "$(listed --site blog)" "$count"

# interrupted SIGNAL WHO VERB...: as soon as some of it is done, to flushctl, or to it and its child as from a terminal;
# strace makes each turn a slow one, so that there is a middle.
interrupted() {
	local signal=$1 who=$2 pid
	shift 2
	code=0
	# What a shell puts into the background ignores SIGINT.
	env --default-signal=INT strace -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:delay_enter=150000 \
		"$BIN/flushctl" --config "$CONF" --all-sites "$@" >"$out" 2>"$err" </dev/null &
	local tracer=$!
	wait_until 20 some_done "$@"
	pid=$(pgrep -P "$tracer" -x flushctl)
	if [ "$who" = both ]; then
		# shellcheck disable=SC2046 # two numbers
		kill -"$signal" "$pid" $(pgrep -P "$pid")
	else
		kill -"$signal" "$pid"
	fi
	wait "$tracer" || code=$?
}

some_done() {
	case $1 in
	hold) [ "$(listed --state held)" -gt 0 ] ;;
	release) [ "$(listed --state held)" -lt "$was" ] ;;
	remove) [ "$(listed)" -lt "$was" ] ;;
	esac
}

# What was said to be done, of all sites together.
said() {
	sed -n 's/^\([0-9]*\) messages* [a-z].*/\1/p' "$out"
}

interrupted INT both hold --all
is "hold: it ended by the signal" "$code" $((128 + 2))
held=$(listed --state held)
is "hold: as many are held as was said" "$(said)" "$held"
ok "hold: not all" [ "$held" -lt "$count" ]
ok "hold: and it is said that these are not all" grep -qxF "flushctl: interrupted: there may be more" "$err"
is "hold: the next site was left alone" "$(listed --site shop --state held)" 0

was=$held
interrupted TERM parent release --all
is "release: it ended by the signal" "$code" $((128 + 15))
is "release: as many are released as was said" "$(said)" $((held - $(listed --state held)))

was=$(listed)
interrupted INT both remove --yes --all
is "remove: it ended by the signal" "$code" $((128 + 2))
left=$(listed)
is "remove: as many are gone as was said" "$(said)" $((was - left))
ok "remove: not all" [ "$left" -gt 1 ]
is "nobody is at work any more" "$(pgrep -f -- "flushctl --config $CONF" || true)" ""
done_testing
