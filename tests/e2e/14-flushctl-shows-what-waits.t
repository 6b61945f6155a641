#!/bin/bash
#
# flushctl, as an operator uses it: it shows what waits and why, tells apart what exit codes tell apart,
# and lets no byte of a stranger's mail reach the terminal as it came.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "acts as several users, starts a postfix"
test_open
copy_programs
postfix_create
alice=12345
bob=23456
out=$SCRATCH/stdout
err=$SCRATCH/stderr

# run CMD...: sets status; stdout and stderr are in files.
run() {
	status=0
	"$@" >"$out" 2>"$err" || status=$?
}

# --- claims about a run -------------------------------------------------------------------------------

has_one_line() {
	[ "$(wc -l <"$1")" -eq 1 ] && grep -q '[a-z]' "$1"
}

# No byte but printable ASCII and line ends.
is_printable() {
	! LC_ALL=C grep -q '[^ -~]' "$@"
}

# refuses CODE WORDS ARGUMENT...: exit code CODE, nothing on stdout, one line with WORDS on stderr.
refuses() {
	local code=$1 words=$2
	shift 2
	run "$BIN/flushctl" "$@"
	is "flushctl $*: exit $code" "$status" "$code"
	ok "flushctl $*: says '$words' in one line" says_only "$words"
}

says_only() {
	[ ! -s "$out" ] && has_one_line "$err" && is_printable "$err" && grep -qF -- "$1" "$err"
}

# mistaken ARGUMENT...: a wrong command line is exit 2, and stderr tells where the help is.
mistaken() {
	run "$BIN/flushctl" "$@"
	is "flushctl ${*@Q}: exit 2" "$status" 2
	ok "flushctl ${*@Q}: points to the help" points_to_help
}

points_to_help() {
	[ ! -s "$out" ] && is_printable "$err" && grep -qE "try 'flushctl .*--help'\$" "$err"
}

# lacks PATTERN: no line of the last run's stdout has it.
lacks() {
	! grep -q -- "$1" "$out"
}

# shows LABEL VALUE: the last `show` printed that line.
shows() {
	grep -qxF "$(printf '%-14s%s' "$1" "$2")" "$out"
}

