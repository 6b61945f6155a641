#!/bin/bash
#
# After an upgrade the programs in the jails are replaced while they are in use. A site is removed only when its mail is
# gone, with what was put there for it and nothing else.

# shellcheck source=tests/e2e/jails.sh
. "$(dirname "$0")/jails.sh"
jails_open
moody_start well
conf_write
COPY=usr/libexec/mini-sendmail/mini_sendmail
site add "$JAIL" --user $SITE_UID
mkdir -m 755 "$JAILS/site2"
site add "$JAILS/site2" --user 20002 --shell=none
install -D "$BIN/mini_sendmail" "$JAILS/site3/usr/sbin/sendmail"
site_add site3 20003

# --- several at once ---------------------------------------------------------------------------------------

# They work at the same jail, one after the other; and nobody who may read a directory can keep them from it.
mkdir -m 755 "$JAILS/site4"
setpriv --reuid 20009 --regid 20009 --clear-groups -- flock --no-fork "$CONF/sites.d" sleep 600 >/dev/null 2>&1 &
locker=$!
at_exit "end_child $locker || true"
adders=()
for ((n = 0; n < 4; n++)); do
	"$BIN/flushctl" site add "$JAILS/site4" --user 20004 --config "$CONF" >"$SCRATCH/adder.$n" 2>&1 &
	adders+=($!)
done
code=0
for pid in "${adders[@]}"; do wait "$pid" || code=$?; done
is "each of four at once is content" "$code" 0
is "what each item was made by was one" "$(cat "$SCRATCH"/adder.* | grep -cE ': (put in place|made|is the site site4 now)$')" 6
is "and the others found it" "$(cat "$SCRATCH"/adder.* | grep -c ': unchanged$')" 18
is "it is whole" "$(site_exits check site4 --quiet) $(site_exits remove site4)" "0 0"

# --- refresh -----------------------------------------------------------------------------------------------

before=$(tree "$JAILS" "$CONF")
is "nothing to be refreshed" "$(site_exits refresh --all)" 0
is "that is said of each program" "$(grep -c ': unchanged$' "$SCRATCH/said")" 3
ok "and of a site that was made without us" said "^$JAILS/site3/$COPY: is not there"
is "nothing has changed" "$(tree "$JAILS" "$CONF")" "$before"

# Another version, for a sender: what is behind the end of a program does not matter to it.
echo >>"$BIN/mini_sendmail"
is "after an upgrade a check notices" "$(site_exits check site1 --quiet)" 1
is "what would be done is said" "$(site_exits refresh --all --dry-run) $(grep -c 'would be replaced$' "$SCRATCH/said")" "0 2"
is "and not done" "$(tree "$JAILS" "$CONF")" "$before"
is "one site is refreshed" "$(site_exits refresh site1)" 0
ok "it is up to date" site check site1 --quiet
is "the other is not" "$(site_exits check site2 --quiet)" 1
is "all are refreshed" "$(site_exits refresh --all)" 0
ok "so it is now" cmp "$BIN/mini_sendmail" "$JAILS/site2/$COPY"
ok "who had no shell has none" [ ! -e "$JAILS/site2/bin" ]
is "who was made without us is left" "$(ls -A "$JAILS/site3/usr")" sbin
is "a site that is none" "$(site_exits refresh no-such-site)" 1

# Nobody who calls it meanwhile finds none, or half of one.
mkdir "$SCRATCH/senders"
for lane in 1 2; do
	while [ ! -e "$SCRATCH/stop" ]; do
		in_jail /bin/sh -c '/usr/sbin/sendmail -i -f before@site1.test reader@example.org' <<<"x" >>"$SCRATCH/senders/said" 2>&1 ||
			echo "exit $?" >>"$SCRATCH/senders/said"
		echo >>"$SCRATCH/senders/$lane"
	done &
	senders+=($!)
done
for ((n = 0; n < 20; n++)); do
	echo >>"$BIN/mini_sendmail"
	echo >>"$BIN/jailsh"
	site refresh --all || echo "refresh: $?" >>"$SCRATCH/senders/said"
