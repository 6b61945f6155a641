#!/bin/bash
#
# Whatever is wrong with the spool: the right exit code, one clear line on stderr, nothing on stdout, no
# death by a signal; and never exit 0 for a message that is not there afterwards.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "acts as several users"
test_open
copy_programs
alice=12345
bob=23456

# submit_to SPOOL [PREFIX...]: sets status; stdout and stderr are in files.
submit_to() {
	local spool=$1
	shift
	status=0
	printf 'To: reader@example.org\nSubject: %s\n\na probe\n' "$sender" |
		MINI_SENDMAIL_SPOOL=$spool "$@" timeout 40 "$BIN/mini_sendmail" -v -t -i -f "$sender" \
			>"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || status=$?
}

# says_it_in_one_line: what a refusal looks like to the caller.
says_it_in_one_line() {
	[ ! -s "$SCRATCH/stdout" ] && [ "$(wc -l <"$SCRATCH/stderr")" -eq 1 ] && grep -q '[a-z]' "$SCRATCH/stderr"
}

# refuses CLAIM CODES SPOOL [PREFIX...]: one of these exit codes and one line.
refuses() {
	local claim=$1 codes=$2
	shift 2
	sender=probe@site.test
	submit_to "$@"
	case " $codes " in
	*" $status "*) claim 0 "$claim: exit $codes" ;;
	*)
		claim 1 "$claim: exit $codes"
		diag "$claim: got exit $status, want $codes: $(cat "$SCRATCH/stderr")"
		;;
	esac
	ok "$claim: one line on stderr" says_it_in_one_line
	note "$(cat "$SCRATCH/stderr")"
}

# a_spool NAME [OPTION...]: made by init, with the lock's directories and all.
a_spool() {
	local name=$1
	shift
	"$BIN/flushctl" init "$SCRATCH/$name" "$@"
}

refuses "a missing spool" 72 "$SCRATCH/missing"
a_spool private --user "$bob"
refuses "an unreadable spool" 77 "$SCRATCH/private" as_uid "$alice"
a_spool foreign --user "$bob"
chmod 777 "$SCRATCH/foreign" "$SCRATCH/foreign"/*
chmod 666 "$SCRATCH/foreign/data.mdb"
refuses "a foreign spool that is open to all" 78 "$SCRATCH/foreign" as_uid "$alice"
mkdir -m 700 "$SCRATCH/bare"
refuses "an empty directory" "72 78" "$SCRATCH/bare"
a_spool empty
: >"$SCRATCH/empty/data.mdb"
refuses "a spool with an empty data.mdb" 78 "$SCRATCH/empty"
is "which stays empty" "$(stat -c %s "$SCRATCH/empty/data.mdb")" 0
a_spool unmarked
head -c 65536 /dev/zero >"$SCRATCH/unmarked/data.mdb"
refuses "a data.mdb of zeros" 78 "$SCRATCH/unmarked"
a_spool alien
head -c 65536 "$BIN/flushctl" >"$SCRATCH/alien/data.mdb"
refuses "a data.mdb that is something else" 78 "$SCRATCH/alien"
a_spool gone
rm "$SCRATCH/gone/data.mdb"
refuses "a spool without data.mdb" "72 78" "$SCRATCH/gone"
a_spool directory
rm "$SCRATCH/directory/data.mdb"
mkdir "$SCRATCH/directory/data.mdb"
refuses "a data.mdb that is a directory" 78 "$SCRATCH/directory"
a_spool symlink
mv "$SCRATCH/symlink/data.mdb" "$SCRATCH/elsewhere"
ln -s "$SCRATCH/elsewhere" "$SCRATCH/symlink/data.mdb"
refuses "a data.mdb that is a symbolic link" 78 "$SCRATCH/symlink"
: >"$SCRATCH/file"
refuses "a spool that is a file" "72 78" "$SCRATCH/file"

# --- random damage ------------------------------------------------------------------------------------

# A spool with mail in it, so that there are trees to damage. Some of it is large, so that the file has
# pages of every kind.
SPOOL=$SCRATCH/good
a_spool good
export MINI_SENDMAIL_SPOOL=$SPOOL
letters_write 20
letters_submit 1
letters_write 1 100000
letter_submit letter-00001

# is_stored: what was said to be queued can be read. By its id, as other damage may stop a listing.
is_stored() {
	local id
	id=$(sed -n 's/^mini_sendmail: queued as \([0-9A-Z]*\)$/\1/p' "$SCRATCH/stderr")
	[ -n "$id" ] || return 1
	timeout 20 "$BIN/flushctl" --spool "$SCRATCH/damaged" show --raw "$id" | grep -qx 'a probe'
}

rounds=64
[ -z "${E2E_LONG:-}" ] || rounds=800
declare -A seen=()
wrong=0
for ((n = 0; n < rounds; n++)); do
	rm -rf "$SCRATCH/damaged"
	cp -a "$SCRATCH/good" "$SCRATCH/damaged"
	how=$(tests/rig/damage "$SCRATCH/damaged/data.mdb" "$n")
	sender=probe-$n@site.test
	submit_to "$SCRATCH/damaged"
	seen[$status]=$((${seen[$status]:-0} + 1))
	case $status in
	0)
		says_it_in_one_line && is_stored && continue
		diag "damage $n ($how): exit 0, but the message cannot be read"
		;;
	73 | 74 | 78)
		says_it_in_one_line && continue
		diag "damage $n ($how): exit $status, but stderr is: $(cat "$SCRATCH/stderr")"
		;;
	124) diag "damage $n ($how): hung" ;;
	*) diag "damage $n ($how): exit $status: $(cat "$SCRATCH/stderr")" ;;
	esac
	wrong=$((wrong + 1))
done
summary=
for code in "${!seen[@]}"; do
	summary+=" $code: ${seen[$code]}"
done
note "of $rounds damages, by exit code:$summary"
is "$rounds random damages: never a wrong success, a signal or silence" "$wrong" 0
ok "some of them were noticed" [ "$((rounds - ${seen[0]:-0}))" -gt 0 ]
done_testing
