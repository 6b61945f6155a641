#!/bin/bash
#
# mini_sendmail -bs: a session of SMTP on standard input and output, as Symfony, Laravel and others want it.
# What counts is the reply: each message whose 250 was written is in the spool, and no other is.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
shopt -s lastpipe # what ends a pipe may set variables
spool_create "$SCRATCH/spool"

# crlf LINE...: each with its end.
crlf() {
	printf '%s\r\n' "$@"
}

# a_mail FROM [LINE...]: the commands of a message, the text of which ends with these lines.
a_mail() {
	local from=$1
	shift
	crlf "MAIL FROM:<$from>" "RCPT TO:<reader@example.org>" DATA "X-Letter: $from" "" "$@" .
}

# session: says what is on standard input, all at once; sets status. The replies are in $SCRATCH/out, without
# the greeting.
session() {
	status=0
	"$BIN/mini_sendmail" -bs >"$SCRATCH/all" 2>"$SCRATCH/err" || status=$?
	tr -d '\r' <"$SCRATCH/all" | sed 1d >"$SCRATCH/out"
}

codes() {
	grep -o '^[0-9]*' "$SCRATCH/out" | xargs
}

ids() {
	sed -n 's/^250 Ok: queued as \([0-9A-Z]*\)$/\1/p' "$SCRATCH/out"
}

# --- a session ----------------------------------------------------------------------------------------

{ crlf "EHLO me" && a_mail one@site.test a && a_mail two@site.test .. ..b && a_mail three@site.test && crlf QUIT; } |
	session
is "three messages in one write: exit 0, in silence" "$status $(cat "$SCRATCH/err")" "0 "
is "a reply to each command, in order" "$(codes)" \
	"250 250 250 250 250 250 250 250 354 250 250 250 354 250 250 250 354 250 221"
is "three ids, of three messages" "$(queue_field queue_id | xargs)" "$(ids | xargs)"
is "of three senders" "$(queue_field sender | xargs)" "one@site.test two@site.test three@site.test"
body() {
	flushctl show --raw "$1" | sed '1,/^$/d'
}
mapfile -t id < <(ids)
is "each with its text, of which the doubled dots are single again" \
	"$(body "${id[0]}")/$(body "${id[1]}" | xargs)/$(body "${id[2]}")" "a/. .b/"

{ crlf "EHLO me" && a_mail one@site.test a && a_mail two@site.test b && crlf QUIT; } >"$SCRATCH/said"
tests/rig/lockstep - "$BIN/mini_sendmail" -bs <"$SCRATCH/said" >"$SCRATCH/answers"
is "a client that waits for each reply gets the same" "$(grep -c '^250 Ok: queued as' "$SCRATCH/answers")" 2
is "and a good end" "$(tail -n 2 "$SCRATCH/answers" | tr -d '\r' | xargs)" "221 2.0.0 Bye exit 0"

# --- it ends anywhere ---------------------------------------------------------------------------------

# compare_senders CLAIM: what is in the spool, and what was taken as $SCRATCH/taken says.
compare_senders() {
	queue_field sender | sort >"$SCRATCH/stored"
	sort -o "$SCRATCH/taken" "$SCRATCH/taken"
	ok "$1" diff "$SCRATCH/taken" "$SCRATCH/stored"
}

# A session of two messages, cut behind each byte of it. The senders say which cut, which message.
spool_create "$SCRATCH/cuts"
{ crlf "EHLO me" && a_mail c0000-1@x.test a && a_mail c0000-2@x.test b && crlf QUIT; } >"$SCRATCH/whole"
length=$(stat -c %s "$SCRATCH/whole")
perl -e '
	my ($whole, $program, $cut, $out, $err) = @ARGV;
	open my $in, "<:raw", $whole or die "$whole: $!\n";
	my $session = do { local $/; <$in> };
	for my $len (0 .. length $session) {
		my $name = sprintf "c%04d-", $len;
		open my $to, ">:raw", $cut or die "$cut: $!\n";
		my $said = substr $session =~ s/c0000-/$name/gr, 0, $len;
		my $whole = () = $said =~ /\r\n\.\r\n/g;
		print $to $said;
		close $to;
		my $end = system "\"$program\" -bs <\"$cut\" >\"$out\" 2>\"$err\"";
		print STDERR "# cut at $len: ended with $end\n" if $end;
		print STDERR "# cut at $len: it said something\n" if -s $err;
		open my $replies, "<:raw", $out or die "$out: $!\n";
		my $taken = grep { /^250 Ok: queued as [0-9A-Z]+\r\n/ } <$replies>;
		print STDERR "# cut at $len: $taken taken, $whole are whole\n" if $taken != $whole;
		print "$name$_\@x.test\n" for 1 .. $taken;
	}