# submit SENDER RECIPIENT... <TEXT: sets id.
submit() {
	local sender=$1
	shift
	id=$("$BIN/mini_sendmail" -v -i -f "$sender" -- "$@" 2>&1) || return
	id=${id##* }
}

# --- init ---------------------------------------------------------------------------------------------

run "$BIN/flushctl" init "$SCRATCH/spool"
is "init makes a spool" "$status" 0
is "without a word" "$(cat "$out" "$err")" ""
is "for its owner only" "$(stat -c '%u %a' "$SCRATCH/spool")" "0 700"
before=$(stat -c '%i %Y %s' "$SCRATCH/spool/data.mdb")
refuses 3 "there is something already" init "$SCRATCH/spool"
is "which stays as it is" "$(stat -c '%i %Y %s' "$SCRATCH/spool/data.mdb")" "$before"
refuses 3 "does not exist" init "$SCRATCH/nowhere/spool"
run as_uid "$alice" "$BIN/flushctl" init "$SCRATCH/alices" --user "$bob"
is "only root gives a spool away: exit 3" "$status" 3
ok "in one line" says_only "$SCRATCH/alices"
ok "and nothing is left" [ ! -e "$SCRATCH/alices" ]
"$BIN/flushctl" init "$SCRATCH/tiny" --quota 1K
run "$BIN/mini_sendmail" reader@example.org < <(head -c 2000 /dev/zero | tr '\0' x)
is "no spool, no mail" "$status" 72
run env MINI_SENDMAIL_SPOOL="$SCRATCH/tiny" "$BIN/mini_sendmail" reader@example.org \
	< <(head -c 2000 /dev/zero | tr '\0' x)
is "init --quota is kept to" "$status" 73

# --- an empty spool -----------------------------------------------------------------------------------

SPOOL=$SCRATCH/spool
export MINI_SENDMAIL_SPOOL=$SPOOL
run flushctl list
is "an empty list: exit 0" "$status" 0
is "says so" "$(cat "$out")" "Mail queue is empty"
run flushctl list --json
is "an empty list --json: exit 0" "$status" 0
ok "says nothing" [ ! -s "$out" ]
run "$BIN/flushctl" list
is "MINI_SENDMAIL_SPOOL names the spool as --spool does" "$(cat "$out")" "Mail queue is empty"
run env MINI_SENDMAIL_SPOOL="$SCRATCH/nowhere" "$BIN/flushctl" --spool "$SPOOL" list
is "--spool goes before it" "$status" 0

# --- exit codes ---------------------------------------------------------------------------------------

refuses 1 "there is no message HOE92WVFLK" show HOE92WVFLK
refuses 1 "there is no message HOE92WVFLK" show --raw hoe92wvflk
refuses 3 "there is no spool here" --spool "$SCRATCH/nowhere" list
refuses 3 "there is no spool here" --spool "$SCRATCH/nowhere" show HOE92WVFLK
refuses 3 "not a directory" --spool "$BIN/flushctl" list
ln -s spool "$SCRATCH/link"
refuses 3 "not a directory (or a symbolic link)" --spool "$SCRATCH/link" list
mkdir "$SCRATCH/bare"
refuses 3 "there is no spool here" --spool "$SCRATCH/bare" list
mistaken
mistaken frob
mistaken --frob
mistaken --spool
mistaken list extra
mistaken list --frob
mistaken show
mistaken show HOE92WVFLK HOE92WVFLK
mistaken show ../data.mdb
mistaken show 0
mistaken show ''
mistaken show ZZZZZZZZZZZZZZZZZZZZ
mistaken init
mistaken init "$SCRATCH/a" "$SCRATCH/b"
mistaken init "$SCRATCH/a" --quota 0
mistaken init "$SCRATCH/a" --quota 1X
mistaken init "$SCRATCH/a" --user 'nobody of that name'
ok "a mistake makes nothing" [ ! -e "$SCRATCH/a" ]
mistaken show $'\e[2J'
mistaken $'\e[2J'
refuses 3 "there is no spool here" --spool $'/\e[2J' list

# --- help ---------------------------------------------------------------------------------------------

run "$BIN/flushctl" --help
is "--help: exit 0" "$status" 0
for verb in init list show; do
	ok "--help names $verb" grep -q "^  $verb " "$out"
done
for verb in init list show; do
	run "$BIN/flushctl" "$verb" --help
	is "$verb --help: exit 0" "$status" 0
	ok "$verb --help tells its usage" grep -q "^usage: flushctl .*$verb" "$out"
done
run "$BIN/flushctl" --version
is "--version" "$(cat "$out")" "flushctl $(cat VERSION)"

# --- a stranger's bytes -------------------------------------------------------------------------------

# What mini_sendmail lets through: no control bytes in addresses, but those of the upper half; in texts
# anything.
printf 'Subject: \e[2J\e]0;owned\a \x9b31m \xff caf\xc3\xa9\nX: \b\b\b\n\n\e[31m\x9b\xfe\x7f\n' >"$SCRATCH/odd.eml"
ok "mail with odd bytes is taken" submit $'caf\xe9\x9b31m@example.org' \
	$'\xc3\xa9\x9b2J@example.org' '"a \\ b"@example.org' <"$SCRATCH/odd.eml"
odd=$id
run flushctl list
is "it is listed" "$status" 0
ok "in printable ASCII" is_printable "$out"
ok "with the sender's bytes as \\xNN" grep -qF ' caf\xe9\x9b31m@example.org' "$out"
ok "and the recipients'" grep -qF ' \xc3\xa9\x9b2J@example.org' "$out"
run flushctl show "$odd"
is "it is shown" "$status" 0
ok "in printable ASCII" is_printable "$out"
ok "with its sender" shows sender: 'caf\xe9\x9b31m@example.org'
ok "with its recipients" shows recipient: '\xc3\xa9\x9b2J@example.org pending'
run flushctl show --raw "$odd"
ok "--raw gives its body as it came" cmp -s <(tail -n 1 "$out") <(tail -n 1 "$SCRATCH/odd.eml")
ok "and its header" cmp -s <(head -n 2 "$out") <(head -n 2 "$SCRATCH/odd.eml")
run flushctl list --json
ok "list --json is printable ASCII" is_printable "$out"
ok "and has U+FFFD for what is not UTF-8" grep -qF '"caf\uFFFD\uFFFD31m@example.org"' "$out"

# --- byte for byte ------------------------------------------------------------------------------------

# With From, Date and Message-ID there is nothing to add.
{
	printf 'From: a@example.org\r\nDate: Sun, 22 Nov 2026 09:58:10 +0100\r\n'
	printf 'Message-ID: <1@example.org>\r\nBcc: hidden@example.org\r\nSubject: raw\r\n\r\n'
	head -c 3000000 /dev/urandom | base64 -w 76 | sed 's/$/\r/'
	printf '.\r\n..\r\na lone\rCR\r\r\n\xff\x01\r\n\n no end'
} >"$SCRATCH/raw.eml"
perl -0777 -pe 's/\r*\n/\n/g; s/\r/ /g; s/^Bcc:.*\n//m; $_ .= "\n"' "$SCRATCH/raw.eml" >"$SCRATCH/raw.want"
ok "a message of 4 MB is taken" submit a@example.org reader@example.org <"$SCRATCH/raw.eml"
raw=$id
run flushctl show --raw "$raw"
is "show --raw: exit 0" "$status" 0
ok "prints it byte for byte, as it was repaired" cmp "$out" "$SCRATCH/raw.want"
run flushctl show "$raw"
ok "show tells its size" shows size: "$(stat -c %s "$SCRATCH/raw.want")"
ok "and that the checksum is right" shows checksum: verified
ok "and whose it is" grep -qE '^submitter: +uid 0, pid [0-9]+, parent [0-9]+$' "$out"
status=0
flushctl show --raw "$raw" >/dev/full 2>"$err" || status=$?
is "onto a full disk: exit 3" "$status" 3
ok "and a line that says so" grep -q 'standard output' "$err"

# --- what the relay said ------------------------------------------------------------------------------

plain_mail() {
	submit sender@site.test "$@" < <(printf 'Subject: plain\n\nplain\n')
}

plain_mail refused@example.org reader@example.org
failed=$id
plain_mail later@example.org
deferred=$id
plain_mail someone@elsewhere.example
held=$id
submit '' reader@example.org < <(printf 'Subject: a report\n\nplain\n')
report=$id
ok "new mail is marked as new" grep -qF "$report " <<<"$(flushctl list)"
run flushctl show "$report"
ok "show has <> for the null sender" shows sender: '<>'
ok "list has MAILER-DAEMON, as postfix does" grep -qE "^$report +.* MAILER-DAEMON\$" <<<"$(flushctl list)"

postfix_start
run flushd_once
is "flushd --once: exit 1, as something still waits" "$status" 1
run flushctl list
# The first one too: its addresses are not UTF-8, so no relay can be given them.
is "what is left is listed, the oldest first" "$(grep -oE '^[0-9A-Z]{9,}!?' "$out" | xargs)" \
	"$odd! $failed! $deferred $held!"
ok "and counted" grep -qE '^-- [0-9]+ Kbytes in 4 Requests\.$' "$out"
ok "in printable ASCII" is_printable "$out"
ok "with postfix's words" grep -qE '^ *\(.*450 4\.2\.0 .*come back later.*\)$' "$out"
ok "and the state" grep -qE '^ *\(deferred, 1 attempt, next ' "$out"
ok "not with who has got it" lacks reader@example.org

run flushctl show "$failed"
is "show of a failed message: exit 0" "$status" 0
ok "it is failed" shows state: failed
ok "for one" shows recipient: 'refused@example.org failed'
ok "because of what postfix said" grep -qE '^ {14}550 5\.1\.1 .*nobody of that name here' "$out"
ok "delivered to the other" shows recipient: 'reader@example.org delivered'
ok "not to be tried again" lacks '^next attempt'

run flushctl show "$deferred"
ok "a deferred message is deferred" shows state: deferred
ok "pending" shows recipient: 'later@example.org pending'
ok "because of what postfix said" grep -qE '^ {14}450 4\.2\.0 .*come back later' "$out"
ok "tried once" shows attempts: 1
ok "to be tried again" grep -qE '^next attempt: +20[0-9-]+ [0-9:]{8} [+-][0-9]{4}$' "$out"

run flushctl show "$held"
ok "a held message is held" shows state: held
ok "for a reason" grep -qE '^hold reason: +.*5\.7\.1 .*Relay access denied' "$out"

# --- as JSON ------------------------------------------------------------------------------------------

# Every line must be an object that another program can read, with postqueue's keys and types.
cat >"$SCRATCH/check.php" <<'END'
<?php
$types = ["queue_name" => "string", "queue_id" => "string", "arrival_time" => "integer",
	"message_size" => "integer", "forced_expire" => "boolean", "sender" => "string",
	"recipients" => "array", "site" => "string", "state" => "string", "attempts" => "integer",
	"next_attempt" => "integer or NULL", "uid" => "integer", "pid" => "integer", "ppid" => "integer",
	"cwd" => "string", "argv" => "string", "script" => "string or NULL"];
foreach (file("php://stdin", FILE_IGNORE_NEW_LINES) as $line) {
	$entry = json_decode($line, true, 8, JSON_THROW_ON_ERROR);
	foreach ($types as $key => $type)
		if (!array_key_exists($key, $entry) || !str_contains($type, gettype($entry[$key])))
			echo "$key is not $type: $line\n";
	foreach (array_diff_key($entry, $types) as $key => $value)
		echo "unknown key $key\n";
	foreach ($entry["recipients"] as $r)
		if (array_diff(array_keys($r), ["address", "delay_reason"]) || !is_string($r["address"]))
			echo "not a recipient: $line\n";
	if (abs($entry["arrival_time"] - time()) > 600)
		echo "not of today: $line\n";
	$words = $entry["recipients"][0]["delay_reason"] ?? "";
	echo "$entry[queue_id] $entry[queue_name] $entry[state] ", substr($words, 0, 9),
		isset($entry["next_attempt"]) ? " due" : "", "\n";
}
END
run flushctl list --json
is "list --json: exit 0" "$status" 0
is "PHP reads it line by line, and finds postqueue's keys" \
	"$(php -n "$SCRATCH/check.php" <"$out" | tail -n +2)" \
	"$(printf '%s\n' "$failed hold failed 550 5.1.1" "$deferred deferred deferred 450 4.2.0 due" \
		"$held hold held 554 5.7.1")"

# --- beside others ------------------------------------------------------------------------------------

# As a sender holds it, for a moment.
mkfifo "$SCRATCH/locked"
# shellcheck disable=SC2016 # the inner shell's
flock -x "$SPOOL" sh -c 'echo >"$0/locked"; sleep 0.7; echo >"$0/unlocked"' "$SCRATCH" &
read -r _ <"$SCRATCH/locked"
run flushctl list
is "a spool that is locked for a moment is listed" "$status" 0
ok "once it is unlocked" [ -e "$SCRATCH/unlocked" ]
wait $!

# --- damage -------------------------------------------------------------------------------------------

submit a@example.org reader@example.org < <(printf 'Subject: x\n\nthe place to DAMAGE\n')
damaged=$id
perl -0777 -pi -e 's/the place to DAMAGE/the place to GAMAGE/' "$SPOOL/data.mdb"
run flushctl show "$damaged"
is "a message with another byte in it: exit 3" "$status" 3
ok "is called damaged" shows checksum: damaged
ok "on stderr too" grep -qE "message $damaged is damaged\$" "$err"
run flushctl show --raw "$damaged"
is "and with --raw: exit 3" "$status" 3
ok "though it is printed" grep -qx 'the place to GAMAGE' "$out"

submit a@example.org RECORD@example.org < <(printf 'Subject: x\n\nx\n')
perl -0777 -pi -e 's/RECORD\@example/REC\0RD\@example/g' "$SPOOL/data.mdb"
run flushctl list
is "a message whose records are damaged: list fails" "$status" 3
ok "but shows that it is there" grep -q "^$id!" "$out"
is "list --state finds it" "$(flushctl list --json --state damaged 2>"$err" | grep -o '"queue_id": "[^"]*"' || true)" \
	"\"queue_id\": \"$id\""
run flushctl hold "$id"
is "it cannot be held" "$status $(cat "$out")" "3 "
ok "as it is damaged" grep -qxF "flushctl: $SPOOL: $id: damaged" "$err"
run flushctl remove --yes "$id"
is "it can be removed" "$status $(cat "$out")" "0 1 message removed"
run flushctl list
is "then all is well" "$status $(grep -c "^$id" "$out" || true)" "0 0"

# --- who may ------------------------------------------------------------------------------------------

"$BIN/flushctl" init "$SCRATCH/bobs" --user "$bob"
SPOOL=$SCRATCH/bobs
export MINI_SENDMAIL_SPOOL=$SPOOL
id=$(printf 'Subject: x\n\nx\n' | as_uid "$bob" "$BIN/mini_sendmail" -v reader@example.org 2>&1)
id=${id##* }
run flushctl show "$id"
is "root sees the mail of another's spool" "$status" 0
ok "and whose it is" grep -q "^submitter: *uid $bob, " "$out"
is "nothing in it becomes root's" "$(find "$SPOOL" ! -user "$bob")" ""
run as_uid "$bob" "$BIN/flushctl" show "$id"
is "its owner sees it" "$status" 0
for verb in list "show $id"; do
	# shellcheck disable=SC2086 # the verb and its argument
	run as_uid "$alice" "$BIN/flushctl" $verb
	is "another user's $verb: exit 3" "$status" 3
	ok "in one line" says_only "$SPOOL: "
	note "$(cat "$err")"
done
chmod 777 "$SPOOL"
refuses 3 "belongs to another user, or anybody may write it" list
chmod 700 "$SPOOL"
# Root can read this, but Bob cannot; and it is Bob who reads.
chown root:root "$SPOOL/data.mdb"
refuses 3 "$SPOOL: " list
done_testing
