#!/bin/bash
#
# What mini_sendmail(8) says under "What is repaired", sentence by sentence, and that nothing else is: for
# each, what is in the spool is compared with what must be there, byte for byte. Then some of it goes
# through flushd and a real postfix, which must agree on where the header ends, and add nothing.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
spool_create "$SCRATCH/spool"

# Fields that need no repair. All texts here are formats of printf.
whole='From: a@x.test\nDate: d\nMessage-ID: <m@x.test>\nTo: r@x.test\n'
crlf=${whole//\\n/\\r\\n}

# submit [OPTION...]: what is in $SCRATCH/in; sets status and id.
submit() {
	status=0
	id=
	"$BIN/mini_sendmail" -v -f sender@site.test "$@" <"$SCRATCH/in" 2>"$SCRATCH/said" || status=$?
	[ "$status" -ne 0 ] || id=$(sed -n 's/^mini_sendmail: queued as //p' "$SCRATCH/said")
}

# stored CLAIM TEXT WANT [OPTION...]: TEXT is taken, and in the spool it is WANT. Without options: -t -i.
stored() {
	local claim=$1
	# shellcheck disable=SC2059 # the texts are written as formats
	{
		printf -- "$2" >"$SCRATCH/in"
		printf -- "$3" >"$SCRATCH/want"
	}
	shift 3
	[ $# -gt 0 ] || set -- -t -i
	submit "$@"
	ok "$claim" holds_what_is_wanted
}

holds_what_is_wanted() {
	[ "$status" -eq 0 ] || {
		diag "exit $status: $(cat "$SCRATCH/said")"
		return 1
	}
	flushctl show --raw "$id" >"$SCRATCH/got"
	cmp -s "$SCRATCH/got" "$SCRATCH/want" && return
	diag "got $(head -c 300 "$SCRATCH/got" | od -c | head -n 20)"
	return 1
}

# unchanged CLAIM: what is in $SCRATCH/in.
unchanged() {
	submit -t -i
	cp "$SCRATCH/in" "$SCRATCH/want"
	ok "$1" holds_what_is_wanted
}

# refused CLAIM CODE: what is in $SCRATCH/in.
refused() {
	local before
	before=$(queue_summary)
	submit -t -i
	is "$1" "$status $(queue_summary)" "$2 $before"
}

# --- lines --------------------------------------------------------------------------------------------

stored "LF stays" "$whole\\na\\nb\\n" "$whole\\na\\nb\\n"
stored "CRLF becomes LF" "$crlf\\r\\na\\r\\nb\\r\\n" "$whole\\na\\nb\\n"
stored "CR CR LF is one line end" "${whole//\\n/\\r\\r\\n}\\r\\r\\na\\r\\r\\n" "$whole\\na\\n"
stored "LF and CRLF may be mixed" "$crlf\\na\\r\\nb\\n\\r\\nc\\n" "$whole\\na\\nb\\n\\nc\\n"
stored "another CR becomes a blank" "$whole\\na\\rb\\r\\r\\rc\\n\\rd\\n" "$whole\\na b   c\\n d\\n"
stored "in the header, too" "X: a\\rb\\n$whole\\n" "X: a b\\n$whole\\n"
stored "CR alone ends lines where there is no LF" "${whole//\\n/\\r}\\ra\\r\\rb" "$whole\\na\\n\\nb\\n"
stored "a missing line end is added" "$whole\\na" "$whole\\na\\n"
stored "as it is behind a CR" "$whole\\na\\r" "$whole\\na\\n"
stored "and behind half a character" "$whole\\nJ\\303" "$whole\\nJ\\303\\n"
perl -e 'print "From: a\nDate: d\nMessage-ID: m\nTo: r\@x\n\n", "0123456789" x 200_000, "\n.\n", "x" x 999, "\n"' \
	>"$SCRATCH/in"
unchanged "a line of two million bytes stays as it is"
perl -e 'print "From: a\nDate: d\nMessage-ID: m\nTo: r\@x\n\n";
	srand(6); for (1 .. 200_000) { my $c = int rand 256; print chr $c unless $c == 0 || $c == 13 } print "\n"' \
	>"$SCRATCH/in"
unchanged "bytes of all kinds but NUL and CR stay as they are"
printf 'To: r@x.test\n\na\0b\n' >"$SCRATCH/in"
refused "NUL in the body is refused" 65
printf 'To: r@x.test\nX: a\0b\n\nc\n' >"$SCRATCH/in"
refused "NUL in the header is refused" 65

# --- dots ---------------------------------------------------------------------------------------------

stored "with -i a dot is a dot" "$whole\\n.\\n..\\n..a\\n" "$whole\\n.\\n..\\n..a\\n" -t -i
stored "with -oi, too" "$whole\\n.\\n..\\n" "$whole\\n.\\n..\\n" -t -oi
stored "without it a single dot ends the message" "$whole\\na\\n.\\nb\\n" "$whole\\na\\n" -t
stored "with CRLF, too" "$crlf\\r\\na\\r\\n.\\r\\nb\\r\\n" "$whole\\na\\n" -t
stored "in the header, too" "$whole.\\na\\n" "$whole" -t
stored "of two leading dots one goes" "$whole\\n..\\n..a\\n...\\n.b\\na..\\n" "$whole\\n.\\n.a\\n..\\n.b\\na..\\n" -t

# --- the header ---------------------------------------------------------------------------------------

stored "lines of an mbox in front are dropped" \
	"From joe Thu Jan 1\\n>From x\\n>>From y\\n$whole\\na\\n" "$whole\\na\\n"
stored "those within the body are not" "$whole\\nFrom joe\\n>From x\\n" "$whole\\nFrom joe\\n>From x\\n"
stored "junk ends the header, behind an empty line" "${whole}junk\\nX: y\\n\\na\\n" "$whole\\njunk\\nX: y\\n\\na\\n"
stored "so does an mbox line within" "${whole}From joe\\nX: y\\n" "$whole\\nFrom joe\\nX: y\\n"
stored "Bcc, Resent-Bcc and Return-Path are removed, folds included" \
	"Bcc: b@x.test,\\n c@x.test\\nRETURN-PATH : <x>\\n$whole\\na\\n" "$whole\\na\\n"
stored "without -t, too" "Bcc: b@x.test\\n${whole}Return-Path: <x>\\n\\nBcc: a\\n" "$whole\\nBcc: a\\n" -i r@x.test
resent='Resent-From: a\nResent-Date: b\nResent-Message-ID: c\n'
stored "Resent-Bcc" "${resent}Resent-Bcc: b@x.test\\n$whole\\na\\n" "$resent$whole\\na\\n"
odd='x-B:  1 \n\t2  \nX-A : \377\nX-b:\n \nReceived: x\nSubject:y\n'
stored "all else in it stays, in its order" "$odd$whole$odd\\n" "$odd$whole$odd\\n"
stored "header without a body" "$whole" "$whole"
stored "header and an empty line" "$whole\\n" "$whole\\n"
stored "header that ends within a field" "${whole}X: y" "${whole}X: y\\n"
stored "header that ends within a fold" "${whole}X: y\\n z" "${whole}X: y\\n z\\n"
stored "header that ends within a character" "${whole}X: J\\303" "${whole}X: J\\303\\n"
stored "header that ends within a name" "${whole}Subj" "$whole\\nSubj\\n"

# --- what is added ------------------------------------------------------------------------------------

# shape: what is in the spool, with what changes from one message to the next put into words. The date
# must be now; the Message-ID of each message is another one.
shape() {
	flushctl show --raw "$id" | TZ=UTC perl -MTime::Local -pe '
		my %month = map { ((qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[$_], $_) } 0 .. 11;
		if (/^((?:Resent-)?Date:) \w{3}, +(\d+) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/) {
			my $at = timegm($7, $6, $5, $2, $month{$3}, $4) - "${8}1" * 60 * ($9 * 60 + $10);
			$_ = "$1 now\n" if abs(time - $at) < 60;
		}
		s/^((?:Resent-)?Message-ID:) <\S+@\S+>$/$1 one/'
}

# shaped CLAIM TEXT WANT [OPTION...]
shaped() {
	local claim=$1 want
	# shellcheck disable=SC2059 # the texts are written as formats
	{
		printf -- "$2" >"$SCRATCH/in"
		want=$(printf -- "$3")
	}
	shift 3
	submit "$@"
	is "$claim" "$(shape)" "$want"
}

added='From: sender@site.test\nDate: now\nMessage-ID: one\n'
joe=(-F 'Joe User')
added_named=${added/sender@site.test/Joe User <sender@site.test>}
again=Resent-${added_named//\\n/\\nResent-}
again=${again%Resent-}

shaped "From, Date and Message-ID are added" \
	'To: r@x.test\n\na\n' "To: r@x.test\\n$added_named\\na\\n" -t -i "${joe[@]}"
shaped "to an empty message" '' "$added_named" -i "${joe[@]}" r@x.test
shaped "with -t, too" '' "$added_named" -t -i "${joe[@]}" r@x.test
shaped "to a body without a header" '\nTo: a\n' "$added_named\\nTo: a\\n" -i "${joe[@]}" r@x.test
shaped "to a text that is no header" 'Hello,\nTo: a\n' "$added_named\\nHello,\\nTo: a\\n" -i "${joe[@]}" r@x.test
shaped "each where it is missing" 'dAte : x\nTo: r@x.test\n\n' \
	"dAte : x\\nTo: r@x.test\\n${added_named/Date: now\\n/}\\n" -t -i "${joe[@]}"
shaped "Resent-From, Resent-Date and Resent-Message-ID where something is sent again" \
	"Resent-To: r@x.test\\n$whole\\na\\n" "Resent-To: r@x.test\\n${whole/<m@x.test>/one}$again\\na\\n" -t -i "${joe[@]}"
shaped "and not elsewhere" "X-Resent-To: r@x.test\\n$whole\\n" \
	"X-Resent-To: r@x.test\\n${whole/<m@x.test>/one}\\n" -t -i

printf 'Resent-To: r@x.test\n\n' >"$SCRATCH/in"
for _ in 1 2 3; do
	submit -t -i
	flushctl show --raw "$id"
done | grep -i '^[a-z-]*Message-ID:' | sort >"$SCRATCH/ids"
is "no two Message-IDs are alike" "$(sed 's/^[^<]*//' "$SCRATCH/ids" | sort -u | wc -l)" 6

# --- limits -------------------------------------------------------------------------------------------

# field NAME BYTES: a field of that size, its line end counted.
field() {
	perl -e 'my ($name, $len) = @ARGV; $_ = "$name: " . "x\@x, " x 20; print $_, "x" x ($len - 1 - length), "\n"' "$@"
}

{ field X 102400 && printf '%b\na\n' "$whole"; } >"$SCRATCH/in"
unchanged "a field of 102400 bytes is taken"
{ field X 102401 && printf '%b\na\n' "$whole"; } >"$SCRATCH/in"
refused "one of 102401 is refused" 65
{ perl -e 'print "To: ", "x\@y,\n " x 20000, "\n\n"'; } >"$SCRATCH/in"
refused "it is the field that counts, not its lines" 65
{ field A 100000 && field B 100000 && field C 100000 && printf '%b\na\n' "$whole"; } >"$SCRATCH/in"
unchanged "a header may be longer"
{ perl -e 'print "Bcc: r\@x.test", "\n (nobody else)" x 20000, "\n"' && printf '%b\na\n' "$whole"; } >"$SCRATCH/in"
submit -t -i
printf '%b\na\n' "$whole" >"$SCRATCH/want"
ok "Bcc may be longer, as nobody sees it" holds_what_is_wanted

# --- through postfix ----------------------------------------------------------------------------------

# A spool of its own: what is in the other one is for nobody here.
postfix_create
postfix_start
spool_create "$SCRATCH/sent"

# deliver NAME TEXT RECIPIENT...: a letter of that name; its body, as it must arrive, is what is behind
# the first empty line in the spool.
delivered=0
deliver() {
	local name=$1
	# shellcheck disable=SC2059 # the texts are written as formats
	printf -- "X-Letter: $name\\n$2" >"$SCRATCH/in"
	shift 2
	submit -t -i "$@"
	flushctl show --raw "$id" >"$SCRATCH/text"
	sed '1,/^$/d' "$SCRATCH/text" >"$SCRATCH/body"
	sed '/^$/,$d' "$SCRATCH/text" >"$SCRATCH/header-$name"
	journal_body "$name" "$SCRATCH/body"
	delivered=$((delivered + 1))
}

reader=reader@example.org
deliver utf8-address 'To: Jörg <jörg@example.org>\nSubject: Grüße\n\nJörg\n'
deliver utf8-quoted-address 'To: "jörg m"@example.org\n\na\n'
deliver latin1 "To: $reader\\nSubject: Gr\\374\\337e\\n\\n\\374\\377\\376\\200\\n"
deliver junk "To: $reader\\njunk\\nX: y\\n\\na\\n"
deliver mbox-line "To: $reader\\nFrom joe\\nX: y\\n\\na\\n"
deliver junk-8bit "To: $reader\\nJörg: x\\n\\na\\n"
deliver blanks "To: $reader\\n \\nX: y\\n\\na\\n"
deliver header-only "To: $reader\\n"
deliver ends-in-a-field "To: $reader\\nX: y"
deliver ends-in-a-character "To: $reader\\n\\na \\303"
deliver resent "Resent-To: $reader\\nTo: nobody@x.test\\n\\na\\n"
resent='Resent-From: b@x.test\nResent-Date: b\nResent-Message-ID: <c>\n'
deliver whole "${whole/To: r@x.test/Resent-To: $reader}$resent\\na\\n"
flushd_once
ok "all arrive" maildir_wait "$delivered" 30
ok "and nothing is left behind" queue_is_empty
nothing_wrong "each with its body, which begins where we say"

# protocol NAME: what postfix says it was given that letter with (RFC 6531 section 4.3).
protocol() {
	local file
	file=$(grep -l "^X-Letter: $1\$" "$MAILDIR"/new/*)
	sed '/^$/,$d' "$file" | sed -n 's/.* with \([A-Z0-9]*SMTP\) id .*/\1/p'
}

is "an address in UTF-8 goes with SMTPUTF8" "$(protocol utf8-address)" UTF8SMTP
is "no other does" "$(protocol latin1)" ESMTP

# A header as it has arrived, without what flushd and postfix put in front of it.
arrived_header() {
	local file
	file=$(grep -l "^X-Letter: $1\$" "$MAILDIR"/new/*)
	sed -n "/^X-Letter: $1\$/,\$p" "$file" | sed '/^$/,$d'
}

for file in "$SCRATCH"/header-*; do
	name=${file##*/header-}
	is "the header of $name has arrived as it was stored" "$(arrived_header "$name")" "$(cat "$file")"
done
done_testing