' "$SCRATCH/whole" "$BIN/mini_sendmail" "$SCRATCH/cut" "$SCRATCH/out" "$SCRATCH/err" \
	>"$SCRATCH/taken" 2>"$SCRATCH/complaints"
is "cut behind any of $length bytes: whole messages are taken, exit 0, in silence" "$(cat "$SCRATCH/complaints")" ""
compare_senders "there are those that were said to be, and no others"

# The client hangs up before each step: greeting, EHLO, MAIL, RCPT, DATA, text ...
spool_create "$SCRATCH/hangups"
: >"$SCRATCH/taken"
for ((step = 0; step < 10; step++)); do
	sed "s/c0000/h$step/" "$SCRATCH/whole" |
		tests/rig/lockstep "$step" "$BIN/mini_sendmail" -bs >"$SCRATCH/answers" 2>"$SCRATCH/err"
	heard=$(grep -c '^250 Ok: queued as' "$SCRATCH/answers" || true)
	for ((n = 1; n <= heard; n++)); do
		echo "h$step-$n@x.test" >>"$SCRATCH/taken"
	done
	is "a client that hangs up before step $step: exit 74 and a line" \
		"$(tail -n 1 "$SCRATCH/answers") $(cat "$SCRATCH/err")" \
		"exit 74 mini_sendmail: the session broke: Broken pipe"
done
compare_senders "hung up: there are those that were said to be, and no others"
is "each time it is on record" "$(grep -c 'exit=74 .* reason="the session broke: Broken pipe"' "$SPOOL/refused.log")" 10

# --- the text -----------------------------------------------------------------------------------------

perl -e 'srand 3; print "X-Letter: large\nFrom: a\nDate: d\nMessage-ID: m\n\n";
	print map({ chr(32 + int rand 95) } 1 .. 70), "\n" for 1 .. 137_000' >"$SCRATCH/large"
large_session() {
	crlf HELO "MAIL FROM:<large@site.test> SIZE=9900000" "RCPT TO:<reader@example.org>" DATA
	sed 's/^\./../; s/$/\r/' "$SCRATCH/large"
	crlf . QUIT
}
large_session | /usr/bin/time -q -f %M -o "$SCRATCH/peak" "$BIN/mini_sendmail" -bs | tr -d '\r' >"$SCRATCH/out"
is "a text of 9.7 MB is taken" "$(codes)" "220 250 250 250 354 250 221"
ok "and stored byte for byte" cmp <(flushctl show --raw "$(ids)") "$SCRATCH/large"
[ "${MODE:-release}" != release ] || # the sanitizers take more
	at_most "in 2.2 times its size" "$(cat "$SCRATCH/peak")" $((9900000 * 22 / 10 / 1024 + 1024))

# --- limits -------------------------------------------------------------------------------------------

spool_create "$SCRATCH/limits"
a_mail one@site.test a | session
settings 1=1000 2=3
{
	crlf HELO "MAIL FROM:<long@site.test> SIZE=1001" && a_mail long@site.test "$(printf 'x%.0s' {1..1000})"
	crlf "MAIL FROM:<many@site.test>" "RCPT TO:<a@x.test>" "RCPT TO:<b@x.test>" "RCPT TO:<c@x.test>" \
		"RCPT TO:<d@x.test>" DATA "" . "MAIL FROM:<short@site.test> SIZE=1000" QUIT
} | session
is "too long, too many: 552 and 452, and the rest goes on" "$status $(codes)" \
	"0 250 552 250 250 354 552 250 250 250 250 452 354 250 250 221"
is "too long: the reply says how long" "$(grep '^552' "$SCRATCH/out" | tail -n 1)" \
	"552 5.3.4 the message has 1030 bytes, and this site may send at most 1000"
settings 1=52428800 2=1000 4=1
{ a_mail one@site.test a && crlf QUIT; } | session
is "a blocked site: exit 69" "$status" 69
is "a blocked site: 421 for a greeting" \
	"$(tr -d '\r' <"$SCRATCH/all")" "421 4.3.0 this site is blocked: it may not send mail now"
