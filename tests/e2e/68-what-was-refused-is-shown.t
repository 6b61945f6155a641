#!/bin/bash
#
# flushctl refused: what a site's senders were told; and whatever the site puts in the place of its log, the one who
# looks at it comes to no harm, and reads no file of somebody else.
#
# shellcheck disable=SC2016,SC2119 # the variables are perl's; lines are for those who need them

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
uid=12345
spool_create "$SCRATCH/spool" --user "$uid"
log=$SPOOL/refused.log

site() {
	as_uid "$uid" "$BIN/mini_sendmail" "$@" 2>/dev/null
}

# refused [OPTION...]: its exit status; what it prints is in $SCRATCH/out and $SCRATCH/err.
refused() {
	local status=0
	timeout 20 "$BIN/flushctl" --spool "$SPOOL" refused "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
	echo "$status"
}

is "where nothing was refused nothing is printed" "$(refused) $(cat "$SCRATCH/out" "$SCRATCH/err")" "0 "
site -Z <<<"text" || true
site a@b $'c\001@d' <<<"text" || true
flushctl block
site a@b <<<"text" || true
is "what was refused is printed" "$(refused) $(grep -o 'exit=[0-9]*' "$SCRATCH/out" | paste -sd ' ')" "0 exit=64 exit=65 exit=69"
ok "with the reason" grep -qE '^20[-0-9]+T[0-9:]+Z uid=12345 exit=65 size=5 to="a@b" reason="malformed address .c.x01@d.*"$' "$SCRATCH/out"
is "or the last of it" "$(refused --last 2) $(grep -o 'exit=[0-9]*' "$SCRATCH/out" | paste -sd ' ')" "0 exit=65 exit=69"
is "more than there is, is all" "$(refused --last 100) $(wc -l <"$SCRATCH/out")" "0 3"
is "none is a mistake" "$(refused --last 0)" 2
cp "$log" "$log.1"
chown "$uid" "$log.1"
is "the older file comes first" "$(refused) $(grep -o 'exit=[0-9]*' "$SCRATCH/out" | paste -sd ' ')" \
	"0 exit=64 exit=65 exit=69 exit=64 exit=65 exit=69"
rm "$log.1"
is "the site's user may look" "$(as_uid "$uid" "$BIN/flushctl" --spool "$SPOOL" refused | wc -l)" 3
status=0
as_uid 23456 "$BIN/flushctl" --spool "$SPOOL" refused >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
is "nobody else" "$status $(cat "$SCRATCH/out")" "3 "
opened=$(strace -f -e trace=openat,setresuid -o "$SCRATCH/trace" "$BIN/flushctl" --spool "$SPOOL" refused >/dev/null &&
	grep -nE 'setresuid\(12345|refused\.log' "$SCRATCH/trace" | grep -oE 'setresuid|refused\.log"' | paste -sd ' ')
is "root becomes the owner before it looks" "$opened" 'setresuid refused.log"'

# --- what a site may write ----------------------------------------------------------------------------

printf 'a\033[2J\007\200\n\n\n\0b\r\nno end' >"$log"
is "hostile bytes are shown as such" "$(refused) $(paste -sd '|' "$SCRATCH/out")" \
	'0 a\x1b[2J\x07\x80|\x00b\x0d|no end'
head -c 100000 /dev/zero | tr '\0' 'x' >"$log"
is "a long line is cut" "$(refused) $(wc -cl <"$SCRATCH/out" | tr -s ' ')" "0  1 1027"
head -c 100000 /dev/zero | tr '\0' '\n' >"$log"
is "empty ones are left out" "$(refused) $(wc -c <"$SCRATCH/out")" "0 0"
truncate -s 1T "$log"
printf 'the start of a line\nthe last\n' >>"$log"
begin=$(now_us)
is "of a huge one the end is read" "$(refused --last 1) $(cat "$SCRATCH/out")" "0 the last"
at_most "soon, ms" $((($(now_us) - begin) / 1000)) 5000
{ yes 'x' || true; } | head -c 1000000 >"$log"
is "of a long one no more than a sender may write" "$(refused)" 0
at_most "bytes" "$(wc -c <"$SCRATCH/out")" 163840

# in_place CLAIM CMD...: what CMD makes in place of the log is said, and not read.
echo "a secret" >"$SCRATCH/secret"
chmod 600 "$SCRATCH/secret"
in_place() {
	local claim=$1
	shift
	rm -rf "$log"
	"$@"
	is "$claim in its place is said" "$(refused) $(cat "$SCRATCH/out" "$SCRATCH/err")" \
		"3 flushctl: $SPOOL: refused.log: not a file of its own"
}
in_place "a fifo" mkfifo -m 666 "$log"
in_place "a symbolic link" ln -s "$SCRATCH/secret" "$log"
echo "another's" >"$SCRATCH/another"
chmod 644 "$SCRATCH/another"
in_place "a hard link" ln "$SCRATCH/another" "$log"
in_place "a directory" mkdir "$log"
in_place "a socket" perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $ARGV[0]) or die' "$log"
rm -rf "$log"
cp "$SCRATCH/secret" "$log"
is "root's own file there is not the site's to show" "$(refused) $(cat "$SCRATCH/out" "$SCRATCH/err")" "3 flushctl: $SPOOL: refused.log: Permission denied"
echo "an old one" >"$log.1"
chown "$uid" "$log.1"
is "what can be read of it is shown all the same" "$(refused) $(cat "$SCRATCH/out")" "3 an old one"
SPOOL=$SCRATCH/nowhere
is "without a spool there is nothing to look at" "$(refused) $(cat "$SCRATCH/err")" "3 flushctl: $SPOOL: there is no spool here"

# --- of sites -----------------------------------------------------------------------------------------

POSTFIX_PORT=25
conf_write
site_add one 20001
site_add other-one 20002
MINI_SENDMAIL_SPOOL=$JAILS/one/$SPOOL_IN_JAIL as_uid 20001 "$BIN/mini_sendmail" -Zone <<<"text" 2>/dev/null || true
MINI_SENDMAIL_SPOOL=$JAILS/other-one/$SPOOL_IN_JAIL as_uid 20002 "$BIN/mini_sendmail" -Zother <<<"text" 2>/dev/null || true
"$BIN/flushctl" refused --config "$CONF" --all-sites >"$SCRATCH/out"
is "all sites have theirs, behind their names" "$(grep -oE '^[a-z-]+ +20|uid=[0-9]+' "$SCRATCH/out" | paste -sd ' ')" \
	"one       20 uid=20001 other-one 20 uid=20002"
"$BIN/flushctl" refused --config "$CONF" --site other-one >"$SCRATCH/out"
is "one site has its own" "$(grep -oE 'uid=[0-9]+' "$SCRATCH/out")" uid=20002
done_testing
