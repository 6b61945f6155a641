#!/bin/bash
#
# What mini_sendmail inherits is its caller's: environment, descriptors, signals, limits, umask, working
# directory, and root's rights. None of it makes it open, run or leave behind what it should not, or say
# "it is safe" of a message that is not.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/rig/trace.sh
. tests/rig/trace.sh
needs_root "acts as several users, and traces them"
[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE: the sanitizers open files of their own"
test_open
copy_programs
uid=12345
as_site=(setpriv --reuid "$uid" --regid "$uid" --clear-groups --)
spool_create "$SCRATCH/spool" --user "$uid"
mail=$'From: a@x.test\nDate: d\nMessage-ID: m\nTo: reader@x.test\n\nthe text\n'

# submit CMD...: as the site's user; sets status, and said to what it printed.
submit() {
	status=0
	said=$("${as_site[@]}" "$@" -t -i <<<"${mail%$'\n'}" 2>&1) || status=$?
}

# taken CLAIM: the submission before was: exit 0, in silence, and the last message is whole.
count=0
taken() {
	count=$((count + 1))
	is "$1: taken, in silence" "$status $said" "0 "
	is "$1: there is one more" "$(queue_field queue_id | wc -l)" "$count"
	is "$1: it is whole" "$(flushctl show --raw "$(queue_field queue_id | tail -n 1)")" "${mail%$'\n'}"
}

# --- the environment ----------------------------------------------------------------------------------

mkdir -m 777 "$SCRATCH/hostile"
file=$SCRATCH/hostile/file
cp /bin/true "$file"
environment=(
	LD_PRELOAD="$file" LD_LIBRARY_PATH="$SCRATCH/hostile" LD_AUDIT="$file" LD_DEBUG=all LD_DEBUG_OUTPUT="$file"
	LD_PROFILE="$file" LD_PROFILE_OUTPUT="$SCRATCH/hostile" LD_ORIGIN_PATH="$SCRATCH/hostile"
	GLIBC_TUNABLES=glibc.malloc.check=3:glibc.malloc.perturb=85:glibc.rtld.nns=0
	MALLOC_CHECK_=3 MALLOC_PERTURB_=85 MALLOC_TRACE="$file" MALLOC_ARENA_MAX=0 MALLOC_MMAP_THRESHOLD_=0
	GCONV_PATH="$SCRATCH/hostile" GETCONF_DIR="$SCRATCH/hostile" GMON_OUT_PREFIX="$file"
	TZ=":$file" TZDIR="$SCRATCH/hostile" DATEMSK="$file" LOCPATH="$SCRATCH/hostile" NLSPATH="$file"
	LANG=de_DE.UTF-8 LC_ALL=tr_TR LANGUAGE=de CHARSET=UTF-16 OUTPUT_CHARSET=UTF-16
	RES_OPTIONS=debug HOSTALIASES="$file" LOCALDOMAIN=evil.example RESOLV_HOST_CONF="$file"
	TMPDIR="$SCRATCH/hostile" HOME="$SCRATCH/hostile" USER=evil LOGNAME=evil MAILRC="$file" MAILNAME=evil.example
	QMAILUSER=evil MAIL_CONFIG="$file" SENDMAIL_CONFIG="$file" PATH= IFS=. ENV="$file" BASH_ENV="$file" SHELL="$file"
	POSIXLY_CORRECT=1 HUGE="$(printf '%0100000d' 0)"
)
status=0
said=$(traced "${as_site[@]}" env "${environment[@]}" "$BIN/mini_sendmail" -t -i <<<"${mail%$'\n'}" 2>&1) || status=$?
rm -f "$SCRATCH"/hostile/file.[0-9]* # of those that started it
taken "a hostile environment"
is "a hostile environment: nothing is opened or run for it" "$(misdeeds)" ""
is "a hostile environment: nothing is left behind" "$(ls "$SCRATCH/hostile")" file

printf 'To: reader@x.test\n\na\n' | "${as_site[@]}" env "${environment[@]}" "$BIN/mini_sendmail" -t -i
count=$((count + 1))
flushctl show --raw "$(queue_field queue_id | tail -n 1)" >"$SCRATCH/text"
ok "a date that is added is English, and in UTC" \
	grep -qxE "Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]+ [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} \+0000" "$SCRATCH/text"
is "the sender is not what the environment says" "$(grep -c evil "$SCRATCH/text" || true)" 0
submit env -i MINI_SENDMAIL_SPOOL="$SPOOL" "$BIN/mini_sendmail"
taken "no environment but the spool"

# --- rights -------------------------------------------------------------------------------------------

status=0
said=$(strace -f -qq -o "$SCRATCH/calls" -e trace=%file,%creds "$BIN/mini_sendmail" -t -i <<<"${mail%$'\n'}" 2>&1) || status=$?
taken "root, and a spool of another"
ids="$uid, $uid, $uid"
is "it becomes the owner before it opens anything" \
	"$(grep -oE 'open(at)?\(|setgroups\(0|setresgid\([0-9, ]*\)|setresuid\([0-9, ]*\)' "$SCRATCH/calls" | head -n 3 | xargs -d '\n')" \
	"setgroups(0 setresgid($ids) setresuid($ids)"
is "files are its owner's" "$(find "$SPOOL" ! -user "$uid")" ""

# With the set-user-id bit, what a stranger says of the spool does not count.
jail=$SCRATCH/jail
mkdir -p "$jail/var/spool" "$jail/evil"
install -m 4755 "$BIN/mini_sendmail" "$jail/sendmail"
chmod -R go+rX "$jail"
"$BIN/flushctl" init "$jail/var/spool/mini-sendmail" --user "$uid"
"$BIN/flushctl" init "$jail/evil/spool" --user 23456
as_stranger() {
	env MINI_SENDMAIL_SPOOL="$1" "$(command -v chroot)" --userspec=23456:23456 --groups= "$jail" \
		/sendmail -t -i <<<"${mail%$'\n'}"
}
in_jail() {
	"$BIN/flushctl" --spool "$jail/$1" list | tail -n 1
}
if findmnt -no OPTIONS -T "$jail" | grep -q nosuid; then
	note "nosuid: no test of the set-user-id bit"
else
	as_stranger /evil/spool
	is "set-user-id: the spool of the environment does not count" "$(in_jail evil/spool)" "Mail queue is empty"
	ok "set-user-id: the message is in the default one" grep -q "in 1 Request" <<<"$(in_jail var/spool/mini-sendmail)"
	is "set-user-id: its files are still its owner's" "$(find "$jail/var/spool/mini-sendmail" ! -user "$uid")" ""
fi
chmod 755 "$jail/sendmail"
as_stranger /evil/spool
ok "without the bit it does" grep -q "in 1 Request" <<<"$(in_jail evil/spool)"

# --- descriptors --------------------------------------------------------------------------------------

"${as_site[@]}" "$BIN/mini_sendmail" -t -i <<<"${mail%$'\n'}" >&- 2>&-
status=0 said=
taken "no standard output and error"
status=0
"${as_site[@]}" "$BIN/mini_sendmail" -Z <<<"$mail" >&- 2>&- || status=$?
is "a refusal without them" "$status" 64
status=0
"${as_site[@]}" "$BIN/mini_sendmail" reader@x.test <&- >&- 2>&- || status=$?
is "no standard input is no empty message" "$status" 70
: | "${as_site[@]}" "$BIN/mini_sendmail" -Z 2> >(exec 0<&-) || status=$?
is "nobody listens to a refusal" "$status" 64
submit "$BIN/mini_sendmail"
taken "then"

# slowly CMD...: with a standard input and output that do not block, and a caller that takes its time.
slowly() {
	perl -MFcntl -e '
		my $mail = shift;
		pipe(my $in, my $to) && pipe(my $from, my $out) or die "pipe: $!\n";
		fcntl($_, F_SETFL, O_NONBLOCK) or die "fcntl: $!\n" for $in, $out;
		my $pid = fork // die "fork: $!\n";
		if (!$pid) {
			close $_ for $to, $from;
			open STDIN, "<&", $in or die "stdin: $!\n";
			open STDOUT, ">&", $out or die "stdout: $!\n";
			exec @ARGV or die "$ARGV[0]: $!\n";
		}
		close $_ for $in, $out;
		my $pause = sub { select undef, undef, undef, 0.1 };
		for my $part ($mail =~ /(.{1,40})/gs) {
			$pause->();
			syswrite $to, $part;
		}
		$pause->();
		close $to;
		my $said = "";
		$pause->() while sysread $from, $said, 65536, length $said;
		waitpid $pid, 0;
		print $said;
		exit($? >> 8 | $? & 127);
	' "$@"
}
status=0
said=$(slowly "$mail" "${as_site[@]}" "$BIN/mini_sendmail" -t -i 2>&1) || status=$?
taken "standard input that does not block"
status=0
said=$(slowly "HELO x
MAIL FROM:<a@x.test>
RCPT TO:<reader@x.test>
DATA
${mail%$'\n'}
.
" "${as_site[@]}" "$BIN/mini_sendmail" -bs 2>&1) || status=$?
is "a session on pipes that do not block" "$status $(grep -c '^250 Ok: queued' <<<"$said")" "0 1"
said=
taken "a session on pipes that do not block"
status=0
for _ in {1..6}; do
	printf '%s\n' "$mail" | "${as_site[@]}" "$BIN/mini_sendmail" -i -- reader-{1..300}-of-a-long-name@x.test
	count=$((count + 1))
done
list=$(slowly "" "${as_site[@]}" "$BIN/mini_sendmail" -bp) || status=$?
is "a list of $(wc -c <<<"$list") bytes into a pipe that does not block" \
	"$status $(tail -n 1 <<<"$list" | sed 's/.* Kbytes/Kbytes/')" "0 Kbytes in $count Requests."

# typed TEXT OPTION...: somebody types TEXT at a terminal, and then nothing more; sets status.
typed() {
	local text=$1
	shift
	mkfifo "$SCRATCH/keyboard"
	exec {keyboard}<>"$SCRATCH/keyboard"
	printf '%s\n' "$text" >&"$keyboard"
	status=0
	timeout 20 script -qec "${as_site[*]} '$BIN/mini_sendmail' $*" /dev/null <&"$keyboard" >"$SCRATCH/screen" || status=$?
	exec {keyboard}<&-
	rm "$SCRATCH/keyboard"
}
typed "${mail%$'\n'}"$'\n..\n.' -t
mail+=$'.\n' said='' taken "at a terminal a dot ends the message"
typed "${mail%$'\n'}"$'\n.\n\x04' -t -i
mail+=$'.\n' said='' taken "with -i the end of the input does"
typed . -t
is "at a terminal a dot alone is no recipient" "$status" 64
typed text -Z
is "what is refused is not read to its end there" "$status" 64

# What a caller leaks to it is closed at once: whoever waits for the end of that pipe need not wait for us.
mkfifo "$SCRATCH/leak" "$SCRATCH/input"
cat "$SCRATCH/leak" >"$SCRATCH/leaked" &
reader=$!
"${as_site[@]}" "$BIN/mini_sendmail" reader@x.test <>"$SCRATCH/input" 9>"$SCRATCH/leak" &
sender=$!
at_exit "end_child $sender || true"
ok "a leaked descriptor is closed at once" wait_until 10 has_ended "$reader"
ok "while the sender lives" is_running "$sender"
end_child "$sender" || true

# --- signals ------------------------------------------------------------------------------------------

# interrupted SIGNAL CMD...: CMD reads half a message, then gets the signal; sets status.
half=$'To: reader@x.test\n\nhalf a'
interrupted() {
	local signal=$1 pid
	shift
	"${as_site[@]}" "$@" -t -i <>"$SCRATCH/input" 2>"$SCRATCH/stderr" &
	pid=$!
	at_exit "end_child $pid || true"
	printf '%s' "$half" >"$SCRATCH/input"
	wait_until 10 has_read "$pid" || diag "SIG$signal: it reads nothing: $(cat "$SCRATCH/stderr")"
	kill "-$signal" "$pid" || true
	wait_until 10 has_ended "$pid" || kill -KILL "$pid"
	status=0
	wait "$pid" || status=$?
}

# It waits for the other half: there is nothing else to wait for.
has_read() {
	grep -qs '^mini_sendmail' "/proc/$1/comm" && grep -qs '^State:.*sleeping' "/proc/$1/status"
}

nothing_is_left() {
	[ "$(queue_field queue_id | wc -l)" -eq "$count" ] && [ -z "$(find "$SPOOL" -path '*/incoming/*')" ]
}

for signal in HUP INT TERM KILL; do
	# A shell starts what runs beside it with SIGINT ignored.
	interrupted "$signal" env --default-signal=HUP,INT,TERM "$BIN/mini_sendmail" 2>"$SCRATCH/killed"
	is "SIG$signal before the end of the input ends it" "$status" "$((128 + $(kill -l "$signal")))"
	ok "SIG$signal before the end of the input leaves nothing" nothing_is_left
done
interrupted TERM env --block-signal "$BIN/mini_sendmail"
is "so it does if the caller blocks all signals" "$status" 143
ok "and nothing is left" nothing_is_left

# A message waits for the lock: it is not stored yet.
exec {lock}<"$SPOOL"
flock "$lock"
"${as_site[@]}" "$BIN/mini_sendmail" -t -i <<<"$mail" &
pid=$!
at_exit "end_child $pid || true"
wait_until 10 grep -qE -- "-> FLOCK +ADVISORY +WRITE $pid " /proc/locks
status=0
end_child "$pid" || status=$?
is "SIGTERM ends one that waits for the lock" "$status" 143
exec {lock}<&-
ok "it leaves nothing" nothing_is_left
submit env --ignore-signal "$BIN/mini_sendmail"
taken "all signals ignored"
submit env --block-signal "$BIN/mini_sendmail"
taken "all signals blocked"

# --- what is left behind ------------------------------------------------------------------------------

# dumps_core CMD...: its end by a signal, with half a message in it, leaves an image of its memory.
mkdir -m 777 "$SCRATCH/core"
dumps_core() {
	perl -e '
		my ($dir, $uid, $half) = splice @ARGV, 0, 3;
		chdir $dir or die "$dir: $!\n";
		pipe(my $input, my $to) or die "pipe: $!\n";
		my $pid = fork // die "fork: $!\n";
		if (!$pid) {
			close $to;
			$SIG{QUIT} = "DEFAULT"; # what runs beside a shell ignores it
			open STDIN, "<&", $input or die "stdin: $!\n";
			open STDOUT, ">", "/dev/null" or die "/dev/null: $!\n";
			exec "prlimit", "--core=unlimited", "setpriv", "--reuid=$uid", "--regid=$uid", "--clear-groups", "--", @ARGV;
			exit 1;
		}
		syswrite $to, $half;
		for (1 .. 200) {
			open my $comm, "<", "/proc/$pid/comm" or die "comm: $!\n";
			open my $state, "<", "/proc/$pid/wchan" or die "wchan: $!\n";
			last if <$comm> eq substr($ARGV[0] =~ s/.*\///r, 0, 15) . "\n" && (<$state> // "") =~ /pipe_read|anon_pipe_read/;
			select undef, undef, undef, 0.05;
		}
		kill "QUIT", $pid;
		waitpid $pid, 0;
		exit !($? & 128);
	' "$SCRATCH/core" "$uid" "$half" "$@" && return
	[ -n "$(ls "$SCRATCH/core")" ]
}
if dumps_core /bin/cat; then
	rm -rf "$SCRATCH"/core/*
	status=0
	dumps_core "$BIN/mini_sendmail" -t || status=$?
	is "no core with mail in it, where others leave one" "$status" 1
else
	note "this machine dumps no cores"
fi

for mask in 0000 0777; do
	rm -f "$SPOOL"/refused.log
	modes=$(find "$SPOOL" -printf '%P %m %U\n' | sort)
	umask "$mask"
	submit "$BIN/mini_sendmail"
	"${as_site[@]}" "$BIN/mini_sendmail" -Z <<<"$mail" 2>"$SCRATCH/stderr" || true
	umask 0022
	taken "umask $mask"
	is "umask $mask: no file has another mode" "$(find "$SPOOL" -printf '%P %m %U\n' | grep -v refused | sort)" "$modes"
	is "umask $mask: nor has the log" "$(stat -c %a "$SPOOL/refused.log")" 600
done

mkdir "$SCRATCH/gone"
cd "$SCRATCH/gone"
rmdir "$SCRATCH/gone"
submit "$BIN/mini_sendmail"
cd "$OLDPWD" 2>/dev/null || cd /
taken "a working directory that is gone"

# --- limits -------------------------------------------------------------------------------------------

# Those of memory, files and descriptors have a test of their own.
for limit in core cpu locks memlock msgqueue nice nproc rtprio rttime sigpending stack; do
	value=0
	case $limit in
	cpu) value=1 ;;
	stack) value=65536 ;;
	esac
	submit prlimit "--$limit=$value" "$BIN/mini_sendmail"
	taken "$limit=$value"
done
done_testing
