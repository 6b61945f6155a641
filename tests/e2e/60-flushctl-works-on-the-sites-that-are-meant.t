#!/bin/bash
#
# Which spools flushctl works on, and as whom: --spool, --site, SITE/ID, --all-sites and nothing at all; root, a site's
# user, anybody else. Root's flushctl opens none itself: a child does, which can do no more than a worker can.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
POSTFIX_PORT=25
conf_write
site_add shop 20001
site_add blog 20002
chmod 755 "$CONF" "$JAILS"/*
out=$SCRATCH/out
err=$SCRATCH/err
unset MINI_SENDMAIL_SPOOL

# ctl ARGUMENT...: with the configuration; sets status.
ctl() {
	code=0
	"$BIN/flushctl" --config "$CONF" "$@" >"$out" 2>"$err" </dev/null || code=$?
}

ctl_as() {
	local uid=$1
	shift
	code=0
	as_uid "$uid" "$BIN/flushctl" --config "$CONF" "$@" >"$out" 2>"$err" </dev/null || code=$?
}

# says STATUS WORDS: nothing on stdout, and one line with WORDS.
says() {
	[ "$code" -eq "$1" ] && [ ! -s "$out" ] && [ "$(wc -l <"$err")" -eq 1 ] && grep -qF -- "$2" "$err"
}

# site_field NAME KEY: of the messages of that site.
site_field() {
	SPOOL=$JAILS/$1/$SPOOL_IN_JAIL queue_field "$2"
}

site_submit shop 20001 one@shop.test
site_submit shop 20001 two@shop.test
site_submit blog 20002 one@blog.test
shop_id=$(site_field shop queue_id | head -n 1)
blog_id=$(site_field blog queue_id)

# --- what is listed -----------------------------------------------------------------------------------

ctl list
is "list, and nothing else said: all sites" "$code $(grep -c @example.org "$out")" "0 3"
ok "the site stands in front of each id" grep -qE "^blog/$blog_id .* one@blog.test$" "$out"
is "with one heading" "$(grep -c 'Queue ID' "$out")" 1
is "and one sum" "$(tail -n 1 "$out" | sed 's/[0-9]* Kbytes/N Kbytes/')" "-- N Kbytes in 3 Requests."
is "no line is wider than a terminal" "$(grep -cE '^.{81}' "$out" || true)" 0
ctl list --json
is "JSON names the site" "$(grep -o '"site": "[a-z]*"' "$out" | sort | uniq -c | tr -s ' ' | tr '\n' ';')" \
	' 1 "site": "blog"; 2 "site": "shop";'
for place in before behind; do
	if [ $place = before ]; then ctl --site shop list; else ctl list --site shop; fi
	is "--site $place the verb: that one" "$code $(grep -c '@shop.test' "$out") $(grep -c blog "$out" || true)" "0 2 0"
	is "ids alone, as mailq has them" "$(grep -c "^$shop_id  " "$out")" 1
done
ctl --spool "$JAILS/blog/$SPOOL_IN_JAIL" list
is "--spool: that one" "$code $(grep -c '@blog.test' "$out") $(grep -c shop "$out" || true)" "0 1 0"
MINI_SENDMAIL_SPOOL=$JAILS/blog/$SPOOL_IN_JAIL "$BIN/flushctl" list >"$out"
is "the environment: that one" "$(grep -c '@blog.test' "$out") $(grep -c shop "$out" || true)" "1 0"

# --- show ---------------------------------------------------------------------------------------------

ctl show "shop/$shop_id"
is "show SITE/ID" "$code $(sed -n 's/^sender: *//p' "$out")" "0 one@shop.test"
is "says of which site" "$(sed -n 's/^site: *//p' "$out")" shop
is "and that its checksum is right" "$(sed -n 's/^checksum: *//p' "$out")" verified
ctl show --site blog "$blog_id"
is "show --site SITE ID" "$code $(sed -n 's/^sender: *//p' "$out")" "0 one@blog.test"
ctl show "$blog_id"
ok "an id alone could be of any site" says 2 "which site?"
ctl show "other/$blog_id"
ok "a site that there is not" says 1 "has no site 'other'"
ctl --site shop show "blog/$blog_id"
ok "one is named twice" says 2 "names a site, and so does an option"
ctl --site shop show "$blog_id"
ok "an id of another site" says 1 "shop: there is no message $blog_id"
for bad in shop/ /x "/$shop_id" "shop/../$shop_id"; do
	ctl show "$bad"
	is "show $bad is a mistake" "$((code == 1 || code == 2))" 1