settings 4=0
mkfifo "$SCRATCH/line"
"$BIN/mini_sendmail" -bs <"$SCRATCH/line" >"$SCRATCH/all" &
server=$!
exec {line}>"$SCRATCH/line"
wait_until 10 grep -q ^220 "$SCRATCH/all"
settings 4=1
{ a_mail two@site.test b && crlf QUIT; } >&"$line"
exec {line}>&-
wait_until 10 has_ended "$server"
is "one that is blocked meanwhile: 550" "$(grep -o '^5.*' "$SCRATCH/all" | tr -d '\r')" \
	"550 5.7.1 this site is blocked: it may not send mail now"
settings 4=0 3=20
{ a_mail one@site.test a && crlf QUIT; } | session
is "a full spool: 452" "$status $(codes)" "0 250 250 354 452 221"
settings 3=1000000000
printf 'MAIL FROM:<a@b>\r\nRCPT TO:<r@x.test>\r\nDATA\r\n\r\nJ\0rg\r\n.\r\nQUIT\r\n' | session
is "NUL: 554" "$status $(codes)" "0 250 250 354 554 221"
is "what was refused is on record, with recipient" \
	"$(grep -oE 'exit=[0-9]+ .* to="[^"]*"' "$SPOOL/refused.log" | sed 's/size=[0-9]* //' | xargs -d '\n')" \
	'exit=69 to="reader@example.org" exit=69 to="" exit=69 to="reader@example.org" exit=73 to="reader@example.org" exit=65 to="r@x.test"'
is "and nothing else has come in" "$(queue_field sender | xargs)" "one@site.test many@site.test"

MINI_SENDMAIL_SPOOL=$SCRATCH/missing
{ crlf "EHLO me" && a_mail one@site.test a; } | session
is "no spool: exit 72" "$status" 72
is "no spool: 421 for a greeting" "$(tr -d '\r' <"$SCRATCH/all")" "421 4.3.0 $SCRATCH/missing: there is no spool here"
is "no spool: one line on stderr" "$(cat "$SCRATCH/err")" "mini_sendmail: $SCRATCH/missing: there is no spool here"

# --- through postfix ----------------------------------------------------------------------------------

postfix_create
postfix_start
spool_create "$SCRATCH/sent"

# attempt NAME BEFORE AFTER: as in test 07, but here the client is the liar.
attempts=0
attempt() {
	local commands='MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\n'
	local text="an innocent line$2.$3$commands"'Subject: smuggled\r\n\r\nsmuggled'
	attempts=$((attempts + 1))
	# shellcheck disable=SC2059 # the texts are written as formats
	{
		crlf "EHLO me" "MAIL FROM:<sender@site.test>" "RCPT TO:<reader@example.org>" DATA "X-Letter: $1" ""
		printf "$text"
		crlf "" . QUIT
	} | session
	is "$1: one text" "$(codes)" "250 250 250 250 250 250 250 250 354 250 221"
	printf '%b\n' "$text" | perl -0777 -pe 's/\r\n\./\r\n/g; s/\r*\n/\n/g; s/\r/ /g' >"$SCRATCH/arrives"
	journal_body "$1" "$SCRATCH/arrives"
}
attempt LF.LF '\n' '\n'
attempt CRLF.LF '\r\n' '\n'
attempt LF.CRLF '\n' '\r\n'
attempt CR.CR '\r' '\r'
attempt CR.LF '\r' '\n'
attempt LF.CR '\n' '\r'
attempt CRLF.CR '\r\n' '\r'
attempt CRCRLF.CRCRLF '\r\r\n' '\r\r\n'
attempt CR.CRLF '\r' '\r\n'

attempts=$((attempts + 1))
printf '%s\n' "HELO me" "MAIL FROM:<sender@site.test>" "RCPT TO:<reader@example.org>" DATA "X-Letter: unix" "" \
	a ..b "c." . QUIT | session
is "a client that writes LF only is understood" "$(codes)" "250 250 250 354 250 221"
printf 'a\n.b\nc.\n' >"$SCRATCH/arrives"
journal_body unix "$SCRATCH/arrives"

flushd_once
ok "all arrive" maildir_wait "$attempts" 30
nothing_wrong "each as one message, with its text"
is "nothing has reached the victim" "$(arrived_headers | grep -c '^Delivered-To: victim' || true)" 0
done_testing
