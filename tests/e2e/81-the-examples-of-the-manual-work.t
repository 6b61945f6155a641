#!/bin/bash
#
# What flushctl(8) tells an operator to type works as it stands there: each of its examples, on sites that flushd serves and
# a real postfix takes mail from, in the places that they have on a host.
#
# shellcheck disable=SC2016,SC2317 # eval and jq expand them; functions are called by a variable

# These places are this test's own, in a namespace.
if [ -z "${EXAMPLES_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ] && unshare --mount --propagation private true 2>/dev/null; then
	EXAMPLES_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
[ -n "${EXAMPLES_NAMESPACE:-}" ] || skip_all "needs root, and a namespace of its own"
[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE: the sanitizers' programs need a /proc"
command -v jq >/dev/null || skip_all "needs jq"
unset MINI_SENDMAIL_SPOOL
unset -f flushctl # what is typed
sites_open
cp -a /etc "$SCRATCH/etc"
mount --bind "$SCRATCH/etc" /etc
for dir in /srv /run /var/lib; do
	mount -t tmpfs -o mode=755 none "$dir"
done
PATH=$BIN:$PATH
terminal=$PWD/tests/rig/terminal
for n in 1 2; do
	name=$([ $n = 1 ] && echo site1 || echo shop)
	echo "$name:x:2000$n:2000$n::/nonexistent:/bin/false" >>/etc/passwd
	echo "$name:x:2000$n:" >>/etc/group
	mkdir -p "/srv/$name/var/spool"
done
mkdir -p /etc/mini-sendmail /var/lib/prometheus/node-exporter
postfix_create
postfix_start
echo "relay = 127.0.0.1:$POSTFIX_PORT" >/etc/mini-sendmail/flushd.conf
FLUSHD_LOG=$SCRATCH/flushd.log
at_exit flushd_clean_up
"$BIN/flushd" >>"$FLUSHD_LOG" 2>&1 &
FLUSHD_PID=$!
wait_until 10 test -S /run/mini-sendmail/status

# --- what stands in the manual ------------------------------------------------------------------------

manual=$SCRATCH/manual
tried=$SCRATCH/tried
sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/s/^\.Dl //p' man/flushctl.8 | sed 's/\\(dq/"/g; s/\\e/\\/g' >"$manual"
: >"$tried"
ID=""

# as_written TEXT: it is an example, after "# " or what else stands in front of it; $COMMAND is to be run.
as_written() {
	local line
	line=$(grep -E "^([#\$]|[*/0-9]+( \*){4} root) " "$manual" | grep -F -- "$1" | head -n 1) || return
	[[ $line == *" $1" ]] || return
	echo "$line" >>"$tried"
	COMMAND=${1//HOE92WVFLK/$ID}
}

# example TEXT: it stands there and works; what it prints is in $SCRATCH/said.
example() {
	local code=0
	as_written "$1" || diag "not in the manual"
	(cd "$SCRATCH" && bash -o pipefail -c "$COMMAND") >"$SCRATCH/said" 2>&1 || code=$?
	is "$1" "$code" "${2:-0}"
}

# The same, on a terminal on which STEPs are taken.
example_at_terminal() {
	local code=0 steps=("${@:2}")
	as_written "$1" || diag "not in the manual"
	"$terminal" 24x80 "${steps[@]}" -- bash -c "$COMMAND" >"$SCRATCH/said" 2>&1 || code=$?
	is "$1" "$code" 0
}

said() {
	grep -qE -- "$1" "$SCRATCH/said" || {
		diag "said: $(cat "$SCRATCH/said")"
		return 1
	}
}

# mail USER SENDER RECIPIENT: from within the jail, as its PHP would.
mail() {
	printf 'Subject: x\nX-PHP-Originating-Script: 33:%s.php\n\nx\n' "${2%%@*}" |
		chroot --userspec="$(id -u "$1"):$(id -g "$1")" "/srv/$1" /usr/sbin/sendmail -i -f "$2" "$3"
}

# waiting FILTER...: how many messages.
waiting() {
	flushctl list --json "$@" | wc -l
}

# has_so_many COUNT FILTER...
has_so_many() {
	[ "$(waiting "${@:2}")" -eq "$1" ]
}

# --- sites --------------------------------------------------------------------------------------------

example "flushctl init /srv/site1/var/spool/mini-sendmail --user site1"
example "flushctl --spool /srv/site1/var/spool/mini-sendmail list"
ok "it is empty" said '^Mail queue is empty$'
example "flushctl site add /srv/site1 --user site1 --domain site1.example"
ok "it is served" said 'is the site site1 now'
while read -r recipe; do
	status=0
	bash -c "$recipe" >"$SCRATCH/said" 2>&1 || status=$?
	is "in the recipe: $recipe" "$status" 0
done < <(sed -n "/^\.Sh EXAMPLES/,\$s/.*'\(flushctl site .*\)'.*/\1/p" man/flushctl.8)
example "flushctl site refresh --all"
flushctl site add /srv/shop --user shop --domain shop.example >"$SCRATCH/said"
# As README.md has it.
readme=$(sed -n 's/^\(echo .* chroot .*\)$/\1/p' README.md)
ok "the page that everybody reads first has an example" [ -n "$readme" ]
ok "which works" bash -c "$readme"
ok "a site's mail arrives" wait_until 20 eval '[ "$(ls "$MAILDIR/new" | wc -l)" -eq 1 ]'

# --- an outage ----------------------------------------------------------------------------------------

postfix_stop
for n in 1 2 3; do
	mail site1 "www$n@site1.example" reader@example.net
	mail shop win@shop.example "victim$n@example.org"
done
mail shop info@shop.example customer@example.org
mail site1 www@site1.example later@example.org
example "flushctl list --sort next"
ok "all that waits is there" said '^-- .* in 8 Requests\.$'
ID=$(flushctl list --json --sender info@shop.example | jq -r .queue_id)
example "flushctl show shop/HOE92WVFLK"
ok "with its sender" said '^sender: +info@shop.example$'
example "flushctl hold --all-sites --recipient @example.net"
ok "three" said '^3 messages held$'
is "are held" "$(waiting --state held)" 3
example "flushctl release --all-sites --recipient @example.net"
ok "and let go" said '^3 messages released$'

# --- spam ---------------------------------------------------------------------------------------------

wait_until 20 eval '[ "$(flushctl status --json --site shop | jq -r "select(.site) | .new")" = 4 ]'
example "flushctl status --json | jq -r 'select(.site) | \"\(.per_minute.arrived) \(.site)\"' | sort -n | tail"
ok "the sites are told apart by what came" said '^[0-9]+ shop$'
example "flushctl list --json | jq -r .site | sort | uniq -c | sort -n"
is "as well as by what waits" "$(tr -s ' ' <"$SCRATCH/said" | paste -sd '|')" " 4 shop| 4 site1"
example "flushctl block --site shop"
status=0
mail shop win@shop.example victim@example.org 2>"$SCRATCH/err" || status=$?
is "it can submit nothing" "$status" 69
cp -a /srv/shop/var/spool/mini-sendmail/data.mdb "$SCRATCH/backup.mdb"
example "flushctl hold --site shop --all"
ok "four messages are held" said '^4 messages held$'
example "flushctl list --site shop --json | jq -r .script | sort | uniq -c"
ok "the script is known" said '^ +3 .*win\.php$'
example_at_terminal "flushctl remove --site shop --sender win@shop.example" 'wait:Remove 3 messages of shop\?' $'key:y\n' \
	'wait:^3 messages removed'
is "one is left" "$(waiting --site shop)" 1
example "flushctl release --site shop --all"
example "flushctl unblock --site shop"
ok "it can submit again" mail shop info@shop.example customer@example.org

# --- after the outage ---------------------------------------------------------------------------------

example_at_terminal "flushctl watch" 'wait:^Relay .* is down for' 'wait:^  shop +2 ' key:q
postfix_start
ok "what was put off is sent, but for one" wait_until 40 has_so_many 1 --state deferred
ok "and what the relay does not want" wait_until 20 has_so_many 3 --state held
example "flushctl list --json | jq -c 'select(.queue_name == \"hold\")' | wc -l"
ok "which are three" said '^3$'
example "flushctl retry --all-sites --state deferred"
ok "one message is tried at once" said '^1 message to be tried$'
ok "by flushd" wait_until 20 eval '[ "$(flushctl list --json --state deferred | jq .attempts)" -ge 2 ]'

# --- a backup -----------------------------------------------------------------------------------------

cp -a "$SCRATCH/backup.mdb" /srv/shop/var/spool/mini-sendmail/restored
mv /srv/shop/var/spool/mini-sendmail/restored /srv/shop/var/spool/mini-sendmail/data.mdb
is "a spool is brought back" "$(waiting --site shop)" 4
ok "flushd holds it all" wait_until 20 has_so_many 4 --site shop --state held
example "flushctl list --site shop --state held"
ok "it is held, and why is said" said 'held: copied spool'
as_written "flushctl remove --site shop --state held --older 2d"
status=0
"$terminal" 24x80 'wait:^0 messages removed' -- bash -c "$COMMAND" >"$SCRATCH/said" 2>&1 || status=$?
is "nothing of it is two days old" "$(tail -n 2 "$SCRATCH/said" | head -n 1)" "exit 1"
example "flushctl release --site shop --all"
ok "what is released is sent" wait_until 20 has_so_many 0 --site shop

# --- what is refused ----------------------------------------------------------------------------------

printf 'x' | chroot --userspec=20001:20001 /srv/site1 /usr/sbin/sendmail -Z 2>"$SCRATCH/err" || true
example "flushctl refused --site site1 --last 20"
ok "why is said" said 'exit=64 .*reason='
example "flushctl refused --site site1 | sed 's/.* reason=//' | sort | uniq -c"
ok "and how often" said '^ +1 "'

# --- whoever watches ----------------------------------------------------------------------------------

example "flushctl check --crit 5000 --crit 1h >/run/mail-check || cat /run/mail-check"
ok "what is wrong is printed" said '^MAIL WARNING: .* held'
example "flushctl metrics --output /var/lib/prometheus/node-exporter/mini_sendmail.prom"
ok "what is written is well-formed" eval 'tests/rig/exposition </var/lib/prometheus/node-exporter/mini_sendmail.prom >"$SCRATCH/samples"'
example "flushctl status --json | jq -r 'select(.oldest_age > 3600) | .site'"
is "none is an hour old" "$(cat "$SCRATCH/said")" ""
ID=$(flushctl list --site site1 --state deferred --json | jq -r .queue_id)
export MINI_SENDMAIL_SPOOL=/srv/site1/var/spool/mini-sendmail
example "flushctl show --raw HOE92WVFLK > message.eml"
ok "the copy is a message" grep -q '^Subject: x$' "$SCRATCH/message.eml"
unset MINI_SENDMAIL_SPOOL
is "there is no other example" "$(grep -E '^[#$*]' "$manual" | sort -u | grep -vxF "$(sort -u "$tried")" || true)" ""
done_testing