done
touch "$SCRATCH/stop"
wait "${senders[@]}"
submitted=$(cat "$SCRATCH"/senders/[12] | wc -l)
note "$submitted were submitted meanwhile"
ok "mail was submitted meanwhile" [ "$submitted" -gt 10 ]
is "all of it was taken" "$(cat "$SCRATCH/senders/said" 2>/dev/null)" ""

# --- remove ------------------------------------------------------------------------------------------------

before=$(tree "$CONF" "$JAIL/usr" "$JAIL/bin")
is "a site whose mail waits is not removed" "$(site_exits remove site1)" 3
ok "how much there is, is said" said "var/spool/mini-sendmail: $submitted messages wait to be sent, 0 held or failed"
is "with --dry-run neither" "$(site_exits remove site1 --dry-run)" 3
is "it is as it was" "$(tree "$CONF" "$JAIL/usr" "$JAIL/bin")" "$before"
ok "nothing that was taken is gone" [ "$("$BIN/flushctl" --spool "$JAIL/var/spool/mini-sendmail" list --json | wc -l)" -eq "$submitted" ]
submit_one() {
	in_jail /usr/sbin/sendmail -i -f "$1" reader@example.org <<<x
}
ok "it still takes mail" submit_one late@site1.test
is "nor is it when nobody sends what waits" "$(site_exits remove site1 --drain --timeout 1s)" 3
ok "it takes mail after that, too" submit_one later@site1.test
"$BIN/flushctl" site remove site1 --config "$CONF" --drain >"$SCRATCH/remover" 2>&1 &
remover=$!
ok "it waits" wait_until 20 grep -q ': waiting for flushd to send' "$SCRATCH/remover"
code=0
end_child $remover || code=$?
is "until it is told to wait no longer" "$code" 3
ok "it takes mail all the same" submit_one last@site1.test
"$BIN/flushctl" --spool "$JAIL/var/spool/mini-sendmail" block
is "a site that was blocked" "$(site_exits remove site1)" 3
is "stays blocked" "$(submit_one blocked@site1.test >/dev/null 2>&1 || echo $?)" 69
"$BIN/flushctl" --spool "$JAIL/var/spool/mini-sendmail" unblock
# What an operator or the site has put there himself.
echo own >"$JAIL/usr/sbin/own"
service_start
ok "flushd serves it" wait_until 30 is_taken last@site1.test
is "it is removed when its mail was sent" "$(site_exits remove site1 --drain --timeout 60s)" 0
ok "flushd is told" said '^flushd: reads its configuration again$'
is "all mail was sent" "$(grep -c site1.test "$SCRATCH/taken")" $((submitted + 3))
is "what add has put there is gone" "$(find "$JAIL" -not -type d)" "$JAIL/usr/sbin/own"
ok "and its directories that were ours alone" [ ! -e "$JAIL/usr/libexec/mini-sendmail" ]
is "the others are still there" "$("$BIN/flushctl" site list --config "$CONF" --json | grep -o '"site":"[^"]*"' | xargs)" \
	"site:site2 site:site3"
is "it cannot be removed again" "$(site_exits remove site1)" 1
is "it can be added again" "$(site_exits add "$JAIL" --user $SITE_UID) $(site_exits check site1 --quiet)" "0 0"
submit_one again@site1.test
ok "and is served" wait_until 30 is_taken again@site1.test
ok "flushd ends in order" flushd_stop

chown $SITE_UID "$JAIL/$COPY"
rm "$JAIL/usr/sbin/sendmail"
ln -s own "$JAIL/usr/sbin/sendmail"
touch "$JAIL/var/spool/mini-sendmail/own"
is "what is another's" "$(site_exits remove site1)" 0
is "is left, and said" "$(grep -cE "(/$COPY|usr/sbin/sendmail|var/spool/mini-sendmail): left: " "$SCRATCH/said")" 3
is "all of that, and nothing else" "$(find "$JAIL" -not -type d | sort | xargs -n 1 basename | xargs)" "mini_sendmail own sendmail own"
rm -r "$JAILS/site2"
is "a site whose jail is gone can be removed" "$(site_exits remove site2)" 0
is "and is" "$("$BIN/flushctl" site list --config "$CONF" | wc -l)" 2
done_testing
