#!/bin/bash
#
# Whatever php.ini and its caller say of how mail() is to call sendmail: what it sends arrives, with the right
# sender and the text as it was given; and mail() returns true exactly when the message is in the spool.
#
# shellcheck disable=SC2016 # variables of PHP, and of the shell that it calls

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
postfix_create
postfix_start
spool_create "$SCRATCH/spool"
# The program's path reaches the shell in a variable: it may hold blanks and quotes.
export SUBMITTER=$BIN/mini_sendmail

# mail.php FILE FORM FIFTH: sends the letter in FILE, its header in that form; prints true or false.
cat >"$SCRATCH/mail.php" <<'END'
<?php
[, $file, $form, $fifth] = $argv;
// mail() ends the text with a line end of its own.
preg_match('/^(.*?\n)\r?\n(.*?)(\r*\n)?\z/s', file_get_contents($file), $parts);
preg_match('/^Subject: (.*?)\r?$/m', $parts[1], $subject);
$header = ['X-Letter' => $subject[1], 'Reply-To' => 'reply@site.test', 'X-Folded' => "a,\r\n b"];
if ($form !== 'array') {
	$lines = [];
	foreach ($header as $name => $value)
		$lines[] = "$name: $value";
	$header = implode("\r\n", $lines);
}
if ($form === 'LF')
	$header = str_replace("\r\n", "\n", $header);
$arguments = ['reader@example.org', $subject[1], $parts[2], $header];
if ($fifth !== '')
	$arguments[] = $fifth;
var_export(mail(...$arguments));
END

own=$(id -un)@$(cat /etc/mailname 2>/dev/null || uname -n)
declare -A sender_of=()
letters_write 30
mapfile -t tokens < <(letter_tokens)

# sends CLAIM SENDER FORM FIFTH [OPTION...]: two letters, by PHP with these options.
path='"$SUBMITTER" -t -i' # sendmail_path
sends() {
	local claim=$1 sender=$2 form=$3 fifth=$4 token got=
	shift 4
	for token in "${tokens[@]:0:2}"; do
		got+=" $(php -n -d "sendmail_path='$path'" "$@" "$SCRATCH/mail.php" "$LETTERS/$token.eml" "$form" "$fifth" 2>&1)"
		grep "^$token " "$LETTERS/index" >>"$JOURNAL"
		sender_of[$token]=$sender
	done
	tokens=("${tokens[@]:2}")
	is "$claim: mail() returns true" "$got" " true true"
}

fifth=-fsender@site.test
sends "as it comes" "$own" CRLF ""
sends "a fifth parameter" sender@site.test CRLF "$fifth"
sends "an array for a header" sender@site.test array "$fifth"
sends "a header in LF" sender@site.test LF "$fifth"
sends "a fifth parameter of several words" sender@site.test CRLF "-F 'The Site' -r sender@site.test -oi -Oq=1"
sends "mail.force_extra_parameters" forced@site.test CRLF "$fifth" -d mail.force_extra_parameters=-fforced@site.test
sends "mail.add_x_header" sender@site.test CRLF "$fifth" -d mail.add_x_header=1
sends "mail.log" sender@site.test CRLF "$fifth" -d "mail.log=$SCRATCH/mail.log"
if [ -n "$(php -n -r 'echo ini_get("mail.mixed_lf_and_crlf") === false ? "" : "y";')" ]; then
	sends "mail.mixed_lf_and_crlf" sender@site.test CRLF "$fifth" -d mail.mixed_lf_and_crlf=1
	sends "mail.mixed_lf_and_crlf, an array" sender@site.test array "$fifth" -d mail.mixed_lf_and_crlf=1
else
	skip "mail.mixed_lf_and_crlf" "this PHP does not know it"
fi
path='"$SUBMITTER" -t -i -fpath@site.test'
sends "a sender in sendmail_path" path@site.test CRLF ""
sends "the last sender counts" sender@site.test CRLF "$fifth"
path='"$SUBMITTER" -ti'
sends "options in a cluster" sender@site.test CRLF "$fifth"
path='"$SUBMITTER" -t -i -s127.0.0.1 -p25 -T10 -odb -oem -v 2>/dev/null'
sends "options of other sendmails" sender@site.test CRLF "$fifth"
path='MINI_SENDMAIL_SPOOL="$MINI_SENDMAIL_SPOOL" exec "$SUBMITTER" -t -i'
sends "a command of the shell" sender@site.test CRLF "$fifth"

# fails CLAIM FIFTH: mail() says so, and nothing is stored.
fails() {
	local before
	before=$(queue_summary)
	is "$1: mail() returns false" "$(php -n -d "sendmail_path='$path'" -d mail.add_x_header=0 "$SCRATCH/mail.php" \
		"$LETTERS/letter-00001.eml" CRLF "$2" 2>"$SCRATCH/stderr")" false
	is "$1: nothing is stored" "$(queue_summary)" "$before"
}
path='"$SUBMITTER" -t -i'
fails "a refused option" -X/tmp/x
fails "a malformed sender" '-f a@x.test,b@x.test'
settings 4=1
fails "a blocked site" "$fifth"
settings 4=0
path='MINI_SENDMAIL_SPOOL=/nowhere "$SUBMITTER" -t -i'
fails "no spool" "$fifth"
path='"$SUBMITTER" -i'
fails "no recipients" "$fifth"

total=$(wc -l <"$JOURNAL")
flushd_once
ok "all arrive" maildir_wait "$total" 60
ok "nothing is left behind" queue_is_empty
nothing_wrong "each once, with its text"
wrong=0
for file in "$MAILDIR"/new/*; do
	header=$(sed '/^$/,$d' "$file")
	token=$(sed -n 's/^X-Letter: //p' <<<"$header")
	grep -qx "Return-Path: <${sender_of[$token]}>" <<<"$header" && continue
	wrong=$((wrong + 1))
	diag "$token: $(grep ^Return-Path: <<<"$header"), want ${sender_of[$token]}"
done
is "each has its sender" "$wrong" 0
is "a folded field is whole" "$(arrived_headers | grep -A 1 '^X-Folded: a,$' | grep -c '^ b$')" "$total"
is "each has one Reply-To" "$(arrived_headers | grep -c '^Reply-To: reply@site.test$')" "$total"
is "two say which script it was" "$(arrived_headers | grep -c '^X-PHP-Originating-Script: .*:mail.php$')" 2
is "two are in PHP's log" "$(grep -c 'mail() on .*mail.php' "$SCRATCH/mail.log")" 2
done_testing
