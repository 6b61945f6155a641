# shellcheck shell=bash
#
# inject.sh - what the experiments with strace share: which errors a call may give, letters, a relay
#
# Sourced first, in place of faults.sh. strace counts the calls of a process by name, so "call number N of that
# name" is a place, and N goes up from 1 until the program ends without having come to it.
#
#   BOUNDED=COUNT        how many places there is time for

# shellcheck source=tests/faults/faults.sh
. "$(dirname "${BASH_SOURCE[0]}")/faults.sh"

BOUNDED=36
SINK=""
SINK_PID=""

# For those that count calls. The sanitizers' runtime makes some of its own.
needs_strace() {
	needs_plain_programs "counts system calls"
	needs_tracing
}

needs_tracing() {
	strace -o /dev/null true 2>/dev/null || skip_all "needs to trace, which is not allowed here"
}

# calls_in LOG: the names of the calls in what strace has written, each once; not the ones that begin or end
# every program, and have no effect that could be cut.
calls_in() {
	sed -nE 's/^([0-9]+ +)?([a-z_0-9]+)\(.*/\2/p' "$1" | grep -vxE 'execve|arch_prctl|set_tid_address|rseq' | sort -u
}

# errors_of CALL: what the kernel may answer to it on a bad day.
errors_of() {
	case $1 in
	read | pread64) echo EIO EINTR ;;
	recvfrom | sendto) echo ECONNRESET EINTR ;;
	recvmsg | sendmsg | epoll_wait) echo EINTR ;;
	epoll_ctl) echo ENOMEM ;;
	write | pwrite64 | writev | pwritev) echo EIO ENOSPC EDQUOT EINTR ;;
	fsync | fdatasync) echo EIO ENOSPC EDQUOT EINTR ;;
	close) echo EIO ENOSPC EDQUOT EINTR ;;
	openat) echo EIO ENOSPC EDQUOT EINTR EMFILE ENFILE ;;
	newfstatat | fstat | statx | fchdir) echo EIO ENOMEM ;;
	fstatfs) echo EIO EINTR ;;
	lseek | readlink) echo EIO ;;
	flock) echo EINTR ENOLCK ;;
	mmap | munmap) echo ENOMEM ;;
	pipe2 | socketpair | dup2) echo EMFILE ;;
	timer_create | getrandom) echo EAGAIN ;;
	esac
}

# places_in LOG CALL|...: the most that one process made of each.
places_in() {
	sed -nE "s/^([0-9]+) +($2)\\(.*/\\1 \\2/p" "$1" | sort | uniq -c | sort -k 3,3 -k 1,1nr |
		awk '$3 != last { for (n = 1; n <= $1; n++) print $3 ":" n; last = $3 }'
}

# with_errors: adds to each place each error that the call may give.
with_errors() {
	local place error
	while read -r place; do
		for error in $(errors_of "${place%:*}"); do
			echo "$place:$error"
		done
	done
}

# bounded: of all lines as many as there is time for, from the first to the last.
bounded() {
	awk -v count="$(share 0 "$BOUNDED")" '{ line[NR] = $0 } END {
		if (count == 0 || count > NR) count = NR
		for (i = 0; i < count; i++) print line[int(i * NR / count) + 1]
	}'
}

# has_fired LOG: strace has done what it was told to.
has_fired() {
	grep -qE 'INJECTED|killed by SIGKILL' "$1"
}

# --- letters ------------------------------------------------------------------------------------------

# Two texts, with all that mini_sendmail would add, so that they must be stored as they are: one of 20 KB, which the
# spool cuts in pieces, and one of 1.3 MB, which flushd reads in pieces, and whose end leaves a file to be shrunk.
letters_open() {
	local n
	LETTERS=$SCRATCH/letters
	mkdir "$LETTERS"
	perl -e 'srand 7; print join("", map { chr 33 + int rand 90 } 1 .. rand 76), "\n" for 1 .. 520' >"$LETTERS/body"
	for ((n = 0; n < 65; n++)); do
		cat "$LETTERS/body"
	done >"$LETTERS/large_body"
}

# letter_write TOKEN [large_body]: a letter of its own, $LETTERS/TOKEN.eml, to be sent by TOKEN@site.test.
letter_write() {
	{
		printf '%s\n' "To: reader@example.org" "Subject: $1" "X-Letter: $1" "From: $1@site.test" \
			"Date: Thu, 01 Jan 2026 00:00:00 +0000" "Message-ID: <$1@site.test>" ""
		cat "$LETTERS/${2:-body}"
		echo "$1"
	} >"$LETTERS/$1.eml"
}

# letter_expect TOKEN: enter it into the journal.
letter_expect() {
	local hash
	hash=$(sed '1,/^$/d' "$LETTERS/$1.eml" | sha256sum)
	printf '%s %s 1\n' "$1" "${hash%% *}" >>"$JOURNAL"
}

# letter_send TOKEN [large_body]: write it, submit it, and expect it to arrive.
letter_send() {
	letter_write "$@"
	"$BIN/mini_sendmail" -t -i -f "$1@site.test" <"$LETTERS/$1.eml"
	letter_expect "$1"
}

# letter_is_stored TOKEN LIST: LIST is what flushctl list --json has said.
letter_is_stored() {
	[[ $2 == *"\"sender\": \"$1@site.test\""* ]]
}

# letter_is_whole TOKEN LIST: what the spool has of it is what was given, byte for byte.
letter_is_whole() {
	local id
	id=$(grep -F "\"sender\": \"$1@site.test\"" <<<"$2" | sed -n 's/.*"queue_id": "\([^"]*\)".*/\1/p')
	[ -n "$id" ] && flushctl show --raw "$id" | cmp -s - "$LETTERS/$1.eml"
}

# --- the relay ----------------------------------------------------------------------------------------

# sink_start DIR: tests/faults/sink for a relay. What it has taken is judged as if it were a Maildir.
sink_start() {
	SINK=$1
	MAILDIR=$SINK
	port_reserve POSTFIX_PORT
	mkdir "$SINK"
	: >"$SINK/taken"
	tests/faults/sink "$POSTFIX_PORT" "$SINK" &
	SINK_PID=$!
	at_exit "end_child $SINK_PID || true"
	wait_until 10 test -e "$SINK/ready"
}

# sink_copies TOKEN: how often it has been taken.
sink_copies() {
	grep -cxF -- "$1" "$SINK/taken" || true
}

# Whoever has died may have sent what the relay has not yet read: each connection has a process of its own.
sink_is_idle() {
	[ -z "$(pgrep -P "$SINK_PID")" ]
}