done

# --- what is changed must be named ----------------------------------------------------------------------

for verb in hold release retry "remove --yes"; do
	# shellcheck disable=SC2086 # a verb, and perhaps an option
	ctl $verb --all
	ok "$verb --all: of which site?" says 2 "which site?"
	# shellcheck disable=SC2086
	ctl $verb "$shop_id"
	ok "$verb ID: of which site?" says 2 "which site?"
	# shellcheck disable=SC2086
	ctl $verb --all-sites
	ok "$verb: which messages?" says 2 "a filter or --all are wanted"
done
ctl block
ok "block: which site?" says 2 "which site?"
is "nothing has changed" "$(site_field shop state; site_field blog state)" "new
new
new"
ctl hold "shop/$shop_id" "blog/$blog_id"
is "ids of several sites" "$code $(cat "$out")" "0 shop: 1 message held
blog: 1 message held
2 messages held"
is "all that and nothing else" "$(site_field shop state; site_field blog state)" "held
new
held"
ctl release --all --all-sites
is "--all-sites" "$code $(tail -n 1 "$out")" "0 2 messages released"
ctl hold "shop/$shop_id" "shop/HOE92WVFLK"
is "one of two is none: done in part" "$code $(cat "$out")" "1 1 message held"
ok "and which one" grep -qxF "flushctl: shop: HOE92WVFLK: no such message" "$err"
ctl hold "shop/$shop_id"
is "nothing to do" "$code $(cat "$out") $(cat "$err")" \
	"1  flushctl: shop: $shop_id: on hold already"
ctl --site shop release --all

# asked ARGUMENT...: what remove asks on a terminal, where the answer is no.
asked() {
	script -qec "'$BIN/flushctl' --config '$CONF' remove $*" /dev/null <<<n || true
}
ok "remove asks about the sites that have some" grep -qF "Remove 2 messages of shop? " <(asked --all-sites --sender @shop.test)
ok "about several, too" grep -qF "Remove 3 messages of 2 sites? " <(asked --all-sites --all)

# --- block --------------------------------------------------------------------------------------------

takes() {
	site_submit "$1" "$2" x@y.test 2>/dev/null
}
ctl --site shop block
is "block --site" "$code" 0
ok "its senders are refused" eval '! takes shop 20001'
ok "others are not" takes blog 20002
ctl block --all-sites
ok "block --all-sites" eval '! takes blog 20002'
ctl unblock --all-sites
ok "unblock --all-sites" eval 'takes shop 20001 && takes blog 20002'

# --- who ----------------------------------------------------------------------------------------------

ctl_as 20001 --site shop list
is "a site's user sees his own" "$code $(grep -c '@shop.test' "$out")" "0 2"
ctl_as 20001 --site shop hold "$shop_id"
is "and steers it" "$code $(cat "$out")" "0 1 message held"
ctl_as 20001 release "shop/$shop_id"
is "as SITE/ID too" "$code $(cat "$out")" "0 1 message released"
ctl_as 20001 --site blog list
ok "another's he does not" says 3 "blog: is a site of 20002: only that user and root"
ctl_as 20001 hold "blog/$blog_id"
ok "nor steer" says 3 "blog: is a site of 20002: only that user and root"
ctl_as 20001 list
ok "all are root's" says 3 "all sites are root's"
ctl_as 20003 --site shop list
ok "a stranger sees nothing" says 3 "is a site of 20001"
ctl_as 20003 --spool "$JAILS/shop/$SPOOL_IN_JAIL" list
is "by no way" "$code $(cat "$out")" "3 "

# --- spools that are not what they should be ---------------------------------------------------------------

