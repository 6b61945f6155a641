#!/bin/bash
#
# flushctl's help is well-formed, its manual page has the same verbs and options, and bash completes them; ids and the
# names of sites too, without ever waiting for long.
#
# shellcheck disable=SC2016,SC2086,SC2119 # eval expands them; lines are for those who need them; "site add" is two words

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
test_open

help_of() {
	"$BIN/flushctl" "$@" --help
}

# verbs [VERB]: those of flushctl, or those behind that one.
verbs() {
	help_of "$@" | sed -nE 's/^  ([a-z]+)( .*)?$/\1/p'
}

options_of() {
	{ grep -oE -- '--[a-z][a-z-]*' || true; } | sort -u | paste -sd ' '
}

mapfile -t site_verbs < <(verbs site | sed 's/^/site /')
mapfile -t whole_verbs < <(verbs | grep -vx site && printf '%s\n' "${site_verbs[@]}")

# manual SECTION VERB: those of its options that the manual page has in SYNOPSIS or DESCRIPTION.
manual() {
	perl -e '
		my ($section, $verb) = @ARGV;
		my %found;
		local $/;
		open my $page, "<", "man/flushctl.8" or die;
		my ($text) = <$page> =~ /^\.Sh $section\n(.*?)^\.Sh /ms or die;
		my @items = $section eq "SYNOPSIS" ? split /^\.Nm\n/m, $text
			: grep { /^(Xo\n\.)?Cm / } split /^\.(?:It (?=Xo\n\.Cm|Cm)|Ss )/m, $text;
		for (@items) {
			my ($names) = /^(?:\.Op Ar where\n|Xo\n)?\.?Cm (site [a-z]+|[a-z]+(?: \| [a-z]+)*)/m or next;
			next unless grep { $_ eq $verb } split / \| /, $names;
			$found{$1}++ while /Fl Fl ([a-z-]+)/g;
			print join(" ", map { "--$_" } sort keys %found), "\n";
			exit;
		}
		print "no such verb\n";
	' "$1" "$2"
}

# --- help ---------------------------------------------------------------------------------------------

ok "there are verbs" eval '[ "$(verbs | wc -l)" -ge 12 ] && [ "${#site_verbs[@]}" -ge 5 ]'
for verb in "" site "${whole_verbs[@]}"; do
	help_of $verb >"$SCRATCH/help"
	is "help of ${verb:-flushctl}: no line is too long" "$(awk 'length > 79' "$SCRATCH/help")" ""
	is "help of ${verb:-flushctl}: no blanks at an end, no tabs" "$(grep -nE '[[:space:]]$|	' "$SCRATCH/help" || true)" ""
	at_most "help of ${verb:-flushctl}: columns in which options are explained" "$(sed -nE '/^  --/,$p' "$SCRATCH/help" |
		sed -nE 's/^(  --[^ ]+( [^ ]+)*  +)[^ ].*/\1/p; s/^( {8,})[^ ].*/\1/p' | awk '{ print length }' | sort -u | wc -l)" 1
done
for verb in "${whole_verbs[@]}"; do
	help_of $verb >"$SCRATCH/help"
	usage=$(sed '/^$/,$d' "$SCRATCH/help" | options_of)
	explained=$(sed '1,/^$/d' "$SCRATCH/help" | { grep -oE -- '^  --[a-z][a-z-]*' || true; } | options_of)
	for option in $usage; do
		ok "$verb: $option is explained" grep -qw -- "$option" <<<"$explained"
	done
	is "$verb: the manual's synopsis has the options of its usage" "$(manual SYNOPSIS "$verb")" "$usage"
	for option in $explained; do
		ok "$verb: $option is in the manual" grep -qE "Fl Fl ${option#--}( |$)" man/flushctl.8
	done
	for option in $(manual DESCRIPTION "$verb"); do
		ok "$verb: $option, of the manual, is in the help" grep -qw -- "$option" <<<"$explained"
	done
done
is "there are no other verbs in the manual" "$(sed -nE '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Cm ([a-z]+( [a-z]+)?).*/\1/p' man/flushctl.8 |
	sort -u | grep -vxF "$(printf '%s\n' "${whole_verbs[@]}")" || true)" ""
for option in $(sed -n '/^  --/p' <(help_of) | options_of); do
	ok "the manual explains $option" grep -q "^\.It Fl Fl ${option#--}" man/flushctl.8
