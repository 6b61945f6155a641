#!/bin/bash
#
# A jail that holds the static mini_sendmail and the spool and nothing else: no /dev, /proc, /etc, /tmp,
# /lib, no environment, no root.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "calls chroot"
# The sanitizers' programs are neither static nor content without /proc.
[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE"
test_open
postfix_create
postfix_start

is "mini_sendmail has no interpreter" "$(readelf -lW "$BIN/mini_sendmail" | grep -c INTERP || true)" 0
is "mini_sendmail needs no library" "$(readelf -dW "$BIN/mini_sendmail" | grep -c NEEDED || true)" 0
ok "mini_sendmail is position-independent all the same" \
	grep -q 'Type: *DYN' <<<"$(readelf -hW "$BIN/mini_sendmail")"

jail=$SCRATCH/jail
mkdir -p "$jail/var/spool"
chmod -R 755 "$jail"
install -m 755 "$BIN/mini_sendmail" "$jail/mini_sendmail"
spool_create "$jail/var/spool/mini-sendmail" --user 12345
is "the spool is its user's alone" "$(stat -c '%u %a' "$SPOOL")" "12345 700"

in_jail() {
	env -i "$(command -v chroot)" --userspec=12345:12345 --groups= "$jail" /mini_sendmail "$@"
}
letters_write 20
taken=0
for token in $(letter_tokens); do
	output=$(in_jail -t -i -f sender@site.test <"$LETTERS/$token.eml" 2>&1) || output+=" exit $?"
	if [ -z "$output" ]; then
		taken=$((taken + 1))
	else
		diag "$token: $output"
	fi
done
cp "$LETTERS/index" "$JOURNAL"
is "all are taken, in silence" "$taken" 20
is "nothing else has appeared in the jail" "$(find "$jail" -path "$SPOOL" -prune -o -type f -print)" \
	"$jail/mini_sendmail"

printf 'To: reader@example.org\nX-Letter: no-sender\n\nno -f\n' | in_jail -t -i
echo "no -f" >"$SCRATCH/body"
journal_body no-sender "$SCRATCH/body"
printf '%s\r\n' 'EHLO x' 'MAIL FROM:<sender@site.test>' 'RCPT TO:<reader@example.org>' DATA 'X-Letter: by-smtp' '' \
	'a session' . QUIT >"$SCRATCH/session"
in_jail -bs <"$SCRATCH/session" >"$SCRATCH/replies" 2>&1
is "a session of SMTP takes one, too" "$(grep -c '^250 Ok: queued as' "$SCRATCH/replies")" 1
echo "a session" >"$SCRATCH/body"
journal_body by-smtp "$SCRATCH/body"
ok "without -f the sender is made of the uid" grep -q '^uid12345@' <<<"$(queue_field sender)"

flushd_start
ok "flushd, outside, delivers them" maildir_wait 22 30
ok "the queue is empty" wait_all_delivered 10
nothing_wrong "each has arrived once, its text as it was given"
is "each says once whose it is, and by which id" \
	"$(arrived_headers | grep -A 1 '(mini_sendmail, from userid 12345)$' | grep -cE '^	id [0-9A-Z]+; ')" 22
ok "flushd ends in order" flushd_stop
done_testing