spool=$JAILS/shop/$SPOOL_IN_JAIL
chown 20003 "$spool"
ctl --site shop list
ok "another's spool is not opened for a site" says 3 "does not belong to 20001"
chown 0 "$spool"
ctl --site shop list
ok "nor root's" says 3 "does not belong to 20001"
chown 20001 "$spool"
mv "$spool" "$JAILS/shop/elsewhere"
ln -s "$JAILS/shop/elsewhere" "$spool"
ctl --site shop list
ok "a link is not followed" says 3 "shop: not a directory (or a symbolic link)"
rm "$spool"
ctl list
is "of the other sites all is shown" "$code $(grep -c '@blog.test' "$out")" "3 1"
ok "and what is missing is said" grep -qF "flushctl: shop: there is no spool here" "$err"
mv "$JAILS/shop/elsewhere" "$spool"
mv "$JAILS/shop/var" "$JAILS/shop/moved"
ln -s moved "$JAILS/shop/var"
ctl --site shop hold --all
ok "a link on the way is not followed either, which is all that is said" says 3 "shop: not a directory (or a symbolic link)"
ctl --site shop remove --yes --all
ok "whatever was to be done" says 3 "shop: not a directory (or a symbolic link)"
rm "$JAILS/shop/var"
mv "$JAILS/shop/moved" "$JAILS/shop/var"

# --- locked in ----------------------------------------------------------------------------------------

# While the lock is held, the child waits where it can be looked at.
flock "$spool" sleep 60 &
hold_pid=$!
at_exit "pkill -P $hold_pid || true"
is_locked() {
	! flock --nonblock "$spool" true
}
wait_until 10 is_locked
"$BIN/flushctl" --config "$CONF" --site shop list >"$out" 2>"$err" &
ctl_pid=$!
PID=""
child_waits() {
	PID=$(pgrep -P "$ctl_pid") && [ "$(readlink "/proc/$PID/root")" = "$spool" ] &&
		grep -q '^Seccomp:' "/proc/$PID/status" && [ "$(status_of NoNewPrivs)" = 1 ] &&
		find "/proc/$PID/fd" -lname "$spool/incoming" | grep -q .
}
status_of() {
	sed -nE "s/^$1:\s*//p" "/proc/$PID/status" | tr -s '\t ' ' ' | sed 's/ $//'
}
ok "a child waits for the spool, its root directory" wait_until 10 child_waits
is "as the site's user" "$(status_of Uid)" "20001 20001 20001 20001"
is "and group" "$(status_of Gid)" "20001 20001 20001 20001"
is "without another" "$(status_of Groups)" ""
is "without capabilities" "$(status_of 'Cap(Inh|Prm|Eff|Bnd|Amb)' | sort -u)" 0000000000000000
filtered=2
! has_sanitizers || filtered=0
is "with the filter of system calls" "$(status_of Seccomp)" "$filtered"
is "it has pipes and the spool, no terminal" "$(for fd in 0 1 2 3; do
	readlink "/proc/$PID/fd/$fd" | sed -E 's/:.*//'
done)" "/dev/null
pipe
pipe
$spool"
pkill -P "$hold_pid"
ok "it goes on when it has the lock" wait "$ctl_pid"
is "and lists" "$(grep -c @shop.test "$out")" 2

# The site's user may stop it, as it is his; that keeps nobody from other sites for long.
if [ -n "${E2E_LONG:-}" ]; then
	flock "$spool" sleep 60 &
	hold_pid=$!
	at_exit "pkill -P $hold_pid || true"
	wait_until 10 is_locked
	"$BIN/flushctl" --config "$CONF" list >"$out" 2>"$err" &
	ctl_pid=$!
	# In the order of the files, blog comes first.
	wait_until 10 child_waits
	as_uid 20001 kill -STOP "$PID"
	code=0
	wait "$ctl_pid" || code=$?
	is "a child that was stopped is ended" "$code $(cat "$err")" \
		"3 flushctl: shop: the process that reads it did nothing for a minute"
	is "and the others are listed" "$(grep -c @blog.test "$out")" 1
else
	skip "a child that was stopped is ended" "takes a minute: E2E_LONG=1"
fi
done_testing