done

is "help is given behind other options" "$("$BIN/flushctl" --spool /nowhere remove --all --help --yes)" "$(help_of remove)"
is "and of the verb that is meant" "$("$BIN/flushctl" site refresh --all --help)" "$(help_of site refresh)"
is "each verb has a line of its own" "$(help_of | grep -cE '^  [a-z]+ +[a-z]')" "$(verbs | wc -l)"
is "what is no option any more is not" "$("$BIN/flushctl" --spool /nowhere show -- --help 2>&1 || true)" \
	"flushctl: '--help' is not a queue id; try 'flushctl show --help'"

# --- what is written elsewhere --------------------------------------------

# written: "VERB: --option" for each that flushctl is called with in documents and examples.
written() {
	perl -0777 -ne '
		tr/\x27,[]//d, s/\n +(?=--)/ /g if $ARGV =~ /rb$/;
		while (/\bflushctl (site [a-z]+|[a-z]+)\b([^`\n|;&"#]*)/g) {
			my ($verb, $rest) = ($1, $2);
			print "$verb: $1\n" while $rest =~ /(--[a-z][a-z-]*)/g;
		}
	' README.md docs/*.md docs/examples/* debian/mini-sendmail.p* | sort -u
}

ok "documents and examples have options" eval '[ "$(written | wc -l)" -ge 8 ]'
ok "the recipe's, too" grep -qxF "site add: --name" <(written)
while IFS=: read -r verb option; do
	ok "a document's: $verb$option" grep -qw -- "$option" <(help_of $verb)
done < <(written)

# --- bash ---------------------------------------------------------------------------------------------

# completed WORD...: what bash offers for the last one, as if the line had been typed.
completed() {
	bash --norc -c '
		. completion/flushctl.bash
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		set -- $(complete -p flushctl)
		"$3" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$BIN/flushctl" "$@" 2>&1 | paste -sd ' '
}

is "verbs are offered" "$(completed '')" "$(verbs | paste -sd ' ')"
is "those that begin so" "$(completed sta)" "status"
is "options of the program" "$(completed --v)" "--version"
is "a verb behind one" "$(completed --spool /x sta)" "status"
is "behind one with its value" "$(completed --spool = /x sta)" "status"
is "a verb behind site" "$(completed site re)" "remove refresh"
is "with its options behind it" "$(completed site add --sh)" "--shell"
is "and what may follow one of them" "$(completed site add --shell '')" "mini none"
is "behind its value, too" "$(completed site add --shell = none --dr)" "--dry-run"
for verb in "${whole_verbs[@]}"; do
	is "all options of $verb" "$(completed $verb --)" "$(help_of $verb | options_of)"
done
mkdir -p "$SCRATCH/dir/sub" "$SCRATCH/dir/other"
touch "$SCRATCH/dir/subfile"
is "directories for a spool" "$(completed --spool "$SCRATCH/dir/su")" "$SCRATCH/dir/sub"
is "for a jail" "$(completed site add "$SCRATCH/dir/su")" "$SCRATCH/dir/sub"
is "files for a socket" "$(completed status --socket "$SCRATCH/dir/sub" | tr ' ' '\n' | sort | paste -sd ' ')" \
	"$SCRATCH/dir/sub $SCRATCH/dir/subfile"
is "nothing for a number" "$(completed watch --interval '')" ""
is "nothing where there is no spool" "$(completed --spool /nowhere show '')" ""
is "nothing where nobody listens" "$(completed status --config "$SCRATCH/dir" --site '')" ""

spool_create "$SCRATCH/spool"
for n in 1 2 3; do
	"$BIN/mini_sendmail" -i -f "a$n@site.test" b@example.org <<<"text"
done
ids=$(queue_field queue_id | paste -sd ' ')
is "ids are offered" "$(completed --spool "$SPOOL" show '')" "$ids"
is "of the spool that the environment names" "$(completed retry '')" "$ids"
is "more than one" "$(completed --spool "$SPOOL" release "${ids%% *}" "${ids##* }")" "${ids##* }"
exec {lock}<"$SPOOL"
flock "$lock"
begin=$(now_us)
is "of a spool that is busy there are none" "$(completed --spool "$SPOOL" show '')" ""
at_most "and nobody waits for it, ms" $((($(now_us) - begin) / 1000)) 5000
exec {lock}<&-

mkdir -p "$SCRATCH/etc/sites.d"
for name in shop blog; do
	printf 'root = /srv/%s\nuser = nobody\n' "$name" >"$SCRATCH/etc/sites.d/$name.conf"
done
is "sites are offered to be removed" "$(completed --config "$SCRATCH/etc" site remove '')" "blog shop"
is "or checked" "$(completed site check --config "$SCRATCH/etc" sh)" "shop"
is "but none where all are meant" "$(completed site list --config "$SCRATCH/etc" '')" ""
is "or looked at, though flushd does not run" "$(completed list --config "$SCRATCH/etc" --site s)" "shop"
is "in front of the verb, too" "$(completed --config = "$SCRATCH/etc" --site = '')" "blog shop"

mkdir -p "$SCRATCH/many/sites.d"
for n in {1000..1300}; do
	printf 'root = /srv/%s\nuser = nobody\n' "$n" >"$SCRATCH/many/sites.d/site$n.conf"
done
is "of very many some" "$(completed --config "$SCRATCH/many" --site '' | wc -w)" 200
is "until they are few" "$(completed --config "$SCRATCH/many" --site site129 | wc -w)" 10

# Two jails, each with a spool and its mail.
jails() {
	local name uid=20000
	chmod 755 "$SCRATCH"
	mkdir -p "$SCRATCH/sites/sites.d"
	for name in shop blog; do
		uid=$((uid + 1))
		mkdir -p "$SCRATCH/jails/$name/mail"
		"$BIN/flushctl" init "$SCRATCH/jails/$name/mail/spool" --user "$uid"
		printf 'root = %s\nuser = %s\nspool = /mail/spool\n' "$SCRATCH/jails/$name" "$uid" >"$SCRATCH/sites/sites.d/$name.conf"
		MINI_SENDMAIL_SPOOL=$SCRATCH/jails/$name/mail/spool "$BIN/mini_sendmail" -i -f "a@$name.test" b@example.org <<<"text"
	done
}
if [ "$(id -u)" -eq 0 ]; then
	jails
	ids=$("$BIN/flushctl" --config "$SCRATCH/sites" list --json |
		sed -E 's/.*"queue_id": "([^"]*)".*"site": "([^"]*)".*/\2\/\1/' | paste -sd ' ')
	is "there are two messages" "$(tr ' ' '\n' <<<"$ids" | cut -d / -f 1 | paste -sd ' ')" "blog shop"
	is "ids of all sites are SITE/ID" "$(completed --config "$SCRATCH/sites" hold '')" "$ids"
	is "those of one that is begun" "$(completed --config "$SCRATCH/sites" show shop/)" "${ids#* }"
	is "with --all-sites, too" "$(completed --config "$SCRATCH/sites" retry --all-sites '')" "$ids"
	is "of one site that is named they are ids" "$(completed --config "$SCRATCH/sites" --site shop show '')" "${ids##*/}"
	is "and of one spool" "$(completed --spool "$SCRATCH/jails/shop/mail/spool" show '')" "${ids##*/}"
else
	skip "ids of all sites are SITE/ID" "needs root"
fi

# shellcheck disable=SC2016 # nobody is to expand it
hostile='{"site":"$(touch '"$SCRATCH"'/harm)"}
{"site":"a;b"}
{"site":"well-known.example"}
{"relay":"x"}'
perl -MIO::Socket::UNIX -e '
	my ($path, $words) = @ARGV;
	my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => 5) or die;
	while (my $c = $s->accept) { print $c "$words\n"; close $c }
' "$SCRATCH/socket" "$hostile" &
at_exit "end_child $! || true"
wait_until 10 test -S "$SCRATCH/socket"
is "names of sites are offered, and nothing is run" "$(completed status --socket "$SCRATCH/socket" --site '')" "well-known.example"
ok "whatever they are" test ! -e "$SCRATCH/harm"
is "also as one word" "$(completed check --socket "$SCRATCH/socket" --site = we)" "well-known.example"

# --- where it is --------------------------------------------------------------------------------------

if [ -e mini_sendmail ]; then
	make -s install DESTDIR="$SCRATCH/root" PREFIX=/usr >"$SCRATCH/install" 2>&1
	ok "it is installed" cmp completion/flushctl.bash "$SCRATCH/root/usr/share/bash-completion/completions/flushctl"
else
	skip "it is installed" "the programs of a release are not here"
fi
done_testing
