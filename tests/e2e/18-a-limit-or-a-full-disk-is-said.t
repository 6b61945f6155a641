#!/bin/bash
#
# Limits of the site's settings, of the process, of the disk: the right exit code, one line that says
# which, and the spool as it was: what is in it stays, and the next message is taken.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "mounts file systems of its own"
# The sanitizers' program is not static and takes more memory than the limits leave.
[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE"
# In a namespace, so that no mount outlives the test.
if [ -z "${IN_NAMESPACE:-}" ]; then
	unshare --mount true 2>/dev/null || skip_all "needs a mount namespace of its own"
	IN_NAMESPACE=1 exec unshare --mount "tests/e2e/${0##*/}"
fi
test_open

# --- what is submitted --------------------------------------------------------------------------------

# message FILE BYTES [RECIPIENTS]: so much body in short lines, which end in one that is known.
message() {
	{
		printf 'To: reader@example.org\nSubject: x\nDate: x\nMessage-ID: x\nFrom: x@y\n\n'
		yes 'All work and no play makes Jack a dull boy; so the saying goes, and on.' | head -c "$2"
		printf '\nthe end\n'
	} >"$1" 2>/dev/null || true # yes dies of SIGPIPE
}
small=$SCRATCH/small
middle=$SCRATCH/middle
large=$SCRATCH/large
message "$small" 200
message "$middle" 20000
message "$large" 10000000

# submit FILE [PREFIX...]: sets status, and said to what it printed. Through a pipe, since a file would be
# subject to some of the limits too.
submit() {
	local file=$1
	shift
	status=0
	said=$("$@" "$BIN/mini_sendmail" -i reader@example.org <"$file" 2>&1) || status=$?
	[ "$status" -ne 0 ] || taken=$((taken + 1))
}

one_line() {
	[[ $1 == "mini_sendmail: "* && $1 != *$'\n'* ]]
}

# refuses CLAIM CODE WORDS FILE [PREFIX...]: WORDS is an extended regular expression.
refuses() {
	local claim=$1 code=$2 words=$3
	shift 3
	submit "$@"
	is "$claim: exit $code" "$status" "$code"
	ok "$claim: one line" one_line "$said"
	ok "$claim: which says '$words'" grep -qxE "mini_sendmail: $words" <<<"$said"
}

# --- what is in the spool -----------------------------------------------------------------------------

taken=0
a_spool() {
	spool_create "$@"
	taken=0
}

whole_messages() {
	local id count=0
	for id in $(queue_field queue_id); do
		[ "$(flushctl show --raw "$id" | tail -n 1)" != "the end" ] || count=$((count + 1))
	done
	echo "$count"
}

# spool_is_well CLAIM: it has all that was taken, and takes one more.
spool_is_well() {
	submit "$small"
	is "$1: then the next one is taken" "$status$said" 0
	is "$1: and all that were taken are there" "$(whole_messages)" "$taken"
}

# --- the site's settings ------------------------------------------------------------------------------

a_spool "$SCRATCH/settings"
submit "$small"
settings 1=10000
refuses "a message that is too long" 69 \
	'the message has 2[0-9]{4} bytes, and this site may send at most 10000' "$middle"
spool_is_well "too long"
settings 1=52428800 6=15000
refuses "one too long for the relay that is assumed" 69 \
	'the message has 2[0-9]{4} bytes when it is sent, and a relay that was not yet asked may take no more than 15000' \
	"$middle"
settings 6=15000 7=1
refuses "one too long for the relay" 69 \
	'the message has 2[0-9]{4} bytes when it is sent, and the relay takes at most 15000' "$middle"
spool_is_well "too long for the relay"
settings 6=0
submit "$middle"
is "a relay without a limit gets it" "$status$said" 0
settings 4=1
refuses "a blocked site" 69 'this site is blocked: it may not send mail now' "$small"
refuses "a blocked site with much to say" 69 'this site is blocked: it may not send mail now' "$large"
settings 4=0 2=3
status=0
said=$("$BIN/mini_sendmail" a@b b@b c@b d@b <"$small" 2>&1) || status=$?
is "too many recipients: exit 69" "$status" 69
is "too many recipients: one line" "$said" "mini_sendmail: 4 recipients, and a message may have at most 3"
spool_is_well "blocked, or too many"

# The size of a large message is asked for while it comes.
status=0
said=$(head -c 60000000 /dev/zero | "$BIN/mini_sendmail" reader@example.org 2>&1) || status=$?
is "60 MB: exit 69" "$status" 69
is "60 MB: one line" "$said" \
	"mini_sendmail: the message has 60000000 bytes, and this site may send at most 52428800"
refuses "a large message and no spool" 72 '.*/missing: there is no spool here' "$large" \
	env MINI_SENDMAIL_SPOOL="$SCRATCH/missing"
spool_is_well "60 MB"

a_spool "$SCRATCH/quota" --quota 30K
submit "$middle"
refuses "a message beyond the quota" 73 \
	"$SPOOL: the spool is full: 1 message of 19\.[0-9] kB waits, this one has 19\.[0-9] kB, and 30\.0 kB is all they may have" \
	"$middle"
spool_is_well "the quota"

# --- memory -------------------------------------------------------------------------------------------

# peak_of PROGRAM...: how much memory it had at its peak, in kB, whatever became of it.
peak_of() {
	/usr/bin/time -q -f %M -o "$SCRATCH/peak" "$@" >"$SCRATCH/output" 2>&1 || true
	cat "$SCRATCH/peak"
}

a_spool "$SCRATCH/memory"
settings 1=104857600 6=0
message "$SCRATCH/53MB" 53000000
most=$((53000000 * 22 / 10 / 1024))
# Private memory and the few pages of its files that it has looked at.
at_most "a message of 53 MB takes 2.2 times its size" \
	"$(peak_of "$BIN/mini_sendmail" -i reader@example.org <"$SCRATCH/53MB")" "$most"
perl -e 'print "X-$_: ", "y" x 80, "\n" for 1 .. 595000; print "\nthe end\n"' >"$SCRATCH/header"
at_most "one of 53 MB of header too" \
	"$(peak_of "$BIN/mini_sendmail" -i reader@example.org <"$SCRATCH/header")" "$most"
is "both were taken, as the settings allow more than 50 MB" "$(whole_messages)" 2
taken=2
at_most "the spool's file has 100 MB" 104000000 "$(stat -c %s "$SPOOL/data.mdb")"
submit "$large" prlimit --as=$((256 * 1024 * 1024))
is "10 MB more are taken in 256 MB of address space" "$status$said" 0
# The writer gets rid of everything all the same.
flood() {
	head -c 400000000 /dev/zero || echo "the writer: exit $?" >>"$SCRATCH/output"
}
at_most "a flood takes no more than what the site may send" \
	"$(flood | peak_of "$BIN/mini_sendmail" reader@example.org)" $((110 * 1024))
is "and is refused" "$(cat "$SCRATCH/output")" \
	"mini_sendmail: the message has 400000000 bytes, and this site may send at most 104857600"
rm "$SCRATCH/53MB" "$SCRATCH/header"

# --- limits of the process ----------------------------------------------------------------------------

# sweep CLAIM CODE FILE OPTION VALUE...: under a limit (prlimit) of each of these values either the
# message is taken, or it is this code and one line. Both must be seen.
sweep() {
	local claim=$1 code=$2 file=$3 option=$4 value wrong=0 refused=0 before=$taken
	shift 4
	for value; do
		submit "$file" prlimit "--$option=$value"
		[ "$status$said" = 0 ] && continue
		refused=$((refused + 1))
		[ "$status" -eq "$code" ] && one_line "$said" && continue
		wrong=$((wrong + 1))
		diag "$claim: $option=$value: exit $status: $said"
	done
	is "$claim: a message is taken, or it is $code and one line" "$wrong" 0
	ok "$claim: some were taken" [ "$taken" -gt "$before" ]
	ok "$claim: some were not" [ "$refused" -gt 0 ]
	spool_is_well "$claim"
}

# in_steps FIRST STEP LAST UNIT: numbers of bytes.
in_steps() {
	local n
	for ((n = $1; n <= $3; n += $2)); do
		echo $((n * $4))
	done
}

a_spool "$SCRATCH/process"
# shellcheck disable=SC2046 # each number is a word
{
	sweep "open files" 71 "$small" nofile $(in_steps 0 1 20 1)
	sweep "the size of files" 73 "$middle" fsize $(in_steps 0 2048 180000 1)
	# A program that the kernel cannot even load says nothing.
	for ((first = 1000; first < 14000; first += 100)); do
		prlimit --as=$((first * 1024)) "$BIN/mini_sendmail" --version && break
	done >"$SCRATCH/output" 2>&1
	sweep "address space" 71 "$small" as $(in_steps $((first + 100)) 250 14000 1024)
	sweep "address space for 10 MB" 71 "$large" as $(in_steps 10 4 60 $((1024 * 1024)))
}

# --- the disk -----------------------------------------------------------------------------------------

full='(the disk, or a quota on it, is full|the disk is full or failed, or the spool.s file may not grow)'

# fill CLAIM: submit until it fails.
fill() {
	while submit "$middle" && [ "$status" -eq 0 ]; do
		[ "$taken" -lt 200 ] || break
	done
	refuses "$1" 73 "$SPOOL: $full" "$middle"
	is "$1: what was taken is there" "$(whole_messages)" "$taken"
}

mkdir "$SCRATCH/tmpfs"
mount -t tmpfs -o size=300k tmpfs "$SCRATCH/tmpfs"
at_exit "umount '$SCRATCH/tmpfs'"
a_spool "$SCRATCH/tmpfs/spool"
fill "a full tmpfs"
mount -o remount,size=1m "$SCRATCH/tmpfs"
spool_is_well "a full tmpfs"
mount -o remount,ro "$SCRATCH/tmpfs"
refuses "a file system that is read-only" 73 "$SPOOL: the file system is read-only" "$small"
mount -o remount,rw "$SCRATCH/tmpfs"
spool_is_well "read-only"

mkdir "$SCRATCH/ext4"
truncate -s 8M "$SCRATCH/image"
mkfs.ext4 -q "$SCRATCH/image"
if mount -o loop "$SCRATCH/image" "$SCRATCH/ext4"; then
	at_exit "umount '$SCRATCH/ext4'"
	head -c 1000000 /dev/zero >"$SCRATCH/ext4/filler"
	a_spool "$SCRATCH/ext4/spool"
	head -c 20000000 /dev/zero >"$SCRATCH/ext4/the-rest" 2>"$SCRATCH/output" || true
	fill "a full ext4"
	rm "$SCRATCH/ext4/filler"
	sync -f "$SCRATCH/ext4" # only then it gives the space away again
	spool_is_well "a full ext4"
else
	note "no loop device: no full ext4"
fi

# What no disk here does by itself. Pages are written by writev() or pwrite(), then flushed; the last
# write is the one that makes them count.
inject() {
	strace -qq -o "$SCRATCH/strace" -e "trace=$1" -e "inject=$1:error=$2" "${@:3}"
}
a_spool "$SCRATCH/faults"
submit "$small"
refuses "a quota of the disk" 73 "$SPOOL: the disk, or a quota on it, is full" "$middle" \
	inject writev,pwrite64 EDQUOT
refuses "a disk that fails" 73 "$SPOOL: the disk is full or failed.*" "$middle" inject writev,pwrite64 EIO
refuses "a disk that cannot flush" 73 "$SPOOL: the disk is full or failed.*" "$middle" inject fdatasync EIO
spool_is_well "a disk that fails"
a_spool "$SCRATCH/doubt"
refuses "a disk that fails at the last write" 74 "$SPOOL: the message may have been stored or not" \
	"$small" inject pwrite64 EIO
taken=$(whole_messages)
spool_is_well "a disk that fails at the last write"
done_testing
