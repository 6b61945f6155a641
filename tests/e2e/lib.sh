# shellcheck shell=bash
#
# lib.sh - what every end-to-end test needs: claims (TAP), a spool, flushd, a postfix, a journal
#
# Sourced first by each test. From the repository root: `prove tests/e2e`, or one test by its name.
#
#   BIN=DIR     the programs under test are there, not in the repository root
#   E2E_LONG=1      longer windows and more repetitions
#   RIG_KEEP=1      leave a test's directory behind

set -Eeuo pipefail
trap 'diag "${BASH_SOURCE[0]##*/}:$LINENO: failed: $BASH_COMMAND"' ERR

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/rig/scratch.sh
. tests/rig/scratch.sh
# shellcheck source=tests/rig/postfix.sh
. tests/rig/postfix.sh

BIN=$(realpath "${BIN:-.}")
SPOOL=""
FLUSHD_PID=""
FLUSHD_LOG=""
claim_count=0
failure_count=0

# --- claims -------------------------------------------------------------------------------------------

# For people: seen under prove only with -v ...
note() {
	printf '# %s\n' "$*"
}

# ... and seen always.
diag() {
	printf '# %s\n' "$*" >&2
}

claim() {
	claim_count=$((claim_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $claim_count - $2"
	else
		echo "not ok $claim_count - $2"
		failure_count=$((failure_count + 1))
	fi
}

# ok CLAIM CMD...: CMD succeeds.
ok() {
	local text=$1 status=0
	shift
	"$@" || status=1
	claim "$status" "$text"
	[ "$status" -eq 0 ] || diag "$text: failed: $*"
}

# is CLAIM GOT WANT
is() {
	if [ "$2" = "$3" ]; then
		claim 0 "$1"
	else
		claim 1 "$1"
		diag "$1: got '$2', want '$3'"
	fi
}

# at_most CLAIM GOT LIMIT: numbers.
at_most() {
	if [ "$2" -le "$3" ]; then
		claim 0 "$1"
	else
		claim 1 "$1"
		diag "$1: got $2, want at most $3"
	fi
}

# costs_at_most CLAIM GOT MAX: of memory or processor time, which sanitizers need for themselves.
costs_at_most() {
	if has_sanitizers; then
		skip "$1" "the sanitizers' own would count"
	else
		at_most "$@"
	fi
}

has_sanitizers() {
	grep -qF __asan_init "$BIN/mini_sendmail"
}

# skip CLAIM REASON: it cannot be tested here.
skip() {
	claim_count=$((claim_count + 1))
	echo "ok $claim_count - $1 # SKIP $2"
}

done_testing() {
	echo "1..$claim_count"
	[ "$failure_count" -eq 0 ] || exit 1
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

needs_root() {
	[ "$(id -u)" -eq 0 ] || skip_all "needs root: $1"
}

show_logs_of_a_failure() {
	local log
	[ "$status" -ne 0 ] || return 0
	for log in "$FLUSHD_LOG" "$POSTFIX_LOG"; do
		[ -s "$log" ] || continue
		diag "the end of ${log##*/}:"
		tail -n 25 "$log" | sed 's/^/#   /' >&2
	done
}

# --- the programs under test --------------------------------------------------------------------------

# A place, and in it a journal. Programs that another user is to run must be where he can reach them.
test_open() {
	scratch_open
	at_exit show_logs_of_a_failure
	JOURNAL=$SCRATCH/journal
	: >"$JOURNAL"
	export JOURNAL BIN
}

copy_programs() {
	mkdir -m 755 "$SCRATCH/bin"
	install -m 755 "$BIN/mini_sendmail" "$BIN/jailsh" "$BIN/flushd" "$BIN/flushctl" "$SCRATCH/bin"
	BIN=$SCRATCH/bin
}

as_uid() {
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"
}

# spool_create DIR [OPTION...]
spool_create() {
	SPOOL=$1
	"$BIN/flushctl" init "$@"
	export MINI_SENDMAIL_SPOOL=$SPOOL
}

flushd_start() {
	flushd_spawn "$BIN/flushd"
}

flushd_start_as() {
	flushd_spawn setpriv --reuid "$1" --regid "$1" --clear-groups -- "$BIN/flushd"
}

# $! must be flushd itself, not a shell around it: it is going to be signalled.
flushd_spawn() {
	FLUSHD_LOG=$SCRATCH/flushd.log
	[ -n "$FLUSHD_PID" ] || at_exit flushd_clean_up
	"$@" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" >>"$FLUSHD_LOG" 2>&1 &
	FLUSHD_PID=$!
}

# moody_start MOOD: tests/rig/moody_smtpd for a relay. Its mood is in $SCRATCH/mood (Moody.pm has which there are),
# what it took in $SCRATCH/taken, its process in $MOODY_PID.
moody_start() {
	port_reserve POSTFIX_PORT
	echo "$1" >"$SCRATCH/mood"
	: >"$SCRATCH/taken"
	tests/rig/moody_smtpd "$POSTFIX_PORT" "$SCRATCH" &
	MOODY_PID=$!
	at_exit "end_child $MOODY_PID || true"
	wait_until 10 test -e "$SCRATCH/ready"
}

flushd_once() {
	"$BIN/flushd" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" --once 2>>"$SCRATCH/once.log"
}

flushd_stop() {
	end_child "$FLUSHD_PID"
}

flushd_clean_up() {
	has_ended "$FLUSHD_PID" || end_child "$FLUSHD_PID" 5 || true
}

flushd_logged() {
	grep -qE -- "$1" "$FLUSHD_LOG"
}

# flushd_has_logged COUNT PATTERN: so many such lines, or more.
flushd_has_logged() {
	[ "$(grep -cE -- "$2" "$FLUSHD_LOG")" -ge "$1" ]
}

flushd_workers() {
	pgrep -P "$FLUSHD_PID" -f -- --worker || true
}

flushctl() {
	"$BIN/flushctl" --spool "$SPOOL" "$@"
}

# All output is read before any of it is judged: `| tail` alone would hide a failure of flushctl.
queue_summary() {
	local list
	list=$(flushctl list) || return
	tail -n 1 <<<"$list"
}

queue_is_empty() {
	[ "$(queue_summary)" = "Mail queue is empty" ]
}

# queue_field KEY: that key of every waiting message, one a line; states and ids are asked for so.
queue_field() {
	flushctl list --json | perl -MJSON::PP -ne '
		BEGIN { $key = shift @ARGV; $json = JSON::PP->new->canonical->allow_nonref }
		my $value = $json->decode($_)->{$key};
		print ref $value ? $json->encode($value) : $value // "null", "\n";
	' "$1"
}

# settings TAG=VALUE...: change the record in place, wherever in the file it stands; the tags are those of
# docs/spool-format.md.
settings() {
	perl -e '
		my ($file, %new) = (shift, map { split /=/ } @ARGV);
		my @tags = (1, 2, 3, 4, 6, 7);
		my $record = join "", map { quotemeta(pack "CN", $_, 8) . "(.{8})" } @tags;
		open my $f, "+<:raw", $file or die "$file: $!\n";
		my $bytes = do { local $/; <$f> };
		my $count = $bytes =~ s{$record}{
			my @old = ($1, $2, $3, $4, $5, $6);
			join "", map {
				my $old = shift @old;
				pack("CN", $_, 8) . (exists $new{$_} ? pack("Q>", $new{$_}) : $old);
			} @tags;
		}gse;
		$count or die "$file: no settings found\n";
		seek $f, 0, 0;
		print $f $bytes;
	' "$SPOOL/data.mdb" "$@"
}

# Everything has left the spool and postfix has delivered it: the Maildir will not change any more.
wait_all_delivered() {
	wait_until "$1" queue_is_empty && wait_until 30 postfix_is_idle && return
	diag "after $1 s the queue still says: $(queue_summary)"
	return 1
}

# --- mail ---------------------------------------------------------------------------------------------

# letters_write COUNT [BYTES]: messages to submit, in $SCRATCH/letters.
letters_write() {
	LETTERS=$SCRATCH/letters
	export LETTERS
	mkdir -p "$LETTERS"
	tests/rig/letters write "$LETTERS" "$@" >"$LETTERS/index"
}

letter_tokens() {
	cut -d ' ' -f 1 "$LETTERS/index"
}

# Submits one, and enters it into the journal if mini_sendmail has taken it. The line is short, so that
# many at once can append it.
letter_submit() {
	"$BIN/mini_sendmail" -t -i -f sender@site.test <"$LETTERS/$1.eml" &&
		grep "^$1 " "$LETTERS/index" >>"$JOURNAL"
}
export -f letter_submit

# letters_submit [SENDERS]: all of them, by so many senders at a time.
letters_submit() {
	letter_tokens | xargs -P "${1:-4}" -I '{}' bash -c 'letter_submit {}'
}

# journal_body TOKEN FILE [COPIES]: expect the text of FILE under that token.
journal_body() {
	tests/rig/letters entry "$@" >>"$JOURNAL"
}

comparison() {
	tests/rig/letters compare "$JOURNAL" "$MAILDIR"
}

# nothing_wrong CLAIM: every letter of the journal has arrived as often as it should, unaltered, and
# nothing else has.
nothing_wrong() {
	is "$1" "$(comparison)" "lost=0 altered=0 strange=0 doubled=0"
}

# The header of everything that has arrived.
arrived_headers() {
	sed -s '/^$/,$d' "$MAILDIR"/new/*
}

# php_mail TO SUBJECT BODY-FILE HEADERS: prints what PHP's mail() returned, true or false. mail() ends
# the body with a line end of its own, so it gets the file without its last one. The program's path
# reaches the shell in a variable: it may hold blanks and quotes.
php_mail() {
	# shellcheck disable=SC2016 # the variables are PHP's
	SUBMITTER=$BIN/mini_sendmail php -n -d "sendmail_path='\"\$SUBMITTER\" -t -i -fsender@site.test'" -r '
		$body = preg_replace("/\n\z/", "", file_get_contents($argv[3]));
		var_export(mail($argv[1], $argv[2], $body, $argv[4]));
	' -- "$@"
}
